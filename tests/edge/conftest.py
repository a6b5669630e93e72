"""Provide git repositories, in an environment without the user's settings."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from support.repository import FILES, Repository, create_repository


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return an environment without the user's git settings, and change to an empty folder."""
    git = shutil.which("git")
    assert git
    for name in ("home", "here", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    return {
        "GIT_AUTHOR_EMAIL": "author@example.com",
        "GIT_AUTHOR_NAME": "Author",
        "GIT_COMMITTER_EMAIL": "author@example.com",
        "GIT_COMMITTER_NAME": "Author",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "HOME": str(tmp_path / "home"),
        "PATH": os.pathsep.join((str(Path(git).parent), os.defpath)),
    }


@pytest.fixture
def empty_repository(tmp_path: Path, environment: dict[str, str]) -> Repository:
    """Return a repository without a commit."""
    return create_repository(tmp_path / "repository", environment)


@pytest.fixture
def repository(empty_repository: Repository) -> Repository:
    """Return a repository with one commit."""
    empty_repository.commit(FILES)
    return empty_repository
