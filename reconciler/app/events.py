"""Log what a controller does, count it, and wake the notifications."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from reconciler import redaction
from reconciler.core.controller.status import ActiveRun, RejectedRevision, Revision, TargetStatus
from reconciler.core.model import Desired
from reconciler.core.report.report import Report
from reconciler.edge import logs
from reconciler.edge.metrics import Metrics
from reconciler.edge.scheduler import MAX_CONCURRENT_JOBS

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger


class LogAndMetrics:
    """What happens, as log lines and counts; `news` is called where people may want to know.

    `places` are where the manifests come from.
    """

    def __init__(self, metrics: Metrics, news: Callable[[], None], places: Sequence[str]) -> None:
        self._places = places
        self._log, self._metrics, self._news = logs.get_logger(), metrics, news

    def taken(self, revision: Revision, desired: Desired) -> None:
        """Say that another revision became active, and its warnings."""
        self._log.info(logs.REVISION_ACTIVATED, revision=revision.id, manifests=revision.manifest_count)
        logs.log_desired(desired, revision.id, self._places)

    def refused(self, refusal: RejectedRevision, in_force: Revision | None) -> None:
        """Say what is wrong with what is newest in git, and what is in force meanwhile."""
        for problem in refusal.problems:
            self._log.error(logs.MANIFEST_INVALID, problem=str(problem))
        self._log.error(
            logs.REVISION_REJECTED,
            error=refusal.reason,
            previousRevisionActive=in_force is not None,
            activeRevision=in_force.id if in_force else None,
        )
        self._news()

    def reported(self, report: Report) -> None:
        """Say what became of a run."""
        self._metrics.count_run(report)
        logs.log_report(report)
        self._news()

    def failed(self, what: str, run: ActiveRun | None, error: Exception) -> None:
        """Say that something went wrong that nobody foresaw, and where."""
        said = f"{type(error).__name__}: {redaction.describe_error(error)}"
        self._of(run).error(logs.UNEXPECTED_ERROR, what=what, error=said, exc_info=error)

    def stuck(self, lane: TargetStatus) -> None:
        """Say that a run makes no progress, or does not begin."""
        log = self._of(lane.active_run).bind(target=lane.target)
        log.error(logs.RUN_STUCK, since=str(lane.running_since), moved=str(lane.stalled_since))

    def waiting(self, targets: Sequence[str]) -> None:
        """Say that targets are due and wait for runs of others to end."""
        self._log.warning(logs.RUNS_WAITING, targets=len(targets), first=targets[0], atOnce=MAX_CONCURRENT_JOBS)

    def _of(self, run: ActiveRun | None) -> FilteringBoundLogger:
        return self._log.bind(**asdict(run)) if run else self._log
