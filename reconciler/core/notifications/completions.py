"""Find the completed exports of a report, and those among them that a receiver does not know yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.core.notifications.conditions import build_mark
from reconciler.core.notifications.finding import Finding
from reconciler.core.notifications.state import Condition
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.plan.job_progress import describe_unshown_job
from reconciler.core.plan.recurring.recurrence import describe_window
from reconciler.core.report.exports import KnownExport
from reconciler.core.report.report import AssociationReport
from reconciler.core.text import format_timestamp_to_the_minute

_MAX_MARKS = 20
"""Maximum number of marks of an association: twice the exports of a report, because a report may be out of date."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A completed export, with the mark of its association and its own. `place` describes the target.

    The marks do not depend on the name of the manifest.
    """

    association_mark: str
    mark: str
    place: str
    association: AssociationReport
    export: KnownExport

    @property
    def is_quiet(self) -> bool:
        """True while the association is retired or a policy holds it. Receivers may be notified afterwards."""
        return self.association.is_resting or self.association.decision is DecisionKind.RETIRED

    def build_finding(self) -> Finding:
        """Return the message for receivers. An Update that List never showed has a warning, and may have failed."""
        name, event = self.association.name, _describe(self.export)
        if warning := describe_unshown_job(self.export.job):
            manifest, arn = str(self.association.origin), self.association.arn or ""
            return Finding(self.place, Condition.EXPORT_UNCONFIRMED, name, manifest, arn, f"{event}; {warning}")
        return Finding(self.place, Condition.EXPORT_COMPLETED, name, message=event)


def list_completions(place: str, association: AssociationReport) -> Iterator[Completion]:
    """Yield the completed exports of an association, the oldest first."""
    completed_exports = [each for each in association.exports if each.is_completed]
    if completed_exports:
        association_mark = build_mark(*completed_exports[-1].key)
        for each in completed_exports:
            yield Completion(association_mark, _build_own_mark(each), place, association, each)


def _build_own_mark(export: KnownExport) -> str:
    """Return a mark of one call. The time at which a run saw its end is no part: a dry run sees the end each time."""
    times = (export.window.start, export.window.end, export.job.sent_at) if export.window else (export.job.sent_at,)
    return build_mark(*(each.isoformat() for each in times))


def collect_marks(completions: Iterable[Completion]) -> dict[str, tuple[str, ...]]:
    """Return the marks of completed exports, by the mark of their association."""
    marks: dict[str, tuple[str, ...]] = {}
    for each in completions:
        marks[each.association_mark] = (*marks.get(each.association_mark, ()), each.mark)
    return marks


def find_new_completions(
    known_marks: Mapping[str, tuple[str, ...]], completions: Iterable[Completion]
) -> tuple[tuple[Finding, ...], dict[str, tuple[str, ...]]]:
    """Return the findings of the completed exports without a known mark, and the marks with theirs."""
    findings, marks = list[Finding](), dict(known_marks)
    for each in completions:
        known = marks.get(each.association_mark, ())
        if each.mark not in known and not each.is_quiet:
            findings.append(each.build_finding())
            marks[each.association_mark] = (*known, each.mark)[-_MAX_MARKS:]
    return tuple(findings), marks


def _describe(export: KnownExport) -> str:
    """Return the window of a completed export, and when a run saw its end."""
    assert export.job.ended_at
    period, ended_at = describe_period(export), format_timestamp_to_the_minute(export.job.ended_at)
    return f"the export of {period} ended by {ended_at}" if period else f"the export ended by {ended_at}"


def describe_period(export: KnownExport) -> str:
    """Return the window of an export, in the time zone of its declaration if it has one. Empty if it is unknown."""
    if export.window is None:
        return ""
    if export.declaration:
        return describe_window(export.window, export.declaration)
    return " to ".join(map(format_timestamp_to_the_minute, (export.window.start, export.window.end)))
