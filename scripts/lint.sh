#!/bin/bash
# Checks the format of every C++ file and runs clang-tidy over every one that is compiled.
. "$(dirname "$0")/lib.sh"
"$root/scripts/docker.sh"
step toolchain "toolchain image" "$root/scripts/toolchain.sh"
sources() { git -C "$root" ls-files -co --exclude-standard -- '*.h' '*.cc'; }
format() { sources | xargs "$root/scripts/in-toolchain.sh" clang-format-19 --dry-run --Werror; }
tidy() { # gcc's warning names are not clang's; sanitizer-free flags come from the release preset
  "$root/scripts/in-toolchain.sh" cmake --preset release
  "$root/scripts/in-toolchain.sh" run-clang-tidy-19 -quiet -p build/release -extra-arg=-Wno-unknown-warning-option
}
step lint-format "clang-format" format
step lint-tidy "clang-tidy" tidy
