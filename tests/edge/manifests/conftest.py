"""Run the real program in a process, and check the promises that hold for every rejected manifest."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support import forking

PROGRAM = Path(sys.executable).with_name("reconcile")
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "AWS_EC2_METADATA_DISABLED": "true"}

RunProgram = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def run_program(tmp_path: Path) -> RunProgram:
    """Return a function that runs `reconcile` in the test's folder without credentials, and returns its result."""

    def run_reconcile(*arguments: str | bytes, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        command = [str(PROGRAM), *map(os.fsdecode, arguments)]
        return forking.run(command, tmp_path, ENVIRONMENT, stdin, seconds=60)

    return run_reconcile


@pytest.fixture
def expect_rejection(run_program: RunProgram) -> Callable[..., list[str]]:
    """Return a function that validates paths, checks that they are rejected, and returns the lines of the output."""

    def validate_paths(*paths: str | bytes, stdin: bytes = b"") -> list[str]:
        result = run_program("validate", *(word for path in paths for word in ("-f", path)), stdin=stdin)
        assert (result.returncode, result.stderr) == (3, b"")
        return _read_lines(result.stdout)

    return validate_paths


@pytest.fixture
def expect_rejection_before_any_call(run_program: RunProgram) -> Callable[..., list[str]]:
    """Return the same function for a dry run. Its AWS endpoint is a closed port, so any call would exit with 1."""

    def run_dry(*paths: str, stdin: bytes = b"") -> list[str]:
        files = [word for path in paths for word in ("-f", path)]
        result = run_program("--dry-run", *files, "--endpoint-url", "http://127.0.0.1:9", stdin=stdin)
        assert (result.returncode, result.stdout) == (3, b"")
        *lines, last = _read_lines(result.stderr)
        assert (
            last
            == f"reconcile: {len(lines)} problem{'' if len(lines) == 1 else 's'} in the manifests; AWS was not called"
        )
        return lines

    return run_dry


def _read_lines(output: bytes) -> list[str]:
    """Return the lines of an output, after checking that they contain no terminal escapes and no traceback."""
    text = output.decode()
    assert "Traceback" not in text
    assert text.endswith("\n")
    lines = text[:-1].split("\n")
    assert all(line.isprintable() and len(line) < 1000 for line in lines)
    return lines
