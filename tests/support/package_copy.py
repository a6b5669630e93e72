"""A copy of the package with a change of a contributor, and the places that mypy names."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from support.paths import REPOSITORY

Change = tuple[str, str, str]
"""A file, a text that it contains once, and the text that replaces it."""


def copy_package(folder: Path, changes: Iterable[Change]) -> None:
    """Copy the package into a folder, with the cache of mypy if there is one, and change the copy."""
    shutil.copytree(REPOSITORY / "reconciler", folder / "reconciler", ignore=shutil.ignore_patterns("__pycache__"))
    if (REPOSITORY / ".mypy_cache").is_dir():
        shutil.copytree(REPOSITORY / ".mypy_cache", folder / ".mypy_cache")
    change_files(folder, changes)


def change_files(folder: Path, changes: Iterable[Change]) -> None:
    """Replace texts that occur exactly once in their files."""
    for file, old, new in changes:
        path = folder / file
        text = path.read_text()
        assert text.count(old) == 1, (file, old)
        path.write_text(text.replace(old, new))


def find_type_errors(folder: Path) -> set[tuple[str, str]]:
    """Return the places of a copy in which mypy finds errors: each file with the function or class, or "" outside."""
    options = ("--config-file", str(REPOSITORY / "pyproject.toml"), "--show-error-context", "--hide-error-codes")
    process = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "reconciler"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert process.returncode in {0, 1}, process.stdout + process.stderr
    places, name = set(), ""
    for line in process.stdout.splitlines():
        if context := re.search(r': note: (?:In .*"(\w+)".*|At top level):$', line):
            name = context[1] or ""
        elif ": error:" in line:
            places.add((line.partition(":")[0], name))
    return places
