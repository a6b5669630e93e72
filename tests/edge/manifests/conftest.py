"""The real program in a process of its own, and what it promises for every manifest that it refuses."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("reconcile")
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "AWS_EC2_METADATA_DISABLED": "true"}

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Give a function that runs `reconcile` in the test's folder, without credentials, and returns what it did."""

    def reconcile(*arguments: str | bytes, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        command = [str(PROGRAM), *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=ENVIRONMENT, input=stdin, capture_output=True, timeout=60, check=False
        )

    return reconcile


@pytest.fixture
def refused(run: Run) -> Callable[..., list[str]]:
    """Give a function that validates paths and returns the lines of their refusal, held against what all promise."""

    def validate(*paths: str | bytes, stdin: bytes = b"") -> list[str]:
        done = run("validate", *(word for path in paths for word in ("-f", path)), stdin=stdin)
        assert (done.returncode, done.stderr) == (3, b"")
        return _lines(done.stdout)

    return validate


@pytest.fixture
def refused_before_any_call(run: Run) -> Callable[..., list[str]]:
    """Give the same for a dry run whose AWS is a closed port: a call would end it with 1."""

    def dry_run(*paths: str, stdin: bytes = b"") -> list[str]:
        files = [word for path in paths for word in ("-f", path)]
        done = run("--dry-run", *files, "--endpoint-url", "http://127.0.0.1:9", stdin=stdin)
        assert (done.returncode, done.stdout) == (3, b"")
        *lines, last = _lines(done.stderr)
        assert last == f"{len(lines)} problem{'' if len(lines) == 1 else 's'} in the manifests; AWS was not called"
        return lines

    return dry_run


def _lines(output: bytes) -> list[str]:
    """Return the lines of an output in which nothing can steer a terminal."""
    text = output.decode()
    assert "Traceback" not in text
    assert text.endswith("\n")
    lines = text[:-1].split("\n")
    assert all(line.isprintable() and len(line) < 1000 for line in lines)
    return lines
