#!/bin/bash
# run.sh PROGRAM ARGS…: runs a built program in the toolchain container; kubectl's plugins with the test bed's network.
. "$(dirname "$0")/lib.sh"
[ $# -gt 0 ] || die "which program? ./dev run PROGRAM ARGS…"
bin=build/release/install/bin
"$root/scripts/docker.sh"
[ -x "$root/$bin/$1" ] || "$root/scripts/build.sh" >&2
"$root/scripts/in-toolchain.sh" cmake --install build/release --prefix build/release/install >/dev/null
[ -x "$root/$bin/$1" ] || die "no program $1; there are: $(ls "$root/$bin" | tr '\n' ' ')"
case $1 in kubectl-*) network=--cluster ;; *) network= ;; esac
exec "$root/scripts/in-toolchain.sh" $network "$bin/$1" "${@:2}"
