"""Build the cards of the page. A card summarises the state of one target. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.core.controller.controller_status import ControllerStatus, TargetStatus
from reconciler.core.report.report import Report
from reconciler.render import wording
from reconciler.render.kinds import ReportKind
from reconciler.web.page.badges import EXPORT_FAILED_BADGE, OVERDUE_BADGE, Badge, list_badges, select_states
from reconciler.web.page.relative_time import RelativeTime

_FINISHED_KINDS = frozenset({ReportKind.CREATED, ReportKind.UPDATED, ReportKind.ADOPT})
"""The kinds of completed calls. Nothing is in progress, and the next run finds the association in sync or waits."""

_NAMED_KINDS = frozenset({OVERDUE_BADGE.kind, EXPORT_FAILED_BADGE.kind, ReportKind.HELD})
"""The kinds that name the state of a target if nothing else is as severe."""


@dataclass(frozen=True, slots=True)
class Count:
    """The number of associations in one state. An association may be in two states, which is rare."""

    state: Badge
    count: int


@dataclass(frozen=True, slots=True)
class Card:
    """The summary of one target. `level` is the severity of the state in `state_text`.

    `double_count` is the number by which the counts exceed the managed associations, because some are in two states.
    `shares` are the widths of a bar that shows the levels of the counts, in percent, from the most severe.
    """

    target: str
    place: str
    state_text: str
    level: str
    errors: tuple[str, ...]
    counts: tuple[Count, ...]
    double_count: int
    coverage: str
    failures: int
    running_since: RelativeTime | None
    stuck_since: RelativeTime | None
    last_run_finished_at: RelativeTime | None
    last_success: RelativeTime | None
    next_run: RelativeTime | None

    @property
    def is_failing(self) -> bool:
        """True if the last run failed, or the current run is stuck."""
        return bool(self.stuck_since or self.failures or self.errors)

    @property
    def shares(self) -> tuple[tuple[str, int, int], ...]:
        """The parts of the bar: for each level its name, its start and its width."""
        counts: Counter[str] = Counter()
        for each in self.counts:
            counts[each.state.level] += each.count
        total, parts, done = counts.total(), [], 0
        for level in _LEVELS:
            if counts[level]:
                start, done = round(100 * done / total), done + counts[level]
                parts.append((level, start, round(100 * done / total) - start))
        return tuple(parts)


_LEVELS = ("error", "warning", "note", "none")


def build_cards(status: ControllerStatus, stuck_after: timedelta) -> tuple[Card, ...]:
    """Return a card for each target, the most severe first."""
    stuck_targets = {target_status.target for target_status in status.find_stuck(stuck_after)}
    cards = (
        _build_card(status, target_status, is_stuck=target_status.target in stuck_targets)
        for target_status in status.targets
    )
    return tuple(sorted(cards, key=lambda card: (not card.is_failing, _LEVELS.index(card.level), card.target)))


def _build_card(status: ControllerStatus, target_status: TargetStatus, *, is_stuck: bool) -> Card:
    report, now = target_status.last_report, status.now
    counts = _count_states(report, now) if report else ()
    state_text, level = ("stuck", "error") if is_stuck else _describe_state(target_status, counts)
    targets = report.targets if report else ()
    return Card(
        target=target_status.target,
        place=" ".join(filter(None, (part for each in targets for part in (each.account, each.region)))),
        state_text=state_text,
        level=level,
        errors=tuple(each.error for each in targets if each.error),
        counts=counts,
        double_count=_count_managed(counts) - (len(report.associations) if report else 0),
        coverage=wording.format_coverage(report) if report and report.live_count else "",
        failures=target_status.failures,
        running_since=RelativeTime.from_datetime(target_status.running_since, now),
        stuck_since=RelativeTime.from_datetime(target_status.stalled_since, now) if is_stuck else None,
        last_run_finished_at=RelativeTime.from_datetime(report.run.finished_at if report else None, now),
        last_success=RelativeTime.from_datetime(target_status.last_success, now),
        next_run=RelativeTime.from_datetime(target_status.next_run, now),
    )


def _count_states(report: Report, now: datetime) -> tuple[Count, ...]:
    counts = Counter(badge for each in report.associations for badge in select_states(list_badges(each, report, now)))
    counts[Badge.from_kind(ReportKind.UNMANAGED, report)] = report.unmanaged_count
    states = sorted((state for state in counts if counts[state]), key=lambda each: (each.rank, -len(each.label)))
    return tuple(Count(state, counts[state]) for state in states)


def _count_managed(counts: tuple[Count, ...]) -> int:
    return sum(each.count for each in counts if each.state.kind != ReportKind.UNMANAGED)


def _describe_state(target_status: TargetStatus, counts: tuple[Count, ...]) -> tuple[str, str]:
    """Return the most severe state of a target, in words, and its severity."""
    managed = [count.state for count in counts if count.state.kind != ReportKind.UNMANAGED]
    if target_status.last_report is None:
        if target_status.failures:
            return "failed", "error"
        return "first run" if target_status.running_since else "not run yet", "note"
    if target_status.last_report.has_failed or target_status.failures:
        return "failed", "error"
    for level, state_text in (("error", "needs action"), ("warning", "has differences"), ("note", "waiting")):
        states = [state for state in managed if state.level == level and state.kind not in _FINISHED_KINDS]
        if states:
            is_named = len(states) == 1 and level != "note" and states[0].kind in _NAMED_KINDS
            return (states[0].label if is_named else state_text), level
    if any(state.kind in _FINISHED_KINDS for state in managed):
        return "just done", "none"
    return ("in sync", "none") if managed else ("no manifests", "note")
