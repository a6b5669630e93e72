#!/usr/bin/env bash
# Installs the revision of the program that this action is a part of, or finds the one that was named.
set -euo pipefail

if [ -n "$PROGRAM" ]; then
    if ! found=$(command -v "$PROGRAM"); then
        echo "::error::program '$PROGRAM' was not found: install it in an earlier step, or leave the input out"
        exit 64
    fi
    echo "program=$found" >>"$GITHUB_OUTPUT"
    exit
fi

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "::error::Python 3.11 or newer is needed as python3: add actions/setup-python before this action"
    exit 64
fi
source=$GITHUB_ACTION_PATH/../..
environment=$(mktemp -d "$RUNNER_TEMP/reconciler-program.XXXXXX")
python3 -m venv "$environment"
pip=("$environment/bin/python" -m pip --quiet --disable-pip-version-check install --no-compile)
"${pip[@]}" --no-deps --require-hashes --requirement "$source/requirements-build.lock" --requirement "$source/requirements.lock"
# From a copy: a build leaves nothing in the action's own folder, which other jobs of this machine may share.
mkdir "$environment/source"
cp -R -- "$source/LICENSE" "$source/README.md" "$source/pyproject.toml" "$source/reconciler" "$source/schemas" \
    "$environment/source"
"${pip[@]}" --no-deps --no-build-isolation "$environment/source"
echo "program=$environment/bin/reconcile" >>"$GITHUB_OUTPUT"
