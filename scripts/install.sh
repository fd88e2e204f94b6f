#!/bin/bash
# install.sh [HELM ARGS…]: installs or upgrades the operator on the test bed from the images that scripts/images.sh brought there.
. "$(dirname "$0")/lib.sh"
kubectl create namespace sextant-system --dry-run=client -o yaml | kubectl apply --server-side -f -
kubectl label namespace sextant-system --overwrite pod-security.kubernetes.io/enforce=restricted
# The same tag with other bytes behind it is a new version: the pods are made anew when the image is another.
digest=$(docker image inspect -f '{{.Id}}' sextant/operator)
helm upgrade --install sextant "$root/charts/sextant" --namespace sextant-system --take-ownership \
  --set images.repository=localhost:5001/sextant --set images.tag=latest --set images.pullPolicy=Always \
  --set-string "operator.podAnnotations.image=$digest" "$@"
kubectl -n sextant-system rollout status deployment/sextant-operator --timeout=180s
