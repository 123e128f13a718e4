#!/usr/bin/env bash
# Proves that check.sh can fail: each sample breaks one rule in an otherwise clean tree, and the message must come to the
# letter. A clean tree must pass. Ends with `N passed, N failed`.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(mktemp -d)
tally=$(mktemp)  # one letter for each sample: they run in pipes, so variables would be lost
trap 'rm -rf "$tree" "$tally"' EXIT

clean_tree() {
  rm -rf "${tree:?}"/* "$tree"/.git
  mkdir -p "$tree"/{shared/base,shared/wire,agent/core,agent/io,coordinator/core,docs,configs,tests/unit/base}
  printf '%s\n' '// A value.' '#pragma once' '#include <vector>' >"$tree/shared/base/a.h"
  printf '%s\n' '#include <sys/socket.h>' '' '#include "agent/core/c.h"' >"$tree/agent/io/b.cpp"
  printf '%s\n' '#pragma once' '#include "shared/base/a.h"' >"$tree/agent/core/c.h"
  printf '%s\n' 'void f() {' '  out.push_back(Event{Severity::info, "known_event", {}});' '}' >"$tree/coordinator/core/e.cpp"
  printf '%s\n' '# Events' '' '### `known_event`' 'See [a](a.md#x) and configs/x.yaml.' >"$tree/docs/events.md"
  printf '%s\n' '# A' >"$tree/docs/a.md"
  printf '%s\n' 'mesh: x' >"$tree/configs/x.yaml"
  printf '%s\n' 'int x;' >"$tree/tests/unit/base/a_test.cpp"
  printf '%s\n' 'sonde_tests(unit base sonde_base)' >"$tree/tests/CMakeLists.txt"
}

outcome() { # outcome GOOD NAME TEXT
  if [ "$1" = 0 ]; then
    echo p >>"$tally"
  else
    echo f >>"$tally"
    printf 'FAIL  %s\n%s\n' "$2" "$3"
  fi
}

# breaks RULE FILE EXPECTED: puts standard input into FILE of a clean tree; exactly RULE must fail, saying EXPECTED.
breaks() {
  clean_tree
  mkdir -p "$(dirname "$tree/$2")"
  cat >"$tree/$2"
  local output
  output=$("$here/check.sh" "$tree")
  local status=$?
  [ $status -eq 1 ] && grep -qF -- "$3" <<<"$output" && [ "$(grep -c '^FAIL' <<<"$output")" = 1 ] && grep -q "^FAIL  rule $1 " <<<"$output"
  outcome $? "$1 must refuse $2 with: $3" "$output"
}

clean_tree
output=$("$here/check.sh" "$tree")
outcome $? "a clean tree passes" "$output"

yes 'int x;' | head -501 | breaks file-length agent/core/long.cpp 'agent/core/long.cpp:501: longer than 500 lines'
yes '// x' | head -60 | breaks main-length agent/main.cpp 'agent/main.cpp:60: main.cpp has 60 lines or more'
{ echo 'int f(int x) {'; yes '  x += 1;' | head -69; echo '}'; } |
  breaks function-length agent/core/f.cpp 'agent/core/f.cpp:1: a function of 71 lines; 70 is the most'
{ echo 'int g();'; echo 'int f(int x,'; echo '      int y) {'; yes '  x += 1;' | head -80; echo '}'; } |
  breaks function-length agent/core/f.cpp 'agent/core/f.cpp:2: a function of 83 lines'
{ echo 'struct S {'; echo '  int f(int x) const {'; yes '    x += 1;' | head -70; echo '  }'; echo '};'; } |
  breaks function-length agent/core/f.cpp 'agent/core/f.cpp:2: a function of 72 lines'
echo '// no guard' | breaks pragma-once shared/base/g.h 'shared/base/g.h:1: a header without #pragma once'
for header in thread mutex fstream sys/socket.h netinet/in.h unistd.h zmq.hpp boost/asio.hpp curl/curl.h spdlog/spdlog.h; do
  echo "#include <$header>" | breaks pure-rooms agent/core/w.cpp "agent/core/w.cpp:1: a pure room includes <$header>"
done
echo 'auto t = std::chrono::steady_clock::now();' | breaks pure-rooms shared/base/t.cpp 'shared/base/t.cpp:1: a pure room reads the clock'
echo 'bool b = std::filesystem::exists(p);' | breaks pure-rooms coordinator/config.cpp 'coordinator/config.cpp:1: a pure room asks the file system'
echo 'const char* h = getenv("HOME");' | breaks pure-rooms coordinator/core/h.cpp 'coordinator/core/h.cpp:1: a pure room prints, sleeps'
echo '#include "coordinator/core/e.h"' | breaks arrows agent/io/x.cpp 'agent/io/x.cpp:1: includes "coordinator/core/e.h", an arrow'
echo '#include "agent/core/c.h"' | breaks arrows coordinator/core/x.cpp 'coordinator/core/x.cpp:1: includes "agent/core/c.h"'
echo '#include "agent/core/c.h"' | breaks arrows shared/wire/x.cpp 'shared/wire/x.cpp:1: includes "agent/core/c.h"'
echo '#include "shared/wire/codec.h"' | breaks arrows shared/base/x.cpp 'shared/base/x.cpp:1: includes "shared/wire/codec.h"'
echo '#include "shared/io/fd.h"' | breaks arrows agent/core/x.cpp 'agent/core/x.cpp:1: includes "shared/io/fd.h"'
echo '#include "agent/io/b.h"' | breaks arrows agent/config.cpp 'an arrow that docs/architecture.md does not have'
echo '#include <msgpack.hpp>' | breaks libraries-have-one-room agent/io/m.cpp 'agent/io/m.cpp:1: MessagePack outside shared/wire'
echo '#include <yaml-cpp/yaml.h>' | breaks libraries-have-one-room coordinator/config.cpp 'coordinator/config.cpp:1: yaml-cpp outside shared/config'
printf '%s\n' '#pragma once' '#include <nlohmann/json.hpp>' | breaks light-headers coordinator/web/j.h 'coordinator/web/j.h:2: a heavy library in a header'
printf '%s\n' '# Events' '### `other`' | breaks events-are-explained docs/events.md 'coordinator/core/e.cpp:2: the event known_event is not in docs/events.md'
printf '%s\n' '### `known_event`' '### `gone`' | breaks events-are-explained docs/events.md 'docs/events.md:2: no code emits gone'
printf '%s\n' 'void f() {' '  out.push_back(Event{Severity::warning,' '                      "long_line", {}});' '}' |
  breaks events-are-explained agent/core/l.cpp 'agent/core/l.cpp:3: the event long_line is not in docs/events.md'
echo 'page.family("sonde_new", "gauge", "x");' |
  breaks metrics-are-explained coordinator/web/prometheus_endpoint.cpp 'coordinator/web/prometheus_endpoint.cpp:1: the metric sonde_new is not in docs/metrics.md'
echo '### `sonde_gone`' | breaks metrics-are-explained docs/metrics.md 'docs/metrics.md:1: /metrics has no sonde_gone'
echo 'See [b](b.md).' | breaks links-resolve docs/c.md 'docs/c.md:1: the link b.md leads nowhere'
echo 'Use `configs/none.yaml`.' | breaks configs-exist README.md 'README.md:1: names configs/none.yaml, which does not exist'
echo 'int y;' | breaks tests-are-built tests/unit/lost/x_test.cpp 'tests/unit/lost:1: nothing builds these tests; add sonde_tests(unit lost ...)'
echo '// TO''DO later' | breaks no-left-overs agent/core/t.cpp 'agent/core/t.cpp:1: a left-over word'
echo 'see /wo''rk/x' | breaks self-contained docs/w.md 'docs/w.md:1: names something outside the repository'
printf 'int a;\t\n' | breaks no-stray-blanks agent/core/b.cpp 'agent/core/b.cpp:1: a tab; use spaces'
printf 'int a; \n' | breaks no-stray-blanks agent/core/b.cpp 'agent/core/b.cpp:1: blanks or a carriage return'
printf 'int a;' | breaks final-newline agent/core/b.cpp 'agent/core/b.cpp:0: no newline at the end'

failed=$(grep -c f "$tally")
echo "$(grep -c p "$tally") passed, $failed failed"
[ "$failed" -eq 0 ]
