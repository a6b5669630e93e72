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
from reconciler.core.aws.verdict import get_code_and_status, get_request_id, is_refusal, is_success
from reconciler.core.errors import CloudError, StateConflict, StateError, StateWriteUnknown, VersionConflict
from reconciler.edge.state.s3_url import parse_s3_url
from reconciler.edge.state.store import StoredText, UncheckedWrite

# 412; 409, by its two names; 404, where what If-Match names was deleted
_CONFLICT_CODES = frozenset(("PreconditionFailed", "ConditionalRequestConflict", "OperationAborted", "NoSuchKey"))
_CREDENTIAL_ERRORS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    SSOError,
    SSOTokenLoadError,
    TokenRetrievalError,
)
_CONNECTION_ERRORS = (ConnectTimeoutError, EndpointConnectionError)
_UNSENT_ERRORS = (*_CREDENTIAL_ERRORS, *_CONNECTION_ERRORS, ParamValidationError)
_READ_PERMISSIONS = (
    "s3:GetObject and s3:ListBucket are needed (without the latter, a missing object is a forbidden one)"
)
_WRITE_PERMISSIONS = "s3:PutObject and s3:GetObject are needed"
_NOT_S3 = "what answers is not S3, but maybe a proxy"
_uncertain_attempts: ContextVar[list[object]] = ContextVar(
    "attempts of the put under way that may have been carried out"
)


def check_location(location: str) -> None:
    """Refuse a URL that names no place in S3. Raises ValueError."""
    parse_s3_url(location)


def open_location(location: str, namespace: str, client: Callable[[str], Any]) -> S3Location:
    """Return the place of all journals in a bucket. Raises ValueError and CloudError."""
    bucket, prefix = parse_s3_url(location)
    return S3Location(location, S3Clients(lambda: client("s3")), bucket, "/".join(filter(None, (prefix, namespace))))


@dataclass(frozen=True, slots=True)
class S3Location:
    """A prefix of a bucket: each journal is an object. A `StateLocation`."""

    name: str
    clients: S3Clients
    bucket: str
    prefix: str
    is_shared: ClassVar = True
    restore_remedy: ClassVar = "restore the object from an older version of the bucket"

    @property
    def unchecked_write(self) -> UncheckedWrite:
        """S3 has no call that tries a PutObject and writes nothing."""
        remedy = f"see to it that the ambient credentials may s3:PutObject below {self.name}"
        return UncheckedWrite("a PutObject cannot be tried without writing", remedy)

    def open_store(self, document: str) -> S3Store:
        """Return the store of one object."""
        return S3Store(self.clients, self.bucket, "/".join(filter(None, (self.prefix, document))))

    def find_obstacle(self) -> str | None:
        """Return None: only a write would show an obstacle."""
        return None

    def find_file_obstacle(self, _: str) -> str | None:
        """Return None: there are no files."""
        return None


class S3Clients:
    """The client of S3, and another one for the call after its credentials were refused: those of a file are read once.

    Raises CloudError where the first one cannot be made.
    """

    def __init__(self, make_client: Callable[[], Any]) -> None:
        self._make_client, self._has_bad_credentials = make_client, False
        self._client = self._create_client()

    def get_client(self) -> Any:
        """Return the client for one call."""
        if self._has_bad_credentials:
            with suppress(CloudError):  # the old one says what is wrong
                self._client, self._has_bad_credentials = self._create_client(), False
        return self._client

    def request_new_client(self) -> None:
        """Have another one made for the next call."""
        self._has_bad_credentials = True

    def _create_client(self) -> Any:
        client = self._make_client()
        client.meta.events.register(
            "response-received.s3.PutObject", _record_uncertain_attempt, unique_id="reconciler-journal"
        )
        return client


class S3Store:
    """One object, encrypted and versioned as its bucket says. A `Store`.

    The client may repeat a PutObject. One that arrived and whose answer was lost makes its repetition find its own
    text, which S3 answers like anyone else's (412). So StateConflict does not say whose text is there, and after a 409
    it may even be the old one: the caller reads again and compares. After StateWriteUnknown the write may also arrive
    later than that reading; the next one that succeeds shuts it out, as it changes what If-Match is compared with.
    """

    is_exclusive = False

    def __init__(self, clients: S3Clients, bucket: str, key: str) -> None:
        self.place = f"s3://{bucket}/{key}"
        self._clients = clients
        self._bucket, self._key = bucket, key

    def load(self) -> StoredText | None:
        """Return the object's text and ETag, None where there is no object. Raises StateError."""
        try:
            answer = self._clients.get_client().get_object(Bucket=self._bucket, Key=self._key)
            return StoredText(
                self._require_s3_answer(answer)["Body"].read().decode(), self._require_strong_etag(answer["ETag"])
            )
        except (ClientError, BotoCoreError, UnicodeDecodeError, KeyError) as error:
            if _proves_no_write(error) and _get_code(error) == "NoSuchKey":
                return None
            reason = self._describe_error(error, _READ_PERMISSIONS)
            raise StateError(f"the journal {self.place} cannot be read: {reason}") from error

    def put(self, text: str, version: str | None) -> str:
        """Replace the object and return its ETag. Raises StateConflict, StateWriteUnknown and StateError."""
        body, condition = text.encode(), {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
        uncertain_attempts: list[object] = []
        token = _uncertain_attempts.set(uncertain_attempts)
        try:
            answer = self._clients.get_client().put_object(
                Bucket=self._bucket, Key=self._key, Body=body, ContentType="application/json", **condition
            )
            return self._require_strong_etag(self._require_s3_answer(answer)["ETag"])
        except StateError:
            raise
        except Exception as error:
            reason = self._describe_error(error, _WRITE_PERMISSIONS)
            if _proves_no_write(error) and _get_code(error) in _CONFLICT_CODES:
                error_class = VersionConflict if _get_code(error) == "PreconditionFailed" else StateConflict
                raise error_class(f"the journal {self.place} changed since it was read: {reason}") from error
            if uncertain_attempts or not _proves_no_write(error):
                raise StateWriteUnknown(
                    f"nobody knows whether the journal {self.place} was written: {reason}"
                ) from error
            raise StateError(f"the journal {self.place} cannot be written: {reason}") from error
        finally:
            _uncertain_attempts.reset(token)

    def claim(self) -> bool:
        """Say True: S3 has no lock."""
        return True

    def release(self) -> None:
        """Do nothing: there is no lock."""

    def _require_s3_answer(self, answer: Any) -> Any:
        """Return an answer that S3 gave. Raises StateWriteUnknown for one that bears no request id."""
        if not is_success(answer):
            raise StateWriteUnknown(f"nobody knows about the journal {self.place}: {_NOT_S3}, without a request id")
        return answer

    def _require_strong_etag(self, etag: str) -> str:
        """Return an ETag that If-Match can be compared with (RFC 9110, 8.8.3.2). Raises StateWriteUnknown."""
        if etag[:2] in {"W/", "w/"}:
            raise StateWriteUnknown(
                f"the journal {self.place} has the weak ETag {redaction.redact(etag)}, by which no write can be made "
                "safe: reach S3 without the proxy that changes its answers, such as one that compresses them"
            )
        return etag

    def _describe_error(self, error: Exception, permissions: str) -> str:
        """Return an error as one line, with what would be right and what AWS's support would ask for."""
        code = _get_code(error)
        line, message = redaction.describe_error(error), None
        if isinstance(error, ClientError):
            answer: Any = error.response
            request_id, message = get_request_id(answer), answer.get("Error", {}).get("Message")
            message_line = f"{code or 'an error'}: {message or 'without a message'}"
            line = " ".join(redaction.redact(message_line + (f" (request {request_id})" if request_id else "")).split())
            if not request_id:
                return f"{_NOT_S3}: {line[:200]}"
        if code == "NoSuchBucket":
            return f"there is no bucket {self._bucket}: make it, or name another one"
        if code == "AccessDenied":
            return f"{line}; {permissions}"
        if isinstance(error, _CREDENTIAL_ERRORS):
            self._clients.request_new_client()
            return f"{line}; S3 needs credentials where boto3 finds them"
        if signature_errors.has_invalid_credentials(code, message):
            self._clients.request_new_client()
        if isinstance(error, _CONNECTION_ERRORS):
            return f"{line}; S3 has to be reachable from here"
        if isinstance(error, KeyError):
            return f"S3's answer lacks {line}"
        return line + signature_errors.format_remedy(code, message)


def _record_uncertain_attempt(response_dict: Any, parsed_response: Any, exception: Exception | None, **_: Any) -> None:
    """Remember an attempt after which nobody knows: what the last one says is not true of those before it."""
    is_certain = _proves_no_write(exception) if response_dict is None else is_refusal(parsed_response or {})
    if not is_certain:
        _uncertain_attempts.get([]).append(exception or response_dict["status_code"])


def _proves_no_write(error: Exception | None) -> bool:
    """Tell whether an error proves that its attempt wrote nothing."""
    if isinstance(error, ClientError):
        answer: Any = error.response
        return is_refusal(answer)
    # Not ProxyConnectionError: urllib3 says so of every connection through a proxy that breaks, however late
    return isinstance(error, _UNSENT_ERRORS)


def _get_code(error: Exception) -> str:
    answer: Any = error.response if isinstance(error, ClientError) else {}
    return get_code_and_status(answer)[0]
