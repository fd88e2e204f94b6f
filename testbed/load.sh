#!/bin/bash
# load.sh IMAGE…: brings images of this machine to the nodes. Only layers that the registry lacks travel, and a node
# pulls an image when it starts a pod of it, as localhost:5001/IMAGE.
. "$(dirname "$0")/../scripts/lib.sh"
for image in "$@"; do
  docker tag "$image" "localhost:5001/$image"
  docker push -q "localhost:5001/$image"
done
