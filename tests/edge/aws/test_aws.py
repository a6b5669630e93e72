"""AWS over real HTTP: the calls are the documented ones, each error has its type, and no write is sent twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from support import aws_sessions
from support.builders import ON_DEMAND, request
from support.fakes import FakeClock
from support.proxy import FaultProxy, Request, build_error, build_response

from reconciler.core.apply.outcome import Created, NotSent, Refused, Unknown, Updated
from reconciler.core.apply.transitions import LATE_CALL
from reconciler.core.aws.verdict import KNOWN_CODES
from reconciler.core.errors import (
    AccessDenied,
    ClockSkewed,
    CloudError,
    NoRegion,
    Throttled,
    Unauthenticated,
    Unreachable,
    WrongAccount,
)
from reconciler.core.model import Execution, Observation, Target, Unobserved
from reconciler.core.request.normalise import resolve_request
from reconciler.edge.aws import ConnectionSettings, Reader, TargetSession
from reconciler.sandbox import Behaviour, SandboxServer

ACCOUNT = "123456789012"
TARGET = Target("prod", "us-east-1", ACCOUNT)
CLOCK = FakeClock()
PACE = aws_sessions.create_pace()
DEADLINE = CLOCK.now()


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    """Return a running sandbox with high quotas."""
    with SandboxServer(behaviour=Behaviour(integrations=500, associations_per_integration=500)) as running_server:
        yield running_server


@pytest.fixture
def proxy(server: SandboxServer) -> Iterator[FaultProxy]:
    """Return a proxy to the sandbox that records the requests."""
    with FaultProxy(server.url) as running_proxy:
        yield running_proxy


def connect(proxy: FaultProxy, target: Target = TARGET, **changes: Any) -> TargetSession:
    """Return a session of a target, connected through the recording proxy."""
    connection = ConnectionSettings("0", endpoint_url=proxy.url, has_dummy_credentials=True)
    return aws_sessions.connect(target, replace(connection, **changes))


def observe(reader: Reader) -> Observation:
    """Return the observation of a reader."""
    return reader.observe(lambda *_: None)


def create_client(server: SandboxServer) -> Any:
    """Return a plain boto3 client that prepares the sandbox."""
    return boto3.client(
        "appintegrations", "us-east-1", endpoint_url=server.url, aws_access_key_id="x", aws_secret_access_key="x"
    )


def get_arn(name: str, server: SandboxServer) -> str:
    """Return the ARN of a data integration."""
    return str(create_client(server).get_data_integration(Identifier=name)["Arn"])


def test_unchanged_run_makes_the_documented_number_of_calls(server: SandboxServer, proxy: FaultProxy) -> None:
    """An unchanged run makes exactly the documented number of calls.

    That is one GetCallerIdentity, ceil(D/50) ListDataIntegrations for D data integrations, and for each of them
    ceil(a/50) lists of its a associations, at least one.
    """
    client = create_client(server)
    for number in range(47):  # the sandbox already has four: D = 51
        client.create_data_integration(
            Name=f"i{number}",
            KmsKey="k",
            SourceURI="s3://corp/articles",
            ScheduleConfig={"ScheduleExpression": "rate(1 hour)"},
        )
    for number in range(51):
        client.create_data_integration_association(
            DataIntegrationIdentifier="i0", DestinationURI=f"s3://corp-exports/{number}"
        )
    live_state = observe(connect(proxy).create_reader(PACE))
    assert proxy.counts == {"STS": 1, "ListDataIntegrations": 2, "ListDataIntegrationAssociation": 50 + 2}
    assert len(live_state.integrations) == len(live_state.associations) == 51
    assert sum(len(each) for each in live_state.associations.values() if not isinstance(each, Unobserved)) == 51


def test_live_associations_are_normalised(server: SandboxServer, proxy: FaultProxy) -> None:
    """Live associations have the normal form of times and ARNs that the core compares, and their last execution."""
    arn = get_arn("profiles-export", server)
    create_request = resolve_request(request(), arn)
    assert isinstance(connect(proxy).create_writer(PACE, CLOCK).create(create_request, "token", DEADLINE), Created)
    (live,) = connect(proxy).create_reader(PACE).list_associations([arn])[arn]  # type: ignore[misc]
    assert live.spec == {key: value for key, value in create_request.items() if key != "ObjectConfiguration"}
    assert live.last_execution == Execution("IN_PROGRESS", "The job is running.")


def test_update_is_sent_once_and_its_outcome_is_returned(server: SandboxServer, proxy: FaultProxy) -> None:
    """An Update is sent once, and it is not repeated if AWS refuses it or if its answer is lost."""
    arn = get_arn("profiles-export", server)
    writer = connect(proxy).create_writer(PACE, CLOCK)
    created = writer.create(resolve_request(request(), arn), "token", DEADLINE)
    assert isinstance(created, Created)
    assert writer.update(arn, created.association_id, ON_DEMAND, DEADLINE) == Updated()
    assert isinstance(writer.update(arn, "00000000-0000-4000-8000-00000000dead", ON_DEMAND, DEADLINE), Refused)
    proxy.after_request = lambda _: b""
    assert isinstance(writer.update(arn, created.association_id, ON_DEMAND, DEADLINE), Unknown)
    assert proxy.counts["UpdateDataIntegrationAssociation"] == 3
    assert [each.operation[:6] for each in server.sandbox.executed_writes] == ["Create", "Update", "Update"]


def test_expired_request_is_not_sent(server: SandboxServer, proxy: FaultProxy) -> None:
    """A request whose deadline passed is not sent. The clock is checked after the request is signed."""
    clock = FakeClock()
    writer = connect(proxy).create_writer(PACE, clock)
    create_request, deadline = resolve_request(request(), get_arn("profiles-export", server)), clock.now()
    clock.advance(seconds=1)
    outcome = writer.create(create_request, "t", deadline)
    assert outcome == NotSent(f"not sent: {LATE_CALL}")
    assert "CreateDataIntegrationAssociation" not in proxy.counts
    assert isinstance(writer.create(create_request, "t", clock.now()), Created)


def test_create_sends_our_token_and_user_agent(server: SandboxServer, proxy: FaultProxy) -> None:
    """A Create sends the token of the program instead of one of botocore, and a User-Agent that CloudTrail shows."""
    create_request = resolve_request(request(), get_arn("profiles-export", server))
    connect(proxy).create_writer(PACE, CLOCK).create(create_request, "our-token", DEADLINE)
    (create,) = [each for each in proxy.requests if each.method == "POST" and each.path != "/"]
    assert b'"ClientToken": "our-token"' in create.body
    assert "appintegrations-reconciler/0" in create.headers["User-Agent"]


def test_the_reading_client_cannot_write(proxy: FaultProxy) -> None:
    """A Create through the client of the reader fails before it is sent."""
    with pytest.raises(AssertionError, match="was called on a read-only client"):
        connect(proxy).create_reader(PACE)._client._client.create_data_integration_association(  # noqa: SLF001 - no public one writes
            DataIntegrationIdentifier="x"
        )
    assert "CreateDataIntegrationAssociation" not in proxy.counts


def test_another_account_is_refused_before_anything_is_read(proxy: FaultProxy) -> None:
    """With credentials of another account, the session ends after GetCallerIdentity."""
    with pytest.raises(WrongAccount, match="declares 999999999999"):
        connect(proxy, replace(TARGET, account="999999999999"))
    assert proxy.counts == {"STS": 1}


@pytest.mark.parametrize("status", [200, 403])
def test_answer_of_a_proxy_is_a_one_line_error(server: SandboxServer, status: int) -> None:
    """The page of a proxy or login portal instead of an AWS answer gives an error of one short line."""
    page = build_response(status, "<html>\n<p>Please log in" + "." * 5000)
    with FaultProxy(server.url, before_request=lambda _: page) as proxy, pytest.raises(Unreachable) as error:
        connect(proxy)
    text = str(error.value)
    assert text.startswith("GetCallerIdentity: the answer is not from AWS, but perhaps from a proxy: ")
    assert "\n" not in text
    assert len(text) < 300


def test_gateway_error_includes_the_request_id(server: SandboxServer) -> None:
    """A gateway error without a body shows the request id of its headers."""
    response = build_response(502, "").replace(b"\r\n\r\n", b"\r\nx-amzn-RequestId: req-1\r\n\r\n")
    with FaultProxy(server.url, before_request=lambda each: None if each.operation == "STS" else response) as proxy:
        reader = connect(proxy).create_reader(PACE)
        with pytest.raises(Unreachable, match=r"\(request req-1\)"):
            observe(reader)


def test_a_role_is_assumed_with_its_session_name(proxy: FaultProxy) -> None:
    """The role of a target is assumed with its session name and external id, and the account of the role counts."""
    target = replace(
        TARGET, account="210987654321", role_arn="arn:aws:iam::210987654321:role/reconciler", external_id="xyz"
    )
    session = connect(proxy, target)
    assert (session.account, session.region) == ("210987654321", "us-east-1")
    body = proxy.requests[0].body.decode()
    assert "RoleSessionName=appintegrations-reconciler" in body
    assert "ExternalId=xyz" in body


def test_missing_region_is_an_error(proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """If no Region is configured, the error names the options and variables that set one."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(NoRegion, match="--region or AWS_REGION"):
        connect(proxy, Target("default"))


@pytest.mark.parametrize(
    "name", ["fips-us-east-1", "us-east-1-fips", "US-EAST-1", " us-east-1", "us-east-01", "aws-global", "us-east-1\n"]
)
@pytest.mark.parametrize("source", ["target", "option", "environment", "profile"])
def test_alias_of_a_region_is_rejected(
    proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, source: str
) -> None:
    """Another spelling of a Region is rejected before any call, because it would have its own journal and exports."""
    (tmp_path / "config").write_text(f"[default]\nregion = {name.strip()}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config" if source == "profile" else tmp_path / "none"))
    if source == "environment":
        monkeypatch.setenv("AWS_DEFAULT_REGION", name)
    if source == "profile" and name.strip() == "us-east-1":
        return  # the config file strips blanks around a value
    target = Target("prod", name if source == "target" else None, ACCOUNT)
    with pytest.raises(CloudError, match=r"is not a Region: write (us-east-1|its Region|a code such as us-east-1)"):
        connect(proxy, target, region=name if source == "option" else None)
    assert proxy.counts == {}


def test_region_unknown_to_botocore_is_accepted(proxy: FaultProxy) -> None:
    """A Region that botocore does not list is accepted if it matches the pattern of its partition."""
    assert connect(proxy, Target("prod", "eu-north-7", ACCOUNT)).region == "eu-north-7"


def test_missing_credentials_are_unauthenticated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing credentials and a missing profile raise Unauthenticated."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(Unauthenticated, match="credentials"):
        aws_sessions.connect(TARGET, ConnectionSettings("0"))
    with pytest.raises(Unauthenticated, match="nobody"):
        aws_sessions.connect(TARGET, ConnectionSettings("0", profile="nobody"))


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "AccessDeniedException", AccessDenied),
        (403, "ExpiredTokenException", Unauthenticated),
        (429, "ThrottlingException", Throttled),
        (429, "TooManyRequestsException", Throttled),
        (500, "InternalServiceError", Unreachable),
        (400, "InvalidRequestException", CloudError),
    ],
)
def test_read_errors_have_types(
    server: SandboxServer, status: int, code: str, error: type[CloudError], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed List raises the error type of its code, shows the request id, and honours AWS_MAX_ATTEMPTS."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    def fail(request: Request) -> bytes | None:
        return build_error(status, code) if request.operation == "ListDataIntegrations" else None

    with FaultProxy(server.url, before_request=fail) as proxy:
        reader = connect(proxy).create_reader(PACE)
        with pytest.raises(error, match=rf"ListDataIntegrations: {code}: because \(request req-1\)"):
            observe(reader)
        assert proxy.counts["ListDataIntegrations"] == 1


@pytest.mark.parametrize("status", [403, 404, 400])
def test_failed_list_does_not_affect_the_other_lists(server: SandboxServer, status: int) -> None:
    """If one List fails, only that data integration is unobserved, and it does not count as empty."""
    failing_arn = get_arn("profiles-export", server)

    def fail(request: Request) -> bytes | None:
        return build_error(status, "SomeException") if failing_arn.rpartition("/")[2] in request.path else None

    with FaultProxy(server.url, before_request=fail) as proxy:
        live_state = observe(connect(proxy).create_reader(PACE))
    assert isinstance(live_state.associations[failing_arn], Unobserved)
    assert [each for arn, each in live_state.associations.items() if arn != failing_arn] == [(), (), ()]


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (400, "ThrottlingException", "a later run tries again; if the error stays, lower RequestsPerSecond"),
        (500, "InternalServiceError", "a later run tries again; if the error stays, run reconcile doctor"),
        (403, "AccessDeniedException", "run reconcile doctor, and correct what it reports"),
    ],
)
def test_failed_list_names_the_remedy(server: SandboxServer, status: int, code: str, remedy: str) -> None:
    """A fault that passes needs only a later run. A refusal needs a correction, which the doctor names."""

    def fail(request: Request) -> bytes | None:
        return build_error(status, code) if "/associations" in request.path else None

    arn = get_arn("profiles-export", server)
    with FaultProxy(server.url, before_request=fail) as proxy:
        unobserved = connect(proxy).create_reader(PACE).list_associations([arn])[arn]
    assert isinstance(unobserved, Unobserved)
    assert unobserved.remedy == remedy


def test_interrupted_list_is_unobserved(server: SandboxServer) -> None:
    """If the second page of a List fails, the data integration is unobserved."""
    for number in range(60):
        create_client(server).create_data_integration_association(
            DataIntegrationIdentifier="profiles-export", DestinationURI=f"s3://corp-exports/{number}"
        )

    def fail(request: Request) -> bytes | None:
        return build_error(403, "AccessDeniedException") if "nextToken" in request.path else None

    arn = get_arn("profiles-export", server)
    with FaultProxy(server.url, before_request=fail) as proxy:
        assert isinstance(connect(proxy).create_reader(PACE).list_associations([arn])[arn], Unobserved)


def test_list_answer_without_its_member_is_unobserved(server: SandboxServer) -> None:
    """A List answer without its member is unobserved and does not count as empty."""
    response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"
    with FaultProxy(
        server.url,
        before_request=lambda request: response if request.operation.startswith("ListDataIntegrationA") else None,
    ) as proxy:
        assert isinstance(connect(proxy).create_reader(PACE).list_associations(["arn:x"])["arn:x"], Unobserved)


@pytest.mark.parametrize(
    ("status", "code", "message", "outcome"),
    [
        (400, "InvalidRequestException", "because", Refused),
        (429, "ResourceQuotaExceededException", "because", Refused),
        (403, "AccessDeniedException", "because", Refused),
        (429, "ThrottlingException", "because", NotSent),
        (429, "TooManyRequestsException", "because", NotSent),
        (429, "", "because", Unknown),
        (403, "SomeException", "because", Unknown),
        (404, "ResourceNotFoundException", "because", Refused),
        (400, "ExpiredTokenException", "because", Refused),
        (403, "InvalidSignatureException", "Signature expired: 20261127T120000Z is now earlier than …", Refused),
        (403, "RequestInTheFuture", "because", Refused),
        (408, "RequestTimeout", "because", Unknown),
        (304, "", "because", Unknown),
        (500, "InternalServiceError", "because", Unknown),
        (503, "ServiceUnavailable", "because", Unknown),
    ],
)
def test_create_is_sent_once_for_every_answer(
    server: SandboxServer, status: int, code: str, message: str, outcome: type[object]
) -> None:
    """A Create is sent once, whatever AWS answers, and its outcome has the type that fits the answer."""
    with FaultProxy(
        server.url,
        before_request=lambda request: (
            build_error(status, code, message) if request.operation.startswith("C") else None
        ),
    ) as proxy:
        assert isinstance(connect(proxy).create_writer(PACE, CLOCK).create(request(), "t", DEADLINE), outcome)
        assert proxy.counts["CreateDataIntegrationAssociation"] == 1


def test_wrong_clock_is_not_blamed_on_the_credentials(server: SandboxServer) -> None:
    """If AWS rejects the time of a signature, the advice is to set the clock and not to renew the credentials."""
    message = "Signature not yet current: 20261127T123000Z is still later than 20261127T122000Z"

    def reject_signature(request: Request) -> bytes | None:
        is_appintegrations = "/app-integrations/" in request.headers["Authorization"]
        return build_error(403, "InvalidSignatureException", message) if is_appintegrations else None

    with FaultProxy(server.url, before_request=reject_signature) as proxy:
        with pytest.raises(ClockSkewed, match=r"\(request req-1\); set the clock of this machine, and use NTP"):
            observe(connect(proxy).create_reader(PACE))
        outcome = connect(proxy).create_writer(PACE, CLOCK).create(request(), "t", DEADLINE)
    assert isinstance(outcome, Refused)
    assert "set the clock of this machine" in outcome.reason
    assert "renew" not in outcome.reason


def test_an_explicit_deny_is_final(server: SandboxServer) -> None:
    """The refusal of an explicit deny says that a person must change the policy."""
    server.sandbox.set_behaviour(Behaviour(explicit_deny=True))
    with FaultProxy(server.url) as proxy:
        outcome = (
            connect(proxy)
            .create_writer(PACE, CLOCK)
            .create(resolve_request(request(), get_arn("profiles-export", server)), "t", DEADLINE)
        )
    assert isinstance(outcome, Refused)
    assert "an explicit deny in a policy refuses this call: remove the deny" in outcome.reason


def test_truncated_answer_is_unknown_and_not_repeated(server: SandboxServer) -> None:
    """If the connection closes before the answer, the outcome is unknown, and the Create is not repeated."""
    create_request = resolve_request(request(), get_arn("profiles-export", server))
    with FaultProxy(
        server.url, after_request=lambda request: b"" if request.operation.startswith("C") else None
    ) as proxy:
        assert isinstance(connect(proxy).create_writer(PACE, CLOCK).create(create_request, "t", DEADLINE), Unknown)
        assert proxy.counts["CreateDataIntegrationAssociation"] == 1
    assert len(server.sandbox.executed_writes) == 1


def test_missing_answer_is_unknown_and_not_repeated(server: SandboxServer) -> None:
    """If the answer takes longer than the read timeout, the outcome is unknown, and the Create is not repeated."""
    create_request = resolve_request(request(), get_arn("profiles-export", server))
    release = threading.Event()

    def hold_answer(request: Request) -> None:
        if request.operation.startswith("C"):
            release.wait(30)

    with FaultProxy(server.url, after_request=hold_answer) as proxy:
        outcome = connect(proxy, read_timeout=0.2).create_writer(PACE, CLOCK).create(create_request, "t", DEADLINE)
        release.set()
    assert isinstance(outcome, Unknown)
    assert proxy.counts["CreateDataIntegrationAssociation"] == 1
    assert len(server.sandbox.executed_writes) == 1


def test_connection_cut_by_a_proxy_is_unknown(server: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a proxy cuts the connection, the outcome is unknown, although the error looks like a failed connection."""
    with FaultProxy(
        server.url, before_request=lambda request: b"" if request.operation.startswith("C") else None
    ) as proxy:
        for name, value in (("HTTP_PROXY", proxy.url), ("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")):
            monkeypatch.setenv(name, value)
        connection = ConnectionSettings("0", endpoint_url="http://aws.invalid")
        session = aws_sessions.connect(TARGET, connection)
        assert isinstance(session.create_writer(PACE, CLOCK).create(request(), "t", DEADLINE), Unknown)
        assert proxy.counts["CreateDataIntegrationAssociation"] == 1


def test_an_answer_without_an_id_is_unknown(server: SandboxServer) -> None:
    """A 200 answer without an association id leaves the outcome unknown."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\nx-amzn-RequestId: req-1\r\n\r\n"
    response = head + b"{}"
    with FaultProxy(
        server.url, before_request=lambda request: response if request.operation.startswith("C") else None
    ) as proxy:
        outcome = connect(proxy).create_writer(PACE, CLOCK).create(request(), "t", DEADLINE)
    assert outcome == Unknown("AWS answered without an association id (request req-1)")


def test_refused_connection_is_not_sent(server: SandboxServer) -> None:
    """If the connection is refused, the outcome is that nothing was sent."""
    with FaultProxy(server.url) as proxy:
        writer = connect(proxy).create_writer(PACE, CLOCK)
    assert isinstance(writer.create(request(), "t", DEADLINE), NotSent)


def test_default_botocore_retries_create_three_times(server: SandboxServer) -> None:
    """With the defaults of botocore, a Create with lost answers is sent three times.

    The writer therefore makes one attempt: without a ClientToken that AWS recognises, each retry would be an export.
    """
    server.sandbox.set_behaviour(Behaviour(tokens="ignored", lose_answers=2))
    create_client(server).create_data_integration_association(
        DataIntegrationIdentifier="profiles-export", DestinationURI="s3://corp-exports/x"
    )
    assert len(server.sandbox.executed_writes) == 3


def test_integration_list_without_its_member_is_an_error(server: SandboxServer) -> None:
    """A ListDataIntegrations answer without its member does not count as an account without data integrations."""
    response = (
        b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: r\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"
    )
    with FaultProxy(
        server.url, before_request=lambda request: response if request.operation == "ListDataIntegrations" else None
    ) as proxy:
        reader = connect(proxy).create_reader(PACE)
        with pytest.raises(CloudError, match="lacks 'DataIntegrations'"):
            observe(reader)


def test_sandbox_connection_ignores_profile_and_proxy(proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox is reached without a proxy, even if the environment names a proxy and a missing profile."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert connect(proxy).account == ACCOUNT


def test_invalid_boto3_settings_are_an_error(proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """An invalid AWS_MAX_ATTEMPTS is an expected error and not an internal one."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "x")
    with pytest.raises(CloudError):
        connect(proxy)


def test_every_call_is_rate_limited(proxy: FaultProxy) -> None:
    """Each request to AppIntegrations waits for the rate limit, including those of the listing threads."""
    waits: list[float] = []
    pace = aws_sessions.create_pace(on_wait=waits.append)
    connection = ConnectionSettings("0", endpoint_url=proxy.url, has_dummy_credentials=True)
    session = aws_sessions.connect(TARGET, connection)
    observe(session.create_reader(pace))
    writer = session.create_writer(pace, CLOCK)
    writer.wait()
    writer.create(request(), "t", DEADLINE)
    assert len(waits) == sum(count for operation, count in proxy.counts.items() if operation != "STS") == 6


def count_open_connections(proxy: FaultProxy) -> int:
    """Return the number of open connections to a server (proc(5), /proc/net/tcp: the remote port, the state)."""
    port = f":{int(proxy.url.rpartition(':')[2]):04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    return sum(line[2].endswith(port) and line[3] == "01" for line in lines)


def test_closed_session_leaves_no_open_connection(server: SandboxServer) -> None:
    """A closed session has no open connections to STS or AppIntegrations, which AWS would keep open."""
    role = Target("prod", "us-east-1", "210987654321", role_arn="arn:aws:iam::210987654321:role/reconciler")
    with FaultProxy(server.url, is_persistent=True) as proxy:
        session = connect(proxy, role)
        observe(session.create_reader(PACE))
        assert count_open_connections(proxy) >= 3
        session.close()
        assert count_open_connections(proxy) == 0


def build_ok_response(body: str) -> bytes:
    """Return a successful answer of AWS."""
    return build_response(200, body, "application/json").replace(b"\r\n", b"\r\nx-amzn-RequestId: req-1\r\n", 1)


def build_list_fault(body: str) -> Any:
    """Return a fault that answers the List of associations with a body."""
    return lambda request: build_ok_response(body) if request.operation == "ListDataIntegrationAssociation" else None


@pytest.mark.parametrize("status", [200, 201, 302, 400, 401, 403, 404, 407, 409, 429, 501])
@pytest.mark.parametrize(
    "body",
    ["", "<html>Please log in</html>", '{"__type": "AccessDeniedException"}', '{"code": 403}', '{"code": {}}', "[]"],
)
def test_proxy_page_leaves_a_write_unknown(server: SandboxServer, status: int, body: str) -> None:
    """If a proxy answers after AWS carried out a write, the outcome is unknown, and the write is not repeated."""
    create_request = resolve_request(request(), get_arn("profiles-export", server))
    with FaultProxy(server.url) as proxy:
        writer = connect(proxy).create_writer(PACE, CLOCK)
        created = writer.create(create_request, "t", DEADLINE)
        assert isinstance(created, Created)
        proxy.after_request = lambda _: build_response(status, body)
        assert isinstance(writer.create(create_request, "t", DEADLINE), Unknown)
        assert isinstance(
            writer.update(
                str(create_request["DataIntegrationIdentifier"]), created.association_id, ON_DEMAND, DEADLINE
            ),
            Unknown,
        )
        assert proxy.counts["CreateDataIntegrationAssociation"] == 2
        assert proxy.counts["UpdateDataIntegrationAssociation"] == 1


@pytest.mark.usefixtures("_single_attempt")
@pytest.mark.parametrize("status", [200, 403, 404])
@pytest.mark.parametrize("body", ["<html>", '{"DataIntegrationAssociations": [], "DataIntegrations": []}'])
def test_proxy_page_leaves_a_read_unobserved(server: SandboxServer, status: int, body: str) -> None:
    """A page without AWS's request id leaves the data integrations unobserved."""
    arn = get_arn("profiles-export", server)
    with FaultProxy(server.url) as proxy:
        reader = connect(proxy).create_reader(PACE)
        proxy.before_request = lambda _: build_response(status, body, "application/json")
        assert isinstance(reader.list_associations([arn])[arn], Unobserved)
        with pytest.raises(
            Unreachable, match=r"^ListDataIntegrations: the answer is not from AWS, but perhaps from a proxy"
        ):
            observe(reader)


@pytest.fixture
def _single_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


@pytest.mark.parametrize("id_", ["7", "true", "null", '""', '" "', '"a\\u001b"', '"\\ud800"', '["x"]', "{}"])
def test_invalid_id_leaves_a_create_unknown(server: SandboxServer, id_: str) -> None:
    """A Create answer with an invalid association id is unknown, and the next List decides."""
    response = build_ok_response(f'{{"DataIntegrationAssociationId": {id_}}}')
    with FaultProxy(
        server.url, before_request=lambda request: response if request.operation.startswith("C") else None
    ) as proxy:
        assert isinstance(connect(proxy).create_writer(PACE, CLOCK).create(request(), "t", DEADLINE), Unknown)


ARN, RESOURCE_TYPE = '"DataIntegrationAssociationArn"', "data-integration-association"
ARN_PREFIX = "arn:aws:app-integrations:us-east-1:123456789012"
VALID_ARN = f'{ARN}: "{ARN_PREFIX}:{RESOURCE_TYPE}/i/a",'
INTEGRATION = f"{ARN_PREFIX}:data-integration/i"


@pytest.mark.parametrize(
    "item",
    [
        '"DataIntegrationAssociationArn": 7',
        '"DataIntegrationAssociationArn": null',
        '"DataIntegrationAssociationArn": "a"',
        f'{ARN}: "{ARN_PREFIX}:{RESOURCE_TYPE}/"',
        f'{ARN}: "{ARN_PREFIX.replace("123456789012", "999999999999")}:{RESOURCE_TYPE}/i/a"',
        f'{ARN}: "{ARN_PREFIX.replace("us-east-1", "eu-west-2")}:{RESOURCE_TYPE}/i/a"',
        f'{ARN}: "{ARN_PREFIX.replace("aws:", "aws-cn:")}:{RESOURCE_TYPE}/i/a"',
        f'{ARN}: "{ARN_PREFIX}:{RESOURCE_TYPE}/i/\\n"',
        f'{VALID_ARN} "DataIntegrationArn": "{INTEGRATION}x"',
        f'{VALID_ARN} "DataIntegrationArn": 7',
        f'{VALID_ARN} "DestinationURI": 7',
        f'{VALID_ARN} "DestinationURI": ["s3://x"]',
        f'{VALID_ARN} "DestinationURI": "s3://x/\\ud800"',
        f'{VALID_ARN} "ClientId": "a\\u0000b"',
        f'{VALID_ARN} "ClientId": true',
        f'{VALID_ARN} "ExecutionConfiguration": 7',
        f'{VALID_ARN} "ExecutionConfiguration": {{"ExecutionMode": 7}}',
        f'{VALID_ARN} "ExecutionConfiguration": {{"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": {{"StartTime": true}}}}',  # noqa: E501 - one value
        f'{VALID_ARN} "ExecutionConfiguration": {{"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": []}}',
    ],
)
def test_list_with_an_invalid_item_is_unobserved(server: SandboxServer, item: str) -> None:
    """A List with an invalid item leaves its data integration unobserved: nothing is adopted or taken for missing."""
    with FaultProxy(
        server.url, before_request=build_list_fault(f'{{"DataIntegrationAssociations": [{{{item}}}]}}')
    ) as proxy:
        assert isinstance(connect(proxy).create_reader(PACE).list_associations([INTEGRATION])[INTEGRATION], Unobserved)


@pytest.mark.parametrize(
    "page",
    [
        '{"DataIntegrationAssociations": {}}',
        '{"DataIntegrationAssociations": null}',
        '{"DataIntegrationAssociations": ""}',
        '{"DataIntegrationAssociations": [], "NextToken": false}',
        '{"DataIntegrationAssociations": [], "NextToken": 0}',
        '{"DataIntegrationAssociations": [], "NextToken": {}}',
        '{"DataIntegrationAssociations": [], "NextToken": []}',
        "{}",
        "[]",
        "null",
    ],
)
def test_page_with_wrong_types_is_unobserved(server: SandboxServer, page: str) -> None:
    """A page with wrong types is unobserved. botocore itself would read it as an empty list, or as the last page."""
    with FaultProxy(server.url, before_request=build_list_fault(page)) as proxy:
        assert isinstance(connect(proxy).create_reader(PACE).list_associations([INTEGRATION])[INTEGRATION], Unobserved)


@pytest.mark.parametrize(
    ("item", "execution"),
    [
        ('"LastExecutionStatus": {"ExecutionStatus": "PAUSED"}', Execution("PAUSED", None)),
        ('"LastExecutionStatus": {"ExecutionStatus": 7, "StatusMessage": 7}', Execution("7", "7")),
        ('"LastExecutionStatus": {"ExecutionStatus": null}', None),
        ('"LastExecutionStatus": {"StatusMessage": "a\\u001b[1mb\\ud800"}', Execution("unknown", "a [1mb")),
        ('"LastExecutionStatus": {"ExecutionStatus": "FAILED", "StatusMessage": ["x"]}', Execution("FAILED", "['x']")),
        ('"ExecutionConfiguration": {"ExecutionMode": "NEW_MODE"}', None),
        ('"NewMember": {"a": 1}, "DestinationURI": null', None),
        ('"ClientId": ""', None),
        ('"LastExecutionStatus": "COMPLETED"', Execution("COMPLETED", None)),
        ('"LastExecutionStatus": []', Execution("[]", None)),
        ('"LastExecutionStatus": 7', Execution("7", None)),
    ],
)
def test_unknown_members_and_values_in_a_list_are_accepted(
    server: SandboxServer, item: str, execution: Execution | None
) -> None:
    """New members and values in a List are accepted, and texts that are only displayed are cleaned."""
    with FaultProxy(
        server.url, before_request=build_list_fault(f'{{"DataIntegrationAssociations": [{{{VALID_ARN} {item}}}]}}')
    ) as proxy:
        (live,) = connect(proxy).create_reader(PACE).list_associations([INTEGRATION])[INTEGRATION]  # type: ignore[misc]
    assert live.last_execution == execution


def test_long_execution_message_is_truncated(server: SandboxServer) -> None:
    """A long execution message is truncated, because the journal and the page contain it."""
    item = f'{VALID_ARN} "LastExecutionStatus": {{"ExecutionStatus": "FAILED", "StatusMessage": "{"x" * 100_000}"}}'
    with FaultProxy(
        server.url, before_request=build_list_fault(f'{{"DataIntegrationAssociations": [{{{item}}}]}}')
    ) as proxy:
        (live,) = connect(proxy).create_reader(PACE).list_associations([INTEGRATION])[INTEGRATION]  # type: ignore[misc]
    assert live.last_execution
    assert len(live.last_execution.message or "") == 1024


@pytest.mark.parametrize(
    "item",
    [
        f'{{"Arn": "{INTEGRATION.replace("123456789012", "999999999999")}", "Name": "x"}}',
        f'{{"Arn": "{INTEGRATION.replace("us-east-1", "us-west-2")}", "Name": "x"}}',
        f'{{"Arn": "{INTEGRATION}", "Name": 7}}',
        f'{{"Arn": "{INTEGRATION}", "Name": "a\\nb"}}',
        '"x"',
    ],
)
def test_integration_list_with_an_invalid_item_is_an_error(server: SandboxServer, item: str) -> None:
    """A data integration of another account or Region, or with invalid members, is an error."""
    response = build_ok_response(f'{{"DataIntegrations": [{item}]}}')
    with FaultProxy(
        server.url, before_request=lambda each: response if each.operation == "ListDataIntegrations" else None
    ) as proxy:
        reader = connect(proxy).create_reader(PACE)
        with pytest.raises(CloudError, match="ListDataIntegrations: the answer cannot be"):
            observe(reader)


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [("AB", "the same NextToken twice"), ("A", "the same NextToken twice"), ("", "more than 400 pages")],
)
def test_endless_list_is_ended(server: SandboxServer, tokens: str, expected: str) -> None:
    """A List that repeats its tokens, or has too many pages, ends as unobserved."""
    page_count = 0

    def answer_page(request: Request) -> bytes | None:
        nonlocal page_count
        if request.operation != "ListDataIntegrationAssociation":
            return None
        page_count += 1
        token = tokens[page_count % len(tokens)] if tokens else page_count
        return build_ok_response(f'{{"DataIntegrationAssociations": [], "NextToken": "{token}"}}')

    with FaultProxy(server.url, before_request=answer_page) as proxy:
        unobserved = connect(proxy).create_reader(PACE).list_associations([INTEGRATION])[INTEGRATION]
    assert isinstance(unobserved, Unobserved)
    assert expected in unobserved.reason
    assert page_count <= 400


@pytest.mark.parametrize("account", ["../../x", "12345678901", "", "\uff11" * 12])
def test_invalid_account_id_is_rejected(proxy: FaultProxy, account: str) -> None:
    """An account id that is not twelve digits is rejected, because the account id is part of the journal's name."""
    body = f"<GetCallerIdentityResult><Account>{account}</Account><Arn>a</Arn></GetCallerIdentityResult>"
    meta = "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
    response = f"<GetCallerIdentityResponse>{body}{meta}</GetCallerIdentityResponse>"
    proxy.before_request = lambda _: build_response(200, response, "text/xml")
    with pytest.raises(CloudError, match="GetCallerIdentity: the answer cannot be used: Account is not twelve digits"):
        connect(proxy, Target("prod", "us-east-1"))


def test_every_modelled_error_is_known() -> None:
    """The program knows each error of the service model. A new model with other errors fails this test."""
    model = boto3.client(
        "appintegrations", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    ).meta.service_model
    shapes = {shape.name for name in model.operation_names for shape in model.operation_model(name).error_shapes}
    assert shapes <= KNOWN_CODES
