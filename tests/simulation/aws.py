"""Model of AppIntegrations: the sandbox in virtual time, behind clients that lose and delay requests and answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from random import Random
from typing import Any, Literal, Protocol

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from simulation.history import History
from simulation.randomness import create_random, draw_bool, new_id
from simulation.scenario import Scenario
from simulation.schedule import Process, ProcessKilled, Schedule
from simulation.trace import Call, Listing, Trace
from support.builders import ACCOUNT, REGION

from reconciler.core.model import NaturalKey, build_natural_key
from reconciler.sandbox.service.behaviour import Behaviour
from reconciler.sandbox.service.errors import ServiceError
from reconciler.sandbox.service.service import AppIntegrations
from reconciler.sandbox.service.state import DataIntegration, State

INTEGRATIONS = ("profiles-export", "crm-accounts")
READ_TIMEOUT = 60.0
SIGNATURE_LIFETIME = 300.0
"""Seconds for which AWS accepts a signed request, before and after its time."""
MAX_DELAY = 240.0
"""Maximum number of seconds after the timeout of a client in which its request may still be carried out."""
_URL = "https://app-integrations.us-east-1.amazonaws.com/"

WRITE_FAULTS = (
    "connection refused",
    "connect timed out",
    "throttled",
    "5xx before",
    "5xx after",
    "time-out before",
    "time-out after",
    "carried out late",
    "reset after",
    "proxy before",
    "proxy after",
    "odd answer",
)
LIST_FAULTS = ("5xx", "throttled", "timed out", "connection refused", "proxy: a page", "proxy: refused", "odd item")
_PAGES = (
    (403, "403"),
    (404, "404"),
    (400, "400"),
    (429, "429"),
    (403, "AccessDeniedException"),
    (429, "ThrottlingException"),
)
"""Answers of a proxy: a status, or a known error code of AWS. None has a request id of AWS."""
_AWS_METADATA: dict[str, Any] = {"RequestId": "req-1", "HTTPStatusCode": 200}


class CallObserver(Protocol):
    """Observer of the calls that reach AWS."""

    def record_listing(self, trace: Trace, listing: Listing) -> None:
        """Record a complete List that a run received."""

    def record_sent_call(self, call: Call) -> None:
        """Record that a process sends a Create or Update."""

    def record_arrival(self, call: Call) -> None:
        """Record that a call reached AWS and was not throttled."""

    def record_execution(self, call: Call) -> None:
        """Record that AWS carried out a call."""


class Cloud:
    """One account and Region, shared by all processes. `has_faults` is true while faults are on."""

    def __init__(self, scenario: Scenario, schedule: Schedule, history: History, observer: CallObserver) -> None:
        self.scenario, self.schedule, self.history, self.observer = scenario, schedule, history, observer
        self.behaviour: Behaviour = scenario.behaviour
        self.has_faults = True
        self.latency_random, self.fault_random = (
            create_random(scenario.seed, "latency"),
            create_random(scenario.seed, "aws"),
        )
        self.id_random, self.job_random = create_random(scenario.seed, "ids"), create_random(scenario.seed, "outcomes")
        integrations = [self._build_integration(name) for name in INTEGRATIONS[: scenario.integrations]]
        self.service = AppIntegrations(
            ACCOUNT,
            REGION,
            behaviour=self.behaviour,
            clock=lambda: schedule.now,
            new_id=partial(new_id, self.id_random),
            state=State({integration.id: integration for integration in integrations}),
        )

    @property
    def state(self) -> State:
        """The state of the service."""
        return self.service.state

    def change_behaviour(self, **changes: Any) -> None:
        """Change the behaviour of the service from now on."""
        self.behaviour = replace(self.behaviour, **changes)
        self.service.set_behaviour(self.behaviour)

    def get_arn(self, integration_id: str) -> str:
        """Return the ARN of a data integration."""
        return f"arn:aws:app-integrations:{REGION}:{ACCOUNT}:data-integration/{integration_id}"

    def get_natural_key(self, association_id: str, integration: str) -> NaturalKey:
        """Return the natural key of an association as requested, however List spells it."""
        return build_natural_key(
            {**self.state.associations[association_id].request, "DataIntegrationIdentifier": integration}
        )

    def recreate_integration(self, integration: DataIntegration) -> None:
        """Delete a data integration and create it again under the same name and another id."""
        for association in [each for each in self.state.associations.values() if each.integration_id == integration.id]:
            self.service.remove_association(association.id)
        del self.state.integrations[integration.id]
        recreated = self._build_integration(integration.name)
        self.state.integrations[recreated.id] = recreated

    def execute(self, call: Call) -> dict[str, Any]:
        """Process a request in the service. Raises ClientError."""
        now = self.schedule.now
        if abs(now - call.signed_at) > SIGNATURE_LIFETIME:
            self.history.count_event("signature too old")
            self.observer.record_arrival(call)
            raise self.build_error(call.operation, 403, "InvalidSignatureException", "Signature expired")
        write_count = len(self.state.executed_writes)
        self.service.set_behaviour(replace(self.behaviour, job_outcome=self._draw_job_outcome()))
        try:
            answer = self.service.call(call.operation, call.request)
        except ServiceError as error:
            self.history.add_line("AWS", f"refuses {call.verb} of {call.trace.controller}: {error.code}")
            self.history.count_event(f"refused: {error.code}")
            if error.code != "ThrottlingException":
                self.observer.record_arrival(call)
            raise self.build_error(call.operation, error.status, error.code, str(error)) from error
        self.observer.record_arrival(call)
        if len(self.state.executed_writes) > write_count:
            call.executed_at = now
            call.association_id = self.state.executed_writes[-1].arn.rpartition("/")[2]
            self.history.add_line("AWS", f"carries out {call.verb} of {call.trace.run}: {call.association_id[:8]}")
            self.observer.record_execution(call)
        else:
            self.history.add_line("AWS", f"knows the token of {call.trace.run}, and answers as before")
            self.history.count_event("token honoured")
        return answer

    def _draw_job_outcome(self) -> Literal["COMPLETED", "FAILED"]:
        return "FAILED" if draw_bool(self.job_random, self.scenario.failure_rate) else "COMPLETED"

    def execute_later(self, call: Call, max_delay: float) -> None:
        """Process a request later, when its client no longer waits for the answer."""

        def execute_now() -> None:
            try:
                self.execute(call)
            except ClientError:
                return
            self.history.count_event("carried out without a client")

        self.schedule.add_event(self.schedule.now + self.fault_random.uniform(0, max_delay), execute_now)

    def format_date(self) -> str:
        """Return the time as AWS puts it into the header Date of an answer."""
        return format_datetime(datetime.fromtimestamp(self.schedule.now, UTC), usegmt=True)

    def list_items(self, operation: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Return the items of a List as one of its replicas shows them now. Raises ClientError."""
        if is_lagging := self.scenario.has_replicas and self.has_faults:
            lag = self.fault_random.choice((0.0, 0.5, 1.0)) * self.behaviour.list_lag
            self.service.set_behaviour(replace(self.behaviour, list_lag=lag))
        try:
            answer = self.service.call(operation, dict(parameters))
        except ServiceError as error:
            raise self.build_error(operation, error.status, error.code, str(error)) from error
        finally:
            if is_lagging:
                self.service.set_behaviour(self.behaviour)
        (items,) = (value for value in answer.values() if isinstance(value, list))
        if operation == "ListDataIntegrationAssociations":
            items = [self._respell(item) for item in items if not self._is_hidden(item)]
        return items[::-1] if self.scenario.is_paged_by_offset else items

    def _respell(self, item: Any) -> Any:
        """Return an item as this AWS spells it, in the same way at all times."""
        item = dict(item)
        match self.scenario.respelling:
            case "slash":
                item["DestinationURI"] += "/"
            case "scheme":
                item["DestinationURI"] = item["DestinationURI"].replace("s3:", "S3:")
            case "client":
                item.setdefault("ClientId", "filled-in")
            case "no destination":
                del item["DestinationURI"]
            case _:
                pass
        return item

    def _is_hidden(self, item: Any) -> bool:
        """Tell whether List currently hides an item."""
        span = self.scenario.hiding_seconds
        if not (span and self.has_faults):
            return False
        turn, part = divmod(self.schedule.now, 3 * span)
        if is_hidden := part < span and (int(turn) + sum(_get_arn(item).encode())) % 2 == 0:
            self.history.count_event("list: hides")
        return is_hidden

    def build_error(self, operation: str, status: int, code: str, message: str) -> ClientError:
        """Return an error as botocore raises it."""
        metadata = {"HTTPStatusCode": status, "RequestId": "req-1"}
        response: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}
        return ClientError(response, operation)

    def build_proxy_error(self, operation: str) -> ClientError:
        """Return the error that botocore raises for a page of a proxy."""
        status, code = self.fault_random.choice(_PAGES)
        response: Any = {"Error": {"Code": code, "Message": "<html>"}, "ResponseMetadata": {"HTTPStatusCode": status}}
        return ClientError(response, operation)

    def draw_travel_time(self) -> float:
        """Return the travel time of a message in seconds. A few messages are slow."""
        return (
            self.latency_random.uniform(2, 25)
            if draw_bool(self.latency_random, 0.02)
            else self.latency_random.uniform(0.02, 0.3)
        )

    def _build_integration(self, name: str) -> DataIntegration:
        request = {"Name": name, "KmsKey": "key", "SourceURI": "AmazonConnect://AppIntegrations"}
        return DataIntegration(new_id(self.id_random), request)


class Client:
    """Replacement for a boto3 client in a simulated process, with the operations that readers and writers call."""

    max_attempts = 1

    def __init__(self, cloud: Cloud, process: Process, trace: Trace) -> None:
        self.meta = self.events = self
        self._cloud, self._process, self._trace = cloud, process, trace
        self._before_send: list[Callable[..., None]] = []
        self._listings: dict[str, Iterator[dict[str, Any]]] = {}

    def register(self, event: str, handler: Callable[..., None], **_: object) -> None:
        """Register a handler for requests that are signed and ready to send. Other events are tested over HTTP."""
        if event.startswith("before-send"):
            self._before_send.append(handler)

    def list_data_integrations(self, **parameters: Any) -> dict[str, Any]:
        """List the data integrations."""
        return self._page("ListDataIntegrations", parameters)

    def list_data_integration_associations(self, **parameters: Any) -> dict[str, Any]:
        """List the associations of a data integration."""
        return self._page("ListDataIntegrationAssociations", parameters)

    def create_data_integration_association(self, **request: Any) -> dict[str, Any]:
        """Create an association."""
        return self._write("CreateDataIntegrationAssociation", request)

    def update_data_integration_association(self, **request: Any) -> dict[str, Any]:
        """Update an association."""
        return self._write("UpdateDataIntegrationAssociation", request)

    def _write(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request, with the faults that the scenario allows."""
        cloud, process, history = self._cloud, self._process, self._cloud.history
        listing = self._trace.listings.get(request["DataIntegrationIdentifier"])
        call = Call(operation, request, self._trace, cloud.schedule.now, listing, self._trace.epoch)
        cloud.observer.record_sent_call(call)
        process.pause(f"{call.verb}: before it is signed")
        # With a clock that is off by more, AWS refuses every call. A proxy may sign with a clock of its own.
        has_proxy = abs(self._trace.skew) > SIGNATURE_LIFETIME
        call.signed_at = cloud.schedule.now + (0.0 if has_proxy else self._trace.skew)
        for handler in self._before_send:
            handler(request=None)
            call.sent_at = cloud.schedule.now
        fault = _draw_fault(cloud.fault_random, cloud.scenario.faults.write if cloud.has_faults else 0.0, WRITE_FAULTS)
        history.add_line(self._trace.controller, f"sends {call.verb}{f' ({fault})' if fault else ''}")
        if fault:
            history.count_event(f"write: {fault}")
        try:
            process.pause(f"{call.verb}: before it arrives", cloud.draw_travel_time())
        except ProcessKilled:
            if not fault and draw_bool(cloud.fault_random, 0.5):
                cloud.execute_later(call, MAX_DELAY)
            raise
        self._fail_before(fault, call)
        answer = cloud.execute(call)
        process.pause(f"{call.verb}: before its answer", cloud.draw_travel_time())
        self._fail_after(fault, operation)
        if fault == "odd answer":
            invalid_answer: dict[str, Any] = {
                **answer,
                "DataIntegrationAssociationId": cloud.fault_random.choice((7, None, True, "\ud800", ["x"])),
            }
            return {**invalid_answer, "ResponseMetadata": _AWS_METADATA}
        return {**answer, "ResponseMetadata": _AWS_METADATA}

    def _page(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the page of a List for NextToken, or the first page."""
        token = parameters.pop("NextToken", None)
        if token is None:
            del parameters["MaxResults"]
            pages = Paginator(self._cloud, self._process, self._trace, operation).paginate(**parameters)
            token = f"{id(pages)}"
            self._listings[token] = pages
        pages = self._listings[token]
        page = next(pages)
        return page if page.pop("last") else {**page, "NextToken": self._renew_token(token)}

    def _renew_token(self, token: str) -> str:
        """Return a new token for the next page. AWS never repeats a token."""
        name, _, count = token.partition("-")
        new_token = f"{name}-{int(count or 0) + 1}"
        self._listings[new_token] = self._listings.pop(token)
        return new_token

    def _fail_before(self, fault: str | None, call: Call) -> None:
        """Raise the error of a fault that keeps the request from being carried out."""
        cloud = self._cloud
        match fault:
            case "connection refused":
                raise EndpointConnectionError(endpoint_url=_URL)
            case "connect timed out":
                self._process.pause("time-out", 10)
                raise ConnectTimeoutError(endpoint_url=_URL)
            case "throttled":
                code = cloud.fault_random.choice(("ThrottlingException", "TooManyRequestsException"))
                raise cloud.build_error(call.operation, 429, code, "Rate exceeded")
            case "5xx before":
                cloud.observer.record_arrival(call)
                raise cloud.build_error(
                    call.operation, cloud.fault_random.choice((500, 502, 503)), "InternalServiceError", "sorry"
                )
            case "proxy before":
                cloud.observer.record_arrival(call)
                raise cloud.build_proxy_error(call.operation)
            case "time-out before":
                cloud.observer.record_arrival(call)
                self._process.pause("time-out", READ_TIMEOUT)
                raise ReadTimeoutError(endpoint_url=_URL)
            case "carried out late":
                cloud.execute_later(call, READ_TIMEOUT + MAX_DELAY)
                self._process.pause("time-out", READ_TIMEOUT)
                raise ReadTimeoutError(endpoint_url=_URL)
            case _:
                pass

    def _fail_after(self, fault: str | None, operation: str) -> None:
        """Raise the error of a fault that loses the answer."""
        match fault:
            case "5xx after":
                raise self._cloud.build_error(operation, 500, "InternalServiceError", "sorry")
            case "time-out after":
                self._process.pause("time-out", READ_TIMEOUT)
                raise ReadTimeoutError(endpoint_url=_URL)
            case "reset after":
                raise ConnectionClosedError(endpoint_url=_URL)
            case "proxy after":
                raise self._cloud.build_proxy_error(operation)
            case _:
                pass


class Paginator:
    """Pages of one List. Other processes may change the associations between two pages."""

    def __init__(self, cloud: Cloud, process: Process, trace: Trace, operation: str) -> None:
        self._cloud, self._process, self._trace = cloud, process, trace
        self._operation = operation

    def paginate(self, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Yield the pages. Raises ClientError and other exceptions of botocore."""
        listing = Listing(parameters.get("DataIntegrationIdentifier", ""), self._cloud.schedule.now)
        if listing.integration:
            self._trace.listings[listing.integration] = listing
        item_count = 0
        last_arn = ""
        while True:
            self._process.pause("list: before a page", self._cloud.draw_travel_time())
            fault = self._draw_fault(item_count)
            if fault == "proxy: a page":
                yield {"DataIntegrations": [], "DataIntegrationAssociations": [], "last": True, "ResponseMetadata": {}}
                return
            items = self._cloud.list_items(self._operation, parameters)
            start = item_count if self._cloud.scenario.is_paged_by_offset else self._find_position(last_arn, items)
            page = items[start : start + self._cloud.scenario.page]
            if listing.integration:
                ids = [_get_arn(item).rpartition("/")[2] for item in page]
                listing.ids |= {id_: self._cloud.get_natural_key(id_, listing.integration) for id_ in ids}
            has_more = start + len(page) < len(items)
            listing.last_page_at, listing.is_complete = self._cloud.schedule.now, not has_more
            self._process.pause("list: before its answer")
            if listing.integration and not has_more:
                self._cloud.observer.record_listing(self._trace, listing)
            has_invalid_item = fault == "odd item" and listing.integration
            yield {
                "DataIntegrations": page,
                "DataIntegrationAssociations": [_invalidate(self._cloud.fault_random, item) for item in page]
                if has_invalid_item
                else page,
                "last": not has_more,
                "ResponseMetadata": {**_AWS_METADATA, "HTTPHeaders": {"date": self._cloud.format_date()}},
            }
            if not has_more:
                return
            item_count, last_arn = start + len(page), _get_arn(page[-1])

    def _find_position(self, last_arn: str, items: list[Any]) -> int:
        """Return the position after an item. Raises ClientError if the item is gone."""
        arns = [_get_arn(item) for item in items]
        if last_arn and last_arn not in arns:
            self._cloud.history.count_event("list: page gone")
            raise self._cloud.build_error(self._operation, 400, "InvalidRequestException", "The NextToken is not valid")
        return arns.index(last_arn) + 1 if last_arn else 0

    def _draw_fault(self, item_count: int) -> str | None:
        """Raise the error of a fault, or return a fault that damages the page."""
        cloud = self._cloud
        fault = _draw_fault(cloud.fault_random, cloud.scenario.faults.list if cloud.has_faults else 0.0, LIST_FAULTS)
        if not fault:
            return None
        cloud.history.count_event(f"list: {fault}, {'a later' if item_count else 'the first'} page")
        cloud.history.add_line(self._trace.controller, f"{self._operation} fails: {fault}")
        match fault:
            case "5xx":
                raise cloud.build_error(self._operation, 500, "InternalServiceError", "sorry")
            case "throttled":
                raise cloud.build_error(self._operation, 429, "ThrottlingException", "Rate exceeded")
            case "timed out":
                self._process.pause("time-out", READ_TIMEOUT)
                raise ReadTimeoutError(endpoint_url=_URL)
            case "proxy: refused":
                raise cloud.build_proxy_error(self._operation)
            case "connection refused":
                raise EndpointConnectionError(endpoint_url=_URL)
            case _:
                return fault


def _invalidate(random: Random, item: Any) -> Any:
    """Return an item with an invalid value in one member."""
    invalid_values: dict[str, Any] = {
        "DataIntegrationAssociationArn": item["DataIntegrationAssociationArn"].replace("us-east-1", "eu-west-2"),
        "DestinationURI": 7,
        "ClientId": "\ud800",
        "ExecutionConfiguration": {"ExecutionMode": 7},
        "LastExecutionStatus": {"ExecutionStatus": 7, "StatusMessage": ["\x1b", "\ud800"]},
    }
    member = random.choice(tuple(invalid_values))
    return {**item, member: invalid_values[member]}


def _get_arn(item: Any) -> str:
    return str(item.get("DataIntegrationAssociationArn") or item["Arn"])


def _draw_fault(random: Random, probability: float, kinds: tuple[str, ...]) -> str | None:
    return random.choice(kinds) if draw_bool(random, probability) else None
