# Real hosts on one machine: systemd-nspawn machines with their own systemd, sshd and network namespace, on overlays of one base
# image, joined by a bridge. Sourced; the caller calls hosts_begin once, host_up for each, hosts_end at last. Needs root.
hosts_cache=${SONDE_HOSTS_CACHE:-$HOME/.cache/sonde-hosts}
hosts_base=$hosts_cache/base-$(. /etc/os-release && echo "${VERSION_CODENAME:-unknown}")
hosts_packages=systemd,systemd-sysv,dbus,openssh-server,python3,python3-apt,iproute2,sudo,ca-certificates,init-system-helpers,nftables

hosts_can() { # says why not
  [ "$(id -u)" = 0 ] || { echo "not root" && return 1; }
  local program
  for program in systemd-nspawn mmdebstrap ansible-playbook ssh-keygen ip; do
    command -v $program >/dev/null || { echo "$program is not installed" && return 1; }
  done
  unshare -n true 2>/dev/null || { echo "network namespaces are not permitted" && return 1; }
}

# hosts_image LIBRARIES: the base image, made once; LIBRARIES: Debian packages that the guests need, since they reach no mirror
hosts_image() {
  local want="$hosts_packages,$1"
  [ "$(cat "$hosts_base/.packages" 2>/dev/null)" = "$want" ] && return 0
  echo "make the image of the hosts (about half a minute)"
  rm -rf "$hosts_base"
  mkdir -p "$hosts_cache"
  mmdebstrap --quiet --variant=minbase --include="$want" "$(basename "$hosts_base" | cut -d- -f2-)" "$hosts_base" /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>"$hosts_cache/image.log" ||
    mmdebstrap --quiet --variant=minbase --include="$want" "$(basename "$hosts_base" | cut -d- -f2-)" "$hosts_base" http://deb.debian.org/debian 2>"$hosts_cache/image.log" ||
    { tail -5 "$hosts_cache/image.log" && return 1; }
  # Nothing that wakes up by itself, no terminals.
  chroot "$hosts_base" systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
    console-getty.service getty.target systemd-timesyncd.service >/dev/null 2>&1
  rm -f "$hosts_base"/etc/ssh/ssh_host_* "$hosts_base/etc/machine-id"
  echo "$want" >"$hosts_base/.packages"
}

hosts_begin() { # hosts_begin: a folder, a bridge in a namespace of its own, a key for ssh
  hosts_tag=sh$$
  hosts_work=$(mktemp -d /var/tmp/sonde-hosts.XXXXXX)
  hosts_names=()
  ip netns add "$hosts_tag"
  ip -n "$hosts_tag" link set lo up
  ip -n "$hosts_tag" link add br0 type bridge
  ip -n "$hosts_tag" addr add 10.77.0.254/24 dev br0
  ip -n "$hosts_tag" link set br0 up
  ssh-keygen -q -t ed25519 -N '' -f "$hosts_work/ssh"
}

on_control() { ip netns exec "$hosts_tag" "$@"; }
on_host() { # on_host NAME COMMAND...: over ssh
  local name=$1
  shift
  on_control ssh -F "$hosts_work/ssh_config" "$name" "$@"
}

host_files() { # host_files NAME ADDRESS: its own layer
  local root=$hosts_work/$1/upper
  mkdir -p "$root"/root/.ssh "$root"/etc/ssh "$root"/etc/systemd/network "$hosts_work/$1"/{work,root}
  cp "$hosts_work/ssh.pub" "$root/root/.ssh/authorized_keys"
  chmod 700 "$root/root/.ssh"
  ssh-keygen -q -t ed25519 -N '' -f "$root/etc/ssh/ssh_host_ed25519_key"
  echo "$1" >"$root/etc/hostname"
  systemd-id128 new >"$root/etc/machine-id"
}

host_network() { # host_network NAME ADDRESS
  local ns=$hosts_tag-$1
  ip netns add "$ns"
  ip -n "$hosts_tag" link add "v-$1" type veth peer name host0 netns "$ns"
  ip -n "$hosts_tag" link set "v-$1" master br0 up
  ip -n "$ns" link set lo up
  ip -n "$ns" addr add "$2/24" dev host0
  ip -n "$ns" link set host0 up
}

host_boot() { # host_boot NAME: until it ends on purpose; a reboot of the guest (exit 133) starts it again
  local name=$1 status=133 group path
  for group in systemd unified; do
    path=/sys/fs/cgroup/$group/$hosts_tag-$name
    if [ -d /sys/fs/cgroup/$group ]; then mkdir -p "$path"; fi
  done
  while [ $status = 133 ]; do
    (
      for group in systemd unified; do
        path=/sys/fs/cgroup/$group/$hosts_tag-$name
        if [ -d "$path" ]; then echo $BASHPID >"$path/cgroup.procs"; fi
      done
      UNIFIED_CGROUP_HIERARCHY=1 SYSTEMD_NSPAWN_API_VFS_WRITABLE=network exec systemd-nspawn --quiet --boot --machine="$hosts_tag-$name" \
        --directory="$hosts_work/$name/root" --network-namespace-path="/run/netns/$hosts_tag-$name" --keep-unit --register=no \
        --resolv-conf=off --timezone=off --console=passive --kill-signal=SIGRTMIN+3 --capability=CAP_NET_ADMIN,CAP_BPF \
        --system-call-filter=bpf
    ) >>"$hosts_work/$name/console.log" 2>&1 </dev/null
    status=$?
  done
}

host_up() { # host_up NAME ADDRESS
  host_files "$1" "$2"
  host_network "$1" "$2"
  mount -t overlay overlay -o "lowerdir=$hosts_base,upperdir=$hosts_work/$1/upper,workdir=$hosts_work/$1/work" "$hosts_work/$1/root"
  printf 'Host %s %s\n  HostName %s\n  User root\n  IdentityFile %s\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  LogLevel ERROR\n  ConnectTimeout 5\n' \
    "$1" "$2" "$2" "$hosts_work/ssh" >>"$hosts_work/ssh_config"
  host_boot "$1" &
  echo $! >"$hosts_work/$1/pid"
  hosts_names+=("$1")
}

hosts_ready() { # waits for ssh of all
  local name i
  for name in "${hosts_names[@]}"; do
    for ((i = 0; i < 240; ++i)); do
      if on_host "$name" true 2>/dev/null; then break; fi
      sleep 0.5
    done
    on_host "$name" true || { echo "$name does not answer:" && tail -20 "$hosts_work/$name/console.log" && return 1; }
  done
}

host_processes() { # everything that runs on it: systemd-nspawn itself would leave it running when it is killed
  find /sys/fs/cgroup/systemd/"$hosts_tag-$1" /sys/fs/cgroup/unified/"$hosts_tag-$1" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -u
}

host_power_off() { # at once, as a power cut
  local pids
  for _ in 1 2 3 4 5; do
    mapfile -t pids < <(host_processes "$1")
    [ ${#pids[@]} -gt 0 ] || break
    kill -KILL "${pids[@]}" 2>/dev/null
    sleep 0.1
  done
  wait "$(cat "$hosts_work/$1/pid")" 2>/dev/null || true
}

hosts_end() {
  local name
  for name in "${hosts_names[@]}"; do host_power_off "$name"; done
  sleep 0.3
  for name in "${hosts_names[@]}"; do
    umount -l "$hosts_work/$name/root" 2>/dev/null
    ip netns del "$hosts_tag-$name" 2>/dev/null
    find /sys/fs/cgroup/*/"$hosts_tag-$name" -depth -type d -exec rmdir {} \; 2>/dev/null
  done
  ip netns del "$hosts_tag" 2>/dev/null
  rm -rf "$hosts_work"
}
