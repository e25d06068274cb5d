#!/usr/bin/env bash
# Installs packages in an environment: install.sh PYTHON [PIP_ARGUMENT...]
#
# uv needs seconds where pip needs minutes. It does not read pip's configuration, so pip itself is used where an index
# is configured for it, and where uv fails. The environment need not have pip, which takes seconds to put into one.
#
# Last, one package is removed again: where it is there, each process that imports jsonschema compiles a grammar of its
# for more than a second, and the tests start hundreds of servers.
set -euo pipefail
python=$1
shift
cd "$(dirname "${BASH_SOURCE[0]}")/.."
uv=.venv/bin/uv

install() {
  if [ -z "${PIP_INDEX_URL:-}${PIP_EXTRA_INDEX_URL:-}" ] && ! .venv/bin/python -m pip config list | grep -q index-url; then
    test -x $uv || .venv/bin/python -m pip install --quiet uv || true
    if test -x $uv && $uv pip install --quiet --python "$python" "$@"; then
      return
    fi
  fi
  "$python" -c 'import pip' 2> /dev/null || "$python" -m ensurepip > /dev/null
  "$python" -m pip install --quiet "$@"
}

install "$@"
if "$python" -c 'import sys; from importlib.util import find_spec; sys.exit(not find_spec("rfc3987_syntax"))'; then
  if test -x $uv; then
    $uv pip uninstall --quiet --python "$python" rfc3987-syntax
  else
    "$python" -m pip uninstall --quiet --yes rfc3987-syntax
  fi
fi
