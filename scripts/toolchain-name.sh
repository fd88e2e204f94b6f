#!/bin/bash
# Prints the toolchain image's name. The tag is the Dockerfile's digest: a changed toolchain is a new image.
. "$(dirname "$0")/lib.sh"
echo "sextant/${1:-toolchain}:$(sha256sum "$root/images/toolchain/Dockerfile" | cut -c 1-12)"
