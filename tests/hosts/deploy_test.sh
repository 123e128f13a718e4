#!/usr/bin/env bash
# From packages and an inventory to a running mesh, on real hosts (hosts.sh) with the real ansible-playbook over ssh:
# deploy_test.sh BUILD, the folder where Sonde was built. Ends with `N passed, N failed`. With SONDE_HOSTS_PAUSE set it stops where
# a check fails, and says how to look around; with SONDE_HOSTS_LOGS set to a folder, what the playbooks said is left there.
set -uo pipefail
build=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/hosts/hosts.sh
packages=$build/hosts/packages
newer=$build/hosts/newer
wan=$build/bin/sonde-wan

make_packages() { # make_packages FOLDER [VERSION]: as `./dev package` does
  rm -rf "$1"
  (cd "$build" && cpack -G DEB -B "$1" ${2:+-D CPACK_PACKAGE_VERSION="$2"}) >"$build/hosts.log" 2>&1 || { cat "$build/hosts.log" && return 1; }
  rm -rf "$1/_CPack_Packages"
}
make_newer() { # another version, whose configuration as it is shipped is another one, too
  local package version work
  make_packages "$newer" "$(dpkg-deb -f "$(ls "$packages"/sonde_*.deb)" Version)+newer" || return 1
  package=$(ls "$newer"/sonde-agent_*.deb)
  work=$newer/sonde-agent
  dpkg-deb -R "$package" "$work" && echo '# of the newer version' >>"$work/etc/sonde-agent/agent.yaml" &&
    dpkg-deb -b --root-owner-group "$work" "$package" >/dev/null && rm -r "$work"
}
libraries() { # what the packages need beside each other, as mmdebstrap wants it
  local file
  for file in "$packages"/*.deb; do dpkg-deb -f "$file" Depends; done | tr ',' '\n' | sed 's/(.*//; s/|.*//; s/ //g' | sort -u | paste -sd,
}

if [ $$ != 1 ]; then
  if ! why=$(hosts_can); then
    echo "skipped: $why"
    exit 0
  fi
  mkdir -p "$build/hosts"
  make_packages "$packages" && make_newer || exit 1
  hosts_image "$(libraries)" || { echo "skipped: no image of a host can be made here (see above)" && exit 0; }
  export hosts_base
  hosts_isolated "tests/hosts/$(basename "$0")" "$build"
  exit
fi

passed=0
failed=0
check() { # check NAME COMMAND...
  local name=$1 output status began=$SECONDS
  shift
  output=$("$@" 2>&1)
  status=$?
  if [ $status = 0 ]; then
    passed=$((passed + 1)) && printf 'ok    %-60s %3d s\n' "$name" $((SECONDS - began))
  else
    failed=$((failed + 1)) && printf 'FAIL  %-60s %3d s\n%s\n' "$name" $((SECONDS - began)) "$(tail -n 60 <<<"$output")"
    pause
  fi
}
pause() {
  [ -n "${SONDE_HOSTS_PAUSE:-}" ] || return 0
  echo "waits for $hosts_work/go; to look around: nsenter -a -t PID, PID being the oldest child of unshare"
  while [ ! -e "$hosts_work/go" ]; do sleep 1; done
  rm "$hosts_work/go"
}

declare -A address=([control]=10.77.0.254 [monitor]=10.77.0.1 [tower]=10.77.0.2 [berlin]=10.77.0.10 [athens]=10.77.0.20 [gdansk]=10.77.0.30 [paris]=10.77.0.40 [oslo]=10.77.0.50)

# ---- the control machine

inventory() { # inventory SITE...: the mesh, by the variables `probes` and `alerts`
  local site
  mkdir -p "$hosts_work/inventory"
  {
    printf 'all:\n  vars:\n    ansible_user: deploy\n    ansible_ssh_common_args: -F %s/ssh/config\n    sonde_packages: %s\n    sonde_mesh: test\n' "$hosts_work" "$hosts_work/packages"
    printf '    sonde_probes: %s\n    sonde_alerts: %s\n' "$probes" "$alerts"
    printf 'sonde_coordinator:\n  hosts:\n    %s: {ansible_host: %s}\nsonde_agents:\n  hosts:\n' "$coordinator" "${address[$coordinator]}"
    for site in "$@"; do printf '    %s: {ansible_host: %s, sonde_groups: [test]}\n' "$site" "${address[$site]}"; done
  } >"$hosts_work/inventory/hosts.yml"
}
probes='{latency: {rate: 10/s, every: 2s, timeout: 1s}, connect: {every: 5s, timeout: 2s}, throughput: {every: 30s, duration: 500ms, max_duration: 1s, max_bytes: 1MB}}'
alerts='{throughput: off}' # whose rule would need minutes to clear
coordinator=monitor

play() { # play PLAYBOOK OPTIONS...: all of its output stays in plays.log
  local status=0
  on_control env ANSIBLE_CONFIG=ansible/ansible.cfg ANSIBLE_NOCOLOR=1 ANSIBLE_HOME="$hosts_work/ansible" ANSIBLE_SSH_CONTROL_PATH_DIR="$hosts_work/cp" \
    ansible-playbook -i "$hosts_work/inventory/hosts.yml" "ansible/$1" "${@:2}" >"$hosts_work/play.log" 2>&1 || status=$?
  cat "$hosts_work/play.log" >>"$hosts_work/plays.log"
  cat "$hosts_work/play.log"
  return $status
}
changes_nothing() {
  local output status=0
  output=$(play site.yml "$@") || status=$?
  echo "$output"
  ! grep -q 'changed=[1-9]' <<<"$output" && return $status
}
not_all_reached() { # not_all_reached COMMAND...: it fails at its very end, and for no other reason
  local output
  ! output=$("$@") || { echo "$output" && return 1; }
  grep -q 'hosts that could not be reached: oslo; .* All other hosts are done' <<<"$output" &&
    [ "$(grep -c ' failed=[1-9]' <<<"$output")" = 1 ] || { echo "$output" && return 1; }
}
eventually() { # eventually SECONDS COMMAND...
  local until=$((SECONDS + $1))
  shift
  while ! "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $until ] || { "$@"; return; }
    sleep 0.5
  done
}

# ---- what is asked of the mesh

ask() { on_host "$coordinator" "sonde --format json $*"; }
matrix_is_full() { # matrix_is_full LINKS [METRIC]: so many cells, all of them with a value and fine
  ask matrix --metric "${2:-rtt}" | jq -e --argjson n "$1" '(.cells | length == $n) and ([.cells[] | select(.state == "ok")] | length == $n)'
}
samples_grew() { # samples_grew BEFORE AFTER: matrices; no link has fewer samples than it had
  jq -e -n --argjson a "$1" --argjson b "$2" '
    ($a.cells | length > 0) and all($a.cells[]; . as $old | any($b.cells[]; .from == $old.from and .to == $old.to and .count > $old.count))'
}
nothing_lost() { # nothing_lost [TIME]: every agent's results count up without gap or repetition; from the last one before TIME on
  ask results | jq -e -s --arg since "${1:-}" '
    (length > 0) and (map(.id) | length == (unique | length)) and
    (group_by(.from) | all(([.[] | select(.finished_at < $since).seq] | max) as $last | map(.seq) | ($last // min - 1) as $last |
      map(select(. > $last)) | length == (unique | length) and length == (max // $last) - $last))'
}
no_incident_since() { # no_incident_since TIME: none that blames a site or a link; that this machine is busy is no such
  local found
  found=$(ask incidents | jq --arg since "$1" '[.incidents[] | select(.started_at > $since and .cause != "agent_starved" and .cause != "clock")]')
  [ "$(jq length <<<"$found")" = 0 ] || { echo "$found" && return 1; }
}
incident_at() { # incident_at SITE STATE
  ask incidents | jq -e --arg site "$1" --arg state "$2" 'any(.incidents[]; .site == $site and .state == $state and (.cause == "site_down" or .cause == "agent_silent"))'
}
nothing_open_at() { ask incidents | jq -e --arg site "$1" 'all(.incidents[]; .site != $site or .state == "closed" or .cause == "agent_starved" or .cause == "clock")'; }
started_at() { on_host "$1" "systemctl show -p ActiveEnterTimestampMonotonic --value sonde-agent"; }
versions_are() { # versions_are VERSION HOST...: the package and the running program
  local version=$1 name
  shift
  for name in "$@"; do
    on_host "$name" "dpkg-query -W -f='\${Version}\n' 'sonde*' | sort -u; ! systemctl is-active --quiet sonde-agent || ls -l /proc/\$(systemctl show -p MainPID --value sonde-agent)/exe" |
      awk -v version="$version" 'NR == 1 && $0 != version || / \(deleted\)/ { print; bad = 1 } END { exit bad || NR == 0 }' || return 1
  done
}
no_secret_left_its_host() { # nor is it in what Ansible said with -vvv, as it is or as slurp gives it; nor in the log of its own host
  local name other secret
  for name in "${up[@]}"; do
    for secret in $(on_host "$name" "cat /etc/sonde-*/*.secret /etc/sonde-*/tokens/*.token; base64 -w 0 /etc/sonde-*/*.secret" 2>/dev/null); do
      ! grep -rqF -- "$secret" "$hosts_work/plays.log" "$hosts_work/inventory" "$hosts_work/ansible" ansible || { echo "of $name, here" && return 1; }
      ! on_host "$name" journalctl -o cat | grep -qF -- "$secret" || { echo "of $name, in its log" && return 1; }
      for other in "${up[@]}"; do
        [ "$other" = "$name" ] || ! on_host "$other" "cat /etc/sonde-*/* 2>/dev/null" | grep -qF -- "$secret" || { echo "of $name, at $other" && return 1; }
      done
    done
  done
  [ -n "${secret:-}" ]
}

# ---- steps that need more than a line

installing_starts_nothing() {
  on_host berlin "dpkg -i --force-depends /root/sonde-agent.deb && systemctl is-enabled sonde-agent && ! systemctl is-active sonde-agent && systemctl start sonde-agent && ! systemctl is-active sonde-agent"
}
untouched() { for name in "$@"; do ! on_host "$name" "ls -d /etc/sonde-* /var/cache/sonde" 2>/dev/null || return 1; done; }
nftables_is_in_use() { # what is not let in by name does not come in
  on_host "$1" "cat >/etc/nftables.conf && nft -f /etc/nftables.conf && systemctl enable nftables" <<'TEXT'
flush ruleset
table inet host {
  chain incoming {
    type filter hook input priority 0; policy drop;
    iif lo accept
    ct state established,related accept
    icmp type echo-request accept
    tcp dport 22 accept
  }
}
TEXT
}
ufw_is_in_use() { on_host "$1" "ufw allow 22/tcp && ufw --force enable"; }
firewalls_are_open() { # three ports each, and no rule twice; nftables' also when its file is loaded again
  on_host paris ufw status | tee /dev/stderr | awk '/^710[12].*# sonde/ && !/v6/' | wc -l | grep -qx 3 &&
    on_host athens "systemctl restart nftables && nft list ruleset" | tee /dev/stderr | grep -c 'accept comment "sonde_' | grep -qx 3
}
clocks_are_judged() { # no service, one that states no error, and one that has not synchronised
  local output
  on_host berlin "systemd-run --quiet --unit=chrony sleep infinity"
  on_host athens "rm -f /etc/systemd/system/systemd-timesyncd.service; systemd-run --quiet --unit=systemd-timesyncd sleep infinity"
  output=$(play site.yml --tags time) || true
  on_host berlin systemctl stop chrony
  on_host athens systemctl stop systemd-timesyncd
  grep -q 'berlin: chrony.service runs, and the clock is not synchronised' <<<"$output" && grep -q 'athens: systemd-timesyncd does not say' <<<"$output" &&
    grep -q 'gdansk: no time service runs' <<<"$output" || { echo "$output" && return 1; }
}
new_probes_arrive() { # agents go on with another policy within seconds, without a restart
  local before
  before=$(started_at berlin)
  ! configuration_says 50/s && play site.yml --tags config --check --diff | grep '^+.*50/s' && ! configuration_says 50/s || return 1
  play site.yml --tags config || return 1
  eventually 20 agents_have_the_timetable && configuration_says 50/s && [ "$(started_at berlin)" = "$before" ]
}
agents_have_the_timetable() {
  local generation
  generation=$(ask timetable | jq .generation)
  ask sites | jq -e --argjson g "$generation" '[.sites[] | select(.generation == $g)] | length == 5'
}
configuration_says() { on_host "$coordinator" cat /etc/sonde-coordinator/coordinator.yaml | grep -F -- "$1"; }
mistakes_change_nothing() { # the coordinator's own check refuses what is wrong before it takes the place of the old one
  local before output status=0
  before=$(on_host monitor sha256sum /etc/sonde-coordinator/coordinator.yaml)
  probes=${probes/rate: 50/rate: ten} inventory berlin athens gdansk paris oslo
  output=$(play site.yml --tags config) || status=$?
  inventory berlin athens gdansk paris oslo
  grep 'probes.latency.rate' <<<"$output" || { echo "$output" && return 1; }
  [ $status != 0 ] && [ "$(on_host monitor sha256sum /etc/sonde-coordinator/coordinator.yaml)" = "$before" ]
}
doctor_at() { on_host "$1" "sonde doctor --config /etc/sonde-agent/agent.yaml"; }
doctor_finds() { # doctor_finds HOST PATTERN: something is bad, and it says what to do
  local output status=0
  output=$(doctor_at "$1") || status=$?
  echo "$output"
  [ $status = 1 ] && grep -qE "^bad +$2" <<<"$output" && grep -q '^ *-> ' <<<"$output"
}

# A running service is what its unit promises: no capability, no way to write elsewhere, secrets as credentials.
unit_is_kept() { # unit_is_kept HOST SERVICE
  on_host "$1" bash -s "$2" <<'TEXT'
service=$1 pid=$(systemctl show -P MainPID "$1") bad=0
is() { [ "$2" = "$3" ] || { echo "$1 is '$2' and not '$3'" && bad=1; }; }
status() { awk -v key="$1:" '$1 == key { print $2 }' /proc/$pid/status; }
for setting in Type=notify WatchdogUSec=30s DynamicUser=yes StateDirectory=$service ProtectSystem=strict Restart=on-failure; do
  is ${setting%=*} "$(systemctl show -P ${setting%=*} $service)" ${setting#*=}
done
for set in CapEff CapPrm CapBnd CapAmb; do is $set "$(status $set)" 0000000000000000; done
is NoNewPrivs "$(status NoNewPrivs)" 1
is Seccomp "$(status Seccomp)" 2
user=$(stat -c %u /proc/$pid)
[ $user -ge 61184 ] && [ $user -le 65519 ] || { echo "user $user is not of DynamicUser's range" && bad=1; }
is state "$(stat -Lc '%u %a' /var/lib/$service/)" "$user 700"
is key "$(stat -c '%U %a' /etc/$service/*.secret)" 'root 600'
for path in /usr /etc /var /root; do ! nsenter -t $pid -m touch $path/written 2>/dev/null || { echo "$path can be written to" && bad=1; }; done
grep -z '^CREDENTIALS_DIRECTORY=' /proc/$pid/environ >/dev/null || { echo "no credentials" && bad=1; }
exit $bad
TEXT
}
restarts_by_itself() { # ended by the watchdog when it hangs, after 30 s; and it waits longer with the second restart
  local began
  on_host oslo 'kill -STOP $(systemctl show -P MainPID sonde-agent)'
  eventually 90 restarted_times 1 || return 1
  on_host oslo journalctl -u sonde-agent | grep -i 'watchdog timeout' || return 1
  on_host oslo 'kill -KILL $(systemctl show -P MainPID sonde-agent)'
  began=$SECONDS
  eventually 60 restarted_times 2 && [ $((SECONDS - began)) -ge 8 ]
}
restarted_times() { on_host oslo "systemctl is-active sonde-agent && systemctl show -P NRestarts sonde-agent" | tail -1 | grep -qx "$1"; }
edits_survived() { # the upgrade brought another configuration, and left what there was as it was
  [ "$(on_host berlin sha256sum /etc/sonde-agent/agent.yaml)" = "$1" ] && on_host berlin "tail -1 /etc/sonde-agent/agent.yaml.dpkg-dist" | grep 'newer version'
}

# ---- the coordinator's backup, with the commands of docs/operations.md, word by word

documented() { # documented HEADING N: the Nth block of commands below it
  awk -v heading="## $1" -v n="$2" '$0 == heading { inside = 1; next } /^## / { inside = 0 }
    inside && /^    / { if (!block) ++count; block = 1; if (count == n) print; next } { block = 0 }' docs/operations.md | grep . || { echo "docs/operations.md: no block $2 below $1" >&2 && return 1; }
}
do_documented() { # do_documented HOST HEADING N
  local commands
  commands=$(documented "$2" "$3") && on_host "$1" "cd /root && set -ex
$commands"
}
coordinator_moves() { # from monitor to tower
  on_host tower "mkdir -p packages && cd packages && tar -x" < <(tar -C "$hosts_work/newer" -c .)
  on_host tower "cd packages && mv * .." && do_documented tower "Moving the coordinator to another machine" 1 &&
    do_documented monitor "Moving the coordinator to another machine" 2 &&
    on_host tower "cat >/root/sonde-coordinator.tgz" < <(on_host monitor cat /root/sonde-coordinator.tgz) &&
    do_documented tower "Moving the coordinator to another machine" 3 && play site.yml -e "sonde_packages=$hosts_work/newer"
}

hosts_begin
for name in control monitor tower berlin athens gdansk paris oslo; do host_add $name "${address[$name]}"; done
hosts_join "$wan" || { echo "0 passed, 1 failed" && exit 1; }
sites=(berlin athens gdansk paris oslo)
for from in "${sites[@]}"; do for to in "${sites[@]}"; do [ "$from" = "$to" ] || wan_set "$from" "$to" delay=12ms rate=100Mbit/s; done; done
for name in monitor berlin athens gdansk paris; do host_power_on $name; done
hosts_ready monitor berlin athens gdansk paris || { echo "0 passed, 1 failed" && exit 1; }
up=(monitor berlin athens gdansk paris)
cp -r "$packages" "$hosts_work/packages"
cp -r "$newer" "$hosts_work/newer"
echo "hosts are up after $SECONDS s"

inventory berlin athens gdansk oslo
on_host berlin "cat >/root/sonde-agent.deb" <"$(ls "$packages"/sonde-agent_*.deb)"
check "installing a package starts nothing" installing_starts_nothing
check "a host with nftables" nftables_is_in_use athens
check "a host with ufw" ufw_is_in_use paris
check "check mode on bare hosts" play site.yml --check --diff
check "it changed nothing" untouched monitor athens
check "the first run, one host not to be reached" not_all_reached play site.yml -vvv
check "the matrix fills" eventually 90 matrix_is_full 6
check "a second run changes nothing" not_all_reached changes_nothing

berlin_started=$(started_at berlin)
host_power_on oslo
hosts_ready oslo
up+=(oslo)
inventory "${sites[@]}"
check "a site more, and the one that could not be reached" play site.yml
check "they are in the matrix, for all" eventually 90 matrix_is_full 20
check "throughput as well" eventually 120 matrix_is_full 20 throughput
check "the firewalls are open" firewalls_are_open
check "what is missing for a good clock" clocks_are_judged
probes=${probes/rate: 10\/s, every: 2s/rate: 50\/s, every: 1s}
inventory "${sites[@]}"
check "other probes arrive in seconds" new_probes_arrive
check "a mistake is refused and changes nothing" mistakes_change_nothing
check "the other agents were not restarted" test "$berlin_started" = "$(started_at berlin)"
check "the agent is confined as its unit says" unit_is_kept berlin sonde-agent
check "the coordinator, too" unit_is_kept monitor sonde-coordinator

since=$(date -u +%FT%TZ)
old_key=$(on_host athens cat /etc/sonde-agent/agent.public)
check "new keys" play rotate_keys.yml --limit athens -vvv
check "it has another key" test "$old_key" != "$(on_host athens cat /etc/sonde-agent/agent.public)"
check "and is in the mesh with it" eventually 90 matrix_is_full 20
old_key=$(on_host monitor cat /etc/sonde-coordinator/coordinator.public)
check "a new key for the coordinator" play rotate_keys.yml --tags coordinator -vvv
check "it has another one" test "$old_key" != "$(on_host monitor cat /etc/sonde-coordinator/coordinator.public)"
check "all are in the mesh with it" eventually 90 matrix_is_full 20
check "no agent was restarted for it" test "$berlin_started" = "$(started_at berlin)"
check "no incident came of it" no_incident_since "$since"
check "no result was lost by it" nothing_lost
check "no secret left its host" no_secret_left_its_host

check "doctor on a healthy host" doctor_at paris
on_host oslo systemctl stop sonde-agent
check "doctor finds a neighbour that is down" doctor_finds paris "to oslo"
on_host oslo "cp /etc/sonde-agent/agent.secret /root/ && cd /root && sonde keygen other && cp other.secret /etc/sonde-agent/agent.secret"
check "doctor finds a key that is not known" doctor_finds oslo coordinator
on_host oslo "cp /root/agent.secret /etc/sonde-agent/agent.secret && systemctl start sonde-agent"
check "an agent that hangs or dies is started again" restarts_by_itself
check "the mesh is whole again" eventually 90 matrix_is_full 20
check "no incident is left" eventually 180 nothing_open_at oslo

since=$(date -u +%FT%TZ)
before=$(ask matrix --window 1h)
edited=$(on_host berlin sha256sum /etc/sonde-agent/agent.yaml)
check "a rolling upgrade" play upgrade.yml -e "sonde_packages=$hosts_work/newer"
check "all have the newer version" versions_are "$(dpkg-deb -f "$(ls "$newer"/sonde_*.deb)" Version)" monitor "${sites[@]}"
check "configurations were kept" edits_survived "$edited"
check "all cells are fine" eventually 90 matrix_is_full 20
check "the matrix kept its history" samples_grew "$before" "$(ask matrix --window 1h)"
check "no false incident" no_incident_since "$since"
check "no result was lost" nothing_lost

host_power_off gdansk
check "a power cut is one incident" eventually 120 incident_at gdansk open
host_power_on gdansk
check "the host returns by itself" eventually 120 matrix_is_full 20
check "its incident is over" eventually 180 nothing_open_at gdansk
check "nothing was lost by that" nothing_lost

host_power_off gdansk
berlin_started=$(started_at berlin)
check "removal of a site whose host is gone" play remove.yml -e '{"sonde_removed": ["gdansk"]}'
check "the matrix knows four sites" eventually 60 matrix_is_full 12
check "the other agents were not restarted" test "$berlin_started" = "$(started_at berlin)"
sites=(berlin athens paris oslo)
inventory "${sites[@]}"
check "and so does the playbook, with what was taken out of the inventory" changes_nothing -e "sonde_packages=$hosts_work/newer"

host_power_on tower
hosts_ready tower
since=$(date -u +%FT%TZ)
before=$(ask matrix --window 1h)
coordinator=tower
inventory "${sites[@]}"
check "the coordinator moves to another machine" coordinator_moves
check "the matrix is there" eventually 90 matrix_is_full 12
check "with its history" samples_grew "$before" "$(ask matrix --window 1h)"
check "nothing was lost by moving" nothing_lost "$since"
check "a backup" do_documented tower "Backup and restore of the coordinator" 1
on_host tower "systemctl stop sonde-coordinator && rm /var/lib/private/sonde-coordinator/*"
check "is restored" do_documented tower "Backup and restore of the coordinator" 2
check "and the mesh goes on" eventually 90 matrix_is_full 12
check "with its history, too" samples_grew "$before" "$(ask matrix --window 1h)"
[ -z "${SONDE_HOSTS_LOGS:-}" ] || cp "$hosts_work/plays.log" "$SONDE_HOSTS_LOGS/hosts-plays.log"
echo "$passed passed, $failed failed in $SECONDS s"
[ "$failed" -eq 0 ]
