#!/bin/bash
# base-image.sh SUITE: makes sure the image debian:SUITE-slim is here. Pulled where a registry
# answers, else made with debootstrap, so that ordinary Dockerfiles build on any machine.
. "$(dirname "$0")/lib.sh"
suite=$1 image=debian:$1-slim
docker image inspect "$image" >/dev/null 2>&1 && exit 0
timeout 300 docker pull -q "$image" 2>/dev/null && exit 0
echo "no registry answers for $image: making it with debootstrap"
packages debootstrap debootstrap debian-archive-keyring
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
debootstrap --variant=minbase --include=ca-certificates "$suite" "$work/root" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"}
# As in the image that a registry would give: apt leaves nothing behind in a layer.
cat >"$work/root/etc/apt/apt.conf.d/docker-clean" <<'CONF'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
CONF
rm -rf "$work"/root/var/cache/apt/archives/*.deb "$work"/root/var/lib/apt/lists/* \
  "$work"/root/usr/share/{doc,man,locale,info}/*
tar -C "$work/root" -c . | docker import --change 'CMD ["bash"]' - "$image"
