"""Brings a request to one form, and finds in it what a JSON Schema cannot say."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from contextlib import suppress

from reconciler.core.model import UNREADABLE, Json, Spec, mapping_or_empty
from reconciler.core.request import schedule
from reconciler.core.request.times import format_millis, to_epoch_millis

_EMPTY_VALUES: tuple[Json, ...] = (None, "", {}, [])
_TIME_MEMBERS = (
    ("OnDemandConfiguration", "StartTime"),
    ("OnDemandConfiguration", "EndTime"),
    ("ScheduleConfiguration", "FirstExecutionFrom"),
)
_EXPRESSION_POINTER = "/ExecutionConfiguration/ScheduleConfiguration/ScheduleExpression"


def find_problems(spec: Spec, rejected_pointers: Container[str] = ()) -> Iterator[tuple[str, str]]:
    """Yield (JSON Pointer into the spec, sentence) for what is wrong with a request of the right shape.

    Members that are `refused` already, by their pointers, are not looked at: nothing is known of their form and length.
    """
    execution = mapping_or_empty(spec.get("ExecutionConfiguration"))
    millis: dict[str, int] = {}
    for block, member in _TIME_MEMBERS:
        text = mapping_or_empty(execution.get(block)).get(member)
        pointer = f"/ExecutionConfiguration/{block}/{member}"
        if isinstance(text, str) and pointer not in rejected_pointers:
            try:
                millis[member] = int(to_epoch_millis(text))
            except ValueError as error:
                yield pointer, str(error)
    if "EndTime" in millis and millis.get("StartTime", -1) >= millis["EndTime"]:
        start, end = format_millis(str(millis["StartTime"])), format_millis(str(millis["EndTime"]))
        message = f"the window ends at {end}, which is not after its start at {start}"
        yield "/ExecutionConfiguration/OnDemandConfiguration/EndTime", message
    expression = mapping_or_empty(execution.get("ScheduleConfiguration")).get("ScheduleExpression")
    if (
        isinstance(expression, str)
        and _EXPRESSION_POINTER not in rejected_pointers
        and (problem := schedule.find_problem(expression))
    ):
        yield _EXPRESSION_POINTER, problem


def normalise(spec: Spec) -> Spec:
    """Return a request in the one form that is compared, hashed, journalled and sent.

    Times become strings of epoch milliseconds, numbers in ExecutionConfiguration strings, and what says nothing there
    or as a whole member (None, an empty string, an empty map) is left out. What ObjectConfiguration and metadata hold
    is the user's own: it is sent as written. A time that cannot be read stays as it is, so that whatever AWS answers
    can be compared.
    """
    request = {member: value for member, value in spec.items() if value not in _EMPTY_VALUES}
    execution = _drop_empty(mapping_or_empty(request.pop("ExecutionConfiguration", None)))
    if not execution:
        return request
    request["ExecutionConfiguration"] = execution
    for block, member in _TIME_MEMBERS:
        configuration = execution.get(block)
        if isinstance(configuration, dict) and isinstance(configuration.get(member), str):
            with suppress(ValueError):
                configuration[member] = to_epoch_millis(configuration[member])
    return request


def resolve_request(spec: Spec, integration_arn: str) -> Spec:
    """Return the request with the integration's ARN in place of the manifest's spelling of it."""
    return {**spec, "DataIntegrationIdentifier": integration_arn}


def list_unreadable_pointers(spec: Spec) -> tuple[str, ...]:
    """Return the pointers of those members of a request that AWS never shows again."""
    return tuple(f"/{member}" for member in UNREADABLE if member in spec)


def _drop_empty(tree: Mapping[str, Json]) -> dict[str, Json]:
    result: dict[str, Json] = {}
    for key, value in tree.items():
        match value:
            case Mapping():
                if inner := _drop_empty(value):
                    result[key] = inner
            case float() if value.is_integer():
                result[key] = str(int(value))
            case int() | float():
                result[key] = str(value)
            case _ if value not in _EMPTY_VALUES:
                result[key] = value
            case _:
                pass
    return result
