#!/bin/bash
# run.sh [SECONDS]: libFuzzer over the scanning of log files, in the toolchain container.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
mkdir -p "$root/build/fuzz/log_scan"
exec "$root/scripts/in-toolchain.sh" sh -c '
  clang++-19 -std=c++23 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -I. -Iinclude \
    tests/fuzz/storage/log_scan_fuzzer.cc storage/log/log_scan.cc protocol/group.cc protocol/record.cc \
    protocol/crc32c.cc -o build/fuzz/log_scan_fuzzer &&
  cp -n tests/fuzz/storage/corpus/* build/fuzz/log_scan/ &&
  build/fuzz/log_scan_fuzzer -max_total_time="$1" -max_len=8192 build/fuzz/log_scan' sh "${1:-60}"
