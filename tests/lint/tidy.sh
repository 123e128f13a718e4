#!/usr/bin/env bash
# clang-tidy over every source that ships: tidy.sh COMPILE_COMMANDS_FOLDER CLANG_VERSION. A file that passed is not looked at
# again until it, a header of the repository that it reaches, its flags, .clang-tidy or an installed library changes.
# Tests are left out: their macros are not ours, and the compiler's warnings see them. Ends with `N passed, N failed`.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
commands=$1
version=$2
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sonde-tidy # shared by all checkouts: a key holds contents, not places
mkdir -p "$cache"

# One line for each source: itself and every header of the repository that it includes, however far.
closures() {
  git ls-files --cached --others --exclude-standard | grep -E '^(shared|agent|coordinator|tests/wan)/.*\.(h|cpp)$' |
    while IFS= read -r f; do [ -f "$f" ] && printf '%s\n' "$f"; done | xargs awk '
    FNR == 1 { order[++files] = FILENAME }
    /^#include "/ { split($0, part, "\""); includes[FILENAME] = includes[FILENAME] " " part[2] }
    function reach(file,    list, n, i) {
      if (seen[file] == source) return
      seen[file] = source
      line = line " " file
      n = split(includes[file], list, " ")
      for (i = 1; i <= n; i++) if (list[i] in includes || list[i] in known) reach(list[i])
    }
    END {
      for (f = 1; f <= files; f++) known[order[f]] = 1
      for (f = 1; f <= files; f++) if (order[f] ~ /\.cpp$/) { source = order[f]; line = ""; reach(source); print substr(line, 2) }
    }'
}

tools=$({ "clang-tidy-$version" --version; cat .clang-tidy; dpkg-query -W 2>/dev/null | grep -E '^((lib[^[:space:]:]*|cppzmq)-dev|nlohmann-json3-dev)[[:space:]:]'; } | sha256sum)

examine() { # examine KEY SOURCE
  local output
  if output=$("clang-tidy-$version" -p "$commands" --quiet --extra-arg=-Wno-unknown-warning-option "$2" 2>/dev/null); then
    : >"$cache/$1"
    echo "tidy ok $2"
  else
    printf 'tidy FAIL %s\n%s\n' "$2" "$output"
  fi
}
export -f examine
export commands version cache

jq -r '.[] | .file + "\t" + .command' "$commands/compile_commands.json" | sed "s|^$PWD/||; s|$PWD|.|g" >"$commands/flags.tsv"
tab=$'\t'
total=0
todo=$commands/todo
: >"$todo"
while read -r source headers; do
  grep -qF "$source$tab" "$commands/flags.tsv" || continue # not built here, so nobody knows its flags
  total=$((total + 1))
  key=$({ echo "$tools"; grep -F "$source$tab" "$commands/flags.tsv"; cat "$source" $headers; } | sha256sum | cut -d' ' -f1)
  [ -e "$cache/$key" ] || echo "$key $source" >>"$todo"
done < <(closures)
echo "clang-tidy: $(wc -l <"$todo") of $total sources are new or changed"
xargs -r -P "$(nproc)" -L1 bash -c 'examine "$0" "$1"' <"$todo" | tee "$commands/last.log"
find "$cache" -type f -mtime +30 -delete
failed=$(grep -c '^tidy FAIL' "$commands/last.log")
echo "$((total - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
