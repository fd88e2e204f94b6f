#!/bin/bash
# lint.sh [format]: checks the format of every C++ file and that generated pages are up to date; unless asked for the format
# alone, runs clang-tidy too.
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
step lint-docs "the resources' reference" "$root/scripts/in-toolchain.sh" scripts/crd-reference.py --check
[ "${1:-}" = format ] || step lint-tidy "clang-tidy (the first time takes minutes, then only what changed)" tidy
