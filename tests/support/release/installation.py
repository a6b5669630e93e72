"""Installations of a release: one clean environment for each Python on this machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from support.release.distributions import CLEAN, run

OLDEST = (3, 11)
_NAME = re.compile(r"python3\.\d+")


def list_folders() -> Iterator[Path]:
    """Yield the folders that may contain a Python: those of PATH, and the versions of pyenv."""
    yield from map(Path, os.get_exec_path())
    yield from sorted(Path.home().glob(".pyenv/versions/*/bin"))


def find_interpreters(folders: Iterable[Path]) -> dict[tuple[int, int], Path]:
    """Return an interpreter for each version of Python from 3.11 on that starts and can create environments."""
    found: dict[tuple[int, int], Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("python3.*")):
            if _NAME.fullmatch(path.name):
                version = _ask_version(path)
                if version >= OLDEST:
                    found.setdefault(version, path)
    return dict(sorted(found.items()))


def _ask_version(path: Path) -> tuple[int, int]:
    """Return the version that an interpreter states. A script of pyenv may name a version that it does not start."""
    code = "import sys, venv; print(*sys.version_info[:2])"
    result = subprocess.run([*CLEAN, path, "-c", code], check=False, capture_output=True, text=True)
    numbers = result.stdout.split() if result.returncode == 0 else ["0", "0"]
    return int(numbers[0]), int(numbers[1])


def install(interpreter: Path, wheel: Path, lock: Path, folder: Path) -> Path:
    """Create an environment without pip, install the locked requirements and the wheel, and return its Python."""
    run([interpreter, "-m", "venv", "--without-pip", "--clear", folder])
    python = folder / "bin" / "python"
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", python]
    options = ["--quiet", "--no-compile", "--disable-pip-version-check", "--no-deps"]
    locked: list[str | Path] = ["--only-binary", ":all:", "--require-hashes", "--requirement", lock]
    run([*pip, "install", *options, *locked])
    run([*pip, "install", *options, "--no-index", wheel])
    run([*pip, "check", "--disable-pip-version-check"])
    return python


def check_program(python: Path, version: str, repository: Path) -> None:
    """Check that the installed program starts, states its version, and accepts the example manifests."""
    program = python.parent / "reconcile"
    output = run([program, "--version"]).strip()
    assert output.endswith(f" {version}"), f"reconcile --version: {output!r}, and not {version}"
    run([program, "validate", "--file", repository / "manifests"])
    run([program, "schema", "Target"])
