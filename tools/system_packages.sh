#!/usr/bin/env bash
# Installs the Debian packages that the tests need. Does nothing where all of their commands are there. With `check` it
# only refuses where it could not.
set -euo pipefail

PYTHON=${PYTHON:-python3}

commands=()
packages=()
need() { # COMMAND PACKAGE...
  command -v "$1" > /dev/null && return
  commands+=("$1")
  packages+=("${@:2}")
}
# Where there is Chromium, the tests take that one.
command -v chromium > /dev/null || need chromium-headless-shell chromium-headless-shell
need gcc gcc libc6-dev
need git git
need tmux tmux
need zsh zsh
need fish fish
need dash dash
need column bsdextrautils
need faketime faketime
need rsync rsync
need zip zip
need sbatch slurm-wlm
need munged munge
need unshare util-linux
need fc-list fontconfig
if ! fc-list :lang=zh 2> /dev/null | grep -q .; then
  commands+=('a Chinese font')
  packages+=(fonts-noto-cjk)
fi
if ! "$PYTHON" -c 'import ensurepip, venv' 2> /dev/null; then
  commands+=("the venv module of $PYTHON")
  packages+=(python3-venv)
fi

((${#packages[@]})) || exit 0

refuse() {
  echo "make test: $1" >&2
  exit 1
}
list() { # joins words with ", "
  local text
  printf -v text '%s, ' "$@"
  echo "${text%, }"
}
command -v apt-get > /dev/null \
  || refuse "these are missing, and without apt-get they cannot be installed automatically: $(list "${commands[@]}")."
if ((EUID == 0)); then
  as_root=()
elif command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
  as_root=(sudo -n)
else
  refuse "Debian packages are missing, and installing them needs root or sudo without a password; run: apt-get install ${packages[*]}"
fi

[[ ${1:-} != check ]] || exit 0
echo "make test: installing ${packages[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
{
  "${as_root[@]}" apt-get update -qq \
    && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "${packages[@]}"
} > "$log" 2>&1 || {
  cat "$log" >&2
  refuse "apt-get could not install ${packages[*]}; its output is above."
}
