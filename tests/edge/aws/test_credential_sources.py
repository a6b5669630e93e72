"""A failure to get credentials is told apart from the answer of AWS to a request, also in the middle of a run."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import botocore.credentials
import botocore.utils
import pytest
from support import aws_sessions
from support.credential_services import ROLE, CredentialServices, build_refusal, list_signers, serve_credentials
from support.proxy import FaultProxy

from reconciler.core.apply.outcome import NotSent
from reconciler.core.errors import CloudError, Throttled, Unauthenticated, Unreachable
from reconciler.core.model import Target
from reconciler.edge.aws import ConnectionSettings, TargetSession
from reconciler.edge.aws.credential_sources import explain_failures
from reconciler.edge.clock import SystemClock
from reconciler.sandbox import SandboxServer

KEYS = {"access_key": "x", "secret_key": "y", "token": "z", "expiry_time": "2099-01-01T00:00:00Z"}
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[CredentialServices]:
    """Return the services that issue short-lived credentials, in an environment that sends calls to them."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with serve_credentials(lifetime=timedelta(minutes=5)) as running_services:
        variables = {
            **running_services.environment,
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield running_services


@pytest.fixture
def proxy(services: CredentialServices, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """Return AppIntegrations, which refuses keys that the services did not issue."""
    with SandboxServer() as server, FaultProxy(server.url, services.refuse_invalid_keys) as running_proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_APPINTEGRATIONS", running_proxy.url)
        yield running_proxy


@pytest.fixture
def _web_identity(services: CredentialServices, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Give this machine the token of a service account."""
    (tmp_path / "token").write_text(services.web_identity)
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))


def connect(profile: str | None = None, region: str = "us-east-1") -> TargetSession:
    """Return a session that uses the credentials of this machine."""
    return aws_sessions.connect(Target("prod", region), ConnectionSettings("0", profile=profile))


@pytest.mark.usefixtures("_web_identity")
@pytest.mark.parametrize(
    "fault",
    [
        build_refusal(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
        build_refusal(400, "InvalidIdentityToken", "Token is expired"),
        (503, "<html>out of order</html>"),
        (200, "<html>sign in to the network</html>"),
    ],
)
def test_failed_renewal_before_a_write_sends_nothing(
    services: CredentialServices, proxy: FaultProxy, fault: tuple[int, str]
) -> None:
    """A Create whose credentials cannot be renewed was not sent. It is neither refused by AWS nor unanswered."""
    session, clock = connect(), SystemClock()
    writer = session.create_writer(aws_sessions.create_pace(), clock)
    services.faults["sts"] = fault
    outcome = writer.create({"DataIntegrationIdentifier": "profiles-export"}, "token", clock.now() + timedelta(1))
    session.close()
    assert isinstance(outcome, NotSent)
    assert outcome.reason.startswith("credentials from a role with a web identity token")
    assert proxy.requests == []


@pytest.mark.usefixtures("_web_identity")
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (build_refusal(400, "Throttling", "Rate exceeded"), Throttled),
        (build_refusal(503, "ServiceUnavailable", "Try again later"), Unreachable),
        (build_refusal(403, "AccessDenied", "Not authorized"), Unauthenticated),
        (build_refusal(400, "IDPRejectedClaim", "Token is expired"), Unauthenticated),
    ],
)
def test_failures_of_sts_keep_their_type(
    services: CredentialServices, fault: tuple[int, str], kind: type[CloudError]
) -> None:
    """A failure of STS or the network stays one. Any other failure to get credentials is one of the credentials."""
    services.faults["sts"] = fault
    with pytest.raises(CloudError, match="from a role with a web identity token") as error:
        connect()
    assert type(error.value) is kind


def test_task_of_ecs(services: CredentialServices, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path that ECS gives a task gets the keys from the address that all tasks use."""
    services.container_token = ""
    monkeypatch.setattr(botocore.utils.ContainerMetadataFetcher, "IP_ADDRESS", services.url.removeprefix("http://"))
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/container/v2/credentials/id")
    session = connect()
    session.create_probe(aws_sessions.create_pace()).list_integrations()
    session.close()
    assert list_signers(proxy.requests) == [services.issued[-1].signer]


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"AccessKeyId": None}, "the access_key that it gave is not a text"),
        ({"Expiration": "2099-01-01T00:00:00"}, "the expiry that it gave has no time zone"),
    ],
)
def test_unusable_answer_of_a_container_service_is_named(
    services: CredentialServices, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], cause: str
) -> None:
    """Keys of a container service that cannot be used are named with their source at the first request."""
    keys = {"AccessKeyId": "x", "SecretAccessKey": "y", "Token": "z", "Expiration": "2099-01-01T00:00:00Z"}
    services.faults["container"] = 200, json.dumps(keys | changes)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{services.url}/container")
    with pytest.raises(Unauthenticated, match=rf"from the container service .*: {cause}$"):
        connect()


@pytest.mark.usefixtures("services")
def test_one_key_without_the_other_names_the_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """If only one of two keys is set, the line names the missing one and the remedy."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    cause = "environment: .*missing: AWS_SECRET_ACCESS_KEY; set both keys, or neither$"
    with pytest.raises(Unauthenticated, match=cause):
        connect()


@pytest.mark.usefixtures("services")
@pytest.mark.parametrize("region", ["eu-central-1", "us-east-1"])
def test_host_of_a_missing_fips_endpoint_is_explained(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the name of a FIPS endpoint cannot be resolved, the line names the setting, not the network."""

    def fail(host: str, *_: object, **__: object) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, f"Name or service not known: {host}")

    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "USE_FIPS_ENDPOINT", "IGNORE_CONFIGURED_ENDPOINT_URLS"):
        monkeypatch.setenv(f"AWS_{name}", "true")
    monkeypatch.setattr(socket, "getaddrinfo", fail)
    expected = rf"sts-fips\.{region}\.amazonaws\.com is a FIPS endpoint, .*: unset AWS_USE_FIPS_ENDPOINT .* endpoint$"
    with pytest.raises(Unreachable, match=expected):
        connect(region=region)


class _Curves:
    """The part of the crt extra that reads the key of a login session."""

    @staticmethod
    def new_key_from_der_data(_: bytes) -> _Curves:
        """Return a key."""
        return _Curves()

    def get_public_coords(self) -> tuple[bytes, bytes]:
        """Return the coordinates of the public key."""
        return b"x", b"y"

    def sign(self, _: bytes) -> bytes:
        """Return a signature."""
        return b"signature"

    @staticmethod
    def decode_der_signature_to_padded_pair(signature: bytes, **_: int) -> bytes:
        """Return the signature in another encoding."""
        return signature


@pytest.mark.parametrize("has_session", [False, True])
def test_ended_login_session_names_the_command(
    services: CredentialServices, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, has_session: bool
) -> None:
    """With the crt extra, a missing or ended session of `aws login` gives the command to sign in again."""
    login = "arn:aws:iam::123456789012:user/me"
    (tmp_path / "config").write_text(f"[profile me]\nlogin_session = {login}\n")
    monkeypatch.setattr(botocore.credentials, "EC", _Curves)
    monkeypatch.setenv("AWS_LOGIN_CACHE_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL_SIGNIN", f"{services.url}/signin")
    services.faults["signin"] = 400, '{"__type": "AccessDeniedException", "error": "TOKEN_EXPIRED"}'
    if has_session:
        keys = {"accessKeyId": "x", "secretAccessKey": SECRET, "sessionToken": SECRET[::-1], "accountId": "1" * 12}
        token = {"accessToken": {**keys, "expiresAt": "2020-01-01T00:00:00Z"}, "dpopKey": "", "clientId": "id"}
        name = sha256(login.encode()).hexdigest()
        (tmp_path / f"{name}.json").write_text(json.dumps({**token, "refreshToken": SECRET}))
    cause = "has expired" if has_session else "Unable to load a existing login session"
    with pytest.raises(
        Unauthenticated, match=rf"aws login \(profile 'me'\): .*{cause}.*; run aws login --pro"
    ) as error:
        connect("me")
    assert SECRET[:16] not in str(error.value)


class _Source:
    """A session of botocore with one source, whose credentials are renewed to an answer."""

    METHOD = "iam-role"
    profile = None
    load: Any

    def __init__(self, answer: object) -> None:
        self.providers = [self]
        refreshable: Any = botocore.credentials.RefreshableCredentials
        self.load = lambda: refreshable("x", "y", "z", None, lambda: answer, self.METHOD)

    def get_component(self, _: str) -> _Source:
        """Return the chain of sources."""
        return self


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ({}, "it gave no credentials"),
        ({"access_key": "x"}, "lacks 'expiry_time'"),
        (KEYS | {"access_key": None}, "the access_key that it gave is not a text"),
        (KEYS | {"token": 5}, "the token that it gave is not a text"),
        (KEYS | {"expiry_time": "2099-01-01T00:00:00"}, "the expiry that it gave has no time zone"),
        (
            KEYS | {"secret_key": f"{SECRET}\n"},
            "the secret_key of the credentials that boto3 found (iam-role) starts or ends with a line break",
        ),
    ],
)
def test_unusable_renewal_is_named(answer: object, cause: str) -> None:
    """An answer without usable credentials is named with its source, and does not replace the credentials."""
    session: Any = _Source(answer)
    explain_failures(session)
    credentials = session.load()
    with pytest.raises(Unauthenticated) as error:
        credentials._refresh_using()  # noqa: SLF001 - the function that botocore calls
    assert str(error.value).startswith("credentials from the instance metadata service: ")
    assert cause in str(error.value)
    assert SECRET not in str(error.value)


def test_botocore_has_the_members_that_are_replaced() -> None:
    """The library still has the private members with which failures are explained."""
    members = {"_access_key", "_secret_key", "_token", "_expiry_time", "_refresh_using", "_time_fetcher"}
    assert members <= vars(_Source({}).load()).keys()
