"""The errors of AppIntegrations that the sandbox raises."""

from typing import ClassVar


class ServiceError(Exception):
    """An error response. The message of the exception is sent as `Message`.

    ServiceError
    ├── InternalServiceError        500
    │   └── AnswerLostError         the write was executed, and only the answer is lost
    ├── ThrottlingError             429
    ├── QuotaExceededError          429
    ├── DuplicateResourceError      409
    ├── ResourceNotFoundError       404
    ├── UnknownOperationError       404
    ├── AccessDeniedError           403
    ├── InvalidRequestError         400
    └── UnsupportedOperationError   400
    """

    code: ClassVar[str]
    status: ClassVar[int]


class InternalServiceError(ServiceError):
    """A failure of the service. The client cannot know if the operation was executed."""

    code = "InternalServiceError"
    status = 500


class AnswerLostError(InternalServiceError):
    """A write that was executed, but whose answer is lost."""

    def __init__(self, *, is_connection_closed: bool) -> None:
        """If `is_connection_closed`, the connection closes without a response; otherwise the response is 500."""
        super().__init__("The service failed to answer.")
        self.is_connection_closed = is_connection_closed


class ThrottlingError(ServiceError):
    """A request that exceeds the rate limit."""

    code = "ThrottlingException"
    status = 429


class QuotaExceededError(ServiceError):
    """A request for a resource that would exceed a quota."""

    code = "ResourceQuotaExceededException"
    status = 429


class DuplicateResourceError(ServiceError):
    """A request to create a resource whose name is already in use."""

    code = "DuplicateResourceException"
    status = 409


class ResourceNotFoundError(ServiceError):
    """A data integration or association that does not exist in this account and Region."""

    code = "ResourceNotFoundException"
    status = 404


class UnknownOperationError(ServiceError):
    """A method and path that match no operation of the service model."""

    code = "UnknownOperationException"
    status = 404


class AccessDeniedError(ServiceError):
    """A request that the caller has no permission for."""

    code = "AccessDeniedException"
    status = 403


class InvalidRequestError(ServiceError):
    """A request that violates the service model or a rule of the service."""

    code = "InvalidRequestException"
    status = 400


class UnsupportedOperationError(ServiceError):
    """An operation of AppIntegrations that the sandbox does not implement."""

    code = "UnsupportedOperationException"
    status = 400
