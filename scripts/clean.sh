#!/bin/bash
# Removes what ./dev made on this machine: the cluster, our images, the caches and build/. Docker stays.
. "$(dirname "$0")/lib.sh"
"$root/scripts/docker.sh"
"$root/scripts/down.sh"
docker images --format '{{.Repository}}:{{.Tag}}' | grep -E '^(localhost:5001/)?sextant/' | xargs -r docker rmi -f >/dev/null
rm -rf "$root/build" "$cache"/{bin,go,ccache,kubeconfig}
