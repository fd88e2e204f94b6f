#!/bin/bash
# toolchain.sh [go]: makes sure the toolchain image (or only its first stage, which has Go) is here.
. "$(dirname "$0")/lib.sh"
target=${1:-}
image=$("$root/scripts/toolchain-name.sh" $target)
docker image inspect "$image" >/dev/null 2>&1 && exit 0
"$root/scripts/docker.sh"
"$root/scripts/base-image.sh" trixie
docker build --network=host ${target:+--target "$target"} -t "$image" "$root/images/toolchain"
