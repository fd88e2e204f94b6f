#!/bin/bash
# Makes sure the test bed runs: a kind cluster in three zones and a registry that its nodes pull from.
. "$(dirname "$0")/../scripts/lib.sh"
. "$root/testbed/versions.sh"
cluster=sextant registry=sextant-registry

# This script finished it, with this node image, and each of the four nodes is ready and was heard of lately: what a node
# last said of itself stays in the API when the machine is restarted.
healthy() {
  local now ready heard=0 renewed
  [ "$(kubectl get namespace kube-system --request-timeout=5s -o jsonpath='{.metadata.annotations.testbed}')" = "$image" ] || return 1
  ready=$(kubectl get nodes -o jsonpath='{.items[*].status.conditions[?(@.type=="Ready")].status}')
  [ "$ready" = "True True True True" ] || return 1
  now=$(date +%s)
  for renewed in $(kubectl -n kube-node-lease get leases -o jsonpath='{.items[*].spec.renewTime}'); do
    ((now - $(date -d "$renewed" +%s) > 40)) || heard=$((heard + 1))
  done
  ((heard == 4))
}

start_registry() {
  [ "$(docker inspect -f '{{.State.Running}}' $registry 2>/dev/null)" != true ] || return 0
  docker rm -f $registry >/dev/null 2>&1 || true
  docker image inspect sextant/registry >/dev/null 2>&1 ||
    tar -c -C "$cache/bin" registry -C "$root/testbed/registry" Dockerfile config.yml | docker build -q -t sextant/registry -
  docker run -d --name $registry --network kind -p 127.0.0.1:5001:5000 sextant/registry
}

point_nodes_at_registry() { # localhost:5001 is the registry's name on this machine and on the nodes
  local node
  for node in $(kind get nodes --name $cluster); do
    docker exec -i "$node" sh -euc 'd=/etc/containerd/certs.d/localhost:5001; mkdir -p $d; cat >$d/hosts.toml' <<T
[host."http://$registry:5000"]
T
  done
}

# Our own nodes have no resolver above them: names outside the cluster fail at once instead of after a time-out.
answer_for_the_cluster_alone() {
  local corefile
  corefile=$(kubectl -n kube-system get configmap coredns -o jsonpath='{.data.Corefile}' |
    sed -e '/^ *loop$/d' -e '/^ *forward /,/^ *}/d')
  kubectl -n kube-system create configmap coredns --from-literal=Corefile="$corefile" --dry-run=client -o yaml |
    kubectl apply --server-side --force-conflicts -f -
}

# A worker that a test stops takes its zone away, and not the names of everything else.
keep_names_off_the_workers() {
  kubectl -n kube-system patch deployment coredns --patch \
    '{"spec":{"template":{"spec":{"nodeSelector":{"node-role.kubernetes.io/control-plane":""}}}}}'
}

image=$("$root/testbed/node-image.sh")
if healthy 2>/dev/null; then
  start_registry
  point_nodes_at_registry
  exit 0
fi
kind delete cluster --name $cluster # what a crash or a restart of the machine left behind
kind create cluster --name $cluster --image "$image" --config "$root/testbed/kind.yaml"
start_registry
point_nodes_at_registry
[ "$image" = "$kindest_node" ] || answer_for_the_cluster_alone
keep_names_off_the_workers
kubectl wait --for=condition=Ready nodes --all --timeout=120s
kubectl -n kube-system rollout status deployment coredns --timeout=120s
kubectl -n local-path-storage rollout status deployment local-path-provisioner --timeout=120s
kubectl annotate namespace kube-system --overwrite testbed="$image"
