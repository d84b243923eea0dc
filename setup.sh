#!/bin/sh
# Makes the virtual environment $2 (.venv) and installs the locked packages of the file $1, with uv where it is there, else with venv
# and pip.
set -eu
lock=$1
venv=${2:-.venv}
python=
for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 python; do
    [ -n "$candidate" ] || continue
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$candidate; break; fi
done
if [ -z "$python" ]; then
    echo "Clearance needs Python 3.11 or newer, and none was found on the PATH. Install one, or run: make PYTHON=/path/to/python3" >&2
    exit 1
fi
if command -v uv >/dev/null 2>&1; then
    [ -x "$venv/bin/python" ] || { echo "Making $venv with uv ..."; uv venv --quiet --python "$("$python" -c 'import sys; print(sys.executable)')" "$venv"; }
    echo "Installing $(grep -c '==' "$lock") locked packages ($lock); the first time takes about a minute ..."
    uv pip install --quiet --python "$venv/bin/python" --require-hashes -r "$lock"
    uv pip install --quiet --python "$venv/bin/python" --no-deps -e .
else
    [ -x "$venv/bin/python" ] || { echo "Making $venv with $python ..."; "$python" -m venv "$venv"; }
    echo "Installing $(grep -c '==' "$lock") locked packages ($lock); the first time takes a few minutes ..."
    "$venv/bin/python" -m pip install --disable-pip-version-check --progress-bar on --require-hashes -r "$lock" | grep -E '^(Collecting|Installing|Successfully)' || true
    "$venv/bin/python" -m pip install --disable-pip-version-check --quiet --no-deps -e .
fi
