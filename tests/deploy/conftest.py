"""Fixtures: a sandbox over HTTP, and repositories with hooks to push to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from support.forking import write_launcher
from support.hook_repository import HookRepository, create_bare_repository
from support.hosts import Host
from support.repository import GIT

from reconciler.sandbox import SandboxServer

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Return an environment without settings of the user."""
    for name in ("home", "temporary", "bin"):
        (tmp_path / name).mkdir()
    environment = {
        "CI": "true",
        **GIT,
        "HOME": str(tmp_path / "home"),
        "LC_ALL": "C",
        "TMPDIR": str(tmp_path / "temporary"),
    }
    return Host(tmp_path, environment, write_launcher(tmp_path / "bin" / "reconcile"))


@pytest.fixture
def sandbox() -> Iterator[str]:
    """Yield the URL of a running sandbox."""
    with SandboxServer() as server:
        yield server.url


@pytest.fixture
def client(sandbox: str) -> Iterator[AppIntegrationsServiceClient]:
    """Yield a client of the sandbox, to verify its state independently of the program."""
    session = boto3.Session("testing", "testing", region_name="us-east-1")
    with closing(session.client("appintegrations", endpoint_url=sandbox)) as client:
        yield client


@pytest.fixture
def repository(host: Host, sandbox: str) -> HookRepository:
    """Return a repository whose post-receive hook reconciles with the sandbox."""
    return create_bare_repository(host, "exports", sandbox)
