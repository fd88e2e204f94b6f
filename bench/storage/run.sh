#!/bin/bash
# run.sh [RECOVERY_MIB]: the disk side of a storage node, on the disk this repository is on.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
exec "$root/scripts/in-toolchain.sh" build/release/bench/storage/bench-storage build "${@:1}"
