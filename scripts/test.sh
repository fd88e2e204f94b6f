#!/bin/bash
# test.sh [SUITE…]: runs the suites named, or all of them, and ends with one line: N passed, N failed.
. "$(dirname "$0")/lib.sh"
suites=("$@")
[ $# -gt 0 ] || suites=(lint unit simulation fuzz integration volume e2e)
for suite in "${suites[@]}"; do
  case $suite in
    lint | unit | simulation | fuzz | integration | volume | e2e) ;;
    *) die "no suite $suite; there are: lint unit simulation fuzz integration volume e2e" ;;
  esac
done
wanted() { [[ " ${suites[*]} " == *" $1 "* ]]; }

passed=0 failed=0
report() { # TITLE PASSED FAILED
  passed=$((passed + $2)) failed=$((failed + $3))
  printf '    %-20s %d passed, %d failed\n' "$1" "$2" "$3"
}

# check LOG TITLE COMMAND…: a step whose failure counts as one failed test instead of ending the run.
check() { step "$@" || { report "$2" 0 1; return 1; }; }

attribute() { # FILE NAME: of the first element that counts
  sed -n "s/.*<testsuites .*\b$2=\"\([0-9]*\)\".*/\1/p" "$1" | head -n 1
}

# Counts a suite's tests: those in each program's own report, or the program as one test where it has none.
count() { # TITLE PRESET SUITE
  local results=$root/build/$2/results good=0 bad=0 line name all wrong
  while read -r line; do
    name=${line#*name=\"} name=${name%%\"*}
    all=1 wrong=0
    if [ -s "$results/$name.xml" ]; then
      all=$(attribute "$results/$name.xml" tests)
      wrong=$(($(attribute "$results/$name.xml" failures) + $(attribute "$results/$name.xml" errors)))
    fi
    # A program can fail without a failed test of its own: it crashed, hung, or its sanitizer spoke up.
    [[ $line == *'status="run"'* ]] || ((wrong > 0)) || wrong=1
    good=$((good + all - wrong)) bad=$((bad + wrong))
  done < <(grep -o '<testcase [^>]*>' "$results/ctest.$3.xml")
  report "$1" "$good" "$bad"
}

run() { # SUITE PRESET TITLE [--cluster]
  local log=$logs/test-$1-$2.log results=$root/build/$2/results jobs=
  [ "$1" != fuzz ] || jobs=-j$(nproc) # by the clock, a minute each
  mkdir -p "$results"
  rm -f "$results/$1".*.xml "$results/ctest.$1.xml"
  say "$3"
  "$root/scripts/in-toolchain.sh" ${4:-} ctest --test-dir "build/$2" -L "^$1\$" --output-on-failure $jobs \
    --output-junit "results/ctest.$1.xml" </dev/null >"$log" 2>&1 || tail -n 80 "$log"
  if [ -f "$results/ctest.$1.xml" ]; then count "$3" "$2" "$1"; else report "$3" 0 1; fi
  [ "$1" != simulation ] || grep -oE 'seeds from [0-9]+ on|[0-9]+ seeds, [0-9]+ failures' "$results/ctest.$1.xml" | head -n 2 | sed 's/^/      /'
}

# The agent with real engines, each in its own image.
engines() {
  local log=$logs/test-engines.log line
  say "engines"
  "$root/tests/agent/run.sh" </dev/null >"$log" 2>&1 || tail -n 80 "$log"
  grep -qE '^[a-z]+: [0-9]+ passed' "$log" || report engines 0 1
  while read -r line; do
    line=${line//[^0-9 ]/}
    report engines $line
  done < <(grep -E '^[a-z]+: [0-9]+ passed, [0-9]+ failed$' "$log")
}

# A commit's seeds are its own: new for each, and the same when it is tested again.
if [ -z "${SEXTANT_SEED:-}" ] && commit=$(git -C "$root" rev-parse HEAD 2>/dev/null); then
  export SEXTANT_SEED=$((16#${commit:0:7}))
fi

all() {
  check docker "Docker engine" "$root/scripts/docker.sh" || return
  if wanted e2e; then check preflight "what this machine has" "$root/scripts/preflight.sh" || return; fi
  # On a cold machine the Go builds are the longest part, so they run beside everything else.
  check go "toolchain's Go stage" "$root/scripts/toolchain.sh" go || return
  if wanted integration || wanted e2e; then start tools "$root/testbed/tools.sh"; fi
  check toolchain "toolchain image" "$root/scripts/toolchain.sh" || return
  if wanted unit || wanted simulation || wanted integration || wanted volume || wanted e2e; then
    check build-release "build (release)" build release || return
  fi

  # clang-tidy is for developers' machines: cold, it would cost CI more than everything else.
  if wanted lint; then check lint "format" "$root/scripts/lint.sh" format && report format 1 0; fi
  if wanted unit; then run unit release "unit"; fi
  if wanted simulation; then run simulation release "simulation"; fi
  local targets=()
  if wanted unit; then targets+=(unit_tests); fi
  if wanted simulation; then targets+=(simulation_tests); fi
  if wanted integration; then targets+=(sanitized_tests); fi
  if ((${#targets[@]} > 0)); then
    for sanitizer in asan tsan; do
      check "build-$sanitizer" "build ($sanitizer)" build $sanitizer "${targets[@]}" || continue
      if wanted unit; then run unit $sanitizer "unit ($sanitizer)"; fi
      if wanted simulation; then run simulation $sanitizer "simulation ($sanitizer)"; fi
      if wanted integration; then run sanitized $sanitizer "transport ($sanitizer)"; fi # no real server: seconds
    done
  fi
  if wanted fuzz && check build-fuzz "build (fuzz)" build fuzz fuzz_tests; then run fuzz fuzz "fuzz"; fi

  if wanted volume; then
    say "stock engines on a volume"
    "$root/tests/volume/run.sh" >"$logs/test-volume.log" 2>&1 || tail -n 80 "$logs/test-volume.log"
    read -r good _ bad _ < <(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$logs/test-volume.log" | tail -n 1) || good=0 bad=1
    report "engines" "$good" "$bad"
    sed -n 's/^    \([0-9a-z].*\)/      \1/p' "$logs/test-volume.log" | grep -E 'crashes|readers|backtrack|waited|errors;' || true
  fi
  wanted integration || wanted e2e || return 0
  finish tools "test bed's tools" || { report "test bed's tools" 0 1; return; }
  if wanted integration; then
    run integration release "integration" --mount
    engines
  fi
  if wanted e2e; then
    check testbed "kind cluster in three zones" "$root/testbed/up.sh" || return
    check images "product images to the nodes" "$root/scripts/images.sh" || return
    check install "the operator, with Helm" "$root/scripts/install.sh" || return
    run e2e release "e2e" --cluster
  fi
}
all || true
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0 && passed > 0))
