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
tidy() { # the folder has its name for clang's analyzer, which takes included files for code where the path says UnifiedSource
  local folder=build/UnifiedSources
  "$root/scripts/in-toolchain.sh" cmake --preset release -B $folder \
    -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=32
  "$root/scripts/in-toolchain.sh" scripts/tidy.py $folder
}
step lint-format "clang-format" format
step lint-docs "the resources' reference" "$root/scripts/in-toolchain.sh" scripts/crd-reference.py --check
[ "${1:-}" = format ] || step lint-tidy "clang-tidy (the first time takes minutes, then only what changed)" tidy
