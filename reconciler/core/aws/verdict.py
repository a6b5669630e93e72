"""Tells AWS's own verdicts from the answers of whatever stands between: a proxy, a portal, a gateway.

A status code alone proves nothing, since every proxy sends some. AWS names each answer by a request id, and each
refusal by an error code that its documentation lists. An answer here is what botocore makes of one: a mapping with
ResponseMetadata and, where it is an error, Error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.core.aws.throttling import THROTTLES

_MODELLED = frozenset(
    (
        "AccessDeniedException",
        "ConflictException",
        "DuplicateResourceException",
        "InternalServiceError",
        "InvalidRequestException",
        "ResourceNotFoundException",
        "ResourceQuotaExceededException",
        "UnsupportedOperationException",
    )
)
"""Errors of the service model appintegrations/2020-07-29."""
_COMMON = frozenset(
    (
        "AccessDenied",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "OptInRequired",
        "RequestExpired",
        "RequestInTheFuture",
        "RequestTimeTooSkewed",
        "SerializationException",
        "SignatureDoesNotMatch",
        "UnknownOperationException",
        "UnrecognizedClientException",
        "ValidationError",
        "ValidationException",
    )
)
"""Errors that all services share ("Common Error Types" of AWS's API references)."""
_OF_S3 = frozenset(
    (
        "AccountProblem",
        "AllAccessDisabled",
        "AuthorizationHeaderMalformed",
        "BadDigest",
        "ConditionalRequestConflict",
        "EntityTooLarge",
        "InvalidArgument",
        "InvalidBucketName",
        "InvalidRequest",
        "KMS.DisabledException",
        "KMS.NotFoundException",
        "MethodNotAllowed",
        "NoSuchBucket",
        "NoSuchKey",
        "NotImplemented",
        "OperationAborted",
        "PermanentRedirect",
        "PreconditionFailed",
        "ServerSideEncryptionConfigurationNotFoundError",
        "TemporaryRedirect",
        "XAmzContentSHA256Mismatch",
    )
)
"""Errors of the Amazon S3 API Reference ("Error responses") that a read or a write of one object may meet."""
KNOWN = _MODELLED | _COMMON | _OF_S3 | THROTTLES
_TIMED_OUT = 408
_NOT_IMPLEMENTED = 501


def code_of(answer: Mapping[str, Any]) -> tuple[str, int]:
    """Return the error code and the HTTP status of an answer; an empty one and 0 where it has none."""
    code = answer.get("Error", {}).get("Code", "")
    return code if isinstance(code, str) else "", answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def request_of(answer: Mapping[str, Any]) -> str | None:
    """Return AWS's id of a request, which an answer that AWS did not finish has in its headers alone."""
    about: Mapping[str, Any] = answer.get("ResponseMetadata", {})
    headers: Mapping[str, Any] = about.get("HTTPHeaders", {})
    found = about.get("RequestId") or headers.get("x-amzn-requestid") or headers.get("x-amz-request-id")
    return str(found).strip() or None if found else None


def is_by_aws(answer: Mapping[str, Any]) -> bool:
    """Tell whether AWS gave an answer: it bears AWS's request id."""
    return request_of(answer) is not None


def is_refusal(answer: Mapping[str, Any]) -> bool:
    """Tell whether an answer proves that AWS did nothing: a known code and a request id, in a 3xx, 4xx or 501.

    Not in a 408: nobody knows. Other 5xx say that AWS failed, and maybe only after it had done what was asked.
    """
    code, status = code_of(answer)
    refused = (300 <= status < 500 and status != _TIMED_OUT) or status == _NOT_IMPLEMENTED  # noqa: PLR2004
    return refused and code in KNOWN and is_by_aws(answer)


def is_done(answer: Mapping[str, Any]) -> bool:
    """Tell whether AWS says that it did what was asked: a 2xx with a request id."""
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return 200 <= status < 300 and is_by_aws(answer)  # noqa: PLR2004
