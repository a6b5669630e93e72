"""Temporary folders of killed processes are removed, and nothing else."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.core.errors import GitError
from reconciler.edge.git import sweep, temporary_folders

FETCH = """
import sys
from reconciler.edge.git import RepositoryAccess, read_revision
read_revision(RepositoryAccess(sys.argv[1], "main", {"PATH": sys.argv[2]}), "manifests")
"""


def start_fetch(tmp_path: Path, environment: dict[str, str], url: str) -> subprocess.Popen[bytes]:
    """Start a process that fetches from a URL."""
    variables = {"TMPDIR": str(tmp_path / "temporary"), "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", FETCH, url, environment["PATH"]], env=variables)


def test_folder_of_a_killed_fetch_is_removed_later(environment: dict[str, str], tmp_path: Path) -> None:
    """A running fetch keeps its temporary folder; after it is killed, the next sweep removes the folder."""
    temporary = tmp_path / "temporary"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = start_fetch(tmp_path, environment, f"git://127.0.0.1:{listener.getsockname()[1]}/x")
        connection, _ = listener.accept()
        folders = list(temporary.iterdir())
        assert len(folders) == 1
        sweep()
        with temporary_folders.create():
            assert folders[0].exists(), "a folder in use was removed"
        assert list(temporary.iterdir()) == folders
        process.send_signal(signal.SIGKILL)
        process.wait()
        connection.close()
    assert list(temporary.iterdir()) == folders
    sweep()
    assert list(temporary.iterdir()) == []


def test_only_own_temporary_folders_are_removed(environment: dict[str, str], tmp_path: Path) -> None:
    """Links, files and folders of other users with the same prefix are left alone."""
    del environment
    temporary, unrelated = tmp_path / "temporary", tmp_path / "precious"
    for folder in (
        unrelated,
        temporary / "other",
        temporary / "reconciler-git-theirs",
        temporary / "reconciler-git-left",
    ):
        folder.mkdir()
        (folder / "file").touch()
    (temporary / "reconciler-git-link").symlink_to(unrelated)
    (temporary / "reconciler-git-file").touch()
    (temporary / "reconciler-git-left" / "link").symlink_to(unrelated)
    if os.getuid() == 0:
        os.chown(temporary / "reconciler-git-theirs", 54321, 54321)
    sweep()
    foreign = {"reconciler-git-theirs"} if os.getuid() == 0 else set()
    assert {each.name for each in temporary.iterdir()} == {
        "other",
        "reconciler-git-link",
        "reconciler-git-file",
    } | foreign
    assert (unrelated / "file").exists()


def test_temporary_folder_is_private(environment: dict[str, str]) -> None:
    """A temporary folder is readable only by its user, and is removed with its content."""
    del environment
    with temporary_folders.create() as folder:
        assert Path(folder).stat().st_mode & 0o777 == 0o700
        (Path(folder) / "file").touch()
    assert not Path(folder).exists()


def test_unlistable_temporary_directory_does_not_fail_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing temporary directory does not fail the sweep, but creating a folder there is an error."""
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent")
    sweep()
    with pytest.raises(GitError, match="git cannot be run: No such file"), temporary_folders.create():
        pass
