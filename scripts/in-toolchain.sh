#!/bin/bash
# in-toolchain.sh [--cluster] COMMAND…: runs a command in the toolchain image, as the calling user, with the
# source at /src and ccache kept between runs. It has no network but loopback, unless --cluster, which gives
# it the machine's network to reach the test bed.
. "$(dirname "$0")/lib.sh"
network=none
[ "${1:-}" != --cluster ] || { network=host; shift; }
image=$("$root/scripts/toolchain-name.sh")
mkdir -p "$cache/ccache" "$cache/bin"
touch "$cache/kubeconfig"
exec docker run --rm --init --network="$network" --user "$(id -u):$(id -g)" $([ -t 0 ] && echo -it) \
  -v "$root:/src" -v "$cache/ccache:/ccache" -v "$cache/bin:/tools:ro" -v "$cache/kubeconfig:/kubeconfig:ro" -w /src \
  -e HOME=/tmp -e CCACHE_DIR=/ccache -e CCACHE_MAXSIZE=10G -e KUBECONFIG=/kubeconfig \
  -e PATH=/tools:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  "$image" "$@"
