#!/bin/bash
# Makes sure a Docker engine answers: installs Debian's or Ubuntu's, and starts it where no init system does.
. "$(dirname "$0")/lib.sh"
docker info >/dev/null 2>&1 && exit 0
packages dockerd docker.io iptables iproute2
packages docker docker-cli # a package of its own from Debian 13 on
packages jq jq
[ "$(id -u)" = 0 ] || die "no Docker engine answers, and only root can start one"
answers() { # within a minute, and while the COMMAND given succeeds
  local deadline=$((SECONDS + 60))
  until docker info >/dev/null 2>&1; do
    ((SECONDS < deadline)) && "$@" || return 1
    sleep 0.2
  done
}
if [ -d /run/systemd/system ]; then
  systemctl start docker
  answers true || die "docker.service does not answer: journalctl -u docker"
  exit 0
fi

# A machine whose own capabilities lack CAP_SYS_RESOURCE cannot give it to a privileged container.
runtime=()
bounding=$((16#$(awk '/^CapBnd/ {print $2}' /proc/self/status)))
if ((!(bounding >> 24 & 1))); then
  install -m 755 "$root/scripts/runc-without-sys-resource" /usr/local/sbin/
  runtime=(--add-runtime without-sys-resource=/usr/local/sbin/runc-without-sys-resource
    --default-runtime without-sys-resource)
fi
mkdir -p "$cache"
rm -f /var/run/docker.pid # left behind when the machine, not the daemon, was stopped
setsid dockerd "${runtime[@]}" >"$cache/dockerd.log" 2>&1 </dev/null &
answers kill -0 $! 2>/dev/null || { tail -n 20 "$cache/dockerd.log" >&2; die "dockerd does not answer: $cache/dockerd.log"; }

# A service address that kube-proxy does not know yet must not leave the machine as a stray packet.
uplink=$(ip route show default | awk '{print $5; exit}')
rule=(DOCKER-USER ! -i "$uplink" -o "$uplink" -j DROP)
[ -z "$uplink" ] || iptables -C "${rule[@]}" 2>/dev/null || iptables -I "${rule[@]}"
