#!/usr/bin/env bash
# `./dev setup` on a machine that lacks packages: what dpkg never heard of is missing, what is there is not. A wrong answer
# here builds nothing on a fresh machine and is invisible on one that has everything. Ends with `N passed, N failed`.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../dev" # with its -euo pipefail, under which these functions run
passed=0
failed=0

expect() { # expect NAME WANTED GOT
  if [ "$2" = "$3" ]; then passed=$((passed + 1)); else failed=$((failed + 1)) && printf 'FAIL  %s: wanted "%s", got "%s"\n' "$1" "$2" "$3"; fi
}

if command -v dpkg-query >/dev/null; then
  mapfile -t got < <(missing no-such-package-1 bash no-such-package-2)
  expect "some are missing" "no-such-package-1 no-such-package-2" "${got[*]}"
  mapfile -t got < <(missing no-such-package-1)
  expect "all are missing" no-such-package-1 "${got[*]}"
  mapfile -t got < <(missing bash dpkg)
  expect "none is missing" "" "${got[*]}"
else
  echo "skipped: no dpkg here"
fi
mapfile -t got < <(wanted)
expect "what is wanted has a compiler" g++ "$(printf '%s\n' "${got[@]}" | grep -x 'g++')"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
