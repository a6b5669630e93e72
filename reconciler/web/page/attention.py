"""Collect what needs attention, most urgent first, each with its causes and its way out. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from reconciler.core.controller.controller_status import ControllerStatus
from reconciler.core.report.report import AssociationReport, Report
from reconciler.core.text import format_count
from reconciler.render import windows, wording
from reconciler.render.kinds import ReportKind
from reconciler.web.page.badges import EXPORT_FAILED_BADGE, OVERDUE_BADGE, Badge
from reconciler.web.page.cards import Card
from reconciler.web.page.filters import GRAVE_LEVELS
from reconciler.web.page.rows import AssociationRow
from reconciler.web.page.view import View

MAX_CAUSES = 3
"""The maximum number of causes that the page names for one kind of trouble."""
MAX_NAMES = 3
"""The maximum number of names that the page gives for one cause."""
_STUCK = "stuck"
_STUCK_BADGE = Badge(_STUCK, -5, _STUCK, "error", "")
_FAILED_BADGE = Badge(ReportKind.TARGET_FAILED, -4, "failed", "error", "")
_UNLISTED_RANK = -3
_DOCTOR = "reconcile doctor names a missing permission or a wrong setting"
_WAIT_FOR_EXPORT = (
    "If the reason names an export that may be running, look in the AWS console whether it runs: a run sends the {} "
    "after List shows its end. Otherwise do what the reason says."
)
_WAYS_OUT: dict[str, str] = {
    _STUCK: "If the run does not continue, restart the controller.",
    ReportKind.TARGET_FAILED: f"Correct the cause: {_DOCTOR}. The next run tries again.",
    ReportKind.UNLISTED: f"Correct the cause: {_DOCTOR}.",
    ReportKind.BLOCKED: "Do what the reason says. Nothing is written until then.",
    ReportKind.FAILED: "AWS changed nothing. Correct the cause; the details say what the next run does.",
    ReportKind.UNKNOWN: "AWS may have carried out the call. Wait for the next run, which looks in AWS.",
    ReportKind.LOST: "Look in AWS whether the association still exists. To create it again, raise policy.generation.",
    OVERDUE_BADGE.kind: (
        f"{_WAIT_FOR_EXPORT.format('window')} "
        "Run reconcile explain NAME, and see docs/how-to/repair-a-recurring-export.md."
    ),
    EXPORT_FAILED_BADGE.kind: (
        "Correct the cause. The details say how to export the data again. AWS continues a schedule by itself."
    ),
    ReportKind.HELD: (
        f"{_WAIT_FOR_EXPORT.format('update')} Run reconcile explain NAME, and see docs/reference/guardrails.md."
    ),
    ReportKind.DRIFTED: (
        "If AWS is right, write its values into git. If git is right, see docs/how-to/handle-drift.md: "
        "an update exports the data again. No run repairs drift."
    ),
    ReportKind.CHANGED: "The change in git is not sent. The reason says why, and what would send it.",
}
"""The kinds of trouble, each with what to do about it."""
_UNMANAGED_WAY_OUT = "Write their manifests with the command below, or name them in Ignore of the Target."
_LEVELS = ("error", "warning")


@dataclass(frozen=True, slots=True)
class Name:
    """The name of an association or a target that has a cause, with the link that shows it.

    `target` is set if there are several targets. `states` are the labels of the other troubles of the association.
    """

    text: str
    link: str
    target: str = ""
    states: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason: how many have it, the first of them, and the number of the others."""

    text: str
    count: int
    names: tuple[Name, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """One kind of trouble. `count` is for example "3 blocked", and `link` shows them all.

    An association with several troubles is listed once, at the gravest. `listed_before` is the number of associations
    that are in this trouble, too, and are listed at a graver one.
    """

    count: str
    level: str
    link: str
    way_out: str
    causes: tuple[Cause, ...]
    more_causes: int
    listed_before: int = 0


@dataclass(frozen=True, slots=True)
class _Case:
    badge: Badge
    reason: str
    name: Name
    other_kinds: tuple[str, ...] = ()


def list_troubles(
    status: ControllerStatus, cards: Iterable[Card], rows: Iterable[AssociationRow], view: View
) -> tuple[Trouble, ...]:
    """Return what needs attention in all targets. `rows` are those of all associations, whatever the filters are."""
    reports = {each.target: each.last_report for each in status.targets}
    cases = [*_yield_target_cases(cards, reports, view), *_yield_row_cases(rows, reports)]
    by_kind: dict[str, list[_Case]] = {}
    for case in sorted(cases, key=lambda each: (_LEVELS.index(each.badge.level), each.badge.rank)):
        by_kind.setdefault(case.badge.kind, []).append(case)
    more = Counter(kind for case in cases for kind in case.other_kinds)
    troubles = (_build_trouble(kind, each, more[kind], view) for kind, each in by_kind.items())
    return (*troubles, *_yield_unmanaged(status, view))


def _yield_unmanaged(status: ControllerStatus, view: View) -> Iterator[Trouble]:
    kind = ReportKind.UNMANAGED
    counts = {each.target: each.last_report.unmanaged_count for each in status.targets if each.last_report}
    names = tuple(
        Name(target, f"{view.with_filters(decision=kind, target=target).link}#unmanaged")
        for target, count in counts.items()
        if count
    )
    if names:
        link = f"{view.with_filters(decision=kind).link}#unmanaged"
        cause = Cause("", len(names), names[:MAX_NAMES], max(0, len(names) - MAX_NAMES))
        yield Trouble(f"{sum(counts.values()):,} {kind.label}", kind.level, link, _UNMANAGED_WAY_OUT, (cause,), 0)


def _yield_target_cases(cards: Iterable[Card], reports: dict[str, Report | None], view: View) -> Iterator[_Case]:
    for card in cards:
        name = Name(card.target, f"{view.with_filters(target=card.target).link}#associations")
        report = reports[card.target]
        if card.stuck_since:
            yield _Case(_STUCK_BADGE, f"The run has made no progress since {card.stuck_since.text}.", name)
        for error in card.errors:
            yield _Case(_FAILED_BADGE, error, name)
        if card.failures and not (report and report.has_failed):
            yield _Case(_FAILED_BADGE, "The run ended with an error that the log of the controller has.", name)
        if report:
            badge = replace(Badge.from_kind(ReportKind.UNLISTED, report), rank=_UNLISTED_RANK)
            for target in report.targets:
                for arn, reason in target.unlisted:
                    yield _Case(badge, wording.describe_unlisted(arn, reason, target), name)


def _yield_row_cases(rows: Iterable[AssociationRow], reports: dict[str, Report | None]) -> Iterator[_Case]:
    failed = {name for name, report in reports.items() if report and any(each.error for each in report.targets)}
    for row in rows:
        states = [
            each
            for each in (row.states if row.level in GRAVE_LEVELS else ())
            if each.level in GRAVE_LEVELS and not (each.kind == ReportKind.BLOCKED and row.target in failed)
        ]
        if states:
            badge, *others = states
            target = row.target if len(reports) > 1 else ""
            labels = tuple(each.label for each in others)
            name = Name(row.association.name, row.address, target, labels)
            kinds = tuple(each.kind for each in others)
            yield _Case(badge, _describe_cause(badge.kind, row.association), name, kinds)


def _describe_cause(kind: str, association: AssociationReport) -> str:
    if kind == EXPORT_FAILED_BADGE.kind:
        if association.last_execution and association.last_execution.message:
            return association.last_execution.message
        failed = association.windows.last_ended if association.windows and association.windows.has_failed else None
        if association.windows and failed:
            start, end = windows.format_ends(failed.window, association.windows)
            return f"the export of {start} to {end} failed; no reason is known"
        return "no reason is known"
    return next(iter(wording.list_reasons(association)), "")


def _build_trouble(kind: str, cases: list[_Case], listed_before: int, view: View) -> Trouble:
    by_reason: dict[str, list[_Case]] = {}
    for case in cases:
        by_reason.setdefault(case.reason, []).append(case)
    causes = sorted(by_reason.items(), key=lambda each: (-len(each[1]), each[0]))
    badge = cases[0].badge
    is_of_target = badge in {_STUCK_BADGE, _FAILED_BADGE}
    has_filter = not is_of_target and kind != ReportKind.UNLISTED
    count = f"{format_count(len(cases), 'target')} {badge.label}" if is_of_target else badge.format_count(len(cases))
    link = view.with_filters(decision=kind).link if has_filter else view.with_filters().link
    return Trouble(
        count,
        badge.level,
        f"{link}#associations",
        _WAYS_OUT[kind],
        tuple(_build_cause(reason, each) for reason, each in causes[:MAX_CAUSES]),
        max(0, len(causes) - MAX_CAUSES),
        listed_before,
    )


def _build_cause(reason: str, cases: list[_Case]) -> Cause:
    names = tuple(dict.fromkeys(each.name for each in cases))
    return Cause(reason, len(names), names[:MAX_NAMES], max(0, len(names) - MAX_NAMES))
