"""Normalise requests, and find problems in them that a JSON Schema cannot express."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from contextlib import suppress

from reconciler.core.model import UNREADABLE, Json, Spec, ensure_mapping
from reconciler.core.request import schedule
from reconciler.core.request.times import convert_to_epoch_millis, format_millis

_EMPTY_VALUES: tuple[Json, ...] = (None, "", {}, [])
_TIME_MEMBERS = (
    ("OnDemandConfiguration", "StartTime"),
    ("OnDemandConfiguration", "EndTime"),
    ("ScheduleConfiguration", "FirstExecutionFrom"),
)
_EXPRESSION_POINTER = "/ExecutionConfiguration/ScheduleConfiguration/ScheduleExpression"


def find_spec_problems(spec: Spec, rejected_pointers: Container[str] = ()) -> Iterator[tuple[str, str]]:
    """Yield (JSON Pointer into the spec, message) for each invalid time, window and schedule expression.

    Members at `rejected_pointers` are skipped, because the schema rejected them: their form and length are unknown.
    """
    execution = ensure_mapping(spec.get("ExecutionConfiguration"))
    millis: dict[str, int] = {}
    for block, member in _TIME_MEMBERS:
        text = ensure_mapping(execution.get(block)).get(member)
        pointer = f"/ExecutionConfiguration/{block}/{member}"
        if isinstance(text, str) and pointer not in rejected_pointers:
            try:
                millis[member] = int(convert_to_epoch_millis(text))
            except ValueError as error:
                yield pointer, str(error)
    if "EndTime" in millis and millis.get("StartTime", -1) >= millis["EndTime"]:
        start, end = format_millis(str(millis["StartTime"])), format_millis(str(millis["EndTime"]))
        message = f"EndTime must be after StartTime: the window starts at {start} and ends at {end}"
        yield "/ExecutionConfiguration/OnDemandConfiguration/EndTime", message
    expression = ensure_mapping(execution.get("ScheduleConfiguration")).get("ScheduleExpression")
    if (
        isinstance(expression, str)
        and _EXPRESSION_POINTER not in rejected_pointers
        and (problem := schedule.find_schedule_problem(expression))
    ):
        yield _EXPRESSION_POINTER, problem


def normalise(spec: Spec) -> Spec:
    """Return a request in its normal form. The program compares, hashes, journals and sends this form.

    - Empty members (None, "", {}, []) are removed, at the top and in ExecutionConfiguration.
    - Times become strings of epoch milliseconds.
    - Numbers in ExecutionConfiguration become strings.
    - The contents of ObjectConfiguration and ClientAssociationMetadata belong to the user, and stay as written.
    - An invalid time stays unchanged, so that every answer of AWS can be normalised.
    """
    request = {member: value for member, value in spec.items() if value not in _EMPTY_VALUES}
    execution = _drop_empty(ensure_mapping(request.pop("ExecutionConfiguration", None)))
    if not execution:
        return request
    request["ExecutionConfiguration"] = execution
    for block, member in _TIME_MEMBERS:
        configuration = execution.get(block)
        if isinstance(configuration, dict) and isinstance(configuration.get(member), str):
            with suppress(ValueError):
                configuration[member] = convert_to_epoch_millis(configuration[member])
    return request


def resolve_request(spec: Spec, integration_arn: str) -> Spec:
    """Return the request with the ARN of its data integration as DataIntegrationIdentifier."""
    return {**spec, "DataIntegrationIdentifier": integration_arn}


def list_unreadable_pointers(spec: Spec) -> tuple[str, ...]:
    """Return the JSON Pointers of the members of a request that AWS never shows."""
    return tuple(f"/{member}" for member in UNREADABLE if member in spec)


def _drop_empty(tree: Mapping[str, Json]) -> dict[str, Json]:
    result: dict[str, Json] = {}
    for key, value in tree.items():
        match value:
            case str():
                if value:
                    result[key] = value
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
