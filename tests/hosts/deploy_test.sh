#!/usr/bin/env bash
# From packages and an inventory to a running mesh, on real hosts (hosts.sh) with the real ansible-playbook over ssh:
# deploy_test.sh FOLDER, where `./dev package` put the packages. Ends with `N passed, N failed`.
set -uo pipefail
packages=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/hosts/hosts.sh
passed=0
failed=0

if ! why=$(hosts_can); then
  echo "skipped: $why"
  exit 0
fi

libraries() { # what the packages need beside each other, as mmdebstrap wants it
  local file
  for file in "$packages"/*.deb; do dpkg-deb -f "$file" Depends; done | tr ',' '\n' | sed 's/(.*//; s/ //g' | sort -u | paste -sd,
}
check() { # check NAME COMMAND...
  local name=$1 output status
  shift
  output=$("$@" 2>&1)
  status=$?
  if [ $status = 0 ]; then
    passed=$((passed + 1)) && echo "ok    $name"
  else
    failed=$((failed + 1)) && printf 'FAIL  %s\n%s\n' "$name" "$(tail -n 60 <<<"$output")"
  fi
}

inventory() { # inventory SITE=ADDRESS...
  local pair
  mkdir -p "$hosts_work/inventory"
  {
    printf 'all:\n  vars:\n    ansible_user: root\n    ansible_ssh_common_args: -F %s/ssh_config\n    sonde_packages: %s\n    sonde_mesh: test\n' "$hosts_work" "$packages"
    printf '    sonde_probes:\n      latency: {rate: 10/s, every: 1s, timeout: 500ms}\n      connect: {every: 1s, timeout: 500ms}\n      throughput: {every: 20s, duration: 500ms, max_duration: 1s, max_bytes: 1MB}\n'
    printf 'sonde_coordinator:\n  hosts:\n    monitor: {ansible_host: 10.77.0.1}\nsonde_agents:\n  hosts:\n'
    for pair in "$@"; do printf '    %s: {ansible_host: %s, sonde_groups: [test]}\n' "${pair%=*}" "${pair#*=}"; done
  } >"$hosts_work/inventory/hosts.yml"
}
play() { # play PLAYBOOK OPTIONS...: its whole output stays in plays.log
  on_control env ANSIBLE_CONFIG=ansible/ansible.cfg ANSIBLE_NOCOLOR=1 ansible-playbook -i "$hosts_work/inventory/hosts.yml" "ansible/$1" "${@:2}" 2>&1 |
    tee -a "$hosts_work/plays.log"
}
changes_nothing() {
  local output
  output=$(play site.yml) || { echo "$output" && return 1; }
  ! grep -E 'changed=[1-9]|failed=[1-9]|unreachable=[1-9]' <<<"$output"
}
eventually() { # eventually SECONDS COMMAND...
  local until=$((SECONDS + $1))
  shift
  while ! "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $until ] || { "$@" && return 1; }
    sleep 0.5
  done
}
matrix_is_full() { # matrix_is_full LINKS [METRIC]: so many cells, all of them fine
  on_host monitor "sonde --format json matrix --metric ${2:-rtt}" |
    jq -e --argjson n "$1" '(.cells | length == $n) and ([.cells[] | select(.state == "ok")] | length == $n)'
}
no_secret_left_its_host() {
  local name secret
  for name in "${hosts_names[@]}"; do
    secret=$(on_host "$name" "cat /etc/sonde-*/*.secret") || continue
    ! grep -rF -- "$secret" "$hosts_work/plays.log" ansible "$hosts_work/inventory" || return 1
    for other in "${hosts_names[@]}"; do
      [ "$other" = "$name" ] || ! on_host "$other" "cat /etc/sonde-*/* 2>/dev/null" | grep -qF -- "$secret" || return 1
    done
  done
}
started_at() { on_host "$1" "systemctl show -p ActiveEnterTimestampMonotonic --value sonde-agent"; }
installing_starts_nothing() {
  on_host berlin "dpkg -i --force-depends /root/sonde-agent.deb && systemctl is-enabled sonde-agent && ! systemctl is-active sonde-agent && systemctl start sonde-agent && ! systemctl is-active sonde-agent"
}

hosts_image "$(libraries)" || { echo "skipped: no image of a host can be made here (see above)" && exit 0; }
hosts_begin
trap hosts_end EXIT
host_up monitor 10.77.0.1
host_up berlin 10.77.0.10
host_up athens 10.77.0.20
host_up gdansk 10.77.0.30
hosts_ready || { echo "0 passed, 1 failed" && exit 1; }

inventory berlin=10.77.0.10 athens=10.77.0.20
on_host berlin "cat >/root/sonde-agent.deb" <"$(ls "$packages"/sonde-agent_*.deb)"
check "installing a package starts nothing" installing_starts_nothing
check "check mode on bare hosts" play site.yml --check --diff
check "the first run" play site.yml
check "the matrix fills" eventually 30 matrix_is_full 2
check "a second run changes nothing" changes_nothing

berlin_started=$(started_at berlin)
inventory berlin=10.77.0.10 athens=10.77.0.20 gdansk=10.77.0.30
check "a site more" play site.yml
check "it is in the matrix, for all" eventually 30 matrix_is_full 6
check "throughput as well" eventually 40 matrix_is_full 6 throughput
check "the other agents were not restarted" test "$berlin_started" = "$(started_at berlin)"

old_key=$(on_host athens cat /etc/sonde-agent/agent.public)
check "new keys" play rotate_keys.yml --limit athens
check "it has another key" test "$old_key" != "$(on_host athens cat /etc/sonde-agent/agent.public)"
check "and is in the mesh with it" eventually 30 matrix_is_full 6
check "no secret left its host" no_secret_left_its_host
check "the playbook finds it as it left it" changes_nothing

host_power_off gdansk
check "removal" play remove.yml -e '{"sonde_removed": ["gdansk"]}'
check "the matrix knows two sites" eventually 15 matrix_is_full 2
check "berlin's agent ran all the time" test "$berlin_started" = "$(started_at berlin)"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
