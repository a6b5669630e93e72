"""Fixtures: a manual clock, a service, and boto3 clients that use the sandbox in process and over HTTP."""

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from reconciler.sandbox import ManualClock, Sandbox, SandboxServer, open_process_sandbox
from reconciler.sandbox.service.seed import create_seed_state
from reconciler.sandbox.service.service import AppIntegrations

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient

ACCOUNT, REGION = "123456789012", "us-east-1"
ONE_ATTEMPT = Config(retries={"total_max_attempts": 1, "mode": "standard"}, max_pool_connections=32)
DUMMY_CREDENTIALS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": REGION}


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that only the test advances."""
    return ManualClock()


@pytest.fixture
def service(clock: ManualClock) -> AppIntegrations:
    """Return a seeded AppIntegrations of one account and Region."""
    return AppIntegrations(ACCOUNT, REGION, clock=clock, state=create_seed_state(ACCOUNT, REGION))


@pytest.fixture
def server(clock: ManualClock) -> Iterator[SandboxServer]:
    """Yield a sandbox that listens on loopback."""
    with SandboxServer(clock=clock) as server:
        yield server


@pytest.fixture(params=["in process", "over HTTP"])
def access(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[tuple[Sandbox, dict[str, Any]]]:
    """Yield a sandbox and the boto3 arguments to reach it, once in process and once over HTTP."""
    if request.param == "in process":
        with open_process_sandbox(clock=clock) as sandbox:
            yield sandbox, DUMMY_CREDENTIALS
    else:
        with SandboxServer(clock=clock) as server:
            yield server.sandbox, DUMMY_CREDENTIALS | {"endpoint_url": server.url}


@pytest.fixture
def sandbox(access: tuple[Sandbox, dict[str, Any]]) -> Sandbox:
    """Return the sandbox of this access path."""
    return access[0]


@pytest.fixture
def client_arguments(access: tuple[Sandbox, dict[str, Any]]) -> dict[str, Any]:
    """Return the boto3 arguments to reach the sandbox, with a single attempt."""
    return access[1] | {"config": ONE_ATTEMPT}


@pytest.fixture
def client(client_arguments: dict[str, Any]) -> Iterator["AppIntegrationsServiceClient"]:
    """Yield a client that makes a single attempt."""
    with closing(boto3.client("appintegrations", **client_arguments)) as client:
        yield client
