"""Each target with its state at a glance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from reconciler.core.controller.status import ControllerStatus, TargetStatus
from reconciler.core.report.report import Report
from reconciler.render import wording
from reconciler.render.kinds import ReportKind
from reconciler.web.page.relative_time import Moment
from reconciler.web.page.rows import EXPORT_FAILED, State

_DONE = frozenset({ReportKind.CREATED, ReportKind.UPDATED, ReportKind.ADOPT})
"""Kinds of what a run did, after which nothing is under way."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many of one state there are."""

    state: State
    count: int


@dataclass(frozen=True, slots=True)
class Card:
    """One target: `said` is its state in words, `level` how grave that is."""

    target: str
    place: str
    said: str
    level: str
    errors: tuple[str, ...]
    counts: tuple[Count, ...]
    coverage: str
    failures: int
    running: Moment | None
    stuck: Moment | None
    ended: Moment | None
    succeeded: Moment | None
    due: Moment | None


def cards(board: ControllerStatus, patience: timedelta) -> tuple[Card, ...]:
    """Return a card for each target, by name."""
    stuck = {lane.target for lane in board.find_stuck(patience)}
    return tuple(_card(board, lane, stuck=lane.target in stuck) for lane in board.targets)


def _card(board: ControllerStatus, lane: TargetStatus, *, stuck: bool) -> Card:
    last, now = lane.last_report, board.now
    counts = _counts(last) if last else ()
    said, level = ("stuck", "error") if stuck else _state(lane, counts)
    targets = last.targets if last else ()
    return Card(
        target=lane.target,
        place=" ".join(filter(None, (part for each in targets for part in (each.account, each.region)))),
        said=said,
        level=level,
        errors=tuple(each.error for each in targets if each.error),
        counts=counts,
        coverage=wording.coverage(last) if last and last.live_count else "",
        failures=lane.failures,
        running=Moment.of(lane.running_since, now),
        stuck=Moment.of(lane.stalled_since, now) if stuck else None,
        ended=Moment.of(last.run.finished_at if last else None, now),
        succeeded=Moment.of(lane.last_success, now),
        due=Moment.of(lane.next_run, now),
    )


def _counts(report: Report) -> tuple[Count, ...]:
    kinds = wording.kinds(report)
    kinds[ReportKind.UNMANAGED] = report.summary["unmanaged"]
    failed = sum(each.has_failed_export for each in report.associations)
    exports = [Count(EXPORT_FAILED, failed)] if failed else []
    return (*exports, *(Count(State.of(kind, report), kinds[kind]) for kind in ReportKind if kinds[kind]))


def _state(lane: TargetStatus, counts: tuple[Count, ...]) -> tuple[str, str]:
    """Return the state in words and how grave it is: the gravest that is true."""
    managed = [count.state for count in counts if count.state.kind != ReportKind.UNMANAGED]
    if lane.last_report is None:
        return ("failing", "error") if lane.failures else ("not run yet", "note")
    if lane.last_report.has_failed or lane.failures:
        return "failing", "error"
    for level, said in (("error", "needs a person"), ("warning", "differs"), ("note", "under way")):
        found = [state for state in managed if state.level == level and state.kind not in _DONE]
        if found:
            return (said if found != [EXPORT_FAILED] else EXPORT_FAILED.label), level
    return ("in sync", "none") if managed else ("nothing managed", "note")
