"""A clock that stands, a service, and boto3 clients that reach a sandbox through both of its doors."""

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from reconciler.sandbox import ManualClock, Sandbox, SandboxServer, in_process
from reconciler.sandbox.service.seed import create_seed_state
from reconciler.sandbox.service.service import AppIntegrations

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient

ACCOUNT, REGION = "123456789012", "us-east-1"
ONE_ATTEMPT = Config(retries={"total_max_attempts": 1, "mode": "standard"}, max_pool_connections=32)
DUMMY = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": REGION}


@pytest.fixture
def clock() -> ManualClock:
    """Give a clock that the test moves."""
    return ManualClock()


@pytest.fixture
def service(clock: ManualClock) -> AppIntegrations:
    """Give AppIntegrations of one account and Region, seeded."""
    return AppIntegrations(ACCOUNT, REGION, clock=clock, state=create_seed_state(ACCOUNT, REGION))


@pytest.fixture
def server(clock: ManualClock) -> Iterator[SandboxServer]:
    """Give a sandbox that listens on loopback."""
    with SandboxServer(clock=clock) as server:
        yield server


@pytest.fixture(params=["in process", "over HTTP"])
def door(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[tuple[Sandbox, dict[str, Any]]]:
    """Give a sandbox and what boto3 needs to reach it, once by each of its doors."""
    if request.param == "in process":
        with in_process(clock=clock) as sandbox:
            yield sandbox, DUMMY
    else:
        with SandboxServer(clock=clock) as server:
            yield server.sandbox, DUMMY | {"endpoint_url": server.url}


@pytest.fixture
def sandbox(door: tuple[Sandbox, dict[str, Any]]) -> Sandbox:
    """Give the sandbox behind the door."""
    return door[0]


@pytest.fixture
def reach(door: tuple[Sandbox, dict[str, Any]]) -> dict[str, Any]:
    """Give the arguments by which boto3 reaches the sandbox."""
    return door[1] | {"config": ONE_ATTEMPT}


@pytest.fixture
def client(reach: dict[str, Any]) -> Iterator["AppIntegrationsServiceClient"]:
    """Give a client that asks once."""
    with closing(boto3.client("appintegrations", **reach)) as client:
        yield client
