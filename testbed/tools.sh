#!/bin/bash
# Puts the test bed's tools into the cache's bin folder: kind and helm for this machine, a registry for the
# nodes, and etcd, kube-apiserver and kubectl, also for integration tests. Everything is built from Go modules
# in the toolchain's Go stage, except that Kubernetes comes out of its own images where a registry answers.
. "$(dirname "$0")/../scripts/lib.sh"
. "$root/testbed/versions.sh"

# A finished set of tools carries the digest of what it was made from.
digest=$(cat "$root/testbed/versions.sh" "$0" "$root"/testbed/{hyperkube,etcd}/{main.go,go.sum} "$root/testbed/pause/main.go" | sha256sum | cut -c 1-16)
[ "$(cat "$cache/bin/.digest" 2>/dev/null)" = "$digest" ] && exit 0

"$root/scripts/toolchain.sh" go

go_run() { "$root/scripts/in-toolchain.sh" --go bash -euc "$1"; }

install_from_images() { # kubectl, kube-apiserver and etcd out of the images that kubeadm names
  local image container
  from_image() { # IMAGE PATH
    container=$(docker create "$1" true)
    docker cp "$container:$2" "$cache/bin/"
    docker rm "$container" >/dev/null
  }
  from_image "$kindest_node" /usr/bin/kubectl
  for image in $(docker run --rm --entrypoint kubeadm "$kindest_node" config images list \
    --kubernetes-version "$(docker run --rm --entrypoint cat "$kindest_node" /kind/version)"); do
    case $image in
      */kube-apiserver:*) docker pull -q "$image" && from_image "$image" /usr/local/bin/kube-apiserver ;;
      */etcd:*) docker pull -q "$image" && from_image "$image" /usr/local/bin/etcd ;;
    esac
  done
}

build_kubernetes() {
  local pkg=k8s.io/component-base/version
  local stamp="-X $pkg.gitVersion=$kubernetes_version -X $pkg.gitMajor=1 -X $pkg.gitMinor=34"
  stamp+=" -X $pkg.gitTreeState=clean -X $pkg.buildDate=1970-01-01T00:00:00Z"
  go_run "export GOBIN=/tools
    cd /src/testbed/hyperkube && go build -ldflags '-s -w $stamp' -o /tools/hyperkube .
    cd /src/testbed/etcd && go build -ldflags '-s -w' -o /tools/etcd .
    go install -ldflags '-s -w' github.com/coredns/coredns@$coredns_version
    go install -ldflags '-s -w' github.com/rancher/local-path-provisioner@$local_path_version
    go build -ldflags '-s -w' -o /tools/pause /src/testbed/pause/main.go
    cp -f /go/pkg/mod/github.com/rancher/local-path-provisioner@$local_path_version/deploy/local-path-storage.yaml /tools/"
  ln -sf hyperkube "$cache/bin/kubectl"
  ln -sf hyperkube "$cache/bin/kube-apiserver"
}

go_run "export GOBIN=/tools
  go install -ldflags '-s -w' sigs.k8s.io/kind@$kind_version
  go install -ldflags '-s -w' helm.sh/helm/v3/cmd/helm@$helm_version
  go install -ldflags '-s -w' github.com/distribution/distribution/v3/cmd/registry@$registry_version"
if timeout 900 docker pull -q "$kindest_node" 2>/dev/null; then
  install_from_images
else
  echo "no registry answers for $kindest_node: building Kubernetes"
  build_kubernetes
fi
echo "$digest" >"$cache/bin/.digest"
