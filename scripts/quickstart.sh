#!/bin/bash
# quickstart.sh [FILE]: makes the cluster of examples/quickstart.yaml, or of FILE, and waits until it is ready.
. "$(dirname "$0")/lib.sh"
file=${1:-$root/examples/quickstart.yaml}
kubectl apply --server-side -f "$file"
kubectl wait -f "$file" --for=condition=Ready --timeout=600s
