#!/bin/bash
# Removes the test bed's cluster; images and caches stay, so the next `up` is quick.
. "$(dirname "$0")/lib.sh"
[ -x "$cache/bin/kind" ] || exit 0
"$root/scripts/docker.sh"
kind delete cluster --name sextant
docker rm -f sextant-registry >/dev/null 2>&1 || true
