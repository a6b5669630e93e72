"""Store a journal in an S3 object that several machines can share. Conditional writes replace it without a lock."""

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
from reconciler.core.errors import (
    CloudError,
    StateConflict,
    StateError,
    StateUnreachable,
    StateWriteUnknown,
    VersionConflict,
)
from reconciler.edge.state.s3_url import parse_s3_url
from reconciler.edge.state.store import StoredText, UncheckedWrite

# 412, the two codes of 409, and the 404 for an If-Match condition on a deleted object.
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
# CloudError is raised while botocore gets credentials, before it sends a request.
_UNSENT_ERRORS = (*_CREDENTIAL_ERRORS, *_CONNECTION_ERRORS, ParamValidationError, CloudError)
_READ_PERMISSIONS = (
    "s3:GetObject and s3:ListBucket are required (without s3:ListBucket, S3 reports a missing object as forbidden)"
)
_WRITE_PERMISSIONS = "s3:PutObject and s3:GetObject are required"
_PROXY_REMEDY = "connect to S3 without a proxy that changes its answers, such as one that compresses them"
_CHANGED_ETAG = f"S3 has another ETag than its answers show: {_PROXY_REMEDY}"
_ANSWER_REMEDY = "make sure that no proxy changes the answers of S3"
_NOT_S3 = "the answer is not from S3, but perhaps from a proxy"
_uncertain_attempts: ContextVar[list[object]] = ContextVar("attempts of the current put that S3 may have carried out")


def check_location(location: str) -> None:
    """Reject an invalid S3 URL. Raises ValueError."""
    parse_s3_url(location)


def open_location(location: str, namespace: str, client: Callable[[str], Any]) -> S3Location:
    """Return the location of journals in a bucket. Raises ValueError and CloudError."""
    bucket, prefix = parse_s3_url(location)
    return S3Location(location, S3Clients(lambda: client("s3")), bucket, "/".join(filter(None, (prefix, namespace))))


@dataclass(frozen=True, slots=True)
class S3Location:
    """A `StateLocation` in a bucket, below a prefix. Each journal is an object."""

    name: str
    clients: S3Clients
    bucket: str
    prefix: str
    is_shared: ClassVar = True
    restore_remedy: ClassVar = "restore the object of the journal from an older version in the bucket"

    @property
    def unchecked_write(self) -> UncheckedWrite:
        """The write permission, which no check covers because S3 has no dry run of a PutObject."""
        remedy = f"make sure that the ambient credentials allow s3:PutObject below {self.name}"
        return UncheckedWrite("a PutObject cannot be tested without a write", remedy)

    def open_store(self, document: str) -> S3Store:
        """Return the store of one object."""
        return S3Store(self.clients, self.bucket, "/".join(filter(None, (self.prefix, document))))

    def find_obstacle(self) -> str | None:
        """Return None, because only a write would reveal an obstacle."""
        return None

    def find_file_obstacle(self, _: str) -> str | None:
        """Return None, because a journal in S3 has no side files."""
        return None


class S3Clients:
    """The current client of S3. A new client replaces it after S3 rejected its credentials.

    boto3 reads credentials from a file once for each client. Creating this object raises CloudError if the first
    client cannot be created.
    """

    def __init__(self, make_client: Callable[[], Any]) -> None:
        self._make_client, self._has_bad_credentials = make_client, False
        self._client = self._create_client()

    def get_client(self) -> Any:
        """Return the client for one call."""
        if self._has_bad_credentials:
            with suppress(CloudError):  # the call then fails with the old client, whose error shows the cause
                self._client, self._has_bad_credentials = self._create_client(), False
        return self._client

    def request_new_client(self) -> None:
        """Make the next call use a new client."""
        self._has_bad_credentials = True

    def _create_client(self) -> Any:
        client = self._make_client()
        client.meta.events.register(
            "response-received.s3.PutObject", _record_uncertain_attempt, unique_id="reconciler-journal"
        )
        return client


class S3Store:
    """A `Store` in one object. The bucket defines encryption and versioning.

    botocore retries a PutObject. If the first attempt was carried out and its answer was lost, the retry finds its own
    text, and S3 answers 412. After StateConflict the stored text may therefore be the text of this writer, that of
    another writer, or, after a 409, the old text: the caller must read it and compare. After StateWriteUnknown, S3 may
    carry out the write even after that read. A later successful write prevents this, because it changes the ETag that
    the condition requires.
    """

    is_exclusive = False

    def __init__(self, clients: S3Clients, bucket: str, key: str) -> None:
        self.place = f"s3://{bucket}/{key}"
        self._clients = clients
        self._bucket, self._key = bucket, key

    def load(self) -> StoredText | None:
        """Return the text and ETag of the object, or None if there is no object. Raises StateError."""
        try:
            answer = self._clients.get_client().get_object(Bucket=self._bucket, Key=self._key)
            return StoredText(
                self._require_s3_answer(answer)["Body"].read().decode(), self._require_strong_etag(answer["ETag"])
            )
        except (ClientError, BotoCoreError, CloudError, UnicodeDecodeError, KeyError) as error:
            if _proves_no_write(error) and _get_code(error) == "NoSuchKey":
                return None
            reason = self._describe_error(error, _READ_PERMISSIONS)
            error_class = StateError if isinstance(error, UnicodeDecodeError | KeyError) else StateUnreachable
            raise error_class(f"the journal {self.place} cannot be read: {reason}") from error

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
                message = (
                    f"the journal {self.place} changed since it was read: {reason}; "
                    "run again when no other run is active"
                )
                if _get_code(error) == "PreconditionFailed":
                    raise VersionConflict(message, _CHANGED_ETAG) from error
                raise StateConflict(message) from error
            if uncertain_attempts or not _proves_no_write(error):
                raise StateWriteUnknown(
                    f"it is unknown whether the journal {self.place} was written: {reason}"
                ) from error
            raise StateUnreachable(f"the journal {self.place} cannot be written: {reason}") from error
        finally:
            _uncertain_attempts.reset(token)

    def claim(self) -> bool:
        """Return True, because S3 has no lock."""
        return True

    def release(self) -> None:
        """Do nothing, because S3 has no lock."""

    def _require_s3_answer(self, answer: Any) -> Any:
        """Return the answer if it is from S3. Raises StateWriteUnknown for an answer without a request id."""
        if not is_success(answer):
            raise StateWriteUnknown(
                f"the state of the journal {self.place} is unknown: {_NOT_S3} (it has no request id): "
                "let the requests to S3 bypass the proxy, for example with NO_PROXY",
                _ANSWER_REMEDY,
            )
        return answer

    def _require_strong_etag(self, etag: str) -> str:
        """Return an ETag that is valid in If-Match (RFC 9110, 8.8.3.2). Raises StateWriteUnknown for a weak one."""
        if etag[:2] in {"W/", "w/"}:
            raise StateWriteUnknown(
                f"the journal {self.place} has the weak ETag {redaction.redact(etag)}, which cannot protect a write: "
                f"{_PROXY_REMEDY}",
                _ANSWER_REMEDY,
            )
        return etag

    def _describe_error(self, error: Exception, permissions: str) -> str:
        """Return an error as one line, with a remedy and the request id that AWS Support asks for.

        If S3 rejected the credentials, the next call gets a new client.
        """
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
            return f"the bucket {self._bucket} does not exist: create it, or choose another bucket"
        if code == "AccessDenied":
            return f"{line}; {permissions}"
        if isinstance(error, CloudError):
            self._clients.request_new_client()
            return line
        if isinstance(error, _CREDENTIAL_ERRORS):
            self._clients.request_new_client()
            return f"{line}; S3 requires credentials that boto3 can find"
        if signature_errors.has_invalid_credentials(code, message):
            self._clients.request_new_client()
        if isinstance(error, _CONNECTION_ERRORS):
            return f"{line}; S3 must be reachable from this machine"
        if isinstance(error, KeyError):
            return f"S3's answer lacks {line}"
        return line + signature_errors.format_remedy(code, message)


def _record_uncertain_attempt(response_dict: Any, parsed_response: Any, exception: Exception | None, **_: Any) -> None:
    """Record an attempt that S3 may have carried out: the answer to a later attempt does not show its result."""
    is_certain = _proves_no_write(exception) if response_dict is None else is_refusal(parsed_response or {})
    if not is_certain:
        _uncertain_attempts.get([]).append(exception or response_dict["status_code"])


def _proves_no_write(error: Exception | None) -> bool:
    """Return whether an error proves that its attempt wrote nothing."""
    if isinstance(error, ClientError):
        answer: Any = error.response
        return is_refusal(answer)
    # ProxyConnectionError is no proof: urllib3 raises it for any broken proxy connection, even after the request was
    # sent.
    return isinstance(error, _UNSENT_ERRORS)


def _get_code(error: Exception) -> str:
    answer: Any = error.response if isinstance(error, ClientError) else {}
    return get_code_and_status(answer)[0]
