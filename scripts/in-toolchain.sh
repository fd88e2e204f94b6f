#!/bin/bash
# in-toolchain.sh [--cluster | --go | --mount] COMMAND…: runs a command in the toolchain image, as the calling user, with the
# source at /src and compilers' caches kept between runs. It has no network but loopback, unless
#   --cluster  gives it the machine's network and Docker engine, to reach the test bed and stop its nodes;
#   --mount    runs as the container's root, who may mount file systems through /dev/fuse;
#   --go       runs in the image's Go stage, with the machine's network to fetch Go modules.
. "$(dirname "$0")/lib.sh"
network=none stage=toolchain may=(--user "$(id -u):$(id -g)")
engine=/var/run/docker.sock
case $1 in
  --cluster) network=host may+=(-v "$engine:$engine" --group-add "$(stat -c %g $engine)"); shift ;;
  --mount) may=(--device /dev/fuse --cap-add SYS_ADMIN --security-opt apparmor=unconfined); shift ;;
  --go) network=host stage=go; shift ;;
esac
mkdir -p "$cache"/{bin,ccache,go}
touch "$cache/kubeconfig"
options=(--rm --init --shm-size=1g --network="$network" "${may[@]}" -w /src
  -v "$root:/src" -v "$cache/bin:/tools" -v "$cache/kubeconfig:/kubeconfig:ro"
  -v "$cache/ccache:/ccache" -v "$cache/go:/go"
  -e HOME=/tmp -e KUBECONFIG=/kubeconfig -e CCACHE_DIR=/ccache -e CCACHE_MAXSIZE=10G
  -e SEXTANT_E2E -e SEXTANT_E2E_REPEAT -e SEXTANT_SCALE_CLUSTERS -e SEXTANT_SEED -e SEXTANT_FAULT_SECONDS -e SEXTANT_FAULT_SEED -e GOPATH=/go -e GOCACHE=/go/build -e GOTOOLCHAIN=auto -e CGO_ENABLED=0
  -e GOFLAGS='-buildvcs=false -trimpath -modcacherw' -e GOPROXY -e GOSUMDB -e HTTPS_PROXY -e NO_PROXY
  -e PATH=/tools:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
certificates=/etc/ssl/certs/ca-certificates.crt # the container trusts what the machine trusts
[ ! -f $certificates ] || options+=(-v "$certificates:$certificates:ro")
[ ! -t 0 ] || options+=(-it)
exec docker run "${options[@]}" "$("$root/scripts/toolchain-name.sh" $stage)" "$@"
