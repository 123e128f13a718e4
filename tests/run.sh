# What `./dev test` runs; sourced by dev, whose build() and say() it uses. Every check has a name (lint.rules, unit.wire,
# asan.unit.wire, page); a filter is a name, the beginning of names up to a dot, or a pattern with *.
#
# Most of the time of an end-to-end test is spent waiting. So there are two lanes: what needs the CPU (programs without
# a clock, the browser) runs side by side, and beside those that judge times only those that wait. What the sanitizers
# and clang-tidy need is compiled meanwhile with what is left of the machine (SCHED_IDLE). The deployment test, which is long and
# mostly waits, has a lane of its own, from where nothing judges times any more until something does again.
log_folder=build/log
records=$log_folder/records # a line for each check: passed failed skipped

wanted_check() { # wanted_check NAME
  [ -z "$filter" ] || [[ $1 == "$filter" || $1 == "$filter".* ]] || [[ $filter == *[*?]* && $1 == $filter ]]
}

# tally LOG STATUS: "passed failed skipped" of one program, from what it printed: Boost.Test's summary, or a last line
# `N passed, N failed[, N skipped]`, or else its exit status. A line `skipped: why` is one check that was not made.
tally() {
  awk -v status="$2" '
    /^skipped: / { skips++ }
    match($0, /[0-9]+ test cases? out of [0-9]+ (passed|failed|aborted|skipped)/) {
      kind = substr($0, RSTART, RLENGTH); count = kind; sub(/.* /, "", kind); cases[kind] += count + 0; seen = 1 }
    /^[0-9]+ passed, [0-9]+ failed/ { split($0, word, /[ ,]+/); cases["passed"] = word[1]; cases["failed"] = word[3]; cases["skipped"] = word[5] + 0; seen = 1; skips = 0 }
    END {
      passed = cases["passed"] + 0; failed = cases["failed"] + cases["aborted"]; skipped = cases["skipped"] + skips
      if (!seen && status == 0 && !skips) passed = 1
      if (seen && skips) passed -= skips
      if (passed < 0) passed = 0
      if (status != 0 && failed == 0) failed = 1
      print passed, failed, skipped }' "$1"
}

# check NAME COMMAND...: runs it, records what it says, shows its output where it failed. A lane's checks print as a whole.
check() {
  local name=$1 log=$log_folder/$1.log status=0 began passed failed skipped
  shift
  mkdir -p "$log_folder"
  began=$(date +%s%N)
  [ ! -t 1 ] || printf '      %s ...\r' "$name"
  "$@" >"$log" 2>&1 </dev/null || status=$?
  read -r passed failed skipped < <(tally "$log" $status)
  if [[ $name == *e2e.* && $skipped -gt 0 && $failed -eq 0 ]]; then # without its lab none of its cases did anything
    skipped=$((passed + skipped))
    passed=0
  fi
  echo "$passed $failed $skipped" >>"$records"
  flock "$records" cat <<<"$(report)"
}

report() { # of check's variables
  local word=ok
  [ "$passed" -gt 0 ] || word=skip
  [ "$failed" -eq 0 ] || word=FAIL
  printf '%-5s %-32s %5d passed' "$word" "$name" "$passed"
  [ "$failed" -eq 0 ] || printf ', %d failed' "$failed"
  [ "$skipped" -eq 0 ] || printf ', %d skipped' "$skipped"
  printf '  %8s\n' "$(awk -v a="$began" -v b="$(date +%s%N)" 'BEGIN { printf "%.1f s", (b - a) / 1e9 }')"
  grep '^skipped: ' "$log" | sort | uniq -c | sed 's/^ *\([0-9]*\) \(.*\)/        \2 (\1)/' || true
  [ "$word" != FAIL ] || show "$log" "$status"
}

show() { # show LOG STATUS
  local lines
  lines=$(wc -l <"$1")
  [ "$2" -ne 124 ] && [ "$2" -ne 137 ] || echo "        it took too long and was ended"
  [ "$lines" -le 200 ] || echo "        ($lines lines, all of them in $1; the last 200:)"
  tail -n 200 "$1" | sed 's/^/        /'
}

# ---- lanes

start_lane() { # start_lane RENICE-OR-CHRT-WORDS -- FUNCTION...: in the background
  local how=()
  while [ "$1" != -- ]; do how+=("$1") && shift; done
  shift
  (
    trap - EXIT
    "${how[@]}" $BASHPID >/dev/null 2>&1 || true
    "$@"
  ) &
}

below() { # below PID: its children and theirs
  local child
  for child in $(pgrep -P "$1"); do echo "$child" && below "$child"; done
}

# An interrupted run takes everything with it that it has started.
end_everything() {
  local processes
  mapfile -t processes < <(below $$)
  [ ${#processes[@]} -eq 0 ] || kill -TERM "${processes[@]}" 2>/dev/null || true
}

# Compiles, and looks with clang-tidy, at what comes later. Whatever fails here fails again, and is told, in its turn.
compile_ahead() {
  local preset
  for preset in asan tsan; do
    targets_of $preset
    [ ${#targets[@]} -eq 0 ] || build $preset "${targets[@]}"
  done
  configure tidy
  tests/lint/tidy.sh build/tidy "$(clang_version)"
}

# ---- lint

lint() {
  if wanted_check lint.format; then check lint.format tests/lint/format.sh; fi
  if wanted_check lint.ansible; then check lint.ansible tests/lint/ansible.sh; fi
  if wanted_check lint.rules; then check lint.rules tests/rules/check.sh; fi
  if wanted_check lint.rules-selftest; then check lint.rules-selftest tests/rules/selftest.sh; fi
  if wanted_check lint.dev-selftest; then check lint.dev-selftest tests/rules/dev_selftest.sh; fi
}

tidy() {
  wanted_check lint.tidy || return 0
  local v
  v=$(clang_version)
  configure tidy
  say "clang-tidy-$v (only over what is new or changed)"
  check lint.tidy tests/lint/tidy.sh build/tidy "$v"
}

# ---- programs

# tests_of PRESET: name, then the command's words, separated by tabs, as CMake registered them
tests_of() {
  ctest --test-dir "$(folder_of "$1")" --show-only=json-v1 | jq -r '.tests[] | [.name] + (.command // []) | @tsv'
}

# Under AddressSanitizer all but what judges times or rates; under ThreadSanitizer what has threads.
belongs_to() { # belongs_to PRESET NAME
  case $1 in
    release) true ;;
    asan) [[ ! $2 =~ ^(e2e\.(wan|timetable|demand|incidents|prometheus)|wan\..*|bench\..*)$ ]] ;;
    tsan) [[ $2 =~ ^(unit\.(io|agent_io|coordinator_io|coordinator_store)|e2e\.(chaos|hostile|loopback))$ ]] ;;
  esac
}

# lane_of NAME: `judging` must not run beside its own kind nor beside what is `busy`; `waiting` has time to spare.
lane_of() {
  case $1 in
    e2e.wan | e2e.timetable | e2e.demand | e2e.incidents | e2e.loaded | e2e.connect | e2e.direction | e2e.reflector | bench.*) echo judging ;;
    e2e.*) echo waiting ;;
    *) echo busy ;;
  esac
}

prefix_of() { if [ "$1" = release ]; then echo ''; else echo "$1."; fi; }

# Reports of the programs that a test starts are found too: they go to files, and a file is a failure.
sanitized() { # sanitized FOLDER NAME COMMAND...
  local reports=$root/$1/reports/$2 status=0 before=()
  shift 2
  rm -rf "$reports"
  mkdir -p "$reports"
  # ThreadSanitizer of g++ 12 cannot live with the wide address randomisation of newer kernels.
  if setarch "$(uname -m)" -R true 2>/dev/null; then before=(setarch "$(uname -m)" -R); fi
  ASAN_OPTIONS="log_path=$reports/asan:detect_stack_use_after_return=1" UBSAN_OPTIONS="log_path=$reports/ubsan:print_stacktrace=1" \
    TSAN_OPTIONS="log_path=$reports/tsan:suppressions=$root/tests/tsan.supp:second_deadlock_stack=1" "${before[@]}" "$@" || status=$?
  if [ -n "$(ls -A "$reports")" ]; then
    head -n 120 "$reports"/*
    status=99
  fi
  return $status
}

# The target that builds a test and the programs that it starts, by the convention of tests/CMakeLists.txt.
target_of() {
  case $1 in
    unit.* | property.* | sim.* | e2e.*) echo "test_${1/./_}" ;;
    fuzz.*) echo "test_fuzz_replay_${1#fuzz.}" ;;
    *) echo all ;;
  esac
}

# targets_of PRESET: sets `names`, the tests that are wanted, and `targets`, what builds them
targets_of() {
  local preset=$1 name command folder
  folder=$(folder_of "$preset")
  configure "$preset"
  # Lists of tests that have changed since are read again, or a new test would only run the next time.
  ninja -C "$folder" build.ninja >/dev/null 2>&1
  names=()
  targets=()
  while IFS=$'\t' read -r name command; do
    belongs_to "$preset" "$name" && wanted_check "$(prefix_of "$preset")$name" || continue
    names+=("$name")
    targets+=("$(target_of "$name")")
  done < <(tests_of "$preset")
  if [[ $preset == release && -z $filter ]]; then targets+=(all); fi
  [[ " ${targets[*]} " != *" all "* ]] || targets=(all)
}

# build_programs PRESET: what its wanted tests need; 1 where that is nothing, 2 where it does not compile
build_programs() {
  local preset=$1
  targets_of "$preset"
  [ ${#targets[@]} -gt 0 ] || return 1
  build "$preset" "${targets[@]}" && return
  # A build is no test: it counts only where it fails. Again with the output in the log, so that it can be shown.
  check "$(prefix_of "$preset")build" ninja -C "$(folder_of "$preset")" "${targets[@]}"
  return 2
}

run_programs() { # run_programs PRESET LANE: those of `names` that belong to the lane
  local preset=$1 lane=$2 folder prefix name command arguments run chosen=" ${names[*]} "
  folder=$(folder_of "$preset")
  prefix=$(prefix_of "$preset")
  while IFS=$'\t' read -r name command; do
    [[ $chosen == *" $name "* ]] || continue
    [ "$(lane_of "$name")" = "$lane" ] || continue
    IFS=$'\t' read -r -a arguments <<<"$command"
    [[ $name == fuzz.* || ${arguments[0]:-} != */bin/test_* ]] || arguments+=(--report_level=short --log_level=test_suite --color_output=no)
    run=(timeout -k 10 900 "${arguments[@]}")
    [ "$preset" = release ] || run=(sanitized "$folder" "$name" "${run[@]}")
    check "$prefix$name" "${run[@]}"
  done < <(tests_of "$preset")
}

# beside COMMAND... -- COMMAND...: both at once, the second at a lower priority
beside() {
  local first=() second
  while [ "$1" != -- ]; do first+=("$1") && shift; done
  shift
  start_lane renice -n 5 -p -- "$@"
  second=$!
  "${first[@]}"
  wait "$second" || check "lane.${*//[^a-z_]/-}" lane_was_lost
}
lane_was_lost() { echo "a lane ended before its time" && return 1; }

run_tests() {
  filter=${1:-}
  export PATH="$root/build/tools:$PATH"
  mkdir -p "$log_folder"
  : >"$records"
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap end_everything EXIT
  lint
  case $filter in
    lint | lint.*) ;;
    asan | asan.* | tsan | tsan.*) run_sanitized "${filter%%.*}" ;;
    hosts | hosts.*) hosts_tests ;;
    *) run_everything ;;
  esac
  tidy
  local passed failed skipped ran skips=''
  read -r passed failed skipped ran < <(awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0, NR }' "$records")
  [ "$ran" -gt 0 ] || no_such_test
  [ "$skipped" -eq 0 ] || skips=", $skipped skipped"
  echo "$passed passed, $failed failed$skips"
  [ "$failed" -eq 0 ]
}

run_everything() {
  local names=() targets=() built=0 ahead='' hosts=''
  build_programs release || built=$?
  [ $built -ne 2 ] || return 0
  if [ -z "$filter" ]; then
    say "test; the sanitizers' programs and clang-tidy meanwhile ($log_folder/ahead.log)"
    start_lane chrt --idle -p 0 -- compile_ahead >"$log_folder/ahead.log" 2>&1
    ahead=$!
  fi
  beside run_programs release busy -- packages_and_page
  beside run_programs release judging -- run_programs release waiting
  hosts_lane
  if [[ -z $filter || $filter == *[*?]* ]]; then all_sanitized "$ahead"; else wait_for_hosts; fi
}

all_sanitized() { # all_sanitized PID: of what is still being compiled, or nothing
  local ahead=$1
  [ -z "$ahead" ] || { say "wait for what is still being compiled" && wait "$ahead" || true; }
  run_sanitized asan waiting
  run_sanitized tsan
  wait_for_hosts
  run_sanitized asan judging
}

run_sanitized() { # run_sanitized PRESET [LANE]: all, or what judges times, or what does not
  local names=() targets=()
  build_programs "$1" || return 0
  [ "${2:-}" = judging ] || beside run_programs "$1" waiting -- run_programs "$1" busy
  [ "${2:-}" = waiting ] || run_programs "$1" judging
}

hosts_lane() { # sets `hosts`, its PID
  wanted_check hosts.deploy || return 0
  say "hosts.deploy, beside what follows ($log_folder/hosts.deploy.log)"
  start_lane renice -n 10 -p -- hosts_tests
  hosts=$!
}
wait_for_hosts() {
  [ -n "$hosts" ] || return 0
  say "wait for hosts.deploy"
  wait "$hosts" || check lane.hosts lane_was_lost
}

no_such_test() {
  echo "dev: no test is called '$filter'; there are:" >&2
  { printf '%s\n' lint.format lint.rules lint.rules-selftest lint.ansible lint.tidy package.debs hosts.deploy page.states page.sites page.mesh 'asan.* (all of these)' 'tsan.* (what has threads)'; tests_of release | cut -f1; } | column -c 110 >&2
  exit 2
}

# ---- packages

packages_and_page() {
  package_tests
  page_tests
}

package_tests() {
  wanted_check package.debs || return 0
  build release sonde-agent sonde-coordinator sonde
  check package.debs package_debs
}
package_debs() { make_packages && tests/package/package_test.sh build/packages; }

# ---- real hosts with systemd, the packages and ansible-playbook: minutes, most of them waiting

hosts_tests() {
  wanted_check hosts.deploy || return 0
  build release sonde-agent sonde-coordinator sonde sonde-wan
  check hosts.deploy env SONDE_HOSTS_LOGS="$root/$log_folder" timeout -k 30 1500 tests/hosts/deploy_test.sh build
}

# ---- the page, in a real browser against a real mesh

page_tests() {
  if wanted_check page.states || wanted_check page.sites || wanted_check page.mesh; then build release; fi
  if wanted_check page.states; then check page.states page_states; fi
  if wanted_check page.sites; then check page.sites page_with_many_sites; fi
  if wanted_check page.mesh; then check page.mesh page_in_a_mesh; fi
}

# The tests with their one dependency, installed beside a copy so that the source tree stays clean.
page_runner() {
  local folder=$root/build/ui-tests
  mkdir -p "$folder"
  cp tests/ui/*.mjs tests/ui/package.json tests/ui/package-lock.json "$folder/"
  if ! cmp -s "$folder/package-lock.json" "$folder/node_modules/.installed"; then
    npm ci --prefix "$folder" --no-audit --no-fund && cp "$folder/package-lock.json" "$folder/node_modules/.installed" || return 1
  fi
  SONDE_UI_SHOTS=$root/build/ui-shots timeout -k 10 600 node "$folder/run.mjs" "$@"
}

page_can_be_tested() {
  [ -e tests/ui/run.mjs ] || { echo "skipped: tests/ui is not there" && return 1; }
  command -v chromium >/dev/null || { echo "skipped: chromium is not installed" && return 1; }
  node_is_new_enough || { echo "skipped: node 18 or newer is not installed" && return 1; }
}

# Against a stand-in that shows states which a healthy mesh does not have.
page_states() {
  page_can_be_tested || return 0
  page_runner --page "$root/build/page/files"
}

# Made-up meshes of 1 to 300 sites on a real coordinator.
page_with_many_sites() {
  page_can_be_tested || return 0
  [ -x build/bin/sonde-page-mesh ] || { echo "skipped: sonde-page-mesh was not built" && return 0; }
  page_runner --mesh "$root/build/bin"
}

page_in_a_mesh() {
  page_can_be_tested || return 0
  [ -x build/bin/sonde-demo ] || { echo "skipped: sonde-demo was not built" && return 0; }
  local log=$log_folder/page-demo.log pid url='' token='' status=0 i
  build/bin/sonde-demo >"$log" 2>&1 &
  pid=$!
  for ((i = 0; i < 240 && ${#token} == 0; ++i)); do
    sleep 0.5
    url=$(sed -n 's/^page: //p' "$log" | head -1)
    token=$(sed -n 's/.* --token-file //p' "$log" | head -1)
    kill -0 $pid 2>/dev/null || break
  done
  if [ -z "$url" ] || [ -z "$token" ]; then
    echo "the demo printed no page: line, or no token"
    status=1
  else
    page_runner "$url" "$token" || status=$?
  fi
  [ $status -eq 0 ] || tail -n 50 "$log"
  kill -TERM $pid 2>/dev/null || true
  wait $pid 2>/dev/null || true
  return $status
}
