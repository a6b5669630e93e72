"""Gives what AWS said the types that it should have, so that no value, however strange, keeps a page from being shown.

Reports hold values as they came, and AWS may come to answer what its model does not say. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from math import isfinite
from typing import Any, TypeVar

from reconciler.core.apply.outcome import Outcome
from reconciler.core.controller.status import ControllerStatus, TargetStatus
from reconciler.core.model import Execution, Json, Live
from reconciler.core.plan.difference import Difference
from reconciler.core.report.report import AssociationReport, Report, TargetReport

_DEEP = 20
"""How many trees may be within each other; below that there is text."""
_LARGE = 2**64

Item = TypeVar("Item")
Value = TypeVar("Value", TargetReport, AssociationReport, Difference, Execution, Live, Outcome)


def typed(board: ControllerStatus) -> ControllerStatus:
    """Return the board with values of the right types only: itself, where it has no other."""
    lanes = _each(board.targets, _lane)
    return board if lanes is board.targets else replace(board, targets=lanes)


def _lane(lane: TargetStatus) -> TargetStatus:
    last = lane.last_report and _report(lane.last_report)
    seen = (
        last
        if lane.last_complete_report is lane.last_report
        else lane.last_complete_report and _report(lane.last_complete_report)
    )
    return (
        lane
        if last is lane.last_report and seen is lane.last_complete_report
        else replace(lane, last_report=last, last_complete_report=seen)
    )


def _report(report: Report) -> Report:
    targets = _each(report.targets, _target)
    return report if targets is report.targets else replace(report, targets=targets)


def _target(target: TargetReport) -> TargetReport:
    return _changed(
        target,
        account=_text_or_none(target.account),
        region=_text_or_none(target.region),
        error=_text_or_none(target.error),
        associations=_each(target.associations, _association),
        unmanaged=_each(target.unmanaged, _live),
        unlisted=_each(target.unlisted, _unlisted),
    )


def _unlisted(pair: tuple[str, str]) -> tuple[str, str]:
    arn, reason = pair
    found = (_text(arn), _text(reason))
    return pair if found == pair else found


def _association(association: AssociationReport) -> AssociationReport:
    return _changed(
        association,
        integration=_text(association.integration),
        destination=_text(association.destination),
        reason=_text(association.reason),
        arn=_text_or_none(association.arn),
        differences=_each(association.differences, _difference),
        last_execution=association.last_execution and _execution(association.last_execution),
        outcome=association.outcome and _outcome(association.outcome),
    )


def _difference(difference: Difference) -> Difference:
    return _changed(
        difference,
        path=_text(difference.path),
        desired=_json(difference.desired),
        applied=_json(difference.applied),
        live=_json(difference.live),
    )


def _outcome(outcome: Outcome) -> Outcome:
    texts: dict[str, Any] = {each.name: _text(getattr(outcome, each.name)) for each in fields(outcome)}
    return _changed(outcome, **texts)


def _execution(execution: Execution) -> Execution:
    return _changed(execution, status=_text(execution.status), message=_text_or_none(execution.message))


def _live(live: Live) -> Live:
    spec = {"DataIntegrationIdentifier": "", **{_text(name): _json(value) for name, value in live.spec.items()}}
    for name in ("DataIntegrationIdentifier", "ClientId", "DestinationURI"):
        if name in spec:
            spec[name] = _text_or_none(spec[name])
    spec["DataIntegrationIdentifier"] = spec["DataIntegrationIdentifier"] or ""
    execution = live.last_execution and _execution(live.last_execution)
    return _changed(live, arn=_text(live.arn), spec=live.spec if spec == live.spec else spec, last_execution=execution)


def _each(found: tuple[Item, ...], change: Callable[[Item], Item]) -> tuple[Item, ...]:
    """Return a tuple with each item changed: itself, where none is."""
    changed = tuple(map(change, found))
    return found if all(new is old for new, old in zip(changed, found, strict=True)) else changed


def _changed(value: Value, **members: Any) -> Value:
    """Return a value with other members: itself, where they are the same."""
    return value if all(getattr(value, name) is new for name, new in members.items()) else replace(value, **members)


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _text(value: object) -> str:
    """Return what should be a text as one."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    try:
        return str(value)
    except (ValueError, RecursionError):  # a number of thousands of digits; lists in lists in lists
        return f"({type(value).__name__})"


def _json(value: Any) -> Json:
    """Return what should be a JSON value as one."""
    try:
        json.dumps(value, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        return _tree(value, _DEEP)
    found: Json = value
    return found


def _tree(value: Any, deep: int) -> Json:
    match value:
        case None | bool() | str():
            return value
        case int() if abs(value) < _LARGE:
            return value
        case float() if isfinite(value):
            return value
        case Mapping() if deep:
            return {_text(name): _tree(each, deep - 1) for name, each in value.items()}
        case list() | tuple() if deep:
            return [_tree(each, deep - 1) for each in value]
        case _:
            return _text(value)
