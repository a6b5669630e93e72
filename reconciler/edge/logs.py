"""Write logs: JSON lines for machines, text for people. Each line has a constant event name and fields."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING, Any, TextIO, assert_never

from reconciler import redaction
from reconciler.core.apply.outcome import RESULTS, Created, NotSent, Refused, Skipped, Unknown, Updated
from reconciler.core.errors import Problem
from reconciler.core.model import Desired
from reconciler.core.plan.write import Update
from reconciler.core.report.report import AssociationReport, Report, RunInfo, TargetReport
from reconciler.core.text import escape_workflow_commands, sanitize

# structlog imports rich, if it is installed, to format tracebacks, which takes half of structlog's import time.
# An entry of None in sys.modules makes that import fail (Python's reference, "The module cache").
_rich = sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
import structlog  # noqa: E402 - see above

if _rich is None:
    del sys.modules["rich"]

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger, Processor

DRIFT_DETECTED = "drift detected"
ASSOCIATION_CREATED = "association created"
ASSOCIATION_UPDATED = "association updated"
EXPORT_COMPLETED = "export completed"
CREATE_FAILED = "create failed"
CREATE_UNANSWERED = "create unanswered"
UPDATE_FAILED = "update failed"
UPDATE_UNANSWERED = "update unanswered"
TARGET_FAILED = "target failed"
INTEGRATION_NOT_LISTED = "integration not listed"
RUN_FINISHED = "run finished"
SETTLE_TIME_SHORT = "settle time is short"
NO_STATE = "no state given"
NO_MANIFESTS = "no manifests"
MANIFEST_INVALID = "manifest invalid"
MANIFEST_WARNING = "manifest warning"
LIVE_WARNING = "live warning"
PLAN_REJECTED = "plan rejected"
REVISION_REJECTED = "revision rejected"
REVISION_ACTIVATED = "revision activated"
RUN_REQUESTED = "run requested"
RUN_STUCK = "run stuck"
RUNS_WAITING = "runs waiting"
LISTENING = "listening"
NOTIFICATION_DELIVERED = "notification delivered"
NOTIFICATION_NOT_DELIVERED = "notification not delivered"
NOTIFICATION_STATE_NOT_SAVED = "notification state not saved"
RUN_HISTORY_NOT_SAVED = "run history not saved"
RECEIVERS_LOADED = "receivers loaded"
RECEIVERS_REJECTED = "receivers rejected"
CLOCK_JUMPED = "clock jumped"
CONTROLLER_STARTED = "controller started"
CONTROLLER_STOPPED = "controller stopped"
SHUTDOWN_TIMED_OUT = "shutdown timed out"
UNEXPECTED_ERROR = "unexpected error"

_IN_REPORT = frozenset((TARGET_FAILED, RUN_FINISHED))
"""Events whose fields the report shows as well."""
_DETAILS = frozenset(("run", "account", "region", "arn", "differences", "clientToken"))


class _SafeStream:
    """The log stream. It ignores errors such as a full disk or a closed pipe: a log must not stop the program."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            if self._stream:
                self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            if self._stream:
                self._stream.flush()


def configure(stream: TextIO | None, *, has_colors: bool, is_brief: bool = False) -> None:
    """Send logs to a stream: text lines to a terminal, JSON lines to any other stream. None discards the logs.

    Set `is_brief` if the same terminal also shows the report. It leaves out info lines, and the events and fields that
    the report shows.
    """
    is_terminal = stream is not None and stream.isatty()
    out: Any = _SafeStream(stream)
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        _redact,
    ]
    renderer: Any
    if is_terminal:
        processors += [structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False), _sanitize]
        processors += [_drop_details] if is_brief else []
        renderer = structlog.dev.ConsoleRenderer(colors=has_colors, exception_formatter=structlog.dev.plain_traceback)
    else:
        processors += [structlog.processors.TimeStamper(fmt="iso")]
        renderer = _render_json
    structlog.configure(
        processors=[*processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING if is_brief else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)  # gives the log lines of libraries the same format
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=[_redact_event, *processors])
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    for name in ("botocore.credentials", "botocore.tokens"):
        logging.getLogger(name).addFilter(_summarize_refresh_failure)


def get_logger() -> FilteringBoundLogger:
    """Return the logger."""
    log: FilteringBoundLogger = structlog.get_logger()
    return log


def _summarize_refresh_failure(record: logging.LogRecord) -> bool:
    """Put the error of a failed refresh of credentials into its line, without the traceback.

    Return whether the record adds information to the error that botocore raises. It does if the old credentials or
    tokens are still valid, since botocore then raises no error.
    """
    if record.exc_info and record.exc_info[1]:
        record.msg, record.args = f"{record.getMessage()} {redaction.describe_error(record.exc_info[1])}", ()
        record.exc_info = None
    return "mandatory refresh" not in record.getMessage()


def log_thread_failure(hook_arguments: threading.ExceptHookArgs) -> None:
    """Log an unexpected error that ended a thread, as one line. Use it as `threading.excepthook`."""
    _log_unexpected(
        f"thread {hook_arguments.thread.name}" if hook_arguments.thread else "thread", hook_arguments.exc_value
    )


def log_unraisable(hook_arguments: sys.UnraisableHookArgs) -> None:
    """Log an error that cannot be caught, such as one in a finalizer. Use it as `sys.unraisablehook`."""
    _log_unexpected("finalizer", hook_arguments.exc_value)


def _log_unexpected(what: str, error: BaseException | None) -> None:
    if error is not None:
        message = f"{type(error).__name__}: {redaction.describe_error(error)}"
        get_logger().error(UNEXPECTED_ERROR, what=what, error=message, exc_info=error)


def bind_fields(**fields: object) -> AbstractContextManager[None]:
    """Add fields to each line that is logged while the block runs, including lines of libraries."""
    return structlog.contextvars.bound_contextvars(**fields)


def log_desired(desired: Desired, revision: str | None, files: Sequence[str]) -> None:
    """Log the warnings about a revision's manifests, and a warning if there are no manifests."""
    log = get_logger().bind(revision=revision) if revision else get_logger()
    for warning in desired.warnings:
        log.warning(MANIFEST_WARNING, warning=str(warning))
    if desired.is_empty:
        log.warning(NO_MANIFESTS, files=list(files))


def log_live_warnings(run: RunInfo, target: TargetReport, warnings: Iterable[Problem]) -> None:
    """Log warnings about manifests that need an answer of AWS, one line for each."""
    log = get_logger().bind(run=run.id, revision=run.revision)
    for warning in warnings:
        log.warning(
            LIVE_WARNING, target=target.name, account=target.account, region=target.region, warning=str(warning)
        )


def log_report(report: Report) -> None:
    """Log a run: one line for each drift, call, failure and completed export, and one line for the whole run."""
    log = get_logger().bind(run=report.run.id, revision=report.run.revision)
    if len(report.targets) == 1:
        log = log.bind(target=report.targets[0].name)
    for target in report.targets:
        target_log = log.bind(target=target.name, account=target.account, region=target.region)
        if target.error:
            target_log.error(TARGET_FAILED, error=target.error)
        for arn, reason in target.unlisted:
            target_log.warning(
                INTEGRATION_NOT_LISTED, integration=arn, name=target.integration_names.get(arn), error=reason
            )
        for association in target.associations:
            _log_association(target_log, association)
            if not report.run.dry_run:
                _log_completed_exports(target_log, association)
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
            event = UPDATE_FAILED if isinstance(association.write, Update) else CREATE_FAILED
            association_log.error(
                event, result=RESULTS[type(outcome)], error=reason, clientToken=association.client_token
            )
        case Unknown(reason):
            event = UPDATE_UNANSWERED if isinstance(association.write, Update) else CREATE_UNANSWERED
            association_log.error(event, result=RESULTS[Unknown], error=reason, clientToken=association.client_token)
        case Skipped() | None:
            pass
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


def _render_json(logger: object, name: str, event: EventDict) -> str:
    """Return an event as a line of JSON that a CI runner does not interpret as a command."""
    return escape_workflow_commands(str(structlog.processors.JSONRenderer()(logger, name, event)))


def _drop_details(_: object, __: str, event: EventDict) -> EventDict:
    """Remove the events and fields that the report on the same terminal shows. Raises structlog.DropEvent."""
    if event["event"] in _IN_REPORT:
        raise structlog.DropEvent
    return {key: value for key, value in event.items() if key not in _DETAILS}


def _redact(_: object, __: str, event: EventDict) -> EventDict:
    """Remove secrets from a traceback, which may contain messages of libraries."""
    if "exception" in event:
        event["exception"] = redaction.redact(str(event["exception"]))
    return event


def _redact_event(_: object, __: str, event: EventDict) -> EventDict:
    """Remove secrets from the log records of libraries, including Python's warnings."""
    return {**event, "event": redaction.redact(str(event["event"]))}


def _sanitize(_: object, __: str, event: EventDict) -> EventDict:
    """Escape control characters in text fields, line by line. Other fields are shown by their safe `repr`."""
    safe = {key: sanitize(value) if isinstance(value, str) else value for key, value in event.items()}
    if "exception" in event:
        safe["exception"] = "\n".join(map(sanitize, str(event["exception"]).splitlines()))
    return safe
