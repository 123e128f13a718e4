# Real hosts on one machine: systemd-nspawn machines with their own systemd, sshd and network namespace, on overlays of one base
# image, joined by the emulated WAN (docs/lab.md). Sourced; needs root. Everything lives in namespaces of processes and mounts of
# its own, so that nothing outlives the test, however that ends.
hosts_cache=${SONDE_HOSTS_CACHE:-$HOME/.cache/sonde-hosts}
hosts_packages=systemd,systemd-sysv,dbus,openssh-server,python3,python3-apt,iproute2,sudo,ca-certificates,init-system-helpers,nftables,ufw

hosts_can() { # says why not
  [ "$(id -u)" = 0 ] || { echo "not root" && return 1; }
  local program
  for program in systemd-nspawn mmdebstrap ansible-playbook ssh ip jq; do
    command -v $program >/dev/null || { echo "$program is not installed" && return 1; }
  done
  unshare --net --mount --pid --fork --mount-proc true 2>/dev/null || { echo "namespaces are not permitted" && return 1; }
  [ -c /dev/net/tun ] || { echo "there is no /dev/net/tun" && return 1; }
  [ -n "$(hosts_groups)" ] || { echo "no cgroup can be made" && return 1; }
}

# ---- the base image, made once for what is in it and kept

# hosts_image LIBRARIES: sets hosts_base; LIBRARIES: Debian packages that the guests need, since they reach no mirror
hosts_image() {
  local release wanted="$hosts_packages,$1"
  release=$(. /etc/os-release && echo "${VERSION_CODENAME:-unknown}")
  hosts_base=$hosts_cache/base-$release-$(printf '%s\n' "$wanted" "$(declare -f hosts_make_image)" | sha256sum | cut -c1-12)
  if [ -e "$hosts_base/.complete" ]; then touch "$hosts_base" && return 0; fi
  mkdir -p "$hosts_cache"
  exec {lock}>"$hosts_cache/lock"
  flock "$lock"
  local status=0
  if [ ! -e "$hosts_base/.complete" ]; then
    echo "make the image of the hosts (about half a minute)"
    rm -rf "$hosts_base" # it was not finished
    find "$hosts_cache" -maxdepth 1 -name 'base-*' -mtime +2 -exec rm -rf {} + # another release's, or an older list's
    hosts_make_image "$release" "$wanted" && touch "$hosts_base/.complete" || status=1
  fi
  exec {lock}>&-
  return $status
}

hosts_make_image() { # hosts_make_image RELEASE PACKAGES: from this machine's own mirrors, or else from Debian's
  local options=(--quiet --variant=minbase "--include=$2") sources=() file line
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources}; do
    if [ -r "$file" ] && grep -qE 'debian|ubuntu' "$file"; then sources+=("$file"); fi
  done
  while read -r line; do options+=("--aptopt=$line"); done < <(apt-config dump | grep -iE '^Acquire::(https?::)?proxy')
  { [ ${#sources[@]} -gt 0 ] && mmdebstrap "${options[@]}" "$1" "$hosts_base" "${sources[@]}"; } 2>"$hosts_cache/image.log" ||
    { rm -rf "$hosts_base" && mmdebstrap "${options[@]}" "$1" "$hosts_base"; } 2>>"$hosts_cache/image.log" ||
    { tail -5 "$hosts_cache/image.log" && return 1; }
  # Nothing that wakes up by itself, no terminals, nobody else's keys.
  chroot "$hosts_base" systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
    console-getty.service getty.target systemd-timesyncd.service systemd-networkd.service systemd-resolved.service >/dev/null 2>&1
  chroot "$hosts_base" useradd --create-home --shell /bin/bash deploy || return 1
  echo 'deploy ALL=(ALL) NOPASSWD: ALL' >"$hosts_base/etc/sudoers.d/deploy"
  rm -rf "$hosts_base"/etc/ssh/ssh_host_* "$hosts_base/etc/machine-id" "$hosts_base"/var/cache/apt/archives/*.deb
}

# ---- namespaces for all of it

# hosts_isolated COMMAND...: runs it where processes, mounts and named network namespaces are its own, and leaves nothing behind
hosts_isolated() {
  local status=0
  hosts_sweep
  hosts_work=$(mktemp -d /var/tmp/sonde-hosts.XXXXXX)
  echo $$ >"$hosts_work/owner"
  export hosts_work
  # Locks of whoever called must not be held by what runs in there.
  hosts_share unshare --mount --pid --fork --kill-child --mount-proc --propagation private "$@" 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
  hosts_inside=$!
  trap 'kill -KILL $hosts_inside 2>/dev/null; wait $hosts_inside 2>/dev/null; hosts_remove "$hosts_work"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  wait $hosts_inside || status=$?
  return $status
}

# hosts_share COMMAND...: becomes it, and weighs half as much with all that it starts as what else runs here. `nice` is not
# enough: guests have sessions of their own, and the scheduler weighs sessions.
hosts_share() {
  local group=/sys/fs/cgroup/cpu/sonde-${hosts_work##*.}-all
  {
    if mkdir "$group" && echo 512 >"$group/cpu.shares"; then
      [ ! -e "$group/cpu.rt_runtime_us" ] || echo 500000 >"$group/cpu.rt_runtime_us" # agents ask for real-time priority
      echo $BASHPID >"$group/cgroup.procs"
    fi
  } 2>/dev/null
  exec "$@"
}

hosts_remove() { # hosts_remove FOLDER: what one test left outside its namespaces: control groups and an empty folder
  local i tag=${1##*.}
  for ((i = 0; i < 50; ++i)); do
    find /sys/fs/cgroup/cpu $(hosts_groups) -depth -type d -path "*/sonde-$tag-*" -exec rmdir {} \; 2>/dev/null
    [ -n "$(find /sys/fs/cgroup/cpu $(hosts_groups) -maxdepth 1 -name "sonde-$tag-*" 2>/dev/null)" ] || break
    sleep 0.1 # the kernel is still ending its processes
  done
  rm -rf --one-file-system "$1"
}

hosts_sweep() { # after one that was killed before it could clean up
  local folder
  for folder in /var/tmp/sonde-hosts.*; do
    if [ -e "$folder/owner" ] && ! kill -0 "$(cat "$folder/owner")" 2>/dev/null; then hosts_remove "$folder"; fi
  done
}

hosts_groups() { # the cgroup hierarchies that a guest's systemd manages a part of
  local path
  if [ "$(stat -f -c %T /sys/fs/cgroup 2>/dev/null)" = cgroup2fs ]; then
    echo /sys/fs/cgroup
  else
    for path in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
      if [ -w "$path/cgroup.procs" ]; then echo "$path"; fi
    done
  fi
}

# ---- the hosts; all below runs inside

hosts_begin() { # hosts_begin: memory to live in, so that nothing waits for a shared disk; a key for ssh
  hosts_tag=sonde-${hosts_work##*.}
  hosts_names=()
  mount -t tmpfs -o size=3g,mode=0755 tmpfs "$hosts_work"
  mount -t tmpfs -o mode=0755 tmpfs /run
  mkdir -p "$hosts_work/ssh" /run/netns
  ssh-keygen -q -t ed25519 -N '' -f "$hosts_work/ssh/key"
  cat >"$hosts_work/ssh/config" <<TEXT
Host *
  User root
  IdentityFile $hosts_work/ssh/key
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
  ConnectTimeout 10
  ServerAliveInterval 10
  ServerAliveCountMax 3
TEXT
}

on_control() { ip netns exec "$hosts_tag-control" "$@"; }
on_host() { # on_host NAME COMMAND...: over ssh
  on_control ssh -F "$hosts_work/ssh/config" -o ControlMaster=auto -o ControlPersist=60 -o "ControlPath=$hosts_work/ssh/%n" "$@"
}

host_files() { # host_files NAME: its own layer
  local root=$hosts_work/$1/upper
  mkdir -p "$root"/root/.ssh "$root"/etc/ssh "$hosts_work/$1"/{work,root}
  cp "$hosts_work/ssh/key.pub" "$root/root/.ssh/authorized_keys"
  chmod 700 "$root/root/.ssh"
  cp -r "$root/root/.ssh" "$hosts_work/$1/ssh"
  chown -R "$(awk -F: '$1 == "deploy" { print $3 ":" $4 }' "$hosts_base/etc/passwd")" "$hosts_work/$1/ssh"
  mkdir -p "$root/home"
  cp -a "$hosts_base/home/deploy" "$root/home/" && mv "$hosts_work/$1/ssh" "$root/home/deploy/.ssh"
  ssh-keygen -q -t ed25519 -N '' -f "$root/etc/ssh/ssh_host_ed25519_key"
  printf 'UseDNS no\nMaxStartups 100\n' >"$root/etc/ssh/sshd_config.d.conf"
  mkdir -p "$root/etc/ssh/sshd_config.d" && mv "$root/etc/ssh/sshd_config.d.conf" "$root/etc/ssh/sshd_config.d/test.conf"
  echo "$1" >"$root/etc/hostname"
  printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$1" >"$root/etc/hosts"
  systemd-id128 new >"$root/etc/machine-id"
}

host_add() { # host_add NAME ADDRESS: it is there, switched off
  ip netns add "$hosts_tag-$1"
  ip -n "$hosts_tag-$1" link set lo up
  printf '  - {name: %s, address: %s}\n' "$1" "$2" >>"$hosts_work/wan.yaml"
  [ "$1" != control ] || return 0
  printf 'Host %s\n  HostName %s\n' "$1" "$2" >>"$hosts_work/ssh/config"
  host_files "$1"
  mount -t overlay overlay -o "lowerdir=$hosts_base,upperdir=$hosts_work/$1/upper,workdir=$hosts_work/$1/work" "$hosts_work/$1/root"
  hosts_names+=("$1")
}

hosts_join() { # hosts_join PROGRAM: by the emulated WAN, which takes commands from then on
  local line
  sed -i '1i sites:' "$hosts_work/wan.yaml"
  coproc wan { exec "$1" --topology "$hosts_work/wan.yaml" --prefix "$hosts_tag-" 2>"$hosts_work/wan.log"; }
  read -r -t 10 line <&"${wan[0]}" && [ "$line" = ready ] || { echo "the emulated WAN does not start:" && cat "$hosts_work/wan.log" && return 1; }
}
wan_set() { # wan_set FROM TO KEY=VALUE...
  local line
  echo "set $*" >&"${wan[1]}"
  read -r -t 10 line <&"${wan[0]}" && [ "$line" = ok ] || { echo "$line" && return 1; }
}

host_boot() { # host_boot NAME: until it ends on purpose; a reboot of the guest (exit 133) starts it again
  local name=$1 status=133 group
  while [ $status = 133 ]; do
    (
      for group in $(hosts_groups); do
        mkdir -p "$group/$hosts_tag-$name"
        echo 0 >"$group/$hosts_tag-$name/cgroup.procs"
      done
      UNIFIED_CGROUP_HIERARCHY=1 SYSTEMD_NSPAWN_API_VFS_WRITABLE=network exec systemd-nspawn --quiet --boot --machine="$hosts_tag-$name" \
        --directory="$hosts_work/$name/root" --network-namespace-path="/run/netns/$hosts_tag-$name" --keep-unit --register=no \
        --resolv-conf=off --timezone=off --console=passive --kill-signal=SIGRTMIN+3 --capability=CAP_NET_ADMIN,CAP_BPF \
        --system-call-filter=bpf
    ) >>"$hosts_work/$name/console.log" 2>&1 </dev/null
    status=$?
  done
}

host_power_on() {
  wan_set "$1" '*' up=1 && wan_set '*' "$1" up=1
  host_boot "$1" &
  echo $! >"$hosts_work/$1/pid"
}

hosts_ready() { # hosts_ready NAME...: waits for ssh of all
  local name i
  for name in "$@"; do
    for ((i = 0; i < 120; ++i)); do
      if on_host "$name" true 2>/dev/null; then break; fi
      sleep 0.5
    done
    on_host "$name" true || { echo "$name does not answer:" && tail -20 "$hosts_work/$name/console.log" && return 1; }
  done
}

host_processes() { # everything that runs on it: systemd-nspawn itself would leave it running when it is killed
  local group
  for group in $(hosts_groups); do find "$group/$hosts_tag-$1" -name cgroup.procs -exec cat {} + 2>/dev/null; done | sort -u
}

host_power_off() { # at once, as a power cut; its network as well, since the kernel of a namespace would go on answering
  local pids
  wan_set "$1" '*' up=0 && wan_set '*' "$1" up=0
  for _ in 1 2 3 4 5; do
    mapfile -t pids < <(host_processes "$1")
    [ ${#pids[@]} -gt 0 ] || break
    kill -KILL "${pids[@]}" 2>/dev/null
    sleep 0.1
  done
  wait "$(cat "$hosts_work/$1/pid")" 2>/dev/null || true
  on_control ssh -F "$hosts_work/ssh/config" -o "ControlPath=$hosts_work/ssh/%n" -O exit "$1" 2>/dev/null || true
}
