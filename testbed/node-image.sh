#!/bin/bash
# Prints the image of a kind node: kind's own where it could be pulled, else one built here from Debian packages
# and the programs of tools.sh.
. "$(dirname "$0")/../scripts/lib.sh"
. "$root/testbed/versions.sh"
if docker image inspect "$kindest_node" >/dev/null 2>&1; then
  echo "$kindest_node"
  exit 0
fi
digest=$(cat "$cache/bin/.digest" "$0" "$root"/testbed/node/* | sha256sum | cut -c 1-12)
image=sextant/testbed-node:$digest
if docker image inspect "$image" >/dev/null 2>&1; then
  echo "$image"
  exit 0
fi

{
  "$root/scripts/base-image.sh" bookworm
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  cp "$cache"/bin/{hyperkube,etcd,coredns,local-path-provisioner,pause} "$root"/testbed/node/* "$work"

  programs=sextant/testbed-programs:latest
  docker build --network=host -t "$programs" -f "$work/programs.Dockerfile" "$work"
  names=("$programs")
  ln -s hyperkube "$work/kubeadm"
  for name in $("$work/kubeadm" config images list --kubernetes-version "$kubernetes_version"); do
    entrypoint=()
    case $name in
      */pause:*) entrypoint=(pause) pause=$name ;;
      */coredns:*) entrypoint=(coredns) ;;
    esac
    printf 'FROM %s\n%s\n' "$programs" "${entrypoint:+ENTRYPOINT [\"$entrypoint\"]}" | docker build -q -t "$name" -
    names+=("$name")
  done
  sed -n 's/^ *image: *//p' "$cache/bin/local-path-storage.yaml" # for the log: what the next lines replace
  docker tag "$programs" "rancher/local-path-provisioner:$local_path_version"
  names+=("rancher/local-path-provisioner:$local_path_version")
  docker save -o "$work/programs.tar" "${names[@]}"

  sed -i "s#PAUSE_IMAGE#$pause#" "$work/config.toml"
  sed -e 's#^  name: local-path$#  name: standard\n  annotations: {storageclass.kubernetes.io/is-default-class: "true"}#' \
    -e "s#image: busybox#image: $programs\n        imagePullPolicy: Never#" "$cache/bin/local-path-storage.yaml" >"$work/default-storage.yaml"
  echo "$kubernetes_version" >"$work/version"
  docker build --network=host -t "$image" "$work"
} >&2
echo "$image"
