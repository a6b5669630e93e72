"""Send the calls that change AWS. Each call is sent once, and its outcome is returned as a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
)

from reconciler import redaction
from reconciler.core.apply.outcome import Answer, Created, NotSent, RefusalKind, Refused, Unknown, Updated
from reconciler.core.apply.refusals import classify_refusal
from reconciler.core.apply.transitions import LATE_CALL
from reconciler.core.aws.throttling import is_throttled
from reconciler.core.aws.verdict import get_code_and_status, get_request_id, is_refusal, is_success
from reconciler.core.errors import CloudError, StopRequested
from reconciler.core.model import Json, Spec
from reconciler.core.ports import Clock, Pace
from reconciler.edge.aws.errors import NO_CREDENTIALS, NOT_AWS, format_error, get_answer
from reconciler.edge.aws.responses import is_clean

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient

# ProxyConnectionError is not in the list: urllib3 raises it for any broken proxy connection, even after the request
# was sent.
_NOT_SENT_ERRORS = (*NO_CREDENTIALS, ConnectTimeoutError, EndpointConnectionError)
_MAX_LENGTH = 1000
"""Maximum characters quoted from an inconclusive response, such as a page of a proxy."""


class _TooLateError(Exception):
    """The call's deadline passed before it was sent."""


class Writer:
    """A client that creates and updates associations. Its methods return errors as outcomes and never raise them."""

    def __init__(self, make_client: Callable[[], AppIntegrationsServiceClient], pace: Pace, clock: Clock) -> None:
        def create_guarded_client() -> AppIntegrationsServiceClient:
            client = make_client()
            client.meta.events.register("before-send.appintegrations", self._refuse_late)
            return client

        self._client = cache(create_guarded_client)  # created for the first call: most runs write nothing
        self._pace, self._clock = pace, clock
        self._deadline: datetime | None = None

    def wait(self) -> None:
        """Wait until the rate limit allows the next call, or until a shutdown is requested."""
        with suppress(StopRequested):
            self._pace.wait()

    def create(self, request: Spec, token: str, until: datetime) -> Answer:
        """Send one CreateDataIntegrationAssociation, at the latest at `until`, and return the outcome."""
        answer = self._send("create_data_integration_association", until, **request, ClientToken=token)
        if not isinstance(answer, Mapping):
            return answer
        association_id = answer.get("DataIntegrationAssociationId")
        if is_clean(association_id):
            return Created(association_id)
        return Unknown(
            f"AWS answered without an association id (request {redaction.redact(str(get_request_id(answer)))})"
        )

    def update(self, integration_arn: str, association_id: str, execution: Json, until: datetime) -> Answer:
        """Send one UpdateDataIntegrationAssociation, at the latest at `until`, and return the outcome."""
        answer = self._send(
            "update_data_integration_association",
            until,
            DataIntegrationIdentifier=integration_arn,
            DataIntegrationAssociationIdentifier=association_id,
            ExecutionConfiguration=execution,
        )
        return Updated() if isinstance(answer, Mapping) else answer

    def _send(self, operation: str, until: datetime, **parameters: Any) -> Answer | Mapping[str, Any]:
        """Call AWS once. Return the response of a success, and otherwise the outcome."""
        self._deadline = until
        try:
            call = partial(self._record_end, getattr(self._client(), operation))
        except CloudError as error:
            return NotSent(str(error))
        try:
            answer: Mapping[str, Any] = call(**parameters)
        except ClientError as error:
            return _classify_error(error)
        except ParamValidationError as error:
            return Refused(format_error(error), RefusalKind.REQUEST)
        except CloudError as error:  # botocore gets credentials before it sends a request
            return NotSent(str(error))
        except (*_NOT_SENT_ERRORS, _TooLateError) as error:
            return NotSent(format_error(error))
        except Exception as error:  # noqa: BLE001 - after each error, AWS may have carried out the request
            return Unknown(f"{type(error).__name__}: {format_error(error)}")
        if not is_success(answer):
            return Unknown(f"{NOT_AWS}: it has no request id")
        return answer

    def _record_end(self, call: Callable[..., Any], **parameters: Any) -> Any:
        """Make a call, and adapt the pace to its end."""
        try:
            answer = call(**parameters)
        except Exception as error:
            self._pace.record(error)
            raise
        self._pace.record(None)
        return answer

    def _refuse_late(self, **_: object) -> None:
        """Stop a signed request after its deadline. A process that was suspended and resumed may be that late."""
        assert self._deadline
        if self._clock.now() > self._deadline:
            raise _TooLateError(f"not sent: {LATE_CALL}")


def _classify_error(error: ClientError) -> Answer:
    """Return the outcome of a failed call: Refused, NotSent or Unknown."""
    if not is_refusal(get_answer(error)):
        return Unknown(format_error(error)[:_MAX_LENGTH])
    if is_throttled(*get_code_and_status(get_answer(error))):
        return NotSent(format_error(error))
    kind = classify_refusal(get_code_and_status(get_answer(error))[0], format_error(error))
    advice = "; an explicit deny in a policy refuses this call: remove the deny" if kind is RefusalKind.DENY else ""
    return Refused(format_error(error) + advice, kind)
