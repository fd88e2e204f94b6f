#!/bin/bash
# From a bare machine to a running cluster.
. "$(dirname "$0")/lib.sh"
[ $# = 0 ] || die "up takes no arguments"
step docker "Docker engine" "$root/scripts/docker.sh"
step preflight "what this machine has" "$root/scripts/preflight.sh"
step tools "test bed's tools (the first time builds Kubernetes where no registry answers: about 12 minutes)" "$root/testbed/tools.sh"
"$root/scripts/build.sh" release
step testbed "kind cluster in three zones" "$root/testbed/up.sh"
step images "product images to the nodes" "$root/scripts/images.sh"
cat <<END
The test bed runs. Sextant has no operator to install yet, so this is where \`up\` ends today. To look around:
  export KUBECONFIG=$KUBECONFIG PATH=$cache/bin:\$PATH
  kubectl get nodes -L topology.kubernetes.io/zone
END
