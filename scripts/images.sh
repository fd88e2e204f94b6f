#!/bin/bash
# Builds a product image from every images/NAME/Dockerfile but the toolchain's, out of the programs that
# `./dev build` compiled, and brings them to the test bed's nodes.
. "$(dirname "$0")/lib.sh"
install=$root/build/release/install
"$root/scripts/in-toolchain.sh" cmake --install build/release --prefix build/release/install --strip
images=()
for file in "$root"/images/*/Dockerfile; do
  name=$(basename "$(dirname "$file")")
  [ "$name" != toolchain ] || continue
  docker build --network=host -t "sextant/$name" -f "$file" "$install"
  images+=("sextant/$name:latest")
done
"$root/testbed/load.sh" "${images[@]}"
