#!/bin/bash
# lint.sh [format]: checks the format of every C++ file and, unless asked for the format alone, runs clang-tidy.
. "$(dirname "$0")/lib.sh"
"$root/scripts/docker.sh"
step toolchain "toolchain image" "$root/scripts/toolchain.sh"
format() {
  git -C "$root" ls-files -z -co --exclude-standard -- '*.h' '*.cc' |
    xargs -0 "$root/scripts/in-toolchain.sh" clang-format-19 --dry-run --Werror
}
tidy() {
  "$root/scripts/in-toolchain.sh" cmake --preset release
  "$root/scripts/in-toolchain.sh" scripts/tidy.py build/release
}
step lint-format "clang-format" format
[ "${1:-}" = format ] || step lint-tidy "clang-tidy (the first time takes minutes, then only what changed)" tidy
