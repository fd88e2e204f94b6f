#!/bin/bash
# Informer and work queue beside client-go's, against one API server, in one run.
. "$(dirname "$0")/../../scripts/lib.sh"
bin=build/release/bench/kube
"$root/scripts/in-toolchain.sh" --go bash -euc "cd bench/kube/client-go && go build -ldflags '-s -w' -o /src/$bin/bench_kube_client_go ." >&2
exec "$root/scripts/in-toolchain.sh" "$bin/bench_kube" "$bin/bench_kube_informer" "$bin/bench_kube_client_go"
