"""Convert values from AWS to the expected types, so that an unexpected value cannot break the page. Pure.

Reports contain values as AWS returned them, and AWS may return types that its model does not mention.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from math import isfinite
from typing import Any, TypeVar

from reconciler.core.apply.outcome import Outcome
from reconciler.core.controller.controller_status import ControllerStatus, TargetStatus
from reconciler.core.model import Execution, Ignored, Json, Live
from reconciler.core.plan.difference import Difference
from reconciler.core.report.report import AssociationReport, Report, TargetReport
from reconciler.core.report.windows import SentWindow, WindowReport

_MAX_DEPTH = 20
"""The maximum depth of nested values. Deeper values are converted to text."""
_MAX_INTEGER = 2**64

Item = TypeVar("Item")
Value = TypeVar("Value", TargetReport, AssociationReport, WindowReport, Difference, Execution, Live, Ignored, Outcome)


def enforce_types(status: ControllerStatus) -> ControllerStatus:
    """Return the controller status with values of the expected types. If nothing changes, return the same object."""
    targets = _convert_each(status.targets, _convert_target_status)
    return status if targets is status.targets else replace(status, targets=targets)


def _convert_target_status(target_status: TargetStatus) -> TargetStatus:
    last_report = target_status.last_report and _convert_report(target_status.last_report)
    last_complete_report = (
        last_report
        if target_status.last_complete_report is target_status.last_report
        else target_status.last_complete_report and _convert_report(target_status.last_complete_report)
    )
    return (
        target_status
        if last_report is target_status.last_report and last_complete_report is target_status.last_complete_report
        else replace(target_status, last_report=last_report, last_complete_report=last_complete_report)
    )


def _convert_report(report: Report) -> Report:
    targets = _convert_each(report.targets, _convert_target)
    return report if targets is report.targets else replace(report, targets=targets)


def _convert_target(target: TargetReport) -> TargetReport:
    return _replace_if_changed(
        target,
        account=_convert_text_or_none(target.account),
        region=_convert_text_or_none(target.region),
        error=_convert_text_or_none(target.error),
        associations=_convert_each(target.associations, _convert_association),
        unmanaged=_convert_each(target.unmanaged, _convert_live),
        ignored=_convert_each(target.ignored, _convert_ignored),
        unlisted=_convert_each(target.unlisted, _convert_unlisted),
    )


def _convert_unlisted(pair: tuple[str, str]) -> tuple[str, str]:
    arn, reason = pair
    converted = (_convert_text(arn), _convert_text(reason))
    return pair if converted == pair else converted


def _convert_association(association: AssociationReport) -> AssociationReport:
    return _replace_if_changed(
        association,
        integration=_convert_text(association.integration),
        destination=_convert_text(association.destination),
        reason=_convert_text(association.reason),
        arn=_convert_text_or_none(association.arn),
        differences=_convert_each(association.differences, _convert_difference),
        last_execution=association.last_execution and _convert_execution(association.last_execution),
        outcome=association.outcome and _convert_outcome(association.outcome),
        windows=association.windows and _convert_windows(association.windows),
    )


def _convert_windows(report: WindowReport) -> WindowReport:
    return _replace_if_changed(report, sent=_convert_each(report.sent, _convert_sent))


def _convert_sent(sent: SentWindow) -> SentWindow:
    refusal = sent.job.refusal
    if refusal is None or isinstance(refusal.message, str):
        return sent
    job = replace(sent.job, refusal=replace(refusal, message=_convert_text(refusal.message)))
    return replace(sent, job=job)


def _convert_difference(difference: Difference) -> Difference:
    return _replace_if_changed(
        difference,
        path=_convert_text(difference.path),
        desired=_convert_json(difference.desired),
        applied=_convert_json(difference.applied),
        live=_convert_json(difference.live),
    )


def _convert_outcome(outcome: Outcome) -> Outcome:
    texts: dict[str, Any] = {each.name: _convert_text(getattr(outcome, each.name)) for each in fields(outcome)}
    return _replace_if_changed(outcome, **texts)


def _convert_execution(execution: Execution) -> Execution:
    return _replace_if_changed(
        execution, status=_convert_text(execution.status), message=_convert_text_or_none(execution.message)
    )


def _convert_live(live: Live) -> Live:
    spec = {
        "DataIntegrationIdentifier": "",
        **{_convert_text(name): _convert_json(value) for name, value in live.spec.items()},
    }
    for name in ("DataIntegrationIdentifier", "ClientId", "DestinationURI"):
        if name in spec:
            spec[name] = _convert_text_or_none(spec[name])
    spec["DataIntegrationIdentifier"] = spec["DataIntegrationIdentifier"] or ""
    execution = live.last_execution and _convert_execution(live.last_execution)
    return _replace_if_changed(
        live, arn=_convert_text(live.arn), spec=live.spec if spec == live.spec else spec, last_execution=execution
    )


def _convert_ignored(ignored: Ignored) -> Ignored:
    return _replace_if_changed(ignored, live=_convert_live(ignored.live))


def _convert_each(values: tuple[Item, ...], convert: Callable[[Item], Item]) -> tuple[Item, ...]:
    """Return a tuple of the converted items. If no item changes, return the same tuple."""
    converted = tuple(map(convert, values))
    return values if all(new is old for new, old in zip(converted, values, strict=True)) else converted


def _replace_if_changed(value: Value, **members: Any) -> Value:
    """Return a value with new members. If no member changes, return the same value."""
    return value if all(getattr(value, name) is new for name, new in members.items()) else replace(value, **members)


def _convert_text_or_none(value: object) -> str | None:
    return None if value is None else _convert_text(value)


def _convert_text(value: object) -> str:
    """Return a value as text."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    try:
        return str(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, or deeply nested lists
        return f"({type(value).__name__})"


def _convert_json(value: Any) -> Json:
    """Return a value as JSON. Values that JSON does not support become text."""
    try:
        json.dumps(value, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        return _convert_tree(value, _MAX_DEPTH)
    json_value: Json = value
    return json_value


def _convert_tree(value: Any, depth: int) -> Json:
    match value:
        case None | bool() | str():
            return value
        case int() if abs(value) < _MAX_INTEGER:
            return value
        case float() if isfinite(value):
            return value
        case Mapping() if depth:
            return {_convert_text(name): _convert_tree(each, depth - 1) for name, each in value.items()}
        case list() | tuple() if depth:
            return [_convert_tree(each, depth - 1) for each in value]
        case _:
            return _convert_text(value)
