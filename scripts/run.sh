#!/bin/bash
# run.sh PROGRAM ARGS…: runs a built program in the toolchain container.
. "$(dirname "$0")/lib.sh"
[ $# -gt 0 ] || die "which program? ./dev run PROGRAM ARGS…"
bin=build/release/install/bin
"$root/scripts/docker.sh"
[ -x "$root/$bin/$1" ] || "$root/scripts/build.sh" >&2
"$root/scripts/in-toolchain.sh" cmake --install build/release --prefix build/release/install >/dev/null
[ -x "$root/$bin/$1" ] || die "no program $1; there are: $(ls "$root/$bin" | tr '\n' ' ')"
exec "$root/scripts/in-toolchain.sh" "$bin/$1" "${@:2}"
