"""A journal in S3 over real HTTP: conditional writes lose no update, and each fault has its error."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.proxy import FaultProxy, Request

from reconciler.core.errors import (
    CloudError,
    StateConflict,
    StateError,
    StateUnreachable,
    StateWriteUnknown,
    VersionConflict,
)
from reconciler.edge.aws import ConnectionSettings, SharedModels, create_ambient_client
from reconciler.edge.state.s3 import S3Clients, S3Store
from reconciler.edge.state.s3_url import parse_s3_url
from reconciler.edge.state.store import Store, StoredText
from reconciler.sandbox import SandboxServer

BUCKET, KEY = "journals", "prod/123456789012-us-east-1.json"
LOCATION = f"s3://{BUCKET}/{KEY}"
MODELS = SharedModels()
FROM_S3 = b"HTTP/1.1 200 OK\r\nx-amz-request-id: r\r\n"


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    """Return a running sandbox with one empty bucket."""
    with SandboxServer() as running_server:
        http = HTTPConnection(urlsplit(running_server.url).netloc)
        http.request("POST", "/moto-api/reset")
        assert http.getresponse().read()
        http.close()
        create_client(running_server.url).create_bucket(Bucket=BUCKET)
        yield running_server


@pytest.fixture
def proxy(server: SandboxServer) -> Iterator[FaultProxy]:
    """Return a proxy to the sandbox that records the requests."""
    with FaultProxy(server.url) as running_proxy:
        yield running_proxy


@pytest.fixture
def single_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable retries of botocore."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


def create_client(url: str) -> Any:
    """Return an S3 client for a URL."""
    return create_ambient_client("s3", ConnectionSettings("0", endpoint_url=url, has_dummy_credentials=True), MODELS)


def create_store(url: str, bucket: str = BUCKET) -> S3Store:
    """Return the store of a journal at a URL."""
    return S3Store(S3Clients(lambda: create_client(url)), bucket, KEY)


def build_s3_error(status: int, code: str) -> bytes:
    """Return an error in the format of S3."""
    body = f"<Error><Code>{code}</Code><Message>because</Message><RequestId>req-1</RequestId></Error>".encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
    return f"{head}x-amz-request-id: req-1\r\nConnection: close\r\n\r\n".encode() + body


def build_put_fault(*responses: bytes | None) -> Callable[[Request], bytes | None]:
    """Return a fault that answers each PutObject with the next of the answers, and then lets requests pass."""
    remaining = list(responses)
    return lambda request: remaining.pop(0) if remaining and request.method == "PUT" else None


def list_methods(proxy: FaultProxy) -> list[str]:
    """Return the methods of the recorded requests."""
    return [request.method for request in proxy.requests]


def test_s3_store_has_a_url_and_is_shared(proxy: FaultProxy) -> None:
    """A store in S3 is named by its URL, several processes may claim it, and a claim excludes no other process."""
    store: Store = create_store(proxy.url)
    assert (store.place, store.is_exclusive) == (LOCATION, False)
    assert store.claim()
    assert create_store(proxy.url).claim()
    store.release()


def test_reading_creates_no_object(proxy: FaultProxy) -> None:
    """Reading a missing journal sends one GetObject and nothing else."""
    assert create_store(proxy.url).load() is None
    assert list_methods(proxy) == ["GET"]


def test_stored_text_is_loaded_unchanged(proxy: FaultProxy) -> None:
    """A text is loaded exactly as it was written, with its version."""
    store, reader = create_store(proxy.url), create_store(proxy.url)
    first = store.put("one\r\n", None)
    assert reader.load() == StoredText("one\r\n", first)
    second = store.put("zwei ü\n", first)
    assert reader.load() == StoredText("zwei ü\n", second)
    assert first != second


def test_put_leaves_encryption_and_access_to_the_bucket(proxy: FaultProxy) -> None:
    """A PutObject has a condition, a content type and a checksum. The bucket decides encryption and access."""
    version = create_store(proxy.url).put("one", None)
    create_store(proxy.url).put("two", version)
    headers_of_requests = [
        {name.lower(): value for name, value in request.headers.items()} for request in proxy.requests
    ]
    assert [(headers.get("if-none-match"), headers.get("if-match")) for headers in headers_of_requests] == [
        ("*", None),
        (None, version),
    ]
    assert {headers["content-type"] for headers in headers_of_requests} == {"application/json"}
    amz_headers = {name for headers in headers_of_requests for name in headers if name.startswith("x-amz")}
    assert amz_headers <= {"x-amz-date", "x-amz-content-sha256", "x-amz-checksum-crc32", "x-amz-sdk-checksum-algorithm"}
    assert "x-amz-checksum-crc32" in amz_headers


@pytest.mark.parametrize("version", [None, '"0123456789abcdef0123456789abcdef"'])
def test_unseen_text_is_not_overwritten(proxy: FaultProxy, version: str | None) -> None:
    """A writer without the current version gets a conflict, and the stored text stays.

    If the text is unchanged all the same, the conflict names a proxy as the cause.
    """
    store = create_store(proxy.url)
    stored_text = StoredText("first", store.put("first", None))
    message = f"the journal {LOCATION} changed since it was read: PreconditionFailed"
    with pytest.raises(VersionConflict, match=message) as error:
        store.put("second", version)
    assert error.value.change_without_writer.startswith("S3 has another ETag than its answers show: connect to S3")
    assert store.load() == stored_text


def test_removed_journal_is_not_restored_unseen(server: SandboxServer) -> None:
    """If the journal was removed, a write with its old version is a conflict."""
    store = create_store(server.url)
    version = store.put("first", None)
    create_client(server.url).delete_object(Bucket=BUCKET, Key=KEY)
    with pytest.raises(StateConflict, match="NoSuchKey"):
        store.put("second", version)
    assert store.load() is None


def test_a_lost_request_is_repeated(proxy: FaultProxy) -> None:
    """A write that did not arrive is repeated with the same condition."""
    proxy.before_request = build_put_fault(b"")
    version = create_store(proxy.url).put("text", None)
    assert create_store(proxy.url).load() == StoredText("text", version)
    assert list_methods(proxy) == ["PUT", "PUT", "GET"]


@pytest.mark.usefixtures("single_attempt")
@pytest.mark.parametrize(
    "response",
    [b"", build_s3_error(500, "InternalError"), build_s3_error(503, "SlowDown"), build_s3_error(408, "Slow")],
)
def test_a_lost_answer_is_uncertain(proxy: FaultProxy, response: bytes) -> None:
    """If S3 carries out a write and its answer is lost, the error says that the result is unknown."""
    proxy.after_request = build_put_fault(response)
    store = create_store(proxy.url)
    with pytest.raises(StateWriteUnknown, match=f"it is unknown whether the journal {LOCATION} was written: "):
        store.put("text", None)
    stored_text = store.load()
    assert stored_text
    assert stored_text.text == "text"


def test_retry_that_meets_its_own_text_is_a_conflict(proxy: FaultProxy) -> None:
    """A retry after a lost answer gets a 412, and a read then shows the writer's own text."""
    proxy.after_request = build_put_fault(b"")
    store = create_store(proxy.url)
    with pytest.raises(StateConflict):
        store.put("mine", None)
    stored_text = store.load()
    assert stored_text
    assert stored_text.text == "mine"


def test_refused_retry_leaves_the_first_attempt_uncertain(proxy: FaultProxy) -> None:
    """If S3 refuses a retry, the result of the first attempt is still unknown."""
    proxy.before_request = build_put_fault(None, build_s3_error(400, "ExpiredToken"))
    proxy.after_request = build_put_fault(build_s3_error(500, "InternalError"))
    store = create_store(proxy.url)
    with pytest.raises(StateWriteUnknown, match="ExpiredToken"):
        store.put("text", None)
    assert store.load()


def test_uncertain_write_does_not_affect_the_next_one(proxy: FaultProxy) -> None:
    """A refused write is a certain error, even after an earlier write with an unknown result."""
    proxy.before_request = build_put_fault(*[b""] * 3, build_s3_error(403, "AccessDenied"))
    store = create_store(proxy.url)
    with pytest.raises(StateWriteUnknown):
        store.put("text", None)
    with pytest.raises(StateError) as error:
        store.put("text", None)
    assert type(error.value) is StateUnreachable


@pytest.mark.parametrize(
    ("status", "code"), [(412, "PreconditionFailed"), (409, "ConditionalRequestConflict"), (409, "OperationAborted")]
)
def test_concurrent_write_is_a_conflict(proxy: FaultProxy, status: int, code: str) -> None:
    """Each code that S3 uses for a concurrent write is a conflict, and the write is not repeated."""
    proxy.before_request = build_put_fault(build_s3_error(status, code))
    with pytest.raises(
        StateConflict, match=rf"{code}: because \(request req-1\); run again when no other run is active$"
    ):
        create_store(proxy.url).put("text", None)
    assert list_methods(proxy) == ["PUT"]


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (403, "AccessDenied", "s3:PutObject and s3:GetObject are required"),
        (404, "NoSuchBucket", f"the bucket {BUCKET} does not exist: create it, or choose another bucket"),
        (403, "InvalidAccessKeyId", r"InvalidAccessKeyId: because \(request req-1\)"),
        (501, "NotImplemented", "NotImplemented: because"),
    ],
)
def test_refused_write_is_a_certain_error(proxy: FaultProxy, status: int, code: str, expected: str) -> None:
    """A write that S3 refuses is a certain error of one line with a remedy."""
    proxy.before_request = build_put_fault(build_s3_error(status, code))
    with pytest.raises(StateError, match=f"the journal {LOCATION} cannot be written: .*{expected}") as error:
        create_store(proxy.url).put("text", None)
    assert type(error.value) is StateUnreachable
    assert create_store(proxy.url).load() is None


def test_an_answer_without_an_etag_is_uncertain(proxy: FaultProxy) -> None:
    """A write answer without an ETag leaves the result unknown, and a read without one is an error."""
    proxy.before_request = lambda _: (
        b"HTTP/1.1 200 OK\r\nx-amz-request-id: r\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    with pytest.raises(StateWriteUnknown, match="lacks 'ETag'"):
        create_store(proxy.url).put("text", None)
    with pytest.raises(StateError, match="lacks 'ETag'"):
        create_store(proxy.url).load()


PROXY_PAGE = b"HTTP/1.1 %d X\r\nContent-Type: text/html\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>"


@pytest.mark.usefixtures("single_attempt")
@pytest.mark.parametrize("status", [200, 301, 400, 403, 404, 409, 412, 429, 501])
def test_proxy_page_is_not_an_answer_of_s3(proxy: FaultProxy, status: int) -> None:
    """After the page of a proxy, the journal does not count as missing, written or refused."""
    proxy.before_request = lambda _: PROXY_PAGE % status
    with pytest.raises(StateError, match="the answer is not from S3, but perhaps from a proxy"):
        create_store(proxy.url).load()
    with pytest.raises(StateWriteUnknown, match="the answer is not from S3, but perhaps from a proxy"):
        create_store(proxy.url).put("text", None)


@pytest.mark.usefixtures("single_attempt")
@pytest.mark.parametrize("code", ["NoSuchKey", "PreconditionFailed", "AccessDenied"])
def test_error_code_without_a_request_id_is_not_an_answer_of_s3(proxy: FaultProxy, code: str) -> None:
    """An S3 error document without a request id does not count as an answer of S3."""
    response = build_s3_error(404, code).replace(b"x-amz-request-id", b"x-other")
    proxy.before_request = lambda _: response.replace(b"<RequestId>req-1</RequestId>", b"<NoRequest>req-1</NoRequest>")
    with pytest.raises(StateError):
        create_store(proxy.url).load()
    with pytest.raises(StateWriteUnknown):
        create_store(proxy.url).put("text", None)


def test_write_with_a_weak_etag_is_uncertain(proxy: FaultProxy) -> None:
    """A write with a weak ETag in its answer has an unknown result."""
    response = FROM_S3 + b'ETag: W/"abc"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
    proxy.after_request = lambda request: response if request.method == "PUT" else None
    with pytest.raises(StateWriteUnknown, match="weak ETag"):
        create_store(proxy.url).put("text", None)


def test_weak_etag_is_reported(proxy: FaultProxy) -> None:
    """A read with a weak ETag is an error that names the ETag, because no condition can use it."""
    create_store(proxy.url).put("text", None)
    response = FROM_S3 + b'ETag: W/"abc"\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}'
    proxy.before_request = lambda _: response
    message = 'has the weak ETag W/"abc", which cannot protect a write'
    with pytest.raises(StateWriteUnknown, match=message) as error:
        create_store(proxy.url).load()
    assert error.value.remedy == "make sure that no proxy changes the answers of S3"


def test_missing_bucket_is_reported() -> None:
    """A missing bucket is an error, and does not count as a missing journal."""
    with SandboxServer() as server, pytest.raises(StateError, match="the bucket elsewhere does not exist: create it"):
        create_store(server.url, "elsewhere").load()


@pytest.mark.usefixtures("single_attempt")
@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (build_s3_error(403, "AccessDenied"), "s3:GetObject and s3:ListBucket are required"),
        (build_s3_error(403, "InvalidObjectState"), "InvalidObjectState: because"),
        (build_s3_error(500, "InternalError"), r"InternalError: because \(request req-1\)"),
        (b"", "Connection was closed"),
        (FROM_S3 + b"ETag: x\r\nContent-Length: 9\r\nConnection: close\r\n\r\nhalf", "4 bytes read, 5 more"),
        (FROM_S3 + b"ETag: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n\xff\xfe", "can't decode"),
    ],
)
def test_unreadable_journal_is_a_one_line_error(proxy: FaultProxy, response: bytes, expected: str) -> None:
    """A refusal or an incomplete answer is an error of one line, and does not count as an empty journal."""
    proxy.before_request = lambda _: response
    with pytest.raises(StateError, match=f"the journal {LOCATION} cannot be read: .*{expected}.*") as error:
        create_store(proxy.url).load()
    assert "\n" not in str(error.value)


def test_refused_connection_is_a_certain_error(proxy: FaultProxy) -> None:
    """If each connection is refused, the error is certain: nothing was written."""
    with FaultProxy(proxy.url) as closed_proxy:
        store = create_store(closed_proxy.url)
    with pytest.raises(StateError, match=r"cannot be written: .*S3 must be reachable from this machine") as error:
        store.put("text", None)
    assert type(error.value) is StateUnreachable
    with pytest.raises(StateError, match=r"cannot be read: .*S3 must be reachable from this machine"):
        store.load()


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Remove the AWS configuration from the environment."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


@pytest.mark.usefixtures("clean_environment")
def test_missing_credentials_are_reported(proxy: FaultProxy) -> None:
    """Without credentials, nothing is sent, and the error says that boto3 must find some."""
    store = S3Store(
        S3Clients(lambda: create_ambient_client("s3", ConnectionSettings("0", endpoint_url=proxy.url), MODELS)),
        BUCKET,
        KEY,
    )
    for call in (store.load, lambda: store.put("text", None)):
        with pytest.raises(StateError, match="S3 requires credentials that boto3 can find") as error:
            call()
        assert type(error.value) is StateUnreachable
    assert proxy.requests == []


def test_failed_renewal_of_credentials_writes_nothing(
    proxy: FaultProxy, clean_environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """If botocore cannot get credentials for a call, nothing is sent, and the error has the cause."""
    token = tmp_path / "token"
    token.write_text("web-identity-token")
    clean_environment.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/x")
    clean_environment.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    settings = ConnectionSettings("0", endpoint_url=proxy.url)
    store = S3Store(S3Clients(lambda: create_ambient_client("s3", settings, MODELS)), BUCKET, KEY)
    token.unlink()
    for call in (store.load, lambda: store.put("text", None)):
        with pytest.raises(StateError, match=r"web identity token .*: \[Errno 2\] No such file or directory") as error:
            call()
        assert type(error.value) is StateUnreachable
    assert proxy.requests == []


def test_renewed_credentials_are_used(proxy: FaultProxy, clean_environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """After S3 rejected credentials of a file, each further call reads the file again until they are valid."""
    credentials = tmp_path / "credentials"
    clean_environment.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))

    def write_credentials(key: str) -> None:
        credentials.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = x\n")

    def reject_old_key(request: Request) -> bytes | None:
        return build_s3_error(400, "ExpiredToken") if "Credential=OLD/" in request.headers["Authorization"] else None

    proxy.before_request = reject_old_key
    write_credentials("OLD")
    store = S3Store(
        S3Clients(lambda: create_ambient_client("s3", ConnectionSettings("0", endpoint_url=proxy.url), MODELS)),
        BUCKET,
        KEY,
    )
    for is_file_broken in (False, True):
        if is_file_broken:
            credentials.write_text("[")
        with pytest.raises(StateError, match=r"cannot be read: ExpiredToken: because .*; renew the credentials where"):
            store.load()
    write_credentials("NEW")
    assert store.load() is None
    assert store.put("text", None)


def test_wrong_clock_is_not_blamed_on_the_credentials(proxy: FaultProxy) -> None:
    """If S3 rejects the time of a request, the advice is to set the clock and not to renew the credentials."""
    proxy.before_request = lambda _: build_s3_error(403, "RequestTimeTooSkewed")
    with pytest.raises(StateError, match=r"RequestTimeTooSkewed: because .*; set the clock of this") as error:
        create_store(proxy.url).load()
    assert "renew" not in str(error.value)


def test_s3_endpoint_of_the_environment_is_used(proxy: FaultProxy, clean_environment: pytest.MonkeyPatch) -> None:
    """AWS_ENDPOINT_URL_S3 works as in other programs that use boto3."""
    clean_environment.setenv("AWS_ACCESS_KEY_ID", "x")
    clean_environment.setenv("AWS_SECRET_ACCESS_KEY", "x")
    clean_environment.setenv("AWS_ENDPOINT_URL_S3", proxy.url)
    store = S3Store(
        S3Clients(lambda: create_ambient_client("s3", ConnectionSettings("1.2", region="eu-west-2"), MODELS)),
        BUCKET,
        KEY,
    )
    assert store.put("text", None)
    (request,) = proxy.requests
    assert "/eu-west-2/s3/" in request.headers["Authorization"]
    assert "appintegrations-reconciler/1.2" in request.headers["User-Agent"]


def test_sandbox_connection_ignores_profile_and_proxy(proxy: FaultProxy, clean_environment: pytest.MonkeyPatch) -> None:
    """A sandbox is reached without the proxy and profile of the environment, with the bucket in the path."""
    url = proxy.url.replace("127.0.0.1", "localhost")
    S3Store(S3Clients(lambda: create_client(url)), BUCKET, KEY).load()  # moto reads the profile with its first error
    proxy.requests.clear()
    clean_environment.setenv("AWS_PROFILE", "nobody")
    clean_environment.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert S3Store(S3Clients(lambda: create_client(url)), BUCKET, KEY).load() is None
    (request,) = proxy.requests
    assert request.path == f"/{BUCKET}/{KEY}"
    assert "/us-east-1/s3/" in request.headers["Authorization"]


def test_client_that_cannot_be_created_is_reported(clean_environment: pytest.MonkeyPatch) -> None:
    """An invalid AWS_MAX_ATTEMPTS is an expected error that names the S3 client."""
    clean_environment.setenv("AWS_MAX_ATTEMPTS", "x")
    with pytest.raises(CloudError, match="creating a client for S3"):
        create_ambient_client("s3", ConnectionSettings("0"), MODELS)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("s3://journals", ("journals", "")),
        ("s3://journals/", ("journals", "")),
        ("s3://my-1.bucket/prod", ("my-1.bucket", "prod")),
        ("s3://journals/prod/eu/", ("journals", "prod/eu")),
        ("s3://journals/a%20b", ("journals", "a%20b")),
    ],
)
def test_s3_url_is_a_bucket_and_a_prefix(url: str, parts: tuple[str, str]) -> None:
    """An S3 URL has a bucket and an optional prefix, which is not decoded."""
    assert parse_s3_url(url) == parts


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "is not an S3 URL"),
        ("/var/lib", "is not an S3 URL"),
        ("https://journals/prod", "is not an S3 URL"),
        ("s3:journals", "is not an S3 URL"),
        ("s3://", "is not a valid bucket name"),
        ("s3:///prod", "is not a valid bucket name"),
        ("s3://ab", "is not a valid bucket name"),
        (f"s3://{'a' * 64}", "is not a valid bucket name"),
        ("s3://Journals", "is not a valid bucket name"),
        ("s3://my_journals", "is not a valid bucket name"),
        ("s3://-journals", "is not a valid bucket name"),
        ("s3://journals.", "is not a valid bucket name"),
        ("s3://my..journals", "is not a valid bucket name"),
        ("s3://192.168.5.4", "is not a valid bucket name"),
        ("s3://user@journals", "is not a valid bucket name"),
        ("s3://journals:443/prod", "is not a valid bucket name"),
        ("s3://journals/prod?versionId=1", "contains a query"),
        ("s3://journals/prod#1", "contains a query"),
        ("s3://journals/two words", "contains a query"),
        ("s3://journals/prod\n", "contains a query"),
        ("s3://journals//", "an empty part"),
        ("s3://journals//prod", "an empty part"),
        ("s3://journals/prod//", "an empty part"),
        ("s3://journals/prod/../dev", "a part '.'"),
        ("s3://journals/.", "a part '.'"),
    ],
)
def test_malformed_s3_url_is_rejected(url: str, message: str) -> None:
    """An invalid S3 URL is rejected with its problem."""
    with pytest.raises(ValueError, match=message):
        parse_s3_url(url)


COUNTER_PROGRAM = """
import multiprocessing
import sys
from reconciler.core.errors import StateConflict
from reconciler.edge.aws import ConnectionSettings, SharedModels, create_ambient_client
from reconciler.edge.state.s3 import S3Clients, S3Store
url, bucket, key = sys.argv[1:]
context = multiprocessing.get_context("fork")
barrier = context.Barrier(4)

def count():
    connection = ConnectionSettings("0", endpoint_url=url, has_dummy_credentials=True)
    store = S3Store(S3Clients(lambda: create_ambient_client("s3", connection, SharedModels())), bucket, key)
    barrier.wait()
    for _ in range(25):
        while True:
            stored_text = store.load()
            number = int(stored_text.text) + 1 if stored_text else 1
            try:
                store.put(str(number), stored_text and stored_text.version)
            except StateConflict:
                continue
            break
        sys.stdout.write(f"{number}\\n")
        sys.stdout.flush()

processes = [context.Process(target=count) for _ in range(4)]
for each in processes:
    each.start()
for each in processes:
    each.join()
"""
"""Four processes, forked after the imports, that each add 25 to the number in the object."""


def test_concurrent_machines_lose_no_update(server: SandboxServer) -> None:
    """Four processes count to a hundred together, and each number is counted once."""
    command = [sys.executable, "-c", COUNTER_PROGRAM, server.url, BUCKET, KEY]
    process = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert sorted(map(int, process.stdout.splitlines())) == list(range(1, 101))
    stored_text = create_store(server.url).load()
    assert stored_text
    assert stored_text.text == "100"
