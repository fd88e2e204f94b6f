#!/bin/bash
# run.sh [SECONDS [ROUNDS]]: pgbench on a local disk, with synchronous replication to two standbys, and on a volume of six
# nodes, all on this machine: medians of interleaved rounds.
. "$(dirname "$0")/../../scripts/lib.sh"
"$root/scripts/base-image.sh" trixie >&2
docker build -q --network=host -t sextant/engines-test "$root/tests/volume" >&2
exec docker run --rm --init --network=none --shm-size=1g --device /dev/fuse --cap-add SYS_ADMIN \
  --security-opt apparmor=unconfined -v "$root:/src:ro" -e PYTHONDONTWRITEBYTECODE=1 \
  sextant/engines-test python3 /src/bench/volume/pgbench.py "$@"
