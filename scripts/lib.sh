# Sourced by every script: where things are, and how a long step speaks.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${SEXTANT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sextant} # outlives a clone: compilers' caches, tools, kubeconfig
logs=$root/build/logs
export KUBECONFIG=$cache/kubeconfig
export PATH=$cache/bin:$PATH

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# step LOG TITLE COMMAND…: runs the command with its output in build/logs/LOG.log, shows that it is
# alive, and on failure shows the end of the log and where the rest is.
step() {
  local log=$logs/$1.log title=$2 start=$SECONDS status=0
  shift 2
  mkdir -p "$logs"
  say "$title"
  "$@" >"$log" 2>&1 </dev/null &
  local job=$!
  while kill -0 "$job" 2>/dev/null; do
    sleep 1
    (((SECONDS - start) % 30)) || printf '    %ds: %s\n' $((SECONDS - start)) "$(tail -n 1 "$log" | cut -c 1-100)"
  done
  wait "$job" || status=$?
  if [ "$status" != 0 ]; then
    tail -n 40 "$log" | sed 's/^/    /'
    printf 'error: %s failed after %ds; the whole log is %s\n' "$title" $((SECONDS - start)) "$log" >&2
    return "$status"
  fi
  printf '    done in %ds\n' $((SECONDS - start))
}

# packages COMMAND PACKAGE…: installs Debian or Ubuntu packages when COMMAND is missing.
packages() {
  command -v "$1" >/dev/null && return
  [ "$(id -u)" = 0 ] || die "$1 is missing and only root can install it: apt-get install ${*:2}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${@:2}"
}
