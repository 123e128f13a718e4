#!/usr/bin/env bash
# Every C++ source is as clang-format-19 writes it. format.sh [--fix]
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if ! command -v clang-format-19 >/dev/null; then
  echo "skipped: clang-format-19 is not installed, and other versions write other code"
  exit 0
fi
sources() {
  git ls-files --cached --others --exclude-standard | grep -E '\.(h|cpp)$' | while IFS= read -r f; do [ -f "$f" ] && printf '%s\n' "$f"; done
}
if [ "${1:-}" = --fix ]; then
  sources | xargs clang-format-19 -i
else
  found=$(sources | xargs clang-format-19 --dry-run -Werror 2>&1 | grep -E 'error:' |
    sed 's/error: .*/not as clang-format writes it; run tests\/lint\/format.sh --fix/' | sort -u -t: -k1,1)
  [ -z "$found" ] || { echo "$found" && exit 1; }
fi
