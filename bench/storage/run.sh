#!/bin/bash
# run.sh [RECOVERY_MIB]: the disk side of a storage node, on the disk this repository is on.
. "$(dirname "$0")/../../scripts/lib.sh"
exec "$root/scripts/in-toolchain.sh" build/release/bench/storage/bench-storage build "$@"
