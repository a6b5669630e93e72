"""A journal as an object in S3, for machines that share it: replaced by conditional writes, without a lock."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ClassVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    SSOError,
    SSOTokenLoadError,
    TokenRetrievalError,
)

from reconciler import redaction
from reconciler.core.aws import signature_errors
from reconciler.core.aws.verdict import code_of, is_done, is_refusal, request_of
from reconciler.core.errors import CloudError, StateConflict, StateError, StateWriteUnknown, VersionConflict
from reconciler.edge.state.s3_url import parse
from reconciler.edge.state.store import Stored, UncheckedWrite

# 412; 409, by its two names; 404, where what If-Match names was deleted
_MOVED = frozenset(("PreconditionFailed", "ConditionalRequestConflict", "OperationAborted", "NoSuchKey"))
_NO_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    SSOError,
    SSOTokenLoadError,
    TokenRetrievalError,
)
_UNREACHED = (ConnectTimeoutError, EndpointConnectionError)
_NEVER_LEFT = (*_NO_CREDENTIALS, *_UNREACHED, ParamValidationError)
_READ_NEEDS = "s3:GetObject and s3:ListBucket are needed (without the latter, a missing object is a forbidden one)"
_WRITE_NEEDS = "s3:PutObject and s3:GetObject are needed"
_FOREIGN = "what answers is not S3, but maybe a proxy"
_unknown: ContextVar[list[object]] = ContextVar("attempts of the put under way that may have been carried out")


def check_location(location: str) -> None:
    """Refuse a URL that names no place in S3. Raises ValueError."""
    parse(location)


def open_location(location: str, namespace: str, client: Callable[[str], Any]) -> S3Location:
    """Return the place of all journals in a bucket. Raises ValueError and CloudError."""
    bucket, prefix = parse(location)
    return S3Location(location, Clients(lambda: client("s3")), bucket, "/".join(filter(None, (prefix, namespace))))


@dataclass(frozen=True, slots=True)
class S3Location:
    """A prefix of a bucket: each journal is an object. A `StateLocation`."""

    name: str
    clients: Clients
    bucket: str
    prefix: str
    is_shared: ClassVar = True
    restore_remedy: ClassVar = "restore the object from an older version of the bucket"

    @property
    def unchecked_write(self) -> UncheckedWrite:
        """S3 has no call that tries a PutObject and writes nothing."""
        remedy = f"see to it that the ambient credentials may s3:PutObject below {self.name}"
        return UncheckedWrite("a PutObject cannot be tried without writing", remedy)

    def store(self, document: str) -> S3Store:
        """Return the store of one object."""
        return S3Store(self.clients, self.bucket, "/".join(filter(None, (self.prefix, document))))

    def find_obstacle(self) -> str | None:
        """Return None: only a write would show an obstacle."""
        return None

    def find_file_obstacle(self, _: str) -> str | None:
        """Return None: there are no files."""
        return None


class Clients:
    """The client of S3, and another one for the call after its credentials were refused: those of a file are read once.

    Raises CloudError where the first one cannot be made.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make, self._refused = make, False
        self._client = self._made()

    def client(self) -> Any:
        """Return the client for one call."""
        if self._refused:
            with suppress(CloudError):  # the old one says what is wrong
                self._client, self._refused = self._made(), False
        return self._client

    def refused(self) -> None:
        """Have another one made for the next call."""
        self._refused = True

    def _made(self) -> Any:
        client = self._make()
        client.meta.events.register("response-received.s3.PutObject", _note, unique_id="reconciler-journal")
        return client


class S3Store:
    """One object, encrypted and versioned as its bucket says. A `Store`.

    The client may repeat a PutObject. One that arrived and whose answer was lost makes its repetition find its own
    text, which S3 answers like anyone else's (412). So StateConflict does not say whose text is there, and after a 409
    it may even be the old one: the caller reads again and compares. After StateWriteUnknown the write may also arrive
    later than that reading; the next one that succeeds shuts it out, as it changes what If-Match is compared with.
    """

    exclusive = False

    def __init__(self, clients: Clients, bucket: str, key: str) -> None:
        self.place = f"s3://{bucket}/{key}"
        self._clients = clients
        self._bucket, self._key = bucket, key

    def load(self) -> Stored | None:
        """Return the object's text and ETag, None where there is no object. Raises StateError."""
        try:
            answer = self._clients.client().get_object(Bucket=self._bucket, Key=self._key)
            return Stored(self._by_s3(answer)["Body"].read().decode(), self._strong(answer["ETag"]))
        except (ClientError, BotoCoreError, UnicodeDecodeError, KeyError) as error:
            if _refused(error) and _code(error) == "NoSuchKey":
                return None
            reason = self._reason(error, _READ_NEEDS)
            raise StateError(f"the journal {self.place} cannot be read: {reason}") from error

    def put(self, text: str, version: str | None) -> str:
        """Replace the object and return its ETag. Raises StateConflict, StateWriteUnknown and StateError."""
        body, condition = text.encode(), {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
        unknown: list[object] = []
        token = _unknown.set(unknown)
        try:
            answer = self._clients.client().put_object(
                Bucket=self._bucket, Key=self._key, Body=body, ContentType="application/json", **condition
            )
            return self._strong(self._by_s3(answer)["ETag"])
        except StateError:
            raise
        except Exception as error:
            reason = self._reason(error, _WRITE_NEEDS)
            if _refused(error) and _code(error) in _MOVED:
                moved = VersionConflict if _code(error) == "PreconditionFailed" else StateConflict
                raise moved(f"the journal {self.place} changed since it was read: {reason}") from error
            if unknown or not _refused(error):
                raise StateWriteUnknown(
                    f"nobody knows whether the journal {self.place} was written: {reason}"
                ) from error
            raise StateError(f"the journal {self.place} cannot be written: {reason}") from error
        finally:
            _unknown.reset(token)

    def claim(self) -> bool:
        """Say True: S3 has no lock."""
        return True

    def release(self) -> None:
        """Do nothing: there is no lock."""

    def _by_s3(self, answer: Any) -> Any:
        """Return an answer that S3 gave. Raises StateWriteUnknown for one that bears no request id."""
        if not is_done(answer):
            raise StateWriteUnknown(f"nobody knows about the journal {self.place}: {_FOREIGN}, without a request id")
        return answer

    def _strong(self, etag: str) -> str:
        """Return an ETag that If-Match can be compared with (RFC 9110, 8.8.3.2). Raises StateWriteUnknown."""
        if etag[:2] in {"W/", "w/"}:
            raise StateWriteUnknown(
                f"the journal {self.place} has the weak ETag {redaction.redact(etag)}, by which no write can be made "
                "safe: reach S3 without the proxy that changes its answers, such as one that compresses them"
            )
        return etag

    def _reason(self, error: Exception, needed: str) -> str:
        """Return an error as one line, with what would be right and what AWS's support would ask for."""
        code = _code(error)
        line, message = redaction.describe_error(error), None
        if isinstance(error, ClientError):
            answer: Any = error.response
            request, message = request_of(answer), answer.get("Error", {}).get("Message")
            said = f"{code or 'an error'}: {message or 'without a message'}"
            line = " ".join(redaction.redact(said + (f" (request {request})" if request else "")).split())
            if not request:
                return f"{_FOREIGN}: {line[:200]}"
        if code == "NoSuchBucket":
            return f"there is no bucket {self._bucket}: make it, or name another one"
        if code == "AccessDenied":
            return f"{line}; {needed}"
        if isinstance(error, _NO_CREDENTIALS):
            self._clients.refused()
            return f"{line}; S3 needs credentials where boto3 finds them"
        if signature_errors.is_unknown(code, message):
            self._clients.refused()
        if isinstance(error, _UNREACHED):
            return f"{line}; S3 has to be reachable from here"
        if isinstance(error, KeyError):
            return f"S3's answer lacks {line}"
        return line + signature_errors.way_out(code, message)


def _note(response_dict: Any, parsed_response: Any, exception: Exception | None, **_: Any) -> None:
    """Remember an attempt after which nobody knows: what the last one says is not true of those before it."""
    known = _refused(exception) if response_dict is None else is_refusal(parsed_response or {})
    if not known:
        _unknown.get([]).append(exception or response_dict["status_code"])


def _refused(error: Exception | None) -> bool:
    """Tell whether an error proves that its attempt wrote nothing."""
    if isinstance(error, ClientError):
        answer: Any = error.response
        return is_refusal(answer)
    # Not ProxyConnectionError: urllib3 says so of every connection through a proxy that breaks, however late
    return isinstance(error, _NEVER_LEFT)


def _code(error: Exception) -> str:
    answer: Any = error.response if isinstance(error, ClientError) else {}
    return code_of(answer)[0]
