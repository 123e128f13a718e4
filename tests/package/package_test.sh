#!/usr/bin/env bash
# The three Debian packages: package_test.sh FOLDER, where `./dev package` put them. What is in them, what lintian and systemd
# think of them, and that what was taken out of them runs. Ends with `N passed, N failed`.
set -uo pipefail
packages=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

outcome() { # outcome NAME STATUS OUTPUT
  if [ "$2" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)) && printf 'FAIL  %s\n%s\n' "$1" "$3"; fi
}
check() { # check NAME COMMAND...
  local name=$1 output status
  shift
  output=$("$@" 2>&1)
  status=$?
  outcome "$name" $status "$output"
}

holds() { # holds PACKAGE PATH: in it, and a plain file or folder
  dpkg-deb -c "$packages/$1"_*.deb | awk '{ print $6 }' | grep -qxF "./$2" || { echo "$1 lacks /$2" && return 1; }
}
is_conffile() { dpkg-deb --ctrl-tarfile "$packages/$1"_*.deb | tar -xO ./conffiles | grep -qxF "$2"; }
depends_on() { dpkg-deb -f "$packages/$1"_*.deb Depends | grep -q "$2" || { dpkg-deb -f "$packages/$1"_*.deb Depends && return 1; }; }
exposure_below() { # exposure_below MOST UNIT
  systemd-analyze security --offline=yes --threshold="$1" "$2" | tail -1
  return "${PIPESTATUS[0]}"
}
restarts_wait_longer() { grep -qE '^RestartSteps=|^ExecStartPre=.*NRestarts.*sleep' "$1"; }
checks_out() { # checks_out PROGRAM CONFIGURATION: what is shipped is right, though it names keys that are not there yet
  "$work/usr/bin/$1" --config "$2" --check-config
}
no_lintian_error() { lintian --allow-root --fail-on error,warning "$packages"/*.deb; }

for component in agent coordinator; do
  name=sonde-$component
  check "$name: program" holds $name usr/bin/$name
  check "$name: unit" holds $name usr/lib/systemd/system/$name.service
  check "$name: example configuration" holds $name usr/share/doc/$name/examples/$component.yaml
  check "$name: manual page" holds $name usr/share/man/man8/$name.8.gz
  check "$name: an upgrade keeps the configuration" is_conffile $name /etc/$name/$component.yaml
  check "$name: depends on what it links" depends_on $name libzmq5
  dpkg-deb -x "$packages/$name"_*.deb "$work"
  check "$name: runs" "$work/usr/bin/$name" --version
  check "$name: its configuration is right" checks_out $name "$work/etc/$name/$component.yaml"
  if command -v systemd-analyze >/dev/null; then
    unit=$work/usr/lib/systemd/system/$name.service
    check "$name: exposure at most 2.0" exposure_below 20 "$unit"
    check "$name: restarts wait longer each time" restarts_wait_longer "$unit"
    sed -i "s|/usr/bin/sonde|$work/usr/bin/sonde|" "$unit"
    check "$name: unit verifies" systemd-analyze verify --man=no "$unit"
  else
    echo "skipped: systemd-analyze is not installed"
  fi
done
check "sonde: program" holds sonde usr/bin/sonde
check "sonde: completion" holds sonde usr/share/bash-completion/completions/sonde
check "sonde: manual page" holds sonde usr/share/man/man1/sonde.1.gz
if command -v lintian >/dev/null; then
  check "lintian finds nothing" no_lintian_error
else
  echo "skipped: lintian is not installed"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
