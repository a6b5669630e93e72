"""Distinguish answers of AWS from answers of a proxy, a portal or a gateway in between.

A status code proves nothing, because proxies send status codes too. AWS gives each answer a request id, and each
refusal an error code from its documentation. An answer in this module is a response as botocore parses it: a mapping
with ResponseMetadata and, for an error, Error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.core.aws.signature_errors import REJECTED_SIGNATURE_CODES
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
"""Error codes in the service model appintegrations/2020-07-29."""
ACCESS_CODES = REJECTED_SIGNATURE_CODES | frozenset(
    (
        "AccessDenied",
        "AccessDeniedException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "OptInRequired",
    )
)
"""Error codes of refused credentials and missing permissions."""
_COMMON_CODES = ACCESS_CODES | frozenset(
    (
        "SerializationException",
        "UnknownOperationException",
        "ValidationError",
        "ValidationException",
    )
)
"""Error codes that services share ("Common Error Types" in the API references of AWS)."""
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
"""Error codes of a read or a write of one object (Amazon S3 API Reference, "Error responses")."""
KNOWN_CODES = _SERVICE_CODES | _COMMON_CODES | _S3_CODES | THROTTLING_CODES
_SUCCESS_CLASS = 2
_REFUSAL_CLASSES = (3, 4)
_REQUEST_TIMEOUT = 408
_NOT_IMPLEMENTED = 501


def get_code_and_status(answer: Mapping[str, Any]) -> tuple[str, int]:
    """Return the error code and the HTTP status of an answer. Missing values are an empty string and 0."""
    code = answer.get("Error", {}).get("Code", "")
    return code if isinstance(code, str) else "", answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def get_request_id(answer: Mapping[str, Any]) -> str | None:
    """Return the request id of an answer, if any. An incomplete answer has it only in its headers."""
    metadata: Mapping[str, Any] = answer.get("ResponseMetadata", {})
    headers: Mapping[str, Any] = metadata.get("HTTPHeaders", {})
    request_id = metadata.get("RequestId") or headers.get("x-amzn-requestid") or headers.get("x-amz-request-id")
    return str(request_id).strip() or None if request_id else None


def is_from_aws(answer: Mapping[str, Any]) -> bool:
    """Tell by the request id whether an answer comes from AWS."""
    return get_request_id(answer) is not None


def is_refusal(answer: Mapping[str, Any]) -> bool:
    """Tell whether an answer proves that AWS did nothing: a 3xx, 4xx or 501 with a known error code and a request id.

    A 408 and the other 5xx prove nothing: AWS may have carried out the request before the timeout or the fault.
    """
    code, status = get_code_and_status(answer)
    is_refusal_status = (status // 100 in _REFUSAL_CLASSES and status != _REQUEST_TIMEOUT) or status == _NOT_IMPLEMENTED
    return is_refusal_status and code in KNOWN_CODES and is_from_aws(answer)


def is_success(answer: Mapping[str, Any]) -> bool:
    """Tell whether an answer proves success: a 2xx with a request id."""
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status // 100 == _SUCCESS_CLASS and is_from_aws(answer)
