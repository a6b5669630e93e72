"""Provide git repositories, in an environment without the user's settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.repository import FILES, GIT, Repository, create_repository


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return an environment without the user's git settings, and change to an empty folder."""
    for name in ("home", "here", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    return {
        **GIT,
        "HOME": str(tmp_path / "home"),
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
