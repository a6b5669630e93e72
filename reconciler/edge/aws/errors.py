"""Turns botocore's errors into ours, by type and code."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    SSOTokenLoadError,
    TokenRetrievalError,
)

from reconciler.core.errors import CloudError, Denied, Throttled, Unauthenticated, Unreachable

THROTTLES = frozenset(("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"))
"""Codes by which AWS says that it did not look at a call; the second and fourth come from its edge."""

NO_REGION = "no Region: declare a Target, or give --region or AWS_REGION"
NO_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    ProfileNotFound,
    SSOError,
    SSOTokenLoadError,
    TokenRetrievalError,
)
_BAD_CREDENTIALS = frozenset(
    (
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "InvalidAccessKeyId",
    )
)


class translated:  # noqa: N801 - reads as the statement that it is
    """Turn botocore's errors into ours, by type, with the operation and AWS's request id."""

    def __init__(self, doing: str) -> None:
        self._doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        said = f"{self._doing}: {line(error)}" if error else ""
        match error:
            case ClientError():
                raise _by_code(error)(said) from error
            case NoRegionError():
                raise CloudError(NO_REGION) from error
            case BotoCoreError() if isinstance(error, NO_CREDENTIALS):
                raise Unauthenticated(said) from error
            case BotoCoreError():
                raise Unreachable(said) from error
            case KeyError():
                raise CloudError(f"{self._doing}: AWS's answer lacks {error}") from error
            case _:
                return


def _by_code(error: ClientError) -> type[CloudError]:
    code, status = code_of(error)
    if code in THROTTLES:
        return Throttled
    if code in _BAD_CREDENTIALS:
        return Unauthenticated
    if code.startswith("AccessDenied"):
        return Denied
    return Unreachable if status >= 500 else CloudError  # noqa: PLR2004 - a fault of AWS


def code_of(error: ClientError) -> tuple[str, int]:
    """Return AWS's error code and the HTTP status; an empty one and 0 where the answer has none."""
    said: Any = error.response
    return said.get("Error", {}).get("Code", ""), said.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def line(error: BaseException) -> str:
    """Return an error as one line, with what AWS's support would ask for."""
    if not isinstance(error, ClientError):
        return " ".join(str(error).split())
    answer: Any = error.response
    said, request = answer.get("Error", {}), answer.get("ResponseMetadata", {}).get("RequestId")
    text = f"{said.get('Code', 'an error')}: {said.get('Message') or 'without a message'}"
    return " ".join(text.split()) + (f" (request {request})" if request else "")
