"""Log the warnings about manifests, and the reports of runs."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, assert_never

from reconciler.core.apply.outcome import RESULTS, Created, NotSent, Refused, Skipped, Unknown, Updated
from reconciler.core.errors import Problem
from reconciler.core.model import Desired
from reconciler.core.plan.write import Create, Update, Write
from reconciler.core.report.report import AssociationReport, Report, RunInfo, TargetReport
from reconciler.edge.logs.configuration import get_logger
from reconciler.edge.logs.events import (
    ASSOCIATION_CREATED,
    ASSOCIATION_UPDATED,
    CREATE_FAILED,
    CREATE_UNANSWERED,
    DRIFT_DETECTED,
    EXPORT_COMPLETED,
    INTEGRATION_NOT_LISTED,
    LIVE_WARNING,
    MANIFEST_WARNING,
    NO_MANIFESTS,
    PLAN_REJECTED,
    RUN_FINISHED,
    SHARD_EMPTY,
    TARGET_FAILED,
    TARGET_FINISHED,
    UPDATE_FAILED,
    UPDATE_UNANSWERED,
)

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger


def log_desired(desired: Desired, revision: str | None, files: Sequence[str]) -> None:
    """Log the warnings about a revision's manifests, and a warning if there are no manifests."""
    log = get_logger().bind(revision=revision) if revision else get_logger()
    for warning in desired.warnings:
        log.warning(MANIFEST_WARNING, warning=str(warning))
    if desired.is_empty:
        log.warning(NO_MANIFESTS, files=list(files))


def log_empty_shard(desired: Desired) -> None:
    """Log that no target belongs to the shard of the desired state, if that is so."""
    if desired.shard and not desired.targets:
        get_logger().info(SHARD_EMPTY, shard=str(desired.shard))


def log_live_warnings(run: RunInfo, target: TargetReport, warnings: Iterable[Problem]) -> None:
    """Log warnings about manifests that need an answer of AWS, one line for each."""
    log = get_logger().bind(run=run.id, revision=run.revision)
    for warning in warnings:
        log.warning(
            LIVE_WARNING, target=target.name, account=target.account, region=target.region, warning=str(warning)
        )


def log_report(report: Report) -> None:
    """Log the targets of a run, and the run."""
    for target in report.targets:
        is_saved = not (report.run.dry_run or report.mismatch)
        log_target(report.run, target, is_alone=len(report.targets) == 1, is_saved=is_saved)
    log_run(report)


def log_target(run: RunInfo, target: TargetReport, *, is_alone: bool, is_saved: bool) -> None:
    """Log a target: one line for each drift, call, failure and completed export, and one line for its end.

    The only target of a run has no line for its end, because the run has one. Unless the run `is_saved` in the journal,
    the completed exports have no line: they are new to the next run, too.
    """
    log = get_logger().bind(
        run=run.id, revision=run.revision, target=target.name, account=target.account, region=target.region
    )
    if target.error:
        log.error(TARGET_FAILED, error=target.error)
    for arn, reason in target.unlisted:
        log.warning(INTEGRATION_NOT_LISTED, integration=arn, name=target.integration_names.get(arn), error=reason)
    for association in target.associations:
        _log_association(log, association)
        if is_saved:
            _log_completed_exports(log, association)
    if not target.error and not is_alone:
        counts = Counter(association.decision for association in target.associations)
        log.info(TARGET_FINISHED, **{str(decision): count for decision, count in sorted(counts.items())})


def log_run(report: Report) -> None:
    """Log the end of a run."""
    log = get_logger().bind(run=report.run.id, revision=report.run.revision)
    if len(report.targets) == 1:
        log = log.bind(target=report.targets[0].name)
    digest = report.plan_digest if report.has_plan else None
    if report.mismatch:
        log.error(PLAN_REJECTED, reviewed=report.mismatch.reviewed_digest, planDigest=digest)
    outcomes = [association.outcome for association in report.associations]
    seconds = (report.run.finished_at - report.run.started_at).total_seconds()
    result = "failed" if report.has_failed else "plan rejected" if report.mismatch else "succeeded"
    log.log(
        logging.INFO if result == "succeeded" else logging.ERROR,
        RUN_FINISHED,
        result=result,
        error=_join_errors(report),
        dryRun=report.run.dry_run,
        seconds=round(seconds, 3),
        planDigest=digest,
        created=sum(isinstance(outcome, Created) for outcome in outcomes),
        updated=sum(isinstance(outcome, Updated) for outcome in outcomes),
        integrationsNotListed=sum(len(target.unlisted) for target in report.targets),
        **report.summary,
    )


def _join_errors(report: Report) -> str | None:
    """Return the errors of the failed targets as one text, or None. Name the targets if the run has several."""
    has_several = len(report.targets) > 1
    messages = [f"{each.name}: {each.error}" if has_several else each.error for each in report.targets if each.error]
    return "; ".join(messages) or None


def _log_association(log: FilteringBoundLogger, association: AssociationReport) -> None:
    association_log = log.bind(association=association.name, manifest=str(association.origin))
    drift = [difference for difference in association.differences if difference.is_drifted]
    if drift:
        association_log.warning(
            DRIFT_DETECTED,
            decision=association.decision,
            arn=association.arn,
            differences=[
                {"path": each.path, "git": each.desired, "applied": each.applied, "live": each.live} for each in drift
            ],
        )
    match association.outcome:
        case Created(association_id):
            association_log.info(ASSOCIATION_CREATED, id=association_id, clientToken=association.client_token)
        case Updated():
            association_log.info(ASSOCIATION_UPDATED, arn=association.arn)
        case Refused(reason) | NotSent(reason) as outcome:
            event, _ = _get_failure_events(association.write)
            association_log.error(
                event, result=RESULTS[type(outcome)], error=reason, clientToken=association.client_token
            )
        case Unknown(reason):
            _, event = _get_failure_events(association.write)
            association_log.error(event, result=RESULTS[Unknown], error=reason, clientToken=association.client_token)
        case Skipped() | None:
            pass
        case other:
            assert_never(other)


def _get_failure_events(write: Write | None) -> tuple[str, str]:
    """Return the events of a call that failed, and of one without an answer."""
    match write:
        case Create() | None:
            return CREATE_FAILED, CREATE_UNANSWERED
        case Update():
            return UPDATE_FAILED, UPDATE_UNANSWERED
        case other:
            assert_never(other)


def _log_completed_exports(log: FilteringBoundLogger, association: AssociationReport) -> None:
    """Log the exports whose end this run was the first to see."""
    for export in (each for each in association.exports if each.is_news):
        log.info(
            EXPORT_COMPLETED,
            association=association.name,
            manifest=str(association.origin),
            start=export.window and export.window.start.isoformat(),
            end=export.window and export.window.end.isoformat(),
            sentAt=export.job.sent_at.isoformat(),
            endedAt=export.job.ended_at and export.job.ended_at.isoformat(),
        )
