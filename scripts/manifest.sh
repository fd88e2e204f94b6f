#!/bin/bash
# manifest.sh [REPOSITORY [TAG]]: prints everything that installs Sextant as one YAML for `kubectl apply --server-side -f -`.
# It is the chart, rendered: nothing generated is kept in the repository that could differ from it.
. "$(dirname "$0")/lib.sh"
cat <<END
apiVersion: v1
kind: Namespace
metadata:
  name: sextant-system
  labels: {pod-security.kubernetes.io/enforce: restricted}
---
END
# Where the release build of Helm cannot tell the version of Kubernetes, it takes one that the chart refuses.
helm template sextant "$root/charts/sextant" --namespace sextant-system --kube-version "${SEXTANT_KUBE_VERSION:-1.34.0}" \
  ${1:+--set-string "images.repository=$1"} ${2:+--set-string "images.tag=$2"} 2> >(grep -v 'found symbolic link' >&2)
