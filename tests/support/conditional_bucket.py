"""The part of S3 that keeps journals: GetObject, and PutObject with conditions that are checked under a lock.

Two requests with the same If-Match may both succeed in moto's S3, which has no lock. Here exactly one does, as in S3
(docs.aws.amazon.com, "How to prevent object overwrites with conditional writes").
"""

from __future__ import annotations

import hashlib
import json
import threading
from typing import Any
from urllib.parse import unquote, urlsplit

from support.proxy import Request


class ConditionalBucket:
    """A bucket. `answer` is a fault of a FaultProxy that answers the requests for S3 and lets the others pass."""

    url = "s3://journals/prod"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._objects: dict[str, bytes] = {}
        self.put_count = 0

    def answer(self, request: Request) -> bytes | None:
        """Return the answer of S3, or None if the request is for another service."""
        if not is_s3(request):
            return None
        headers = {name.lower(): value for name, value in request.headers.items()}
        key = unquote(urlsplit(request.path).path).removeprefix("/journals/")
        with self._lock:
            body = self._objects.get(key)
            if request.method == "PUT":
                return self._put(key, body, request.body, headers)
        if body is None:
            return _build_error(404, "NoSuchKey")
        return _build_response(200, body, _compute_etag(body))

    def _put(self, key: str, old: bytes | None, new: bytes, headers: dict[str, str]) -> bytes:
        if "if-none-match" in headers:
            is_met = old is None
        else:
            is_met = old is not None and headers["if-match"] == _compute_etag(old)
        if not is_met:
            return _build_error(412, "PreconditionFailed")
        self._objects[key] = new
        self.put_count += 1
        return _build_response(200, b"", _compute_etag(new))

    @property
    def keys(self) -> list[str]:
        """The keys of the objects."""
        with self._lock:
            return sorted(self._objects)

    def read(self, region: str) -> Any:
        """Return the journal of a Region as its JSON document."""
        with self._lock:
            return json.loads(self._objects[f"prod/sandbox/123456789012-{region}.json"])


def is_s3(request: Request) -> bool:
    """Return whether a request is signed for S3."""
    return "/s3/aws4_request" in request.headers.get("Authorization", "")


def _compute_etag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _build_response(status: int, body: bytes, etag: str) -> bytes:
    head = f"HTTP/1.1 {status} X\r\nx-amz-request-id: req-1\r\nETag: {etag}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body


def _build_error(status: int, code: str) -> bytes:
    body = f"<Error><Code>{code}</Code><Message>because</Message><RequestId>req-1</RequestId></Error>".encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
    return f"{head}x-amz-request-id: req-1\r\nConnection: close\r\n\r\n".encode() + body
