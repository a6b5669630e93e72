"""Describe a journal for people: each association, the last write and the lease."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.core.journal.jobs import Job, JobSource
from reconciler.core.journal.records import Bound, CreatePending, Journal, LastDecision, LastWrite, Lease, Record
from reconciler.core.model import Execution, Manifest
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.report.build_windows import build_window_report, omit_planned
from reconciler.core.report.window_obstacle import add_recorded_obstacle, has_seen_association
from reconciler.core.report.windows import WindowReport
from reconciler.core.text import format_timestamp


@dataclass(frozen=True, slots=True)
class RecordedAssociation:
    """An association in the journal, as the last run left it.

    `decision` and `since` are the last decision and the time of the first run with it. Both may be None.
    `state` describes the record in a few words. `is_orphaned` means that the manifest is gone. `windows` are the
    recurring windows of the manifest, if it has any.
    """

    name: str
    decision: str | None
    since: datetime | None
    state: str
    arn: str | None
    association_id: str | None
    last_execution: Execution | None
    is_orphaned: bool
    windows: WindowReport | None = None


@dataclass(frozen=True, slots=True)
class JournalStatus:
    """The journal of one target, or the reason why it could not be read, as `error`.

    `last_write` is None if the journal does not exist yet. `is_access_failure` is true if credentials, clock, Region or
    network may be the cause of the error.
    """

    name: str
    account: str | None
    region: str | None
    place: str | None
    error: str | None = None
    is_access_failure: bool = False
    serial: int = 0
    last_write: LastWrite | None = None
    lease: Lease | None = None
    is_lease_expired: bool = False
    associations: tuple[RecordedAssociation, ...] = ()


def list_recorded_associations(
    journal: Journal, manifests: Sequence[Manifest], now: datetime
) -> tuple[RecordedAssociation, ...]:
    """Return the associations in a journal in order of name. `manifests` are those in git."""
    by_name = {manifest.name: manifest for manifest in manifests}
    return tuple(
        _build_recorded_association(name, journal, by_name, now)
        for name in sorted(journal.records.keys() | journal.last_decisions.keys())
    )


def _build_recorded_association(
    name: str, journal: Journal, manifests: Mapping[str, Manifest], now: datetime
) -> RecordedAssociation:
    record, last_decision, manifest = journal.records.get(name), journal.last_decisions.get(name), manifests.get(name)
    bound = record.state if record and isinstance(record.state, Bound) else None
    is_unseen = bool(bound and bound.job and _is_unseen(bound.job))
    return RecordedAssociation(
        name=name,
        decision=last_decision.decision if last_decision else None,
        since=last_decision.since if last_decision else None,
        state=_describe_state(record, last_decision, is_orphaned=manifest is None),
        arn=bound.arn if bound else None,
        association_id=bound.association_id if bound else None,
        last_execution=None if is_unseen else last_decision.last_execution if last_decision else None,
        is_orphaned=manifest is None,
        windows=_build_windows(manifest, record, last_decision, now) if manifest else None,
    )


def _build_windows(
    manifest: Manifest, record: Record | None, last_decision: LastDecision | None, now: datetime
) -> WindowReport | None:
    """Return the recurring windows of a manifest, with the reason not to send them, if the journal shows one."""
    report = build_window_report(manifest, record, now)
    if report and record is None and has_seen_association(last_decision):
        report = omit_planned(report)
    return report and add_recorded_obstacle(report, manifest, record, last_decision)


def _is_unseen(job: Job) -> bool:
    """Tell whether List has shown nothing of a job that was sent. The status in List is then that of an earlier job."""
    is_sent = job.source is not JobSource.OBSERVED and job.refusal is None
    return is_sent and not (job.shown_at or job.running_at or job.result)


def _describe_state(record: Record | None, last_decision: LastDecision | None, *, is_orphaned: bool) -> str:
    if record is None:
        return "no record: no Create was accepted, and no association was adopted"
    match record.state:
        case CreatePending(attempts, _, last_attempt):
            return f"the answer to a Create is unknown; attempt {attempts} at {format_timestamp(last_attempt)}"
        case Bound(missing_since=missing_since) if missing_since:
            return f"missing from List since {format_timestamp(missing_since)}"
        case Bound(job=job) if job and (job.is_skipped or job.refusal):
            event = "window.skip left out the window of" if job.is_skipped else "AWS refused"
            return f"{event} the Update of {format_timestamp(job.sent_at)}"
        case Bound(job=job) if job and job.is_update_unshown:
            return _describe_unshown_update(job, last_decision)
        case Bound(arn=None):
            if is_orphaned:
                return "created; without a manifest, no run records whether List shows it"
            return "created; no run has recorded yet that List shows it"
        case _:
            return "live"


def _describe_unshown_update(job: Job, last_decision: LastDecision | None) -> str:
    sent_at = format_timestamp(job.sent_at)
    if last_decision and last_decision.decision == DecisionKind.UPDATE:
        return f"the export was sent at {sent_at}, and no later run has checked List yet"
    return f"List does not show the Update of {sent_at} yet"
