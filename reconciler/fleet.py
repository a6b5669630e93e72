"""Run the targets of a revision in parallel. A failed target does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Protocol

from reconciler import redaction
from reconciler.core.apply.preview import Preview
from reconciler.core.apply.result import Result
from reconciler.core.context import with_context
from reconciler.core.errors import ReconcilerError
from reconciler.core.model import Desired, Manifest, Target
from reconciler.core.plan.review import PlanMismatch, compare_with_review, format_write_line
from reconciler.core.ports import CloudReader, JournalReader, Writers
from reconciler.core.report.build import build_blocked_lines, build_target_report
from reconciler.core.report.report import TargetReport
from reconciler.core.run_context import Run, RunContext
from reconciler.run import preview, reconcile

_CONCURRENCY = 8


@dataclass(frozen=True, slots=True)
class TargetConnection:
    """Connection to a target, with the account and Region that it resolved to. `writers` is None in a dry run.

    If the target has no journal, `refusal` is the reason to refuse a run that may write. None permits the run.
    """

    account: str
    region: str
    cloud: CloudReader
    journal: JournalReader
    writers: Writers | None
    close: Callable[[], None]
    refusal: str | None = None


class TargetConnector(Protocol):
    """Function that connects to a target."""

    def __call__(self, target: Target) -> TargetConnection:
        """Return a connection to the target. Raises ReconcilerError."""


def run_targets(
    desired: Desired, connect: TargetConnector, context: RunContext
) -> tuple[tuple[TargetReport, ...], PlanMismatch | None]:
    """Run every target once, in parallel, and return the reports in the order of the targets.

    With a reviewed plan, preview every target before the first write. If the plan does not match the review, write
    nothing and return the mismatch.
    """
    tasks = [_TargetRun(target, desired.manifests[target.name], connect, context) for target in desired.targets]
    with ExitStack() as stack, ThreadPoolExecutor(_CONCURRENCY) as pool:
        for task in tasks:
            stack.callback(task.close)
        if context.reviewed:
            reports = tuple(pool.map(with_context(_TargetRun.preview), tasks))
            writes = (each.reviewed_write for report in reports for each in report.associations if each.reviewed_write)
            integration_names = {arn: name for report in reports for arn, name in report.integration_names.items()}
            if mismatch := compare_with_review(context.reviewed, map(format_write_line, writes), integration_names):
                return reports, mismatch
        return tuple(pool.map(with_context(_TargetRun.execute), tasks)), None


class _TargetRun:
    """Run of one target of a fleet. It keeps the connection and the preview for the execution."""

    def __init__(
        self, target: Target, manifests: Sequence[Manifest], connect: TargetConnector, context: RunContext
    ) -> None:
        self._target, self._manifests, self._connect = target, manifests, connect

        def report_progress(stage: str, done: int, total: int) -> None:
            context.progress(f"{target.name}: {stage}", done, total)

        self._run = Run(target, manifests, replace(context, progress=report_progress))
        self._connection: TargetConnection | None = None
        self._preview: Preview | None = None
        self._failure: TargetReport | None = None

    def preview(self) -> TargetReport:
        """Compute the plan of the target and return its report. Write nothing."""
        return self._build_report(lambda connection: self._build_preview(connection).result)

    def execute(self) -> TargetReport:
        """Carry out the preview, or run the target from the start if it has no preview. Return its report."""
        return self._failure or self._build_report(self._reconcile_or_preview)

    def close(self) -> None:
        """Close the connection to the target."""
        if self._connection:
            self._connection.close()

    def _build_preview(self, connection: TargetConnection) -> Preview:
        self._preview = preview(self._run, connection.cloud, connection.journal)
        return self._preview

    def _reconcile_or_preview(self, connection: TargetConnection) -> Result:
        if connection.writers:
            return reconcile(self._run, connection.cloud, connection.journal, connection.writers, self._preview)
        target_preview = self._preview or self._build_preview(connection)
        return (
            target_preview.result
            if target_preview.journal.lineage
            else replace(target_preview.result, refusal=connection.refusal)
        )

    def _build_report(self, compute_result: Callable[[TargetConnection], Result]) -> TargetReport:
        target = self._target
        account, region = target.account, target.region
        try:
            self._connection = self._connection or self._connect(target)
            account, region = self._connection.account, self._connection.region
            return build_target_report(target.name, account, region, compute_result(self._connection))
        except Exception as error:  # noqa: BLE001 - a failed target must not stop the others
            blocked_lines = build_blocked_lines(
                self._manifests, "not examined, because the target failed: see the error of the target"
            )
            self._failure = TargetReport(target.name, account, region, _describe_error(error), blocked_lines)
            return self._failure


def _describe_error(error: Exception) -> str:
    """Return the error as one line. The line of an unexpected error asks to report it."""
    if isinstance(error, ReconcilerError):
        return str(error)
    return f"internal error, please report it: {type(error).__name__}: {redaction.describe_error(error)}"
