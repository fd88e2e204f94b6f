#!/bin/bash
# build.sh [PRESET]: compiles everything with one preset in the toolchain container.
. "$(dirname "$0")/lib.sh"
preset=${1:-release}
"$root/scripts/docker.sh"
step toolchain "toolchain image" "$root/scripts/toolchain.sh"
step "build-$preset" "build ($preset)" build "$preset"
