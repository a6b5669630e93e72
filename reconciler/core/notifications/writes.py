"""Find the associations that were created or updated, and the calls among them that a receiver does not know yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.core.apply.outcome import SUCCESSES, Created
from reconciler.core.journal.jobs import Job, JobSource
from reconciler.core.notifications.completions import describe_period
from reconciler.core.notifications.conditions import build_mark
from reconciler.core.notifications.finding import Finding
from reconciler.core.notifications.state import Condition, build_run_mark, parse_run_mark
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.report.exports import KnownExport
from reconciler.core.report.report import AssociationReport

_MAX_MARKS = 20
"""Maximum number of marks of an association: twice the exports of a report, because a report may be out of date."""


@dataclass(frozen=True, slots=True)
class CarriedOutWrite:
    """A Create or Update that AWS carried out, with the mark of its association, its own, and the message.

    `at` is the time of the call, or of the end of the run if the reported run made the call (`is_own`). `is_quiet` is
    true while the association is retired. Receivers may be notified afterwards.
    """

    association_mark: str
    mark: str
    at: datetime
    finding: Finding
    is_own: bool = False
    is_quiet: bool = False


def list_writes(place: str, association: AssociationReport, finished_at: datetime) -> Iterator[CarriedOutWrite]:
    """Yield the calls for an association that a run knows of, the oldest first. The run ended at `finished_at`."""
    exports, own_outcome = association.exports, association.outcome
    association_mark = build_mark(*exports[-1].key) if exports else build_mark(association.name)
    is_written = isinstance(own_outcome, SUCCESSES)
    own_export = exports[-1] if is_written and exports and _has_started(exports[-1].job) else None
    is_quiet = association.decision is DecisionKind.RETIRED
    for each in exports:
        if each is not own_export and _has_started(each.job):
            sent_at, is_create = each.job.sent_at, each.job.source is JobSource.CREATE
            finding = _build_finding(place, association, each, is_create=is_create)
            yield CarriedOutWrite(
                association_mark, build_mark(sent_at.isoformat()), sent_at, finding, is_quiet=is_quiet
            )
    if is_written:
        finding = _build_finding(place, association, own_export, is_create=isinstance(own_outcome, Created))
        own_mark = build_run_mark(finished_at, association.name)
        yield CarriedOutWrite(association_mark, own_mark, finished_at, finding, is_own=True)


def record_earlier_writes(writes: Iterable[CarriedOutWrite], since: datetime) -> dict[str, tuple[str, ...]]:
    """Return the marks of the calls before `since`, by the mark of their association.

    The calls of the reported run are news, as those after `since`.
    """
    marks: dict[str, tuple[str, ...]] = {}
    for each in writes:
        if each.at < since and not each.is_own:
            marks[each.association_mark] = (*marks.get(each.association_mark, ()), each.mark)
    return marks


def find_new_writes(
    known_marks: Mapping[str, tuple[str, ...]], writes: Iterable[CarriedOutWrite]
) -> tuple[tuple[Finding, ...], dict[str, tuple[str, ...]]]:
    """Return the findings of the calls without a known mark, and the marks with theirs.

    The journal gives a call another time than the report of its run. The mark of a reported call is therefore that of
    its run, until the first call in the journal before the end of the run replaces it.
    """
    findings, marks = list[Finding](), dict(known_marks)
    for each in writes:
        known = marks.get(each.association_mark, ())
        if each.mark in known or each.is_quiet:
            continue
        if run_mark := next((mark for mark in known if not each.is_own and _ends_after(mark, each.at)), None):
            known = tuple(mark for mark in known if mark != run_mark)
        else:
            findings.append(each.finding)
        marks[each.association_mark] = (*known, each.mark)[-_MAX_MARKS:]
    return tuple(findings), marks


def _ends_after(mark: str, time: datetime) -> bool:
    """Tell whether a mark is that of a run, which did not end before a time."""
    run_end = parse_run_mark(mark)
    return run_end is not None and run_end >= time


def _has_started(job: Job) -> bool:
    """Tell whether a job belongs to a call of this program that AWS certainly carried out.

    The job of a Create without an answer is in the journal only once List has shown its association.
    """
    if job.source is JobSource.UPDATE:
        return job.is_accepted or job.shown_at is not None
    return job.source is JobSource.CREATE


def _build_finding(
    place: str, association: AssociationReport, export: KnownExport | None, *, is_create: bool
) -> Finding:
    condition = Condition.ASSOCIATION_CREATED if is_create else Condition.ASSOCIATION_UPDATED
    period = describe_period(export) if export else ""
    message = f"its export of {period} was started" if period else ""
    return Finding(place, condition, association.name, str(association.origin), association.arn or "", message)
