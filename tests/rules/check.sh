#!/usr/bin/env bash
# The repository's rules that no compiler checks. Each breach is one line, FILE:LINE: what is wrong; what would be right.
# Ends with `N passed, N failed` (rules) and exit 1 where one is broken. `check.sh [ROOT]`; selftest.sh proves that each
# rule can fail. Needs bash, grep, awk and git.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "${1:-$here/../..}" && pwd)
cd "$root" || exit 1

tally=$(mktemp)  # one letter for each rule: rules run in pipes, so variables would be lost
trap 'rm -f "$tally"' EXIT
mapfile -t all < <(git ls-files --cached --others --exclude-standard 2>/dev/null | sort -u)
[ ${#all[@]} -gt 0 ] || mapfile -t all < <(find . -type f -not -path './.git/*' -not -path './build/*' | sed 's|^\./||' | sort)

# files REGEX [BUT_NOT_REGEX]: names of the repository's files, one a line; those deleted but not yet committed are left out.
files() {
  printf '%s\n' "${all[@]}" | grep -E "$1" | { if [ $# -gt 1 ]; then grep -vE "$2"; else cat; fi; } |
    while IFS= read -r f; do [ -f "$f" ] && printf '%s\n' "$f"; done
}

# rule NAME: reads the breaches from standard input and counts the rule.
rule() {
  local breaches
  breaches=$(cat)
  if [ -z "$breaches" ]; then
    echo p >>"$tally"
    echo "ok    rule $1"
  else
    echo f >>"$tally"
    printf '%s\n' "$breaches"
    echo "FAIL  rule $1 ($(printf '%s\n' "$breaches" | wc -l) places)"
  fi
}

# scan PROGRAM FILES-REGEX [BUT-NOT]: one awk over the matching files. Lines of `awk` may call breach(text).
scan() {
  local program=$1
  shift
  local -a list
  mapfile -t list < <(files "$@")
  [ ${#list[@]} -gt 0 ] || return 0
  awk "function breach(text) { print FILENAME \":\" FNR \": \" text }
       $program" "${list[@]}"
}

code='\.(h|cpp)$'
text='(^dev$|^LICENSE$|\.(h|cpp|md|ya?ml|cmake|txt|sh|py|ts|mjs|js|css|html|json|supp|in|run)$|^\.clang|^\.ci/|^\.gitignore$)'
not_text='(package-lock\.json$|^tests/fuzz/corpus/)'
# The rooms that may touch the world (docs/architecture.md); tests drive it on purpose.
world='^(shared/io|agent/io|coordinator/(io|store|web|cli|ui))/|^(agent|coordinator)/(main|app[a-z_]*|setup)\.|^tests/'

# ---- sizes
scan 'FNR == 501 { breach("longer than 500 lines; split it by what its parts are about") }' \
  '(^dev$|\.(h|cpp|ts|mjs|sh|py|cmake|css)$|CMakeLists\.txt$)' | rule file-length
scan 'FNR == 60 { breach("main.cpp has 60 lines or more; move what it does into app.cpp") }' '(^|/)main\.cpp$' | rule main-length
scan '
  FNR == 1 { top = inner = begun = 0 }
  /^[A-Za-z_\[].*[^;}]$/ && !/^(namespace|class|struct|enum|union|extern|template|typedef|using|#)/ && !/= *\{$/ { begun = FNR }
  begun && !top && /\{$/ && (FNR == begun || /^ .*\).*\{$/) { top = begun; begun = 0 }
  !top && /;$/ { begun = 0 }
  /^}/ { if (top && FNR - top + 1 > 70) print FILENAME ":" top ": a function of " FNR - top + 1 " lines; 70 is the most, 20 the aim"; top = begun = 0 }
  /^  [A-Za-z_~].*\) ?(const |noexcept |override |final )*\{$/ && !/^  (if|for|while|switch|return|else)/ { inner = FNR }
  /^  }$/ { if (inner && !top && FNR - inner + 1 > 70) print FILENAME ":" inner ": a function of " FNR - inner + 1 " lines; 70 is the most, 20 the aim"; inner = 0 }
  ' "$code" | rule function-length
scan '
  FNR == 1 { if (name && !seen) print name ":1: a header without #pragma once; put it below the first comment"; seen = 0; name = FILENAME }
  /^#pragma once$/ { seen = 1 }
  END { if (name && !seen) print name ":1: a header without #pragma once; put it below the first comment" }' '\.h$' | rule pragma-once

# ---- the one rule: decide in pure code, act in io/
scan '
  /^#include <(thread|mutex|shared_mutex|condition_variable|future|stop_token|semaphore|latch|barrier|fstream|iostream|csignal|signal\.h|ctime|time\.h|unistd\.h|fcntl\.h|poll\.h|netdb\.h|pthread\.h|syslog\.h|dirent\.h|ifaddrs\.h)>/ ||
  /^#include <(sys|net|netinet|arpa|linux)\// || /^#include <(zmq|sqlite3|curl\/|spdlog|systemd\/|boost\/(asio|beast|process))/ {
    breach("a pure room includes " $2 "; only io/, store, web, cli, main and app touch the world: take values and the time, return values") }
  /(steady|system|high_resolution|utc|file)_clock::now|clock_gettime|gettimeofday|std::time\(/ {
    breach("a pure room reads the clock; take Now or a time as a parameter") }
  /std::(cout|cerr|clog)|[^a-z_]getenv\(|this_thread::|random_device|std::rand\(/ {
    breach("a pure room prints, sleeps, draws from the OS or reads the environment; return an Event, take a seed or a value") }
  /filesystem::(exists|create_director|remove|rename|copy|current_path|temp_directory|directory_iterator|file_size|status|is_|canonical|absolute\()/ {
    breach("a pure room asks the file system; path arithmetic is all that is allowed here") }' \
  "$code" "$world|^shared/base/error\.cpp$" | rule pure-rooms

# ---- arrows between rooms: the first row that fits a file says what it may include from the repository
scan '
  function room(files, may) { pattern[++rooms] = files; allowed[rooms] = may }
  BEGIN {
    pure = "shared/(base|measure|schedule|wire|config)/"
    room("^shared/base/", "^shared/base/")
    room("^shared/measure/", "^shared/(base|measure)/")
    room("^shared/schedule/", "^shared/(base|schedule)/")
    room("^shared/wire/", "^shared/(base|measure|schedule|wire)/")
    room("^shared/config/", "^shared/(base|measure|schedule|config)/")
    room("^shared/", "^shared/")
    room("^agent/core/", "^(" pure "|agent/core/)")
    room("^agent/io/", "^(shared/|agent/(core|io)/)")
    room("^agent/config", "^(" pure "|agent/(core/|config[a-z_]*\\.h))")
    room("^agent/", "^(shared|agent)/")
    room("^coordinator/core/", "^(" pure "|coordinator/core/)")
    room("^coordinator/store/", "^(shared/|coordinator/(core|store)/)")
    room("^coordinator/web/", "^(" pure "|coordinator/(core|store|web)/)")
    room("^coordinator/io/", "^(shared/|coordinator/(core|store|web|io)/)")
    room("^coordinator/cli/", "^(shared/|coordinator/(core/|cli/|config\\.h))")
    room("^coordinator/ui/", "^coordinator/(web|ui)/")
    room("^coordinator/config", "^(" pure "|coordinator/(core/|config[a-z_]*\\.h))")
    room("^coordinator/", "^(shared|coordinator)/")
  }
  FNR == 1 { for (mine = 1; mine < rooms && FILENAME !~ pattern[mine]; mine++) { } }
  /^#include "/ { split($0, part, "\""); if (part[2] !~ allowed[mine])
    breach("includes \"" part[2] "\", an arrow that docs/architecture.md does not have; move what is shared to a room that both may include") }' \
  "^(shared|agent|coordinator)/.*$code" | rule arrows
scan '
  /^#include <msgpack/ && FILENAME !~ /^shared\/wire\// { breach("MessagePack outside shared/wire; use codec.h") }
  /^#include <yaml-cpp/ && FILENAME !~ /^shared\/config\// { breach("yaml-cpp outside shared/config; use yaml_tree.h and fields.h") }
  /^#include <sqlite3/ && FILENAME !~ /^(shared|agent|coordinator)\/(io|store)\// { breach("SQLite outside store/ and io/; use their interface") }' \
  "$code" '^tests/' | rule libraries-have-one-room
scan '/^#include <(nlohmann\/json\.hpp|msgpack|spdlog|CLI\/|boost\/beast|yaml-cpp|sqlite3)/ {
    breach("a heavy library in a header; keep it in the .cpp (headers of io/ and store/ that only their room includes may)") }' \
  '\.h$' '/(io|store)/|^tests/' | rule light-headers

# ---- documents agree with the code
events=docs/events.md
# Codes are the names with an underscore or alone between Severity:: and the fields, and the first argument of a helper
# that makes an event: warning("code", ...), report("code", ...).
used_events() {
  scan '
    function emit(part,    name) {
      while (match(part, /"[a-z][a-z0-9_]*"/)) {
        name = substr(part, RSTART + 1, RLENGTH - 2); part = substr(part, RSTART + RLENGTH); print name "\t" FILENAME ":" FNR } }
    FNR == 1 { open = 0 }
    /^[ \t]*\/\// { next }
    match($0, /(warning|report|refusal)\("[a-z0-9_]+"/) { emit(substr($0, RSTART, RLENGTH)) }
    { rest = $0 }
    match(rest, /Severity::(info|warning|error)[ ,}]/) && rest !~ /case / { open = 3; rest = substr(rest, RSTART) }
    open { end = index(rest, "{"); emit(end ? substr(rest, 1, end) : rest); open = end ? 0 : open - 1 }' \
    "^(shared|agent|coordinator)/.*$code" | sort -u
}
{
  used_events | while IFS=$'\t' read -r name place; do
    grep -q "^### \`$name\`" "$events" 2>/dev/null ||
      echo "$place: the event $name is not in $events; add '### \`$name\`' with what it means and what to do"
  done
  if [ -f "$events" ]; then
    used=$(used_events | cut -f1)
    grep -n '^### `' "$events" | sed 's/^\([0-9]*\):### `\([a-z0-9_]*\)`.*/\1 \2/' | while read -r line name; do
      grep -rqwF "\"$name\"" shared agent coordinator --include='*.cpp' --include='*.h' ||
        { grep -qx "$name" <<<"$used" || echo "$events:$line: no code emits $name; delete its paragraph or write its name right"; }
    done
  fi
} | rule events-are-explained
metrics=docs/metrics.md
used_metrics() { # name and place of what /metrics has
  scan '
    /^[ \t]*\/\// { next }
    { part = $0; while (match(part, /"sonde_[a-z0-9_]*"/)) {
        print substr(part, RSTART + 1, RLENGTH - 2) "\t" FILENAME ":" FNR; part = substr(part, RSTART + RLENGTH) } }' '^coordinator/web/prometheus.*\.cpp$' | sort -u
}
{
  told=$(sed -n 's/^### //p' "$metrics" 2>/dev/null | grep -oE '`sonde_[a-z0-9_]*`' | tr -d '`')
  used_metrics | while IFS=$'\t' read -r name place; do
    grep -qx "$name" <<<"$told" || echo "$place: the metric $name is not in $metrics; add it to a heading there, with what it means and what to do"
  done
  for name in $told; do
    used_metrics | cut -f1 | grep -qx "$name" || echo "$metrics:$(grep -n "^### .*\`$name\`" "$metrics" | head -1 | cut -d: -f1): /metrics has no $name; delete it there or write its name right"
  done
} | rule metrics-are-explained
scan '
  FNR == 1 { fenced = 0 }
  /^ *```/ { fenced = !fenced }
  !fenced { line = $0
    while (match(line, /\]\([^)# ]+[)#]/)) {
      link = substr(line, RSTART + 2, RLENGTH - 3); line = substr(line, RSTART + RLENGTH)
      if (link ~ /^(https?|mailto):/) continue
      folder = FILENAME; if (!sub(/\/[^\/]*$/, "/", folder)) folder = ""
      path = link ~ /^\// ? substr(link, 2) : folder link
      if (system("test -e \"" path "\"") != 0) breach("the link " link " leads nowhere; the file " path " does not exist") } }' \
  '\.md$' | rule links-resolve
scan '
  { line = $0
    while (match(line, /(^|[^A-Za-z0-9_\/.-])configs\/[A-Za-z0-9_\/.-]*[A-Za-z0-9_\/]/)) {
      path = substr(line, RSTART, RLENGTH); line = substr(line, RSTART + RLENGTH); sub(/^.*configs\//, "configs/", path)
      if (system("test -e \"" path "\"") != 0) breach("names " path ", which does not exist; write the name of a file under configs/") } }' \
  '\.md$|^dev$' | rule configs-exist

# ---- tests are all run
{
  files '^tests/(unit|property|sim)/[a-z_]+/.*\.cpp$' | sed 's|^tests/\([a-z]*\)/\([a-z_]*\)/.*|\1 \2|' | sort -u | while read -r kind room; do
    grep -rqE "sonde_tests\($kind $room( |\))" tests --include=CMakeLists.txt ||
      echo "tests/$kind/$room:1: nothing builds these tests; add sonde_tests($kind $room ...) to tests/CMakeLists.txt"
  done
} | rule tests-are-built

# ---- words, whitespace. The forbidden words are written in pieces so that this file keeps its own rule.
left_over='TO''DO|FIX''ME|X''XX|HA''CK|W''IP|place''holder|not yet imple''mented'
scan "/(^|[^A-Za-z])($left_over)([^A-Za-z]|\$)/ { breach(\"a left-over word; finish it or delete it\") }" \
  "$text" "$not_text|^coordinator/ui/|^tests/ui/|^LICENSE$" | rule no-left-overs
scan "/\\/wo""rk\\/|\\.\\.\\/sha""red\\/|(hou""se|contr""act|prod""uct|environ""ment|figu""res)\\.md|\\/tmp\\/hel""pers/ {
    breach(\"names something outside the repository; say it in the repository's own words\") }" "$text" "$not_text" | rule self-contained
scan '
  /\t/ { breach("a tab; use spaces") }
  /[ \r]$/ { breach("blanks or a carriage return at the end of the line; delete them") }' \
  "$text" "$not_text|\.css$" | rule no-stray-blanks
{
  files "$text" "$not_text" | while IFS= read -r f; do
    [ ! -s "$f" ] || [ -z "$(tail -c1 "$f")" ] || echo "$f:$(wc -l <"$f"): no newline at the end of the file; add one"
  done
} | rule final-newline

failed=$(grep -c f "$tally")
echo "$(grep -c p "$tally") passed, $failed failed"
[ "$failed" -eq 0 ]
