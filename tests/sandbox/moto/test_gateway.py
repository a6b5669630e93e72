"""The middleware serialises S3 requests and sets the path that moto reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox import Sandbox
from reconciler.sandbox.moto.gateway import SandboxMiddleware

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

SCOPE = "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/{}/aws4_request, SignedHeaders=host"


class RecordingLock:
    """A lock for one thread that records if it is held."""

    is_held = False

    def __enter__(self) -> None:
        self.is_held = True

    def __exit__(self, *_: object) -> None:
        self.is_held = False


@contextmanager
def create_recording_gateway(records: list[tuple[str, bool]]) -> Iterator[SandboxMiddleware]:
    """Yield a middleware whose application records the path and if the lock is held."""
    lock = RecordingLock()

    def application(environ: "WSGIEnvironment", _: "StartResponse") -> list[bytes]:
        records.append((environ["PATH_INFO"], lock.is_held))
        return []

    yield SandboxMiddleware(Sandbox(), application, lock)
    assert not lock.is_held


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("s3", ("/bucket//key", True)),
        ("sts", ("/bucket//key", False)),
        ("app-integrations", ("/app-integrations", False)),
    ],
)
def test_only_s3_requests_are_serialised(service: str, expected: tuple[str, bool]) -> None:
    """Only requests to S3 take the lock, and only AppIntegrations requests get a fixed path."""
    records: list[tuple[str, bool]] = []
    environ = {
        "PATH_INFO": "/bucket//key",
        "REQUEST_METHOD": "PUT",
        "HTTP_AUTHORIZATION": SCOPE.format(service),
    }
    with create_recording_gateway(records) as gateway:
        gateway(environ, lambda *_: lambda __: None)
    assert records == [expected]
