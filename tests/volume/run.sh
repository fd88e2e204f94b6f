#!/bin/bash
# run.sh [TEST…] [--engine NAME] [--rounds N] [--seed N]: stock engines on volumes, in a container that has them. The
# programs are those that `./dev build` compiled.
. "$(dirname "$0")/../../scripts/lib.sh"
"$root/scripts/docker.sh"
"$root/scripts/base-image.sh" trixie
docker build -q --network=host -t sextant/engines-test "$root/tests/volume" >/dev/null
exec docker run --rm --init --network=none --shm-size=512m --device /dev/fuse --cap-add SYS_ADMIN \
  --security-opt apparmor=unconfined -v "$root:/src:ro" -e PYTHONDONTWRITEBYTECODE=1 \
  sextant/engines-test python3 /src/tests/volume/run.py "$@"
