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
from reconciler.core.notifications.state import Condition
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.report.exports import KnownExport
from reconciler.core.report.report import AssociationReport


@dataclass(frozen=True, slots=True)
class CarriedOutWrite:
    """A Create or Update that AWS carried out at `at`, with the mark of its association and the message for receivers.

    `is_own` is true for a call of the run that made the report. A first report is no reason not to send it. `is_quiet`
    is true while the association is retired. Receivers may be notified afterwards.
    """

    association_mark: str
    at: datetime
    finding: Finding
    is_own: bool = False
    is_quiet: bool = False


def list_writes(place: str, association: AssociationReport, finished_at: datetime) -> Iterator[CarriedOutWrite]:
    """Yield the calls for an association that a run knows of, the oldest first. The run ended at `finished_at`.

    A call of this run has that time, because the journal may give it a slightly later time than the report.
    """
    exports, own_outcome = association.exports, association.outcome
    mark = build_mark(*exports[-1].key) if exports else build_mark(association.name)
    is_written = isinstance(own_outcome, SUCCESSES)
    own_export = exports[-1] if is_written and exports and _has_started(exports[-1].job) else None
    for each in exports:
        if each is not own_export and _has_started(each.job):
            is_create = each.job.source is JobSource.CREATE
            finding = _build_finding(place, association, each, is_create=is_create)
            is_quiet = association.decision is DecisionKind.RETIRED
            yield CarriedOutWrite(mark, each.job.sent_at, finding, is_quiet=is_quiet)
    if is_written:
        finding = _build_finding(place, association, own_export, is_create=isinstance(own_outcome, Created))
        yield CarriedOutWrite(mark, finished_at, finding, is_own=True)


def record_earlier_writes(writes: Iterable[CarriedOutWrite]) -> dict[str, datetime]:
    """Return the time of the last call for each association, without the calls of the run that made the report."""
    return {each.association_mark: each.at for each in writes if not each.is_own}


def find_new_writes(
    known_times: Mapping[str, datetime], writes: Iterable[CarriedOutWrite]
) -> tuple[tuple[Finding, ...], dict[str, datetime]]:
    """Return the findings of the calls after the known times, and the times with theirs."""
    findings, times = list[Finding](), dict(known_times)
    for each in writes:
        known_time = times.get(each.association_mark)
        if not each.is_quiet and (known_time is None or each.at > known_time):
            findings.append(each.finding)
            times[each.association_mark] = each.at
    return tuple(findings), times


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
