"""Fixtures: a sandbox over HTTP, and the program that calls it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bucket import Bucket
from support.program import Program

from reconciler.sandbox import Behaviour, SandboxServer

LARGE_QUOTA = Behaviour(associations_per_integration=500)


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    """Return a running sandbox."""
    with SandboxServer(behaviour=LARGE_QUOTA) as server:
        yield server


@pytest.fixture
def program(server: SandboxServer, tmp_path: Path) -> Program:
    """Return the program, which runs in an empty folder and calls the sandbox."""
    return Program(tmp_path, server.url)


@pytest.fixture
def bucket(server: SandboxServer) -> Bucket:
    """Return an empty bucket on the sandbox's S3."""
    return Bucket(server.url)
