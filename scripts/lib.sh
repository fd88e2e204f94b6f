# Sourced by every script: where things are, and how a long step speaks.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${SEXTANT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sextant} # outlives a clone: compilers' caches, tools, kubeconfig
logs=$root/build/logs
export KUBECONFIG=$cache/kubeconfig
export PATH=$cache/bin:$PATH

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

declare -A job_ids

# start LOG COMMAND…: runs the command in the background with its output in build/logs/LOG.log.
start() {
  mkdir -p "$logs"
  "${@:2}" >"$logs/$1.log" 2>&1 </dev/null &
  job_ids[$1]=$!
}

# finish LOG TITLE: waits for what `start` began, shows that it is alive, and on failure shows the end of the log
# and where the rest is.
finish() {
  local log=$logs/$1.log job=${job_ids[$1]} shown=$SECONDS status=0
  say "$2"
  while kill -0 "$job" 2>/dev/null; do
    sleep 0.2
    ((SECONDS - shown >= 30)) || continue
    printf '    %ds: %s\n' $SECONDS "$(tail -n 1 "$log" | cut -c 1-100)"
    shown=$SECONDS
  done
  wait "$job" || status=$?
  [ "$status" != 0 ] || return 0
  tail -n 40 "$log" | sed 's/^/    /'
  printf 'error: %s failed; the whole log is %s\n' "$2" "$log" >&2
  return "$status"
}

# step LOG TITLE COMMAND…: start and finish in one.
step() {
  start "$1" "${@:3}"
  finish "$1" "$2"
}

# build PRESET [TARGET…]: configures and compiles in the toolchain container. The files of a target compile together, eight at a
# time, which is a fraction of the work; in the preset dev, and with SEXTANT_UNITY=OFF, each alone.
build() {
  local together=ON
  [ "$1" != dev ] || together=OFF
  "$root/scripts/in-toolchain.sh" cmake --preset "$1" -DCMAKE_UNITY_BUILD="${SEXTANT_UNITY:-$together}"
  "$root/scripts/in-toolchain.sh" cmake --build --preset "$1" ${2:+--target "${@:2}"}
}

# packages COMMAND PACKAGE…: installs Debian or Ubuntu packages when COMMAND is missing.
packages() {
  command -v "$1" >/dev/null && return
  [ "$(id -u)" = 0 ] || die "$1 is missing and only root can install it: apt-get install ${*:2}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${@:2}"
}
