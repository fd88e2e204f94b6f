#!/bin/bash
# Removes what ./dev made on this machine: the cluster, our images, the caches and build/. Docker stays.
. "$(dirname "$0")/lib.sh"
"$root/scripts/docker.sh"
"$root/scripts/down.sh"
# By digest: an image that a newer one took the tag from has none.
docker images --format '{{.Repository}} {{.ID}}' | sed -nE 's#^(localhost:5001/)?sextant/\S+ ##p' | sort -u | xargs -r docker rmi -f >/dev/null
rm -rf "$root/build" "$cache"/{bin,go,ccache,kubeconfig}
