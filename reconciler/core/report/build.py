"""Build the report of a target from its plan and the outcomes of its writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from reconciler.core.apply.outcome import SUCCESSES, Created, Outcome, Skipped
from reconciler.core.apply.result import Result
from reconciler.core.apply.transitions import apply_look, apply_outcome
from reconciler.core.journal.records import Bound, LastDecision, Record
from reconciler.core.model import Live, Manifest, Spec
from reconciler.core.plan.decision import (
    Adopt,
    Blocked,
    Decision,
    Drifted,
    Finished,
    Held,
    InSync,
    Lost,
    Retired,
    Settling,
    get_exit_code,
    get_live,
    get_planned_write,
)
from reconciler.core.plan.difference import Difference
from reconciler.core.plan.job_progress import compute_pause
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.write import Create, Update, Write
from reconciler.core.report.build_windows import build_window_report, omit_planned, suspend_target
from reconciler.core.report.difference_order import order_differences
from reconciler.core.report.exports import KnownExport, list_exports
from reconciler.core.report.report import AssociationReport, TargetReport
from reconciler.core.report.window_obstacle import find_obstacle
from reconciler.core.report.windows import WindowReport
from reconciler.core.request.normalise import list_unreadable_pointers

_SKIPPED_ADOPTION = Skipped("probably not adopted: the run did not write the journal; the next run tries again")
_DRIFT_MESSAGE = "AWS no longer matches the last {} configuration; drift is reported, not repaired"


def build_target_report(name: str, account: str | None, region: str | None, result: Result) -> TargetReport:
    """Return the report of a target from the result of its run."""
    plan, outcomes = result.plan, result.outcomes
    if result.is_unwritten:
        outcomes = {each.manifest.name: _SKIPPED_ADOPTION for each in plan.decisions if isinstance(each, Adopt)}
    created_ids = {outcome.association_id for outcome in outcomes.values() if isinstance(outcome, Created)}
    return TargetReport(
        name=name,
        account=account,
        region=region,
        error=result.error or result.refusal,
        associations=tuple(
            replace(each, since=_get_since(each, result.last_decisions.get(each.name)))
            for each in build_lines(plan, outcomes, result.live_after_writes)
        ),
        unmanaged=plan.unmanaged,
        ignored=plan.ignored,
        orphaned=plan.orphaned,
        unlisted=plan.unlisted,
        live_count=len(plan.live_ids | created_ids),
        integration_names=plan.integration_names,
        warnings=plan.warnings,
    )


def _get_since(association: AssociationReport, last_decision: LastDecision | None) -> datetime | None:
    """Return the start of the current decision; None if the journal has no such decision."""
    return last_decision.since if last_decision and last_decision.decision == association.decision else None


def build_lines(
    plan: Plan, outcomes: Mapping[str, Outcome], live_after_writes: Mapping[str, Live]
) -> tuple[AssociationReport, ...]:
    """Return a line for each decision.

    `outcomes` are by manifest name. `live_after_writes` are the associations that List showed after the writes, by id.
    """
    return tuple(
        replace(
            _build_line(decision, outcome, live),
            windows=_build_windows(plan, decision, new_record),
            exports=_list_exports(plan, decision, new_record),
            pause=_compute_pause(plan, new_record),
        )
        for decision in plan.decisions
        for outcome in (outcomes.get(decision.manifest.name),)
        for live in (live_after_writes.get(_get_changed_id(decision, outcome)),)
        for new_record in (_find_new_record(plan, decision, outcome, live),)
    )


def _get_changed_id(decision: Decision, outcome: Outcome | None) -> str:
    """Return the id of the association that a call created or updated; empty if there was no such call."""
    if isinstance(outcome, Created):
        return outcome.association_id
    return decision.association_id if isinstance(decision, Update) and outcome else ""


NOT_CHECKED = "not checked, because the target failed: see the error of the target"
"""The reason of each association of a target that failed before AWS was listed."""


def build_blocked_lines(manifests: Sequence[Manifest], reason: str) -> tuple[AssociationReport, ...]:
    """Return a blocked line for each manifest of a target that could not be reconciled."""
    return tuple(_build_line(Blocked(manifest, reason), None, None) for manifest in manifests)


def _build_line(decision: Decision, outcome: Outcome | None, live_after_write: Live | None) -> AssociationReport:
    manifest, live = decision.manifest, live_after_write or get_live(decision)
    write = decision.write if isinstance(decision, Held | Blocked) else decision
    request: Spec = write.request if isinstance(write, Write) else manifest.spec
    return AssociationReport(
        name=manifest.name,
        origin=manifest.origin,
        decision=decision.kind,
        reason=_build_reason(decision),
        integration=manifest.integration,
        destination=str(request.get("DestinationURI", "")),
        arn=live.arn if live else None,
        client_token=_get_token(write),
        differences=order_differences(_get_differences(decision)),
        unverifiable=list_unreadable_pointers(request) if _is_compared(decision, live) else (),
        last_execution=live.last_execution if live else None,
        outcome=outcome,
        write=get_planned_write(decision),
        until=decision.until if isinstance(decision, Held | Settling) else None,
        exit_code=get_exit_code(decision, is_dry_run=False),
        dry_run_exit_code=get_exit_code(decision, is_dry_run=True),
    )


def _get_differences(decision: Decision) -> tuple[Difference, ...]:
    match decision:
        case Held(write=write) | Blocked(write=write):
            return _get_differences(write) if write else ()
        case Create() | InSync() | Retired() | Lost() | Finished():
            return ()
        case _:
            return decision.differences


def _is_compared(decision: Decision, live: Live | None) -> bool:
    """Tell whether a request is compared with its association, now or after the Create."""
    return isinstance(decision, Create) or (live is not None and not isinstance(decision, Retired))


def _build_windows(plan: Plan, decision: Decision, new_record: Record | None) -> WindowReport | None:
    """Return the recurring windows of a manifest after its write, if there was one."""
    manifest = decision.manifest
    if plan.now is None or manifest.window is None:
        return None
    record = new_record or _find_old_record(plan, decision)
    is_resent = isinstance(decision, Update) and decision.request == decision.previous_record.request
    report = build_window_report(manifest, record, plan.now, is_resent=is_resent)
    if report and plan.is_suspended:
        report = suspend_target(report)
    if report and record is None and _may_be_live(decision):
        report = omit_planned(report)
    return report and replace(report, obstacle=find_obstacle(decision), settle_time=plan.settle_time)


def _may_be_live(decision: Decision) -> bool:
    """Tell whether the association of a decision exists, or may exist because List does not tell."""
    if isinstance(decision, Blocked) and (decision.is_unobserved or decision.suspects):
        return True
    return get_live(decision) is not None


def _list_exports(plan: Plan, decision: Decision, new_record: Record | None) -> tuple[KnownExport, ...]:
    """Return the exports before and after the write of a manifest. The write of a fixed window replaces the old job."""
    stored_record = plan.records.get(decision.manifest.name)
    return list_exports(decision.manifest, stored_record, _find_old_record(plan, decision), new_record)


def _find_old_record(plan: Plan, decision: Decision) -> Record | None:
    """Return the record of a manifest without its write, after this look at List."""
    match decision:
        case Create(record=record, previous_record=previous_record) if previous_record and record.recurrence:
            return replace(previous_record, recurrence=record.recurrence)  # from the fixed window that it had before
        case _ if isinstance(decision, Write):
            return decision.previous_record
        case _:
            return decision.record or plan.records.get(decision.manifest.name)


def _find_new_record(
    plan: Plan, decision: Decision, outcome: Outcome | None, live_after_write: Live | None
) -> Record | None:
    """Return the record after the write of this run. None if there was no write, or if it left no record."""
    if not (plan.now and outcome and isinstance(decision, Write)):
        return None
    record = apply_outcome(decision.record, decision.previous_record, outcome, plan.now)
    if record is None or live_after_write is None or not isinstance(outcome, SUCCESSES):
        return record
    return apply_look(record, live_after_write, decision.manifest.policy.ignore, plan.now)


def _compute_pause(plan: Plan, record: Record | None) -> timedelta | None:
    """Return the time after which a run sends a refused Update again. None if no run does so by itself."""
    job = record.state.job if record and isinstance(record.state, Bound) else None
    if job is None or job.refusal is None or plan.settle_time is None:
        return None
    return compute_pause(job, plan.settle_time) if job.refusal_count == 1 or job.refusal.is_denied else None


def _get_token(decision: Decision | None) -> str | None:
    return decision.record.token if decision and decision.record is not None else None


def _build_reason(decision: Decision) -> str:
    match decision:
        case InSync(warning=warning):
            return warning or ""
        case Drifted(record=record):
            return _DRIFT_MESSAGE.format("applied" if record.token else "adopted or applied")
        case Adopt() if any(each.is_drifted for each in decision.differences):
            return f"{decision.reason}; {_DRIFT_MESSAGE.format('applied')}"
        case Held(write=write):
            subject = f"the {write.kind} waits" if write else "nothing is sent"
            return f"{subject}, because {decision.reason}"
        case _:
            return decision.reason
