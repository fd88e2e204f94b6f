#!/bin/bash
# switchover.sh [ENGINE [ROUNDS]]: how long clients wait while a writer hands over, with the programs that ./dev build compiled.
. "$(dirname "$0")/../../scripts/lib.sh"
"$root/scripts/docker.sh"
"$root/scripts/base-image.sh" trixie
docker build -q --network=host -t sextant/engines-test "$root/tests/volume" >/dev/null
exec docker run --rm --init --network=none --shm-size=512m --device /dev/fuse --cap-add SYS_ADMIN \
  --security-opt apparmor=unconfined -v "$root:/src:ro" -e PYTHONDONTWRITEBYTECODE=1 -e TIMELINE sextant/engines-test sh -c '
    echo "sextant:x:65532:65532::/tmp:/usr/sbin/nologin" >>/etc/passwd && echo "sextant:x:65532:" >>/etc/group
    ln -s "${SEXTANT_BUILD:-/src/build/release}/agent/sextant-agent" /usr/local/bin/
    exec python3 /src/tests/agent/switchover.py "$@"' switchover "${@:-mariadb}"
