#!/bin/bash
# run.sh [ENGINE]: the agent with real engines, each in its own image: what a writer and a reader do on a volume that is a
# plain directory. Ends with one line an engine: ENGINE: N passed, N failed.
. "$(dirname "$0")/../../scripts/lib.sh"
agent=$root/build/release/agent/sextant-agent
[ -x "$agent" ] || die "no $agent; run ./dev build first"
failed=0
for engine in "${@:-postgresql mariadb}"; do
  for name in $engine; do
    docker build -q --network=host --target engine -t "sextant/$name-engine" "$root/images/$name" >/dev/null
    docker build -q --network=host --build-arg "ENGINE=sextant/$name-engine" -t "sextant/$name-test" "$root/tests/agent" >/dev/null
    docker run --rm --init --network=none --entrypoint python3 -e PYTHONDONTWRITEBYTECODE=1 \
      -v "$agent:/usr/local/bin/sextant-agent:ro" -v "$root/tests/agent:/tests:ro" "sextant/$name-test" "/tests/${name}_test.py" || failed=1
  done
done
exit $failed
