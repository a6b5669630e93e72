"""Run the targets of a revision in parallel. A failed target does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from threading import Lock
from typing import Protocol

from reconciler import redaction
from reconciler.core.apply.preview import Preview
from reconciler.core.apply.result import Result
from reconciler.core.context import with_context
from reconciler.core.errors import NotConfirmed, ReconcilerError, is_access_failure
from reconciler.core.fleet_progress import FleetProgress
from reconciler.core.model import Desired, Manifest, Target
from reconciler.core.plan.create_bound import CreateBound, count_possible_creates, is_bound_needed
from reconciler.core.plan.review import PlanMismatch, ReviewedPlan, compare_with_review, format_write_line
from reconciler.core.ports import CloudReader, JournalReader, Writers
from reconciler.core.report.build import NOT_CHECKED, build_blocked_lines, build_target_report
from reconciler.core.report.report import TargetReport
from reconciler.core.run_context import Run, RunContext
from reconciler.run import preview, reconcile

MAX_TARGETS = 512
"""Maximum number of targets under way. Each waits for its calls in a thread of its own (docs/adr/0031).

At two calls a second, some 250 targets keep one processor core busy with calls.
"""


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


@dataclass(frozen=True, slots=True)
class FleetListener:
    """The callbacks of a run of several targets.

    `confirm` asks a person about the reports of the previews, and raises NotConfirmed to write nothing. None asks
    nobody. `on_end` gets the report of each target that has ended, in any thread.
    """

    confirm: Callable[[tuple[TargetReport, ...]], None] | None = None
    on_end: Callable[[TargetReport], None] = lambda _: None


def build_create_bound(desired: Desired, limit: int) -> CreateBound | None:
    """Return the bound that the targets of a revision share, or None if they cannot exceed it together."""
    counts = {
        target.name: sum(each.policy.retired is None for each in desired.manifests[target.name])
        for target in desired.targets
    }
    limit = desired.shard.compute_share(limit) if desired.shard else limit
    return CreateBound(counts, limit, Lock(), desired.shard) if is_bound_needed(counts, limit, desired.shard) else None


def run_targets(
    desired: Desired,
    connect: TargetConnector,
    context: RunContext,
    bound: CreateBound | None = None,
    listener: FleetListener = FleetListener(),
) -> tuple[tuple[TargetReport, ...], PlanMismatch | None]:
    """Run every target once, in parallel, and return the reports in the order of the targets.

    Preview every target before the first create (docs/adr/0034), and with a reviewed plan or a question to a person
    before the first write. A target without creates does not wait for the others otherwise. If the plan does not match
    the review, write nothing and return the mismatch. `bound` is the bound of a revision whose targets run one by one.
    Raises NotConfirmed.
    """
    confirm = listener.confirm
    context, runs_alone = replace(context, is_confirmed=confirm is not None), bound is not None
    bound = bound or build_create_bound(desired, context.options.max_creates_total)
    has_review = bool(context.reviewed or confirm)
    needs_preview = has_review or (not runs_alone and (bound is not None or len(desired.targets) > 1))
    progress = FleetProgress(context.progress, len(desired.targets), Lock())
    tasks = [
        _TargetRun(target, desired.manifests[target.name], connect, _for_target(context, progress, target), bound)
        for target in desired.targets
    ]

    def execute(task: _TargetRun) -> None:
        report = task.execute()
        progress.finish_target(has_failed=report.error is not None)
        listener.on_end(report)

    def begin(task: _TargetRun) -> None:
        """Preview a target, and also execute it if it does not have to wait for the others."""
        task.preview()
        if not (has_review or task.has_creates):
            execute(task)

    with ExitStack() as stack, ThreadPoolExecutor(MAX_TARGETS) as pool:
        for task in tasks:
            stack.callback(task.close)
        map_tasks = map if len(tasks) == 1 else pool.map  # one target needs no thread besides this one
        if needs_preview:
            tuple(map_tasks(with_context(begin), tasks))
        if has_review:
            reports = tuple(task.limit_creates() for task in tasks)
            if mismatch := _compare_with_review(context.reviewed, reports):
                return reports, mismatch
        if confirm:
            confirm(reports)
            if any(task.has_writes for task in tasks):
                _check_again(tuple(map_tasks(with_context(_TargetRun.preview_again), tasks)))
        tuple(map_tasks(with_context(execute), [task for task in tasks if task.report is None]))
        return tuple(task.report for task in tasks if task.report), None


def _compare_with_review(reviewed: ReviewedPlan | None, reports: Sequence[TargetReport]) -> PlanMismatch | None:
    """Return how the previews of all targets differ from the reviewed plan, or None."""
    if reviewed is None:
        return None
    writes = (each.reviewed_write for report in reports for each in report.associations if each.reviewed_write)
    integration_names = {arn: name for report in reports for arn, name in report.integration_names.items()}
    return compare_with_review(reviewed, map(format_write_line, writes), integration_names)


def _for_target(context: RunContext, progress: FleetProgress, target: Target) -> RunContext:
    return replace(context, progress=progress.create_target_progress(target.name))


def _check_again(are_same: tuple[bool, ...]) -> None:
    """Raise NotConfirmed if the plan of a target differs from the confirmed one. Then no target is written."""
    if not all(are_same):
        raise NotConfirmed(
            "nothing was written, because the plan changed after it was shown: run reconcile again to see the new plan"
        )


class _TargetRun:
    """Run of one target of a fleet. It keeps the connection and the preview for the execution.

    `report` is None until the target was executed.
    """

    def __init__(
        self,
        target: Target,
        manifests: Sequence[Manifest],
        connect: TargetConnector,
        context: RunContext,
        bound: CreateBound | None,
    ) -> None:
        self._target, self._manifests, self._connect, self._bound = target, manifests, connect, bound
        self._run = Run(target, manifests, context)
        self._connection: TargetConnection | None = None
        self._preview: Preview | None = None
        self._failure: TargetReport | None = None
        self.report: TargetReport | None = None

    def preview(self) -> None:
        """Compute the plan of the target, and count its creates. Write nothing."""
        self._build_report(lambda connection: self._build_preview(connection).result)
        if self._bound and self._preview and not self._failure:
            self._bound.record_count(self._target.name, count_possible_creates(self._preview.plan))
        elif self._bound:
            self._bound.record_failure(self._target.name)

    def limit_creates(self) -> TargetReport:
        """Stop the creates of the preview that exceed the bound of all targets. Return the report of the preview."""
        if self._bound and self._preview and not self._failure:
            run = self._run = replace(self._run, grant=self._bound.compute_grant(self._target.name))
            candidate = replace(self._preview, rules=replace(self._preview.rules, grant=run.grant))
            has_creates = count_possible_creates(candidate.plan) > 0
            self._preview = (
                candidate.replan(run.target, run.manifests, candidate.observation) if has_creates else candidate
            )
        return self._failure or self._build_report(lambda connection: self._build_preview(connection).result)

    @property
    def has_creates(self) -> bool:
        """True if the preview has creates, or a data integration that could not be listed and may need some."""
        return self._preview is not None and not self._failure and count_possible_creates(self._preview.plan) > 0

    @property
    def has_writes(self) -> bool:
        """True if the preview has writes."""
        return self._preview is not None and not self._failure and bool(self._preview.plan.writes)

    def preview_again(self) -> bool:
        """Make the plan of the target again after a person confirmed it. Tell whether it has the same writes."""
        confirmed, self._preview = self._preview, None
        if self._failure or confirmed is None:
            return True  # the person saw that this target failed
        self._build_report(lambda connection: self._build_preview(connection).result)
        return self._preview is not None and not self._failure and confirmed.has_same_writes_as(self._preview.plan)

    def execute(self) -> TargetReport:
        """Carry out the preview, or run the target from the start if it has no preview. Return its report."""
        if self._bound and not self._failure:
            if not self._preview:
                self.preview()
            self.limit_creates()
        try:
            self.report = self._failure or self._build_report(self._reconcile_or_preview)
        finally:
            self.close()
        return self.report

    def close(self) -> None:
        """Close the connection to the target, and free what the run has read."""
        connection, self._connection, self._preview = self._connection, None, None
        if connection:
            connection.close()

    def _build_preview(self, connection: TargetConnection) -> Preview:
        self._preview = self._preview or preview(self._run, connection.cloud, connection.journal)
        return self._preview

    def _reconcile_or_preview(self, connection: TargetConnection) -> Result:
        if connection.writers:
            return reconcile(self._run, connection.cloud, connection.journal, connection.writers, self._preview)
        target_preview = self._build_preview(connection)
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
            blocked_lines = build_blocked_lines(self._manifests, NOT_CHECKED)
            self._failure = TargetReport(
                target.name,
                account,
                region,
                _describe_error(error),
                blocked_lines,
                is_access_failure=is_access_failure(error),
            )
            return self._failure


def _describe_error(error: Exception) -> str:
    """Return the error as one line. The line of an unexpected error asks to report it."""
    if isinstance(error, ReconcilerError):
        return str(error)
    return f"internal error, please report it: {type(error).__name__}: {redaction.describe_error(error)}"
