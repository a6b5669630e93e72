"""AWS over real HTTP: which calls are made, what each error becomes, and that nothing is sent twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from support.builders import ON_DEMAND, request
from support.fakes import FakeClock
from support.wire import Request, Wire, answer, page

from reconciler.core.apply.outcome import Created, NotSent, Refused, Unknown, Updated
from reconciler.core.aws.verdict import KNOWN_CODES
from reconciler.core.errors import (
    AccessDenied,
    ClockSkewed,
    CloudError,
    Throttled,
    Unauthenticated,
    Unreachable,
    WrongAccount,
)
from reconciler.core.model import Execution, Observation, Target, Unobserved
from reconciler.core.request.normalise import resolve_request
from reconciler.edge.aws import ConnectionSettings, Reader, SharedModels, TargetSession
from reconciler.sandbox import Behaviour, SandboxServer

ACCOUNT = "123456789012"
TARGET = Target("prod", "us-east-1", ACCOUNT)
MODELS = SharedModels()
CLOCK = FakeClock()
SOON = CLOCK.now()


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    """Return a running sandbox with room for many."""
    with SandboxServer(behaviour=Behaviour(integrations=500, associations_per_integration=500)) as running:
        yield running


@pytest.fixture
def wire(server: SandboxServer) -> Iterator[Wire]:
    """Return a wire to that sandbox."""
    with Wire(server.url) as running:
        yield running


def connect(wire: Wire, target: Target = TARGET, **changes: Any) -> TargetSession:
    """Return a target's session over the wire."""
    connection = ConnectionSettings("0", endpoint_url=wire.url, has_dummy_credentials=True)
    return TargetSession(target, replace(connection, **changes), lambda: None, MODELS)


def observe(reader: Reader) -> Observation:
    """Return what a reader sees."""
    return reader.observe(lambda *_: None)


def client(server: SandboxServer) -> Any:
    """Return a plain client to arrange things with."""
    return boto3.client(
        "appintegrations", "us-east-1", endpoint_url=server.url, aws_access_key_id="x", aws_secret_access_key="x"
    )


def arn_of(name: str, server: SandboxServer) -> str:
    """Return the ARN of a data integration."""
    return str(client(server).get_data_integration(Identifier=name)["Arn"])


def test_unchanged_run_makes_the_documented_number_of_calls(server: SandboxServer, wire: Wire) -> None:
    """One GetCallerIdentity, ceil(D/50) ListDataIntegrations, ceil(a/50) lists per integration, at least one."""
    plain = client(server)
    for number in range(48):  # three are seeded: D = 51
        plain.create_data_integration(
            Name=f"i{number}",
            KmsKey="k",
            SourceURI="s3://corp/articles",
            ScheduleConfig={"ScheduleExpression": "rate(1 hour)"},
        )
    for number in range(51):
        plain.create_data_integration_association(
            DataIntegrationIdentifier="i0", DestinationURI=f"s3://corp-exports/{number}"
        )
    seen = observe(connect(wire).create_reader())
    assert wire.counts == {"STS": 1, "ListDataIntegrations": 2, "ListDataIntegrationAssociation": 50 + 2}
    assert len(seen.integrations) == len(seen.associations) == 51
    assert sum(len(lives) for lives in seen.associations.values() if not isinstance(lives, Unobserved)) == 51


def test_live_associations_are_normalised(server: SandboxServer, wire: Wire) -> None:
    """Times, ARN and the last execution come as the core compares them."""
    arn = arn_of("profiles-export", server)
    sent = resolve_request(request(), arn)
    assert isinstance(connect(wire).create_writer(CLOCK).create(sent, "token", SOON), Created)
    (live,) = connect(wire).create_reader().list_associations([arn])[arn]  # type: ignore[misc]
    assert live.spec == {key: value for key, value in sent.items() if key != "ObjectConfiguration"}
    assert live.last_execution == Execution("IN_PROGRESS", "The job is running.")


def test_update_is_sent_once_and_its_outcome_is_returned(server: SandboxServer, wire: Wire) -> None:
    """Its answer is empty; one that is refused, or whose answer is lost, is not sent again."""
    arn = arn_of("profiles-export", server)
    writer = connect(wire).create_writer(CLOCK)
    created = writer.create(resolve_request(request(), arn), "token", SOON)
    assert isinstance(created, Created)
    assert writer.update(arn, created.association_id, ON_DEMAND, SOON) == Updated()
    assert isinstance(writer.update(arn, "00000000-0000-4000-8000-00000000dead", ON_DEMAND, SOON), Refused)
    wire.after = lambda _: b""
    assert isinstance(writer.update(arn, created.association_id, ON_DEMAND, SOON), Unknown)
    assert wire.counts["UpdateDataIntegrationAssociation"] == 3
    assert [each.operation[:6] for each in server.sandbox.executed_writes] == ["Create", "Update", "Update"]


def test_expired_request_is_not_sent(server: SandboxServer, wire: Wire) -> None:
    """It is signed and about to be sent when the time is looked at for the last time."""
    clock = FakeClock()
    writer = connect(wire).create_writer(clock)
    sent, until = resolve_request(request(), arn_of("profiles-export", server)), clock.now()
    clock.advance(seconds=1)
    outcome = writer.create(sent, "t", until)
    assert outcome == NotSent("its intent was written too long ago")
    assert "CreateDataIntegrationAssociation" not in wire.counts
    assert isinstance(writer.create(sent, "t", clock.now()), Created)


def test_create_sends_our_token_and_user_agent(server: SandboxServer, wire: Wire) -> None:
    """Botocore invents a token where ours is missing; and CloudTrail is to show who called."""
    sent = resolve_request(request(), arn_of("profiles-export", server))
    connect(wire).create_writer(CLOCK).create(sent, "our-token", SOON)
    (create,) = [each for each in wire.requests if each.method == "POST" and each.path != "/"]
    assert b'"ClientToken": "our-token"' in create.body
    assert "appintegrations-reconciler/0" in create.headers["User-Agent"]


def test_the_reading_client_cannot_write(wire: Wire) -> None:
    """Not "does not": whatever holds the reader, a Create through it fails before it leaves."""
    with pytest.raises(AssertionError, match="through the reading client"):
        connect(wire).create_reader()._client.create_data_integration_association(DataIntegrationIdentifier="x")  # noqa: SLF001
    assert "CreateDataIntegrationAssociation" not in wire.counts


def test_another_account_is_refused_before_anything_is_read(wire: Wire) -> None:
    """Credentials of the wrong account see nothing and do nothing."""
    with pytest.raises(WrongAccount, match="declares 999999999999"):
        connect(wire, replace(TARGET, account="999999999999"))
    assert wire.counts == {"STS": 1}


@pytest.mark.parametrize("status", [200, 403])
def test_answer_of_a_proxy_is_a_one_line_error(server: SandboxServer, status: int) -> None:
    """A proxy, or a portal that wants a login, answers with a page where XML is due."""
    said = page(status, "<html>\n<p>Please log in" + "." * 5000)
    with Wire(server.url, before=lambda _: said) as wire, pytest.raises(Unreachable) as raised:
        connect(wire)
    text = str(raised.value)
    assert text.startswith("GetCallerIdentity: what answers is not AWS, but maybe a proxy: ")
    assert "\n" not in text
    assert len(text) < 300


def test_gateway_error_includes_the_request_id(server: SandboxServer) -> None:
    """It is in the headers alone, since there is no document."""
    said = page(502, "").replace(b"\r\n\r\n", b"\r\nx-amzn-RequestId: req-1\r\n\r\n")
    with Wire(server.url, before=lambda each: None if each.operation == "STS" else said) as wire:
        reader = connect(wire).create_reader()
        with pytest.raises(Unreachable, match=r"\(request req-1\)"):
            observe(reader)


def test_a_role_is_assumed_with_its_session_name(wire: Wire) -> None:
    """The role's account is the one that counts, and CloudTrail shows the session's name."""
    target = replace(
        TARGET, account="210987654321", role_arn="arn:aws:iam::210987654321:role/reconciler", external_id="xyz"
    )
    aws = connect(wire, target)
    assert (aws.account, aws.region) == ("210987654321", "us-east-1")
    assumed = wire.requests[0].body.decode()
    assert "RoleSessionName=appintegrations-reconciler" in assumed
    assert "ExternalId=xyz" in assumed


def test_missing_region_is_an_error(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one anywhere, one line says where it may come from."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(CloudError, match="--region or AWS_REGION"):
        connect(wire, Target("default"))


@pytest.mark.parametrize(
    "name", ["fips-us-east-1", "us-east-1-fips", "US-EAST-1", " us-east-1", "us-east-01", "aws-global", "us-east-1\n"]
)
@pytest.mark.parametrize("by", ["target", "option", "environment", "profile"])
def test_alias_of_a_region_is_rejected(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, by: str
) -> None:
    """A journal is known by its Region: two names of one would be two journals, and two exports. Nothing is called."""
    (tmp_path / "config").write_text(f"[default]\nregion = {name.strip()}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config" if by == "profile" else tmp_path / "none"))
    if by == "environment":
        monkeypatch.setenv("AWS_DEFAULT_REGION", name)
    if by == "profile" and name.strip() == "us-east-1":
        return  # a file of settings has no blanks around a value
    target = Target("prod", name if by == "target" else None, ACCOUNT)
    with pytest.raises(CloudError, match=r"is not a Region: write (us-east-1|its Region|a code such as us-east-1)"):
        connect(wire, target, region=name if by == "option" else None)
    assert wire.counts == {}


def test_region_unknown_to_botocore_is_accepted(wire: Wire) -> None:
    """Its partition's pattern is all that counts."""
    assert connect(wire, Target("prod", "eu-north-7", ACCOUNT)).region == "eu-north-7"


def test_missing_credentials_are_unauthenticated(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials anywhere, or a profile that does not exist, is an error of its own."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(Unauthenticated, match="credentials"):
        TargetSession(TARGET, ConnectionSettings("0"), lambda: None, MODELS)
    with pytest.raises(Unauthenticated, match="nobody"):
        TargetSession(TARGET, ConnectionSettings("0", profile="nobody"), lambda: None, MODELS)


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
    """Code and request id stand in the one line; boto3's own AWS_MAX_ATTEMPTS says how often it is tried."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    def fail(request: Request) -> bytes | None:
        return answer(status, code) if request.operation == "ListDataIntegrations" else None

    with Wire(server.url, before=fail) as wire:
        reader = connect(wire).create_reader()
        with pytest.raises(error, match=rf"ListDataIntegrations: {code}: because \(request req-1\)"):
            observe(reader)
        assert wire.counts["ListDataIntegrations"] == 1


@pytest.mark.parametrize("status", [403, 404, 400])
def test_failed_list_does_not_affect_the_other_lists(server: SandboxServer, status: int) -> None:
    """One failure stays one failure, and is never taken for an empty list."""
    broken = arn_of("profiles-export", server)

    def fail(request: Request) -> bytes | None:
        return answer(status, "SomeException") if broken.rpartition("/")[2] in request.path else None

    with Wire(server.url, before=fail) as wire:
        seen = observe(connect(wire).create_reader())
    assert isinstance(seen.associations[broken], Unobserved)
    assert [lives for arn, lives in seen.associations.items() if arn != broken] == [(), ()]


def test_interrupted_list_is_unobserved(server: SandboxServer) -> None:
    """The first page alone says nothing about what is not on it."""
    for number in range(60):
        client(server).create_data_integration_association(
            DataIntegrationIdentifier="profiles-export", DestinationURI=f"s3://corp-exports/{number}"
        )

    def fail(request: Request) -> bytes | None:
        return answer(403, "AccessDeniedException") if "nextToken" in request.path else None

    arn = arn_of("profiles-export", server)
    with Wire(server.url, before=fail) as wire:
        assert isinstance(connect(wire).create_reader().list_associations([arn])[arn], Unobserved)


def test_list_answer_without_its_member_is_unobserved(server: SandboxServer) -> None:
    """An answer that nobody can read is not an empty one."""
    broken = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"
    with Wire(
        server.url, before=lambda request: broken if request.operation.startswith("ListDataIntegrationA") else None
    ) as wire:
        assert isinstance(connect(wire).create_reader().list_associations(["arn:x"])["arn:x"], Unobserved)


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
    """Botocore would repeat some of these by itself; this client does not, and says what became of the call."""
    with Wire(
        server.url, before=lambda request: answer(status, code, message) if request.operation.startswith("C") else None
    ) as wire:
        assert isinstance(connect(wire).create_writer(CLOCK).create(request(), "t", SOON), outcome)
        assert wire.counts["CreateDataIntegrationAssociation"] == 1


def test_wrong_clock_is_not_blamed_on_the_credentials(server: SandboxServer) -> None:
    """What AWS refuses for the time of its signature ends with what to do about the clock, and with nothing else."""
    said = "Signature not yet current: 20261127T123000Z is still later than 20261127T122000Z"

    def judge(request: Request) -> bytes | None:
        judged = "/app-integrations/" in request.headers["Authorization"]
        return answer(403, "InvalidSignatureException", said) if judged else None

    with Wire(server.url, before=judge) as wire:
        with pytest.raises(ClockSkewed, match=r"\(request req-1\); set the clock of this machine, and use NTP"):
            observe(connect(wire).create_reader())
        refused = connect(wire).create_writer(CLOCK).create(request(), "t", SOON)
    assert isinstance(refused, Refused)
    assert "set the clock of this machine" in refused.reason
    assert "renew" not in refused.reason


def test_an_explicit_deny_is_final(server: SandboxServer) -> None:
    """A resource policy's deny will not pass by itself."""
    server.sandbox.set_behaviour(Behaviour(explicit_deny=True))
    with Wire(server.url) as wire:
        refused = (
            connect(wire)
            .create_writer(CLOCK)
            .create(resolve_request(request(), arn_of("profiles-export", server)), "t", SOON)
        )
    assert isinstance(refused, Refused)
    assert "until a person changes that" in refused.reason


def test_truncated_answer_is_unknown_and_not_repeated(server: SandboxServer) -> None:
    """The request was carried out, and the connection closed before the answer."""
    sent = resolve_request(request(), arn_of("profiles-export", server))
    with Wire(server.url, after=lambda request: b"" if request.operation.startswith("C") else None) as wire:
        assert isinstance(connect(wire).create_writer(CLOCK).create(sent, "t", SOON), Unknown)
        assert wire.counts["CreateDataIntegrationAssociation"] == 1
    assert len(server.sandbox.executed_writes) == 1


def test_missing_answer_is_unknown_and_not_repeated(server: SandboxServer) -> None:
    """The commonest lost answer: carried out, and the client's patience ends first."""
    sent = resolve_request(request(), arn_of("profiles-export", server))
    over = threading.Event()

    def hold(request: Request) -> None:
        if request.operation.startswith("C"):
            over.wait(30)

    with Wire(server.url, after=hold) as wire:
        answered = connect(wire, read_timeout=0.2).create_writer(CLOCK).create(sent, "t", SOON)
        over.set()
    assert isinstance(answered, Unknown)
    assert wire.counts["CreateDataIntegrationAssociation"] == 1
    assert len(server.sandbox.executed_writes) == 1


def test_connection_cut_by_a_proxy_is_unknown(server: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a proxy a broken connection looks as if none had been made, also after the request went out."""
    with Wire(server.url, before=lambda request: b"" if request.operation.startswith("C") else None) as proxy:
        for name, value in (("HTTP_PROXY", proxy.url), ("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")):
            monkeypatch.setenv(name, value)
        connection = ConnectionSettings("0", endpoint_url="http://aws.invalid")
        aws = TargetSession(TARGET, connection, lambda: None, MODELS)
        assert isinstance(aws.create_writer(CLOCK).create(request(), "t", SOON), Unknown)
        assert proxy.counts["CreateDataIntegrationAssociation"] == 1


def test_an_answer_without_an_id_is_unknown(server: SandboxServer) -> None:
    """A 200 that names nothing proves nothing."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\nx-amzn-RequestId: req-1\r\n\r\n"
    empty = head + b"{}"
    with Wire(server.url, before=lambda request: empty if request.operation.startswith("C") else None) as wire:
        answer = connect(wire).create_writer(CLOCK).create(request(), "t", SOON)
    assert answer == Unknown("AWS answered without an association id (request req-1)")


def test_refused_connection_is_not_sent(server: SandboxServer) -> None:
    """A refused connection is no unknown outcome."""
    with Wire(server.url) as wire:
        writer = connect(wire).create_writer(CLOCK)
    assert isinstance(writer.create(request(), "t", SOON), NotSent)


def test_default_botocore_retries_create_three_times(server: SandboxServer) -> None:
    """Why the writing client makes one attempt: where tokens are ignored, botocore's retries are exports."""
    server.sandbox.set_behaviour(Behaviour(tokens="ignored", lose_answers=2))
    client(server).create_data_integration_association(
        DataIntegrationIdentifier="profiles-export", DestinationURI="s3://corp-exports/x"
    )
    assert len(server.sandbox.executed_writes) == 3


def test_integration_list_without_its_member_is_an_error(server: SandboxServer) -> None:
    """An answer without its member is not an account without data integrations."""
    empty = b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: r\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"
    with Wire(
        server.url, before=lambda request: empty if request.operation == "ListDataIntegrations" else None
    ) as wire:
        reader = connect(wire).create_reader()
        with pytest.raises(CloudError, match="lacks 'DataIntegrations'"):
            observe(reader)


def test_sandbox_connection_ignores_profile_and_proxy(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a profile that does not exist nor a proxy stands between the program and a sandbox."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert connect(wire).account == ACCOUNT


def test_invalid_boto3_settings_are_an_error(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, not an internal error."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "x")
    with pytest.raises(CloudError):
        connect(wire)


def test_every_call_is_rate_limited(wire: Wire) -> None:
    """The pace is asked before each request to AppIntegrations, also by the threads that list."""
    asked: list[None] = []
    connection = ConnectionSettings("0", endpoint_url=wire.url, has_dummy_credentials=True)
    aws = TargetSession(TARGET, connection, lambda: asked.append(None), MODELS)
    observe(aws.create_reader())
    writer = aws.create_writer(CLOCK)
    writer.wait()
    writer.create(request(), "t", SOON)
    assert len(asked) == sum(count for operation, count in wire.counts.items() if operation != "STS") == 5


def connected(wire: Wire) -> int:
    """Return how many connections to a wire nobody has closed (proc(5), /proc/net/tcp: the remote port, the state)."""
    port = f":{int(wire.url.rpartition(':')[2]):04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    return sum(line[2].endswith(port) and line[3] == "01" for line in lines)


def test_closed_session_leaves_no_open_connection(server: SandboxServer) -> None:
    """Neither to STS nor to AppIntegrations: AWS keeps them open, and Python collects a client who knows when."""
    role = Target("prod", "us-east-1", "210987654321", role_arn="arn:aws:iam::210987654321:role/reconciler")
    with Wire(server.url, kept=True) as wire:
        aws = connect(wire, role)
        observe(aws.create_reader())
        assert connected(wire) >= 3
        aws.close()
        assert connected(wire) == 0


def ok(body: str) -> bytes:
    """Return an answer of AWS."""
    return page(200, body, "application/json").replace(b"\r\n", b"\r\nx-amzn-RequestId: req-1\r\n", 1)


def listing(body: str) -> Any:
    """Return a fault that answers the List of associations."""
    return lambda request: ok(body) if request.operation == "ListDataIntegrationAssociation" else None


@pytest.mark.parametrize("status", [200, 201, 302, 400, 401, 403, 404, 407, 409, 429, 501])
@pytest.mark.parametrize(
    "body",
    ["", "<html>Please log in</html>", '{"__type": "AccessDeniedException"}', '{"code": 403}', '{"code": {}}', "[]"],
)
def test_proxy_page_leaves_a_write_unknown(server: SandboxServer, status: int, body: str) -> None:
    """AWS carried the call out, and something on the way back answers in its place: nobody knows."""
    sent = resolve_request(request(), arn_of("profiles-export", server))
    with Wire(server.url) as wire:
        writer = connect(wire).create_writer(CLOCK)
        created = writer.create(sent, "t", SOON)
        assert isinstance(created, Created)
        wire.after = lambda _: page(status, body)
        assert isinstance(writer.create(sent, "t", SOON), Unknown)
        assert isinstance(
            writer.update(str(sent["DataIntegrationIdentifier"]), created.association_id, ON_DEMAND, SOON), Unknown
        )
        assert wire.counts["CreateDataIntegrationAssociation"] == 2
        assert wire.counts["UpdateDataIntegrationAssociation"] == 1


@pytest.mark.usefixtures("_once")
@pytest.mark.parametrize("status", [200, 403, 404])
@pytest.mark.parametrize("body", ["<html>", '{"DataIntegrationAssociations": [], "DataIntegrations": []}'])
def test_proxy_page_leaves_a_read_unobserved(server: SandboxServer, status: int, body: str) -> None:
    """Without AWS's request id it says nothing of AWS."""
    arn = arn_of("profiles-export", server)
    with Wire(server.url) as wire:
        reader = connect(wire).create_reader()
        wire.before = lambda _: page(status, body, "application/json")
        assert isinstance(reader.list_associations([arn])[arn], Unobserved)
        with pytest.raises(Unreachable, match=r"^ListDataIntegrations: what answers is not AWS, but maybe a proxy"):
            observe(reader)


@pytest.fixture
def _once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


@pytest.mark.parametrize("id_", ["7", "true", "null", '""', '" "', '"a\\u001b"', '"\\ud800"', '["x"]', "{}"])
def test_invalid_id_leaves_a_create_unknown(server: SandboxServer, id_: str) -> None:
    """AWS did something, and nobody can say to what: List tells."""
    said = ok(f'{{"DataIntegrationAssociationId": {id_}}}')
    with Wire(server.url, before=lambda request: said if request.operation.startswith("C") else None) as wire:
        assert isinstance(connect(wire).create_writer(CLOCK).create(request(), "t", SOON), Unknown)


ARN, KIND = '"DataIntegrationAssociationArn"', "data-integration-association"
OURS = "arn:aws:app-integrations:us-east-1:123456789012"
GOOD = f'{ARN}: "{OURS}:{KIND}/i/a",'
INTEGRATION = f"{OURS}:data-integration/i"


@pytest.mark.parametrize(
    "item",
    [
        '"DataIntegrationAssociationArn": 7',
        '"DataIntegrationAssociationArn": null',
        '"DataIntegrationAssociationArn": "a"',
        f'{ARN}: "{OURS}:{KIND}/"',
        f'{ARN}: "{OURS.replace("123456789012", "999999999999")}:{KIND}/i/a"',
        f'{ARN}: "{OURS.replace("us-east-1", "eu-west-2")}:{KIND}/i/a"',
        f'{ARN}: "{OURS.replace("aws:", "aws-cn:")}:{KIND}/i/a"',
        f'{ARN}: "{OURS}:{KIND}/i/\\n"',
        f'{GOOD} "DataIntegrationArn": "{INTEGRATION}x"',
        f'{GOOD} "DataIntegrationArn": 7',
        f'{GOOD} "DestinationURI": 7',
        f'{GOOD} "DestinationURI": ["s3://x"]',
        f'{GOOD} "DestinationURI": "s3://x/\\ud800"',
        f'{GOOD} "ClientId": "a\\u0000b"',
        f'{GOOD} "ClientId": true',
        f'{GOOD} "ExecutionConfiguration": 7',
        f'{GOOD} "ExecutionConfiguration": {{"ExecutionMode": 7}}',
        f'{GOOD} "ExecutionConfiguration": {{"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": {{"StartTime": true}}}}',  # noqa: E501
        f'{GOOD} "ExecutionConfiguration": {{"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": []}}',
    ],
)
def test_list_with_an_invalid_item_is_unobserved(server: SandboxServer, item: str) -> None:
    """Never adopted, and never taken for empty."""
    with Wire(server.url, before=listing(f'{{"DataIntegrationAssociations": [{{{item}}}]}}')) as wire:
        assert isinstance(connect(wire).create_reader().list_associations([INTEGRATION])[INTEGRATION], Unobserved)


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
    """Botocore takes a mapping with nothing in it for an empty list, and what is no token for the end."""
    with Wire(server.url, before=listing(page)) as wire:
        assert isinstance(connect(wire).create_reader().list_associations([INTEGRATION])[INTEGRATION], Unobserved)


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
    """New members and values are taken, and what is only for people is cleaned."""
    with Wire(server.url, before=listing(f'{{"DataIntegrationAssociations": [{{{GOOD} {item}}}]}}')) as wire:
        (live,) = connect(wire).create_reader().list_associations([INTEGRATION])[INTEGRATION]  # type: ignore[misc]
    assert live.last_execution == execution


def test_long_execution_message_is_truncated(server: SandboxServer) -> None:
    """It stands in the journal and on the page."""
    item = f'{GOOD} "LastExecutionStatus": {{"ExecutionStatus": "FAILED", "StatusMessage": "{"x" * 100_000}"}}'
    with Wire(server.url, before=listing(f'{{"DataIntegrationAssociations": [{{{item}}}]}}')) as wire:
        (live,) = connect(wire).create_reader().list_associations([INTEGRATION])[INTEGRATION]  # type: ignore[misc]
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
    """What is not of this account and Region is not reconciled."""
    said = ok(f'{{"DataIntegrations": [{item}]}}')
    with Wire(server.url, before=lambda each: said if each.operation == "ListDataIntegrations" else None) as wire:
        reader = connect(wire).create_reader()
        with pytest.raises(CloudError, match="ListDataIntegrations: the answer cannot be"):
            observe(reader)


@pytest.mark.parametrize(
    ("tokens", "said"),
    [("AB", "the same NextToken twice"), ("A", "the same NextToken twice"), ("", "more than 400 pages")],
)
def test_endless_list_is_ended(server: SandboxServer, tokens: str, said: str) -> None:
    """Neither two tokens in turn nor a new one each time keep a run busy for ever."""
    count = 0

    def turn(request: Request) -> bytes | None:
        nonlocal count
        if request.operation != "ListDataIntegrationAssociation":
            return None
        count += 1
        return ok(
            f'{{"DataIntegrationAssociations": [], "NextToken": "{tokens[count % len(tokens)] if tokens else count}"}}'
        )

    with Wire(server.url, before=turn) as wire:
        seen = connect(wire).create_reader().list_associations([INTEGRATION])[INTEGRATION]
    assert isinstance(seen, Unobserved)
    assert said in seen.reason
    assert count <= 400


@pytest.mark.parametrize("account", ["../../x", "12345678901", "", "\uff11" * 12])
def test_invalid_account_id_is_rejected(wire: Wire, account: str) -> None:
    """It becomes a part of the journal's name."""
    body = f"<GetCallerIdentityResult><Account>{account}</Account><Arn>a</Arn></GetCallerIdentityResult>"
    meta = "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
    said = f"<GetCallerIdentityResponse>{body}{meta}</GetCallerIdentityResponse>"
    wire.before = lambda _: page(200, said, "text/xml")
    with pytest.raises(CloudError, match="GetCallerIdentity: the answer cannot be used: Account is"):
        connect(wire, Target("prod", "us-east-1"))


def test_every_modelled_error_is_known() -> None:
    """A refusal that AWS's model names is one; a new model's errors have to be looked at."""
    model = boto3.client(
        "appintegrations", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    ).meta.service_model
    shapes = {shape.name for name in model.operation_names for shape in model.operation_model(name).error_shapes}
    assert shapes <= KNOWN_CODES
