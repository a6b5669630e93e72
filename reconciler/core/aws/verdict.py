"""Tells AWS's own verdicts from the answers of whatever stands between: a proxy, a portal, a gateway.

A status code alone proves nothing, since every proxy sends some. AWS names each answer by a request id, and each
refusal by an error code that its documentation lists. An answer here is what botocore makes of one: a mapping with
ResponseMetadata and, where it is an error, Error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.core.aws.throttling import THROTTLING_CODES

_SERVICE_CODES = frozenset(
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
_COMMON_CODES = frozenset(
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
_S3_CODES = frozenset(
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
KNOWN_CODES = _SERVICE_CODES | _COMMON_CODES | _S3_CODES | THROTTLING_CODES
_REQUEST_TIMEOUT = 408
_NOT_IMPLEMENTED = 501


def get_code_and_status(answer: Mapping[str, Any]) -> tuple[str, int]:
    """Return the error code and the HTTP status of an answer; empty and 0 if absent."""
    code = answer.get("Error", {}).get("Code", "")
    return code if isinstance(code, str) else "", answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def get_request_id(answer: Mapping[str, Any]) -> str | None:
    """Return AWS's id of a request, which an answer that AWS did not finish has in its headers alone."""
    metadata: Mapping[str, Any] = answer.get("ResponseMetadata", {})
    headers: Mapping[str, Any] = metadata.get("HTTPHeaders", {})
    request_id = metadata.get("RequestId") or headers.get("x-amzn-requestid") or headers.get("x-amz-request-id")
    return str(request_id).strip() or None if request_id else None


def is_from_aws(answer: Mapping[str, Any]) -> bool:
    """Tell by its request id whether an answer comes from AWS."""
    return get_request_id(answer) is not None


def is_refusal(answer: Mapping[str, Any]) -> bool:
    """Tell whether an answer proves that AWS did nothing: a known code and a request id, in a 3xx, 4xx or 501.

    Not in a 408: nobody knows. Other 5xx say that AWS failed, and maybe only after it had done what was asked.
    """
    code, status = get_code_and_status(answer)
    is_refusal_status = (300 <= status < 500 and status != _REQUEST_TIMEOUT) or status == _NOT_IMPLEMENTED  # noqa: PLR2004
    return is_refusal_status and code in KNOWN_CODES and is_from_aws(answer)


def is_success(answer: Mapping[str, Any]) -> bool:
    """Tell whether an answer proves success: a 2xx with a request id."""
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return 200 <= status < 300 and is_from_aws(answer)  # noqa: PLR2004
