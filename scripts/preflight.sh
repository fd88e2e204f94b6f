#!/bin/bash
# Says what this machine lacks for a test bed before minutes are spent on finding out.
. "$(dirname "$0")/lib.sh"
lacks=()
need() { "${@:2}" >/dev/null 2>&1 || lacks+=("$1"); }

kernel_has() { grep -qw "$1" /proc/filesystems || modprobe "$1"; } # FILE-SYSTEM
free_gigabytes() { # PATH AT-LEAST
  mkdir -p "$1" && (($(df --output=avail -B1G "$1" | tail -n 1) >= $2))
}
memory_gigabytes() { (($(awk '/^MemTotal/ {print int($2 / 1048576 + 0.5)}' /proc/meminfo) >= $1)); }
makes_veth() { ip link add sextant-veth0 type veth peer name sextant-veth1 && ip link delete sextant-veth0; }

need "an x86-64 processor" [ "$(uname -m)" = x86_64 ]
need "6 GiB of memory (four nodes idle at 1.5 GiB; compiling needs the rest)" memory_gigabytes 6
[ -f "$cache/bin/.digest" ] || need "30 GiB free below $cache (Go's caches, once)" free_gigabytes "$cache" 30
need "10 GiB free for Docker" free_gigabytes "$(docker info -f '{{.DockerRootDir}}')" 10
need "overlayfs in the kernel" kernel_has overlay
need "FUSE in the kernel" kernel_has fuse
[ "$(id -u)" != 0 ] || need "virtual Ethernet pairs in the kernel (veth)" makes_veth

# Four nodes of systemd and containerd watch many files; Ubuntu's default for all of root's processes is 128.
if (($(cat /proc/sys/fs/inotify/max_user_instances) < 512)); then
  sysctl -q -w fs.inotify.max_user_instances=512 2>/dev/null ||
    lacks+=("512 inotify instances: sudo sysctl fs.inotify.max_user_instances=512")
fi

((${#lacks[@]} == 0)) && exit 0
printf 'error: this machine lacks %s\n' "${lacks[@]}" >&2
exit 1
