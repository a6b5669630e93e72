"""Targets share sessions and clients, and each call is signed with the credentials of its own target."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest
from support.aws_sessions import MODELS, create_pace
from support.proxy import FaultProxy, Request, build_response

from reconciler.core.errors import CloudError, Unauthenticated, WrongAccount
from reconciler.core.model import Observation, Target
from reconciler.edge.aws import ConnectionSettings, SharedClients, TargetSession
from reconciler.edge.aws.call_credentials import CallCredentials
from reconciler.sandbox import SandboxServer

ACCOUNTS = [f"{number:012}" for number in range(1, 9)]


class FakeTime:
    """Monotonic seconds that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    """Return a recording proxy to a sandbox."""
    with SandboxServer() as server, FaultProxy(server.url) as running_proxy:
        yield running_proxy


def share_clients(proxy: FaultProxy, time: FakeTime | None = None) -> SharedClients:
    """Return clients that are connected through the proxy."""
    connection = ConnectionSettings("0", endpoint_url=proxy.url, has_dummy_credentials=True)
    return SharedClients(connection, MODELS, time or FakeTime())


def build_target(account: str) -> Target:
    """Return a target with a role in an account."""
    return Target(f"t{account}", "us-east-1", account, role_arn=f"arn:aws:iam::{account}:role/reconciler")


def observe(clients: SharedClients, target: Target) -> Observation:
    """Connect to a target and observe it."""
    with closing(TargetSession(target, clients)) as session:
        return session.create_reader(create_pace()).observe(lambda *_: None)


def list_keys(proxy: FaultProxy, operation: str) -> set[str]:
    """Return the access keys that signed the calls of an operation."""
    signatures = [each.headers["Authorization"] for each in proxy.requests if each.operation.startswith(operation)]
    return {str(re.findall("Credential=([^/]+)/", signature)[0]) for signature in signatures}


def test_targets_that_share_a_client_see_their_own_accounts(proxy: FaultProxy) -> None:
    """Eight roles in one Region run at the same time through one client, and each lists its own account."""
    clients = share_clients(proxy)
    with ThreadPoolExecutor(8) as pool:
        observations = list(pool.map(lambda account: observe(clients, build_target(account)), ACCOUNTS))
    for account, observation in zip(ACCOUNTS, observations, strict=True):
        assert {each.arn.split(":")[4] for each in observation.integrations} == {account}
    assert len(list_keys(proxy, "ListDataIntegrations")) == len(ACCOUNTS)


def test_role_needs_one_call_of_sts(proxy: FaultProxy) -> None:
    """The answer of AssumeRole names the account, so that no GetCallerIdentity follows."""
    observe(share_clients(proxy), build_target(ACCOUNTS[0]))
    assert proxy.counts["STS"] == 1


def test_account_of_the_assumed_role_is_compared(proxy: FaultProxy) -> None:
    """If the answer of AssumeRole names another account than the Target, nothing is read."""
    target = replace(build_target(ACCOUNTS[0]), account=ACCOUNTS[1])
    with pytest.raises(WrongAccount, match=f"declares {ACCOUNTS[1]}"):
        observe(share_clients(proxy), target)
    assert proxy.counts == {"STS": 1}


@pytest.mark.parametrize("arn", ["", "arn:aws:iam::000000000001:role/r", "arn:aws:sts::12:assumed-role/r/s", "x"])
def test_answer_without_the_arn_of_a_role_is_an_error(arn: str) -> None:
    """An answer of AssumeRole without a valid ARN of an assumed role cannot be used."""
    keys = "<AccessKeyId>a</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
    expiration = "<Expiration>2030-01-01T00:00:00Z</Expiration>"
    body = (
        '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>'
        f"<AssumedRoleUser><Arn>{arn}</Arn><AssumedRoleId>i</AssumedRoleId></AssumedRoleUser>"
        f"<Credentials>{keys}{expiration}</Credentials></AssumeRoleResult>"
        "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></AssumeRoleResponse>"
    )
    answer = build_response(200, body, "text/xml").replace(b"\r\n", b"\r\nx-amzn-RequestId: r\r\n", 1)
    with (
        FaultProxy("http://127.0.0.1:9", before_request=lambda _: answer) as proxy,
        pytest.raises(CloudError, match=r"AssumeRole of .*: the answer cannot be used"),
    ):
        observe(share_clients(proxy), build_target(ACCOUNTS[0]))


def test_call_without_credentials_of_a_target_is_not_signed() -> None:
    """A call of the shared client outside a target's call fails before it is signed."""
    with pytest.raises(LookupError):
        CallCredentials().get_frozen_credentials()


def test_new_runs_see_new_credentials_after_a_minute(proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions are shared for a minute. A later run reads the environment again, as after a rotation of keys."""
    time = FakeTime()
    connection = ConnectionSettings("0", endpoint_url=proxy.url)
    clients = SharedClients(connection, MODELS, time)
    target = Target("t", "us-east-1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    for key, seconds in (("AKIA1", 0.0), ("AKIA2", 60.0), ("AKIA3", 60.5)):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
        time.now = seconds
        observe(clients, target)
    assert list_keys(proxy, "STS") == {"AKIA1", "AKIA3"}


def test_clients_are_closed_after_their_last_user(proxy: FaultProxy) -> None:
    """Sessions that are replaced stay open for the runs that use them, and are closed after the last one."""
    time = FakeTime()
    clients = share_clients(proxy, time)
    with closing(TargetSession(Target("a", "us-east-1"), clients)) as old:
        time.now = 100.0
        with closing(TargetSession(Target("b", "us-east-1"), clients)):
            assert old.create_reader(create_pace()).observe(lambda *_: None).integrations
    clients.close()
    clients.close()


def test_refused_credentials_are_read_again_by_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """If AWS refuses the credentials, the next run opens new sessions at once, and finds renewed keys."""
    keys = []
    body = "<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error><RequestId>r</RequestId></ErrorResponse>"
    refusal = build_response(403, body, "text/xml")

    def refuse_first(request: Request) -> bytes | None:
        keys.append(request.headers["Authorization"].split("Credential=")[1].split("/")[0])
        return refusal if keys[-1] == "AKIA1" else None

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with SandboxServer() as server, FaultProxy(server.url, before_request=refuse_first) as proxy:
        clients = SharedClients(ConnectionSettings("0", endpoint_url=proxy.url), MODELS, FakeTime())
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA1")
        with pytest.raises(Unauthenticated):
            observe(clients, Target("t", "us-east-1"))
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA2")
        assert observe(clients, Target("t", "us-east-1")).integrations
    assert keys[:2] == ["AKIA1", "AKIA2"]
