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
step install "the operator, with Helm" "$root/scripts/install.sh"
step quickstart "a database cluster: examples/quickstart.yaml" "$root/scripts/quickstart.sh"
"$root/scripts/run.sh" kubectl-sextant status quickstart
cat <<END

A PostgreSQL shell on its writer, from here:
  ./dev run kubectl-sextant psql quickstart
  ./dev run kubectl-sextant psql quickstart -- -c 'select version()'
What else there is to see:
  export KUBECONFIG=$KUBECONFIG PATH=$cache/bin:\$PATH
  kubectl get dbclusters,pods -o wide
END
