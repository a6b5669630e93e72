"""The refusals that AppIntegrations models, as the sandbox raises them."""

from typing import ClassVar


class ServiceError(Exception):
    """Any answer but success; the message is what AWS would put into `Message`.

    ServiceError
    ├── InternalServiceError        500
    │   └── AnswerLostError         carried out all the same, only the answer is lost
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
    """The service failed; whether it did anything is not said."""

    code = "InternalServiceError"
    status = 500


class AnswerLostError(InternalServiceError):
    """The write was carried out, and its answer gets lost."""

    def __init__(self, *, dropped: bool) -> None:
        """Say whether the connection drops without an answer, or answers 500."""
        super().__init__("The service failed to answer.")
        self.dropped = dropped


class ThrottlingError(ServiceError):
    """More requests came than the rate allows."""

    code = "ThrottlingException"
    status = 429


class QuotaExceededError(ServiceError):
    """One more would exceed a quota."""

    code = "ResourceQuotaExceededException"
    status = 429


class DuplicateResourceError(ServiceError):
    """The name is taken."""

    code = "DuplicateResourceException"
    status = 409


class ResourceNotFoundError(ServiceError):
    """There is no such data integration or association in this account and Region."""

    code = "ResourceNotFoundException"
    status = 404


class UnknownOperationError(ServiceError):
    """No operation of the model has this method and path."""

    code = "UnknownOperationException"
    status = 404


class AccessDeniedError(ServiceError):
    """The caller may not do this."""

    code = "AccessDeniedException"
    status = 403


class InvalidRequestError(ServiceError):
    """The request breaks the model, or a rule of the service."""

    code = "InvalidRequestException"
    status = 400


class UnsupportedOperationError(ServiceError):
    """AppIntegrations has this operation, the sandbox does not."""

    code = "UnsupportedOperationException"
    status = 400
