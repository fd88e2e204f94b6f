#!/bin/bash
# run.sh [LOG_MIB]: one storage node's disk side, then six nodes and a client, on the disk this repository is on.
. "$(dirname "$0")/../../scripts/lib.sh"
"$root/scripts/in-toolchain.sh" build/release/bench/storage/bench-storage build "$@"
"$root/scripts/in-toolchain.sh" build/release/bench/storage/bench-storage-cluster build "$@"
