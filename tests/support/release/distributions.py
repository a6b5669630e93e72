"""The distributions of a release: wheel and source distribution, their metadata, and checksums."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
from pathlib import Path

CHECKSUMS = "SHA256SUMS"
CLEAN = ("env", "-u", "PYTHONHOME", "-u", "PYTHONPATH", "-u", "VIRTUAL_ENV")
"""A command without the variables that would let it see packages of another environment."""


def build(repository: Path, folder: Path, time: str) -> tuple[Path, Path]:
    """Build the source distribution, and the wheel from it. Return the wheel and the source distribution.

    The build system is that of the running environment, in its locked version.
    The files of both have the same time, so that a second build has the same bytes.
    """
    command: list[str | Path] = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, repository]
    run(command, SOURCE_DATE_EPOCH=time)
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, source


def check_metadata(*distributions: Path) -> None:
    """Check the metadata with twine, as the package index does."""
    run([sys.executable, "-m", "twine", "check", "--strict", *distributions])


def check_contents(source: Path, repository: Path) -> None:
    """Check that the source distribution has the licence, the changelog and no file that git ignores or lacks."""
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    known = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=repository,
        check=True,
        capture_output=True,
    )
    unknown = names - set(known.stdout.decode().split("\0")) - {"PKG-INFO"}
    assert not unknown, f"{source.name}: not in git: {', '.join(sorted(unknown))}"
    missing = {"CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml"} - names
    assert not missing, f"{source.name}: missing: {', '.join(sorted(missing))}"


def write_checksums(folder: Path) -> Path:
    """Write the SHA-256 of each file of a folder, in the format of sha256sum."""
    path = folder / CHECKSUMS
    files = sorted(file for file in folder.iterdir() if file.name != CHECKSUMS)
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def run(command: list[str | Path], **variables: str) -> str:
    """Run a command in a clean environment with some more variables, and return its output.

    If the command fails, raise an error with its output.
    """
    settings = [f"{name}={value}" for name, value in variables.items()]
    result = subprocess.run(
        [*CLEAN, *settings, *command], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert result.returncode == 0, f"{' '.join(map(str, command))}: exit code {result.returncode}\n{result.stdout}"
    return result.stdout
