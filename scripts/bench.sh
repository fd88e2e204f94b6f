#!/bin/bash
# bench.sh NAME: runs bench/NAME/run.sh over programs compiled for release. It prints a table for people and, last,
# one line of JSON per figure: {"name": …, "value": …, "unit": …}.
. "$(dirname "$0")/lib.sh"
run=$root/bench/${1:-}/run.sh
[ -x "$run" ] || die "which benchmark? there are: $(cd "$root/bench" 2>/dev/null && ls -d */ | tr -d '/\n' || echo none yet)"
{
  "$root/scripts/build.sh" release
  step tools "test bed's tools" "$root/testbed/tools.sh"
} >&2
exec "$run" "${@:2}"
