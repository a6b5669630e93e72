"""Model of AppIntegrations: the sandbox in virtual time, behind clients that lose and delay requests and answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any, Protocol

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from simulation.dice import chance, dice, new_id
from simulation.history import History
from simulation.scenario import Scenario
from simulation.schedule import Killed, Process, Schedule
from simulation.trace import Call, Listing, Trace
from support.builders import ACCOUNT, REGION

from reconciler.core.model import NaturalKey, natural_key
from reconciler.sandbox.service.behaviour import Behaviour
from reconciler.sandbox.service.errors import ServiceError
from reconciler.sandbox.service.service import AppIntegrations
from reconciler.sandbox.service.state import DataIntegration, State

INTEGRATIONS = ("profiles-export", "crm-accounts")
READ_TIMEOUT = 60.0
SIGNATURE = 300.0
"""Seconds for which AWS accepts a signed request, before and after its time."""
LATE = 240.0
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
_BY_AWS = {"RequestId": "req-1", "HTTPStatusCode": 200}


class Witness(Protocol):
    """Observer of the calls that reach AWS."""

    def listed(self, trace: Trace, listing: Listing) -> None:
        """Record a complete List that a run received."""

    def sent(self, call: Call) -> None:
        """Record that a process sends a Create or Update."""

    def arrived(self, call: Call) -> None:
        """Record that a call reached AWS and was not throttled."""

    def carried_out(self, call: Call) -> None:
        """Record that AWS carried out a call."""


class Cloud:
    """One account and Region, shared by all processes. `rough` is true while faults are on."""

    def __init__(self, scenario: Scenario, schedule: Schedule, history: History, witness: Witness) -> None:
        self.scenario, self.schedule, self.history, self.witness = scenario, schedule, history, witness
        self.behaviour: Behaviour = scenario.behaviour
        self.rough = True
        self.latency, self.fate = dice(scenario.seed, "latency"), dice(scenario.seed, "aws")
        self.ids = dice(scenario.seed, "ids")
        integrations = [self._integration(name) for name in INTEGRATIONS[: scenario.integrations]]
        self.service = AppIntegrations(
            ACCOUNT,
            REGION,
            behaviour=self.behaviour,
            clock=lambda: schedule.now,
            new_id=partial(new_id, self.ids),
            state=State({integration.id: integration for integration in integrations}),
        )

    @property
    def state(self) -> State:
        """The state of the service."""
        return self.service.state

    def behave(self, **changes: Any) -> None:
        """Change the behaviour of the service from now on."""
        self.behaviour = replace(self.behaviour, **changes)
        self.service.set_behaviour(self.behaviour)

    def arn_of(self, integration_id: str) -> str:
        """Return the ARN of a data integration."""
        return f"arn:aws:app-integrations:{REGION}:{ACCOUNT}:data-integration/{integration_id}"

    def key_of(self, association_id: str, integration: str) -> NaturalKey:
        """Return the natural key of an association as requested, however List spells it."""
        return natural_key(
            {**self.state.associations[association_id].request, "DataIntegrationIdentifier": integration}
        )

    def renew(self, integration: DataIntegration) -> None:
        """Delete a data integration and create it again under the same name and another id."""
        for association in [each for each in self.state.associations.values() if each.integration_id == integration.id]:
            self.service.remove_association(association.id)
        del self.state.integrations[integration.id]
        again = self._integration(integration.name)
        self.state.integrations[again.id] = again

    def carry_out(self, call: Call) -> dict[str, Any]:
        """Process a request in the service. Raises ClientError."""
        now = self.schedule.now
        if abs(now - call.signed) > SIGNATURE:
            self.history.reach("signature too old")
            self.witness.arrived(call)
            raise self.refusal(call.operation, 403, "InvalidSignatureException", "Signature expired")
        before = len(self.state.executed_writes)
        try:
            answer = self.service.call(call.operation, call.request)
        except ServiceError as error:
            self.history.tell("AWS", f"refuses {call.verb} of {call.trace.who}: {error.code}")
            self.history.reach(f"refused: {error.code}")
            if error.code != "ThrottlingException":
                self.witness.arrived(call)
            raise self.refusal(call.operation, error.status, error.code, str(error)) from error
        self.witness.arrived(call)
        if len(self.state.executed_writes) > before:
            call.committed = now
            call.association_id = self.state.executed_writes[-1].arn.rpartition("/")[2]
            self.history.tell("AWS", f"carries out {call.verb} of {call.trace.run}: {call.association_id[:8]}")
            self.witness.carried_out(call)
        else:
            self.history.tell("AWS", f"knows the token of {call.trace.run}, and answers as before")
            self.history.reach("token honoured")
        return answer

    def carry_out_later(self, call: Call, most: float) -> None:
        """Process a request later, when its client no longer waits for the answer."""

        def arrive() -> None:
            try:
                self.carry_out(call)
            except ClientError:
                return
            self.history.reach("carried out without a client")

        self.schedule.at(self.schedule.now + self.fate.uniform(0, most), arrive)

    def items(self, operation: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Return the items of a List as one of its replicas shows them now. Raises ClientError."""
        if lagging := self.scenario.replicas and self.rough:
            lag = self.fate.choice((0.0, 0.5, 1.0)) * self.behaviour.list_lag
            self.service.set_behaviour(replace(self.behaviour, list_lag=lag))
        try:
            answer = self.service.call(operation, dict(parameters))
        except ServiceError as error:
            raise self.refusal(operation, error.status, error.code, str(error)) from error
        finally:
            if lagging:
                self.service.set_behaviour(self.behaviour)
        (items,) = (value for value in answer.values() if isinstance(value, list))
        if operation == "ListDataIntegrationAssociations":
            items = [self._as_shown(item) for item in items if not self._is_hidden(item)]
        return items[::-1] if self.scenario.by_offset else items

    def _as_shown(self, item: Any) -> Any:
        """Return an item as this AWS spells it, in the same way at all times."""
        item = dict(item)
        match self.scenario.respelt:
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
        span = self.scenario.hides
        if not (span and self.rough):
            return False
        turn, part = divmod(self.schedule.now, 3 * span)
        if hidden := part < span and (int(turn) + sum(_arn(item).encode())) % 2 == 0:
            self.history.reach("list: hides")
        return hidden

    def refusal(self, operation: str, status: int, code: str, message: str) -> ClientError:
        """Return an error as botocore raises it."""
        about = {"HTTPStatusCode": status, "RequestId": "req-1"}
        said: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": about}
        return ClientError(said, operation)

    def page(self, operation: str) -> ClientError:
        """Return the error that botocore raises for a page of a proxy."""
        status, code = self.fate.choice(_PAGES)
        said: Any = {"Error": {"Code": code, "Message": "<html>"}, "ResponseMetadata": {"HTTPStatusCode": status}}
        return ClientError(said, operation)

    def travel(self) -> float:
        """Return the travel time of a message in seconds. A few messages are slow."""
        return self.latency.uniform(2, 25) if chance(self.latency, 0.02) else self.latency.uniform(0.02, 0.3)

    def _integration(self, name: str) -> DataIntegration:
        request = {"Name": name, "KmsKey": "key", "SourceURI": "AmazonConnect://AppIntegrations"}
        return DataIntegration(new_id(self.ids), request)


class Client:
    """Replacement for a boto3 client in a simulated process, with the operations that readers and writers call."""

    def __init__(self, cloud: Cloud, process: Process, trace: Trace, pace: Callable[[], None]) -> None:
        self.meta = self.events = self
        self._cloud, self._process, self._trace, self._pace = cloud, process, trace, pace
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
        cloud.witness.sent(call)
        process.pause(f"{call.verb}: before it is signed")
        call.signed = cloud.schedule.now + self._trace.skew
        for handler in self._before_send:
            handler(request=None)
            call.sent = cloud.schedule.now
        fault = _fault(cloud.fate, cloud.scenario.faults.write if cloud.rough else 0.0, WRITE_FAULTS)
        history.tell(self._trace.who, f"sends {call.verb}{f' ({fault})' if fault else ''}")
        if fault:
            history.reach(f"write: {fault}")
        try:
            process.pause(f"{call.verb}: before it arrives", cloud.travel())
        except Killed:
            if not fault and chance(cloud.fate, 0.5):
                cloud.carry_out_later(call, LATE)
            raise
        self._before(fault, call)
        answer = cloud.carry_out(call)
        process.pause(f"{call.verb}: before its answer", cloud.travel())
        self._after(fault, operation)
        if fault == "odd answer":
            odd: dict[str, Any] = {
                **answer,
                "DataIntegrationAssociationId": cloud.fate.choice((7, None, True, "\ud800", ["x"])),
            }
            return {**odd, "ResponseMetadata": _BY_AWS}
        return {**answer, "ResponseMetadata": _BY_AWS}

    def _page(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the page of a List for NextToken, or the first page."""
        token = parameters.pop("NextToken", None)
        if token is None:
            del parameters["MaxResults"]
            pages = Paginator(self._cloud, self._process, self._trace, self._pace, operation).paginate(**parameters)
            token = f"{id(pages)}"
            self._listings[token] = pages
        pages = self._listings[token]
        page = next(pages)
        return page if page.pop("last") else {**page, "NextToken": self._renamed(token)}

    def _renamed(self, token: str) -> str:
        """Return a new token for the next page. AWS never repeats a token."""
        name, _, count = token.partition("-")
        after = f"{name}-{int(count or 0) + 1}"
        self._listings[after] = self._listings.pop(token)
        return after

    def _before(self, fault: str | None, call: Call) -> None:
        """Raise the error of a fault that keeps the request from being carried out."""
        cloud = self._cloud
        match fault:
            case "connection refused":
                raise EndpointConnectionError(endpoint_url=_URL)
            case "connect timed out":
                self._process.pause("time-out", 10)
                raise ConnectTimeoutError(endpoint_url=_URL)
            case "throttled":
                code = cloud.fate.choice(("ThrottlingException", "TooManyRequestsException"))
                raise cloud.refusal(call.operation, 429, code, "Rate exceeded")
            case "5xx before":
                cloud.witness.arrived(call)
                raise cloud.refusal(call.operation, cloud.fate.choice((500, 502, 503)), "InternalServiceError", "sorry")
            case "proxy before":
                cloud.witness.arrived(call)
                raise cloud.page(call.operation)
            case "time-out before":
                cloud.witness.arrived(call)
                self._process.pause("time-out", READ_TIMEOUT)
                raise ReadTimeoutError(endpoint_url=_URL)
            case "carried out late":
                cloud.carry_out_later(call, READ_TIMEOUT + LATE)
                self._process.pause("time-out", READ_TIMEOUT)
                raise ReadTimeoutError(endpoint_url=_URL)
            case _:
                pass

    def _after(self, fault: str | None, operation: str) -> None:
        """Raise the error of a fault that loses the answer."""
        match fault:
            case "5xx after":
                raise self._cloud.refusal(operation, 500, "InternalServiceError", "sorry")
            case "time-out after":
                self._process.pause("time-out", READ_TIMEOUT)
                raise ReadTimeoutError(endpoint_url=_URL)
            case "reset after":
                raise ConnectionClosedError(endpoint_url=_URL)
            case "proxy after":
                raise self._cloud.page(operation)
            case _:
                pass


class Paginator:
    """Pages of one List. Other processes may change the associations between two pages."""

    def __init__(self, cloud: Cloud, process: Process, trace: Trace, pace: Callable[[], None], operation: str) -> None:
        self._cloud, self._process, self._trace, self._pace = cloud, process, trace, pace
        self._operation = operation

    def paginate(self, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Yield the pages. Raises ClientError and other exceptions of botocore."""
        listing = Listing(parameters.get("DataIntegrationIdentifier", ""), self._cloud.schedule.now)
        if listing.integration:
            self._trace.listings[listing.integration] = listing
        seen = 0
        last = ""
        while True:
            self._pace()
            self._process.pause("list: before a page", self._cloud.travel())
            fault = self._fail(seen)
            if fault == "proxy: a page":
                yield {"DataIntegrations": [], "DataIntegrationAssociations": [], "last": True, "ResponseMetadata": {}}
                return
            items = self._cloud.items(self._operation, parameters)
            start = seen if self._cloud.scenario.by_offset else self._after(last, items)
            page = items[start : start + self._cloud.scenario.page]
            if listing.integration:
                ids = [_arn(item).rpartition("/")[2] for item in page]
                listing.ids |= {id_: self._cloud.key_of(id_, listing.integration) for id_ in ids}
            more = start + len(page) < len(items)
            listing.seen, listing.complete = self._cloud.schedule.now, not more
            self._process.pause("list: before its answer")
            if listing.integration and not more:
                self._cloud.witness.listed(self._trace, listing)
            odd = fault == "odd item" and listing.integration
            yield {
                "DataIntegrations": page,
                "DataIntegrationAssociations": [_odd(self._cloud.fate, item) for item in page] if odd else page,
                "last": not more,
                "ResponseMetadata": _BY_AWS,
            }
            if not more:
                return
            seen, last = start + len(page), _arn(page[-1])

    def _after(self, last: str, items: list[Any]) -> int:
        """Return the position after an item. Raises ClientError if the item is gone."""
        arns = [_arn(item) for item in items]
        if last and last not in arns:
            self._cloud.history.reach("list: page gone")
            raise self._cloud.refusal(self._operation, 400, "InvalidRequestException", "The NextToken is not valid")
        return arns.index(last) + 1 if last else 0

    def _fail(self, seen: int) -> str | None:
        """Raise the error of a fault, or return a fault that damages the page."""
        cloud = self._cloud
        fault = _fault(cloud.fate, cloud.scenario.faults.list if cloud.rough else 0.0, LIST_FAULTS)
        if not fault:
            return None
        cloud.history.reach(f"list: {fault}, {'a later' if seen else 'the first'} page")
        cloud.history.tell(self._trace.who, f"{self._operation} fails: {fault}")
        match fault:
            case "5xx":
                raise cloud.refusal(self._operation, 500, "InternalServiceError", "sorry")
            case "throttled":
                raise cloud.refusal(self._operation, 429, "ThrottlingException", "Rate exceeded")
            case "timed out":
                self._process.pause("time-out", READ_TIMEOUT)
                raise ReadTimeoutError(endpoint_url=_URL)
            case "proxy: refused":
                raise cloud.page(self._operation)
            case "connection refused":
                raise EndpointConnectionError(endpoint_url=_URL)
            case _:
                return fault


def _odd(random: Random, item: Any) -> Any:
    """Return an item with an invalid value in one member."""
    wrong: dict[str, Any] = {
        "DataIntegrationAssociationArn": item["DataIntegrationAssociationArn"].replace("us-east-1", "eu-west-2"),
        "DestinationURI": 7,
        "ClientId": "\ud800",
        "ExecutionConfiguration": {"ExecutionMode": 7},
        "LastExecutionStatus": {"ExecutionStatus": 7, "StatusMessage": ["\x1b", "\ud800"]},
    }
    member = random.choice(tuple(wrong))
    return {**item, member: wrong[member]}


def _arn(item: Any) -> str:
    return str(item.get("DataIntegrationAssociationArn") or item["Arn"])


def _fault(random: Random, probability: float, kinds: tuple[str, ...]) -> str | None:
    return random.choice(kinds) if chance(random, probability) else None
