"""Turns botocore's errors into ours, by type and code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
from botocore.parsers import ResponseParserError

from reconciler.core.errors import CloudError, Denied, Throttled, Unauthenticated, Unreachable
from reconciler.core.throttles import throttled

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
_LONGEST = 200
"""Characters: how much is said of an answer that cannot be read."""
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


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn botocore's errors into ours, by type, with the operation and AWS's request id."""
    try:
        yield
    except ClientError as error:
        raise _by_code(error)(f"{doing}: {line(error)}") from error
    except NoRegionError as error:
        raise CloudError(NO_REGION) from error
    except NO_CREDENTIALS as error:
        raise Unauthenticated(f"{doing}: {line(error)}") from error
    except ResponseParserError as error:  # which is no BotoCoreError
        said = f"{line(error)[:_LONGEST]}…"
        raise Unreachable(f"{doing}: what answers is not AWS, but maybe a proxy: {said}") from error
    except BotoCoreError as error:
        raise Unreachable(f"{doing}: {line(error)}") from error
    except KeyError as error:
        raise CloudError(f"{doing}: AWS's answer lacks {error}") from error
    except (ValueError, OSError) as error:  # of boto3's own settings, such as AWS_MAX_ATTEMPTS=x
        raise CloudError(f"{doing}: {line(error)}") from error


def _by_code(error: ClientError) -> type[CloudError]:
    code, status = code_of(error)
    if throttled(code, status):
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


def request_of(answer: Mapping[str, Any]) -> str | None:
    """Return AWS's id of a request, which an answer that AWS did not finish has in its headers alone."""
    about: Mapping[str, Any] = answer.get("ResponseMetadata", {})
    found: str | None = about.get("RequestId") or about.get("HTTPHeaders", {}).get("x-amzn-requestid")
    return found


def line(error: BaseException) -> str:
    """Return an error as one line, with what AWS's support would ask for."""
    if not isinstance(error, ClientError):
        return " ".join(str(error).split())
    answer: Any = error.response
    said, request = answer.get("Error", {}), request_of(answer)
    text = f"{said.get('Code', 'an error')}: {said.get('Message') or 'without a message'}"
    way_out = "; renew the credentials where boto3 finds them: the next run reads them anew"
    return (
        " ".join(text.split())
        + (f" (request {request})" if request else "")
        + (way_out if said.get("Code") in _BAD_CREDENTIALS else "")
    )
