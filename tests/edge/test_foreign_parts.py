"""No real component leaks a secret that AWS, S3, git, a receiver or a file repeats in its answer."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import botocore.credentials
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.aws_sessions import MODELS, connect, create_pace
from support.fakes import FakeClock
from support.proxy import FaultProxy, Request, build_response
from support.receivers import ChatServer
from support.redaction import hold_secrets
from support.repository import expect_read_failure

from reconciler import redaction
from reconciler.core.errors import ReconcilerError
from reconciler.core.journal.codec import FORMAT
from reconciler.core.model import Target
from reconciler.core.redaction.secrets import MIN_PART_LENGTH, Secrets
from reconciler.edge import logs
from reconciler.edge.apprise import parse_receivers
from reconciler.edge.aws import ConnectionSettings
from reconciler.edge.aws.connection import create_ambient_client
from reconciler.edge.aws.probe import StsListener
from reconciler.edge.git import messages
from reconciler.edge.metrics import Metrics
from reconciler.edge.state.file import FileStore
from reconciler.edge.state.reader import StoredJournalReader
from reconciler.edge.state.s3 import S3Clients, S3Store

ACCOUNT = "123456789012"
INTEGRATION = f"arn:aws:app-integrations:us-east-1:{ACCOUNT}:data-integration/6fb5d0f0-0000-4000-8000-000000000001"
TARGET = Target("prod", "us-east-1", ACCOUNT)
SECRETS = st.text("uvwxyzUVWXYZ789+/=", min_size=12, max_size=64)
KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Capture the log in a text, and restore logging afterwards."""
    library = logging.getLogger("urllib3.connectionpool")
    level = library.level
    monkeypatch.setattr("sys.unraisablehook", logs.log_unraisable)
    stream = io.StringIO()
    logs.configure(stream, has_colors=False)
    yield stream
    library.setLevel(level)


def contains_secret(secret: str, text: str) -> bool:
    """Return whether a text contains a secret, a part of it, or its encoding in a URL or in JSON."""
    encodings = (quote(secret, safe=""), json.dumps(secret)[1:-1])
    parts = (secret[at : at + MIN_PART_LENGTH] for at in range(len(secret) - MIN_PART_LENGTH + 1))
    return any(each in text for each in (*encodings, *parts))


def describe_outcome(call: Callable[[], object]) -> str:
    """Return the result of a call as text, or its error as the fleet and the controller would show it."""
    try:
        return str(call())
    except ReconcilerError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - the fleet and the controller catch it too
        return redaction.describe_error(error)


def build_identity_response(secret: str) -> bytes:
    """Return an answer of GetCallerIdentity that contains a secret."""
    result = f"<Arn>arn:aws:iam::{ACCOUNT}:user/{secret}</Arn><UserId>{secret}</UserId><Account>{ACCOUNT}</Account>"
    metadata = f"<ResponseMetadata><RequestId>{secret}</RequestId></ResponseMetadata>"
    body = f"<GetCallerIdentityResult>{result}</GetCallerIdentityResult>{metadata}"
    return build_response(200, f"<GetCallerIdentityResponse>{body}</GetCallerIdentityResponse>", "text/xml")


def generate_answers(secret: str) -> Iterator[tuple[int, str, str]]:
    """Yield possible answers to a call: the status, the content type, and a body that repeats a secret."""
    yield 400, "application/json", json.dumps({"__type": "SignatureDoesNotMatch", "message": f"signed:{secret}"})
    yield 403, "application/json", json.dumps({"__type": secret, "Message": secret})
    yield 403, "text/xml", f"<Error><Code>AccessDenied</Code><Message>{secret}</Message></Error>"
    yield 404, "text/xml", f"<Error><Code>{secret}</Code><Message>{secret}</Message></Error>"
    yield 200, "text/xml", f"<Credentials><SessionToken>{secret}"
    yield 502, "text/html", f"<html>{secret}</html>"
    yield 200, "application/json", json.dumps({"DataIntegrations": secret, "DataIntegrationAssociations": [secret]})
    item = {
        "DataIntegrationAssociationArn": f"{INTEGRATION}/a1".replace("integration/", "integration-association/"),
        "LastExecutionStatus": {"ExecutionStatus": secret, "StatusMessage": f"cannot write with {secret}\n{secret}"},
    }
    integration = {"Arn": secret, "Name": "x"}
    yield (
        200,
        "application/json",
        json.dumps({"DataIntegrations": [integration], "DataIntegrationAssociations": [item]}),
    )
    invalid_item = {**item, "DestinationURI": {secret: secret}}
    yield 200, "application/json", json.dumps({"DataIntegrations": [], "DataIntegrationAssociations": [invalid_item]})
    yield 200, "text/xml", f"<LocationConstraint>{secret}</LocationConstraint>"
    encryption = f"<SSEAlgorithm>{secret}</SSEAlgorithm><KMSMasterKeyID>{secret}</KMSMasterKeyID>"
    rule = f"<Rule><ApplyServerSideEncryptionByDefault>{encryption}</ApplyServerSideEncryptionByDefault></Rule>"
    kind = "ServerSideEncryptionConfiguration"
    yield 200, "text/xml", f"<{kind}>{rule}</{kind}>"
    ownership = f"<Rule><ObjectOwnership>{secret}</ObjectOwnership></Rule>"
    yield 200, "text/xml", f"<OwnershipControls>{ownership}</OwnershipControls>"
    objects = {"CustomerProfiles": {secret: [secret]}}
    key = {"Arn": secret, "KeyState": secret, "KeySpec": secret}
    policy = json.dumps({"Statement": [{"Sid": secret}]})
    details = {"KmsKey": secret, "ObjectConfiguration": objects, "KeyMetadata": key, "Policy": policy}
    yield 200, "application/json", json.dumps(details)


def add_secret_headers(answer: tuple[int, str, str], secret: str) -> bytes:
    """Return an answer with a secret in its request ids and its ETag, because the sender chooses them."""
    status, kind, body = answer
    ids = "".join(f"{name}: {secret}\r\n" for name in ("x-amzn-RequestId", "x-amz-request-id"))
    return build_response(status, body, kind).replace(b"\r\n", f'\r\n{ids}ETag: W/"{secret}"\r\n'.encode(), 1)


@pytest.fixture(scope="module")
def proxy() -> Iterator[FaultProxy]:
    """Return a server whose answers a test chooses."""
    with FaultProxy("http://127.0.0.1:9") as running_proxy:
        yield running_proxy


def call_every_operation(proxy: FaultProxy, secret: str) -> Iterator[str]:
    """Yield the result of each call of the reader, the doctor and the journal in S3, for each possible answer."""
    metrics = Metrics("0")
    connection = ConnectionSettings(
        "0", endpoint_url=proxy.url, has_dummy_credentials=True, on_session=metrics.observe_session
    )
    proxy.before_request = lambda _: build_identity_response(secret)
    listener = StsListener(FakeClock())
    session = connect(TARGET, connection, listener)
    yield str(listener.identity)
    reader, probe = session.create_reader(create_pace()), session.create_probe(create_pace())
    store = S3Store(S3Clients(lambda: create_ambient_client("s3", connection, MODELS)), "bucket", "key")
    for answer in generate_answers(secret):
        response = add_secret_headers(answer, secret)
        proxy.before_request = lambda _, whole=response: whole  # type: ignore[misc]
        yield describe_outcome(lambda: reader.observe(lambda *_: None))
        yield describe_outcome(lambda: reader.list_associations([INTEGRATION]))
        yield describe_outcome(probe.list_integrations)
        yield describe_outcome(lambda: probe.get_integration(INTEGRATION))
        yield describe_outcome(lambda: probe.find_key("key"))
        yield describe_outcome(lambda: probe.get_key_policy("key"))
        yield describe_outcome(lambda: probe.check_associations_access(INTEGRATION))
        yield describe_outcome(lambda: probe.find_bucket_region("bucket"))
        yield describe_outcome(lambda: probe.find_bucket_encryption("bucket"))
        yield describe_outcome(lambda: probe.find_bucket_policy("bucket"))
        yield describe_outcome(lambda: probe.find_bucket_ownership("bucket"))
        yield describe_outcome(store.load)
        yield describe_outcome(lambda: store.put("{}", None))
    session.close()
    yield metrics.render()[1].decode()


@given(SECRETS)
@example(KEY)
@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_aws_answers_are_redacted(proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    """No result and no metric contains a secret of an AWS answer: not in errors, pages, lists, ids or ETags."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with hold_secrets("test", Secrets.from_values(secret)):
        texts = list(call_every_operation(proxy, secret))
    assert [text for text in texts if contains_secret(secret, text)] == []
    assert any("***" in text for text in texts)


class RenewedCredentials(botocore.credentials.RefreshableCredentials):
    """Credentials that get a new token whenever a request is signed."""

    def __init__(self) -> None:
        super().__init__("AKIA", KEY, KEY[::-1], None, dict, "test")  # type: ignore[arg-type]

    def get_frozen_credentials(self) -> Any:
        """Return the credentials with a new token."""
        self._token = "renewed-0123456789"
        return botocore.credentials.ReadOnlyCredentials("AKIA", KEY, self._token)


def test_renewed_token_is_redacted_in_the_answer_to_its_request(
    proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A renewed token is already secret in the answer to the first request that it signs."""

    def reject_token(request: Request) -> bytes:
        token = request.headers["X-Amz-Security-Token"]
        error = f"<Error><Code>InvalidToken</Code><Message>not {token}</Message></Error><RequestId>r</RequestId>"
        return build_response(403, f"<ErrorResponse>{error}</ErrorResponse>", "text/xml")

    proxy.before_request = reject_token
    monkeypatch.setattr("botocore.session.Session.get_credentials", lambda _: RenewedCredentials())
    connection = ConnectionSettings("0", region="us-east-1", endpoint_url=proxy.url)
    message = describe_outcome(lambda: connect(TARGET, connection))
    assert "InvalidToken: not ***" in message


@pytest.mark.parametrize("password", ["PASS%231", "ghp_0123456789abcdef", "p%40ss%2Fword"])
def test_git_errors_are_redacted(password: str, environment: dict[str, str]) -> None:
    """A git error contains no password of the URL or of the proxy."""
    url = f"http://user:{password}@127.0.0.1:9/x.git"
    with hold_secrets("test", Secrets.from_text(url)):
        direct_error = expect_read_failure(url, "main", ".", environment)
        variables = {**environment, "http_proxy": f"http://user:{password}@127.0.0.1:9"}
        proxy_error = expect_read_failure("http://example.invalid/x.git", "main", ".", variables)
    for message in (direct_error, proxy_error):
        assert "127.0.0.1" in message
        assert password not in message


@pytest.mark.parametrize("secret", ["pid=4-12345678", "request-id 7f3k9w2", "abc-12:34:56-defg", "of 12 bytes or"])
def test_shortening_a_git_message_leaves_no_part_of_a_secret(secret: str) -> None:
    """Secrets are removed from a git message before its variable parts, such as process ids, are removed."""
    with hold_secrets("test", Secrets.from_values(secret)):
        message = str(messages.build_error("here", f"fatal: cannot read '{secret}'"))
    assert message.endswith("git reports: cannot read '***'")


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise tries to import it
def test_failing_receiver_does_not_leak_its_url(log: io.StringIO) -> None:
    """The logs of apprise, of its libraries and of this program do not contain the URL of a receiver."""
    with ChatServer().serve() as chat:
        chat.is_down = True
        url = f"json://user:{KEY[:13]}@127.0.0.1:{chat.port}/{KEY[-18:]}"
        with hold_secrets("test", Secrets.from_receiver_urls(url)):
            (receiver,) = parse_receivers(url)
            is_first_delivered = receiver.send("title", "text", "info")
            logging.getLogger("somebody").error("cannot post to %s", url)
    with hold_secrets("test", Secrets.from_receiver_urls(url)):
        is_second_delivered = receiver.send("title", "text", "info")
        logs.get_logger().warning(logs.events.NOTIFICATION_NOT_DELIVERED, receiver=receiver.name)
    assert (is_first_delivered, is_second_delivered) == (False, False)
    assert "cannot post to json://***@127.0.0.1" in log.getvalue()
    assert not contains_secret(KEY, log.getvalue())


@pytest.mark.parametrize(
    "text",
    [f'{{"{KEY}": 1}}', f'"{KEY}', f'{{"apiVersion": "{KEY}"}}', f'{{"format": "{FORMAT}{KEY}"}}', f"[{KEY}]", KEY],
)
def test_file_that_is_not_a_journal_leaks_no_content(text: str, tmp_path: Path) -> None:
    """If --state names another file by mistake, the error contains none of its text."""
    store = FileStore(tmp_path / "journal.json")
    (tmp_path / "journal.json").write_text(text)
    with hold_secrets("test", Secrets.from_values(KEY)):
        message = describe_outcome(StoredJournalReader(store, ACCOUNT, "us-east-1").read)
    assert "cannot be used" in message
    assert not contains_secret(KEY, message)


def test_unusable_journal_location_is_reported_without_file_content(tmp_path: Path) -> None:
    """If a file or folder blocks the journal, the error has the reason from the system and no text of the file."""
    (tmp_path / "journal.json").mkdir()
    (tmp_path / "file").write_text(KEY)
    (tmp_path / "binary.json").write_bytes(b"\xff" + KEY.encode())
    with hold_secrets("test", Secrets.from_values(KEY)):
        errors = [describe_outcome(FileStore(tmp_path / "journal.json").load)]
        errors.append(describe_outcome(FileStore(tmp_path / "file" / "journal.json").claim))
        errors.append(describe_outcome(FileStore(tmp_path / "binary.json").load))
    assert ["Is a directory" in errors[0], "Not a directory" in errors[1] or "File exists" in errors[1]] == [True, True]
    assert not any(contains_secret(KEY, each) for each in errors)


class FailingFinalizer:
    """An object that raises an error in its finalizer."""

    def __del__(self) -> None:
        raise ValueError(f"closing {KEY}")


def test_finalizer_errors_are_logged_without_secrets(log: io.StringIO) -> None:
    """An error in a finalizer is logged without secrets. Python itself would print it with them."""
    with hold_secrets("test", Secrets.from_values(KEY)):
        FailingFinalizer()
    line = json.loads(log.getvalue())
    assert (line["what"], line["error"]) == ("finalizer", "ValueError: closing ***")
    assert not contains_secret(KEY, log.getvalue())
