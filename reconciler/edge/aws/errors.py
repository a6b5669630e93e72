"""Translate botocore's errors into this project's errors, by type and code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore import exceptions
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    MissingDependencyException,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    SSOTokenLoadError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from reconciler import redaction
from reconciler.core.aws import signature_errors
from reconciler.core.aws.throttling import is_throttled
from reconciler.core.aws.verdict import get_code_and_status, get_request_id, is_from_aws
from reconciler.core.errors import (
    AccessDenied,
    ClockSkewed,
    CloudError,
    NoRegion,
    Throttled,
    Unauthenticated,
    Unreachable,
)

NO_REGION = "no Region is configured: declare a Target, or set --region or AWS_REGION"
NO_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    ProfileNotFound,
    SSOError,
    SSOTokenLoadError,
    TokenRetrievalError,
    getattr(exceptions, "LoginError", SSOError),  # raised for `aws login`; older botocore versions lack it
)
NOT_AWS = "the answer is not from AWS, but perhaps from a proxy"
_MAX_LENGTH = 200
"""Maximum characters quoted from an unreadable response."""


@contextmanager
def translate_errors(operation: str) -> Iterator[None]:
    """Translate the botocore errors that the block raises into CloudError, with the operation and the request id."""
    try:
        yield
    except CloudError as error:  # an unusable response
        raise type(error)(f"{operation}: {error}") from error
    except ClientError as error:
        if not is_from_aws(get_answer(error)):
            raise Unreachable(f"{operation}: {NOT_AWS}: {_shorten(format_error(error))}") from error
        raise _select_error_type(error)(f"{operation}: {format_error(error)}") from error
    except NoRegionError as error:
        raise NoRegion(NO_REGION) from error
    except MissingDependencyException as error:
        remedy = "install it (pip install 'botocore[crt]'), or use another kind of credentials"
        message = f"botocore lacks its crt extra, which profiles of `aws login` need: {remedy}"
        raise Unauthenticated(f"{operation}: {message}") from error
    except NO_CREDENTIALS as error:
        raise Unauthenticated(_describe_missing_credentials(operation, error)) from error
    except ResponseParserError as error:  # not a BotoCoreError
        raise Unreachable(f"{operation}: {NOT_AWS}: {_shorten(format_error(error))}") from error
    except BotoCoreError as error:
        has_remedy = not isinstance(error, EndpointConnectionError) or hasattr(error, "__notes__")
        remedy = "" if has_remedy else ": check the network and --endpoint-url"
        raise Unreachable(f"{operation}: {format_error(error)}{remedy}") from error
    except KeyError as error:
        raise CloudError(f"{operation}: AWS's answer lacks {redaction.describe_error(error)}") from error
    except (AttributeError, TypeError) as error:  # botocore raises these for members of the wrong type
        raise Unreachable(f"{operation}: the answer cannot be read: {_shorten(format_error(error))}") from error
    except (ValueError, OSError) as error:  # boto3 raises these for invalid settings, such as AWS_MAX_ATTEMPTS=x
        raise CloudError(f"{operation}: {format_error(error)}") from error


def _describe_missing_credentials(operation: str, error: BotoCoreError) -> str:
    """Return the message for credentials that boto3 does not find or cannot load, with the remedy if one is known."""
    if isinstance(error, ProfileNotFound):
        profile = redaction.redact(str(error.kwargs.get("profile")))
        return f"the AWS configuration has no profile {profile!r}: correct --profile or AWS_PROFILE"
    remedy = f"; {signature_errors.PROVIDE_CREDENTIALS}" if isinstance(error, NoCredentialsError) else ""
    return f"{operation}: {format_error(error)}{remedy}"


def get_answer(error: ClientError) -> Mapping[str, Any]:
    """Return an error's response as a plain mapping: a response may lack members that botocore's type requires."""
    answer: Mapping[str, Any] = dict(error.response)
    return answer


def require_aws(answer: Mapping[str, Any]) -> None:
    """Reject a response without AWS's request id. Raises Unreachable."""
    if not is_from_aws(answer):
        raise Unreachable(f"{NOT_AWS}: it has no request id")


def _select_error_type(error: ClientError) -> type[CloudError]:
    code, status = get_code_and_status(get_answer(error))
    if is_throttled(code, status):
        return Throttled
    if signature_errors.is_clock_skewed(code, _get_message(error)):
        return ClockSkewed
    if signature_errors.has_invalid_credentials(code, _get_message(error)):
        return Unauthenticated
    if code.startswith("AccessDenied"):
        return AccessDenied
    return Unreachable if status >= 500 else CloudError  # noqa: PLR2004 - 5xx is an error of AWS itself


def format_error(error: BaseException) -> str:
    """Return an error as one line, with the request id that AWS Support asks for and the remedy if one is known."""
    if not isinstance(error, ClientError):
        return redaction.describe_error(error)
    answer = get_answer(error)
    code, request = get_code_and_status(answer)[0], get_request_id(answer)
    text = f"{code or 'an error'}: {_get_message(error) or 'without a message'}"
    return (
        " ".join(redaction.redact(text).split())
        + (f" (request {redaction.redact(request)})" if request else "")
        + signature_errors.format_remedy(code, _get_message(error))
    )


def _get_message(error: ClientError) -> object:
    return get_answer(error).get("Error", {}).get("Message")


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}…"
