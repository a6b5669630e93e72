#!/usr/bin/env bash
# Install the program in the revision of this action, or find the program that the input `program` names.
set -euo pipefail

if [ -n "$PROGRAM" ]; then
    if ! found=$(command -v "$PROGRAM"); then
        echo "::error::program '$PROGRAM' was not found: install it in an earlier step, or remove the input program"
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
# The build uses a copy, because other jobs on this machine may share the folder of the action.
mkdir "$environment/source"
cp -R -- "$source/.pre-commit-hooks.yaml" "$source/LICENSE" "$source/README.md" "$source/deploy" \
    "$source/pyproject.toml" "$source/reconciler" "$source/schemas" \
    "$environment/source"
"${pip[@]}" --no-deps --no-build-isolation "$environment/source"
echo "program=$environment/bin/reconcile" >>"$GITHUB_OUTPUT"
