"""All targets of a revision: each run for itself, so that one failure stays one failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Protocol

from reconciler import redaction
from reconciler.core.apply.preview import Preview
from reconciler.core.apply.result import Result
from reconciler.core.context import carrying
from reconciler.core.errors import ReconcilerError
from reconciler.core.model import Desired, Manifest, Target
from reconciler.core.plan.review import Mismatch, canonical_line, mismatch
from reconciler.core.ports import CloudReader, JournalReader, Writers
from reconciler.core.report.build import reported, undecided
from reconciler.core.report.report import TargetReport
from reconciler.core.run import Run, RunContext
from reconciler.run import preview, reconcile

_CONCURRENCY = 8


@dataclass(frozen=True, slots=True)
class TargetConnection:
    """Where a target turned out to be, and what reaches it until it is closed. `writers` is None in a dry run.

    `refusal` is why a run that may write is refused where there is no journal yet, if it is.
    """

    account: str
    region: str
    cloud: CloudReader
    journal: JournalReader
    writers: Writers | None
    close: Callable[[], None]
    refusal: str | None = None


class Connect(Protocol):
    """Reaches a target."""

    def __call__(self, target: Target) -> TargetConnection:
        """Return the site of a target. Raises ReconcilerError."""


def run_targets(
    desired: Desired, connect: Connect, context: RunContext
) -> tuple[tuple[TargetReport, ...], Mismatch | None]:
    """Run every target once, side by side, and return a report of each, in order.

    Where a plan was agreed to, all targets are looked at before any is written to, and the difference is returned.
    """
    tasks = [_Task(target, desired.manifests[target.name], connect, context) for target in desired.targets]
    with ExitStack() as ended, ThreadPoolExecutor(_CONCURRENCY) as pool:
        for task in tasks:
            ended.callback(task.close)
        if context.reviewed:
            looked = tuple(pool.map(carrying(_Task.look), tasks))
            writes = (each.write for report in looked for each in report.associations if each.write)
            names = {arn: name for report in looked for arn, name in report.names.items()}
            if another := mismatch(context.reviewed, map(canonical_line, writes), names):
                return looked, another
        return tuple(pool.map(carrying(_Task.act), tasks)), None


class _Task:
    """One target's part of a pass."""

    def __init__(self, target: Target, manifests: Sequence[Manifest], connect: Connect, context: RunContext) -> None:
        self._target, self._manifests, self._connect = target, manifests, connect

        def progress(stage: str, done: int, total: int) -> None:
            context.progress(f"{target.name}: {stage}", done, total)

        self._run = Run(target, manifests, replace(context, progress=progress))
        self._site: TargetConnection | None = None
        self._preview: Preview | None = None
        self._failed: TargetReport | None = None

    def look(self) -> TargetReport:
        """Find out what would be done, and do nothing."""
        return self._reported(lambda site: self._look(site).result)

    def act(self) -> TargetReport:
        """Do what may be done: all of it, or what was looked at before."""
        return self._failed or self._reported(self._act)

    def close(self) -> None:
        """Leave the target alone."""
        if self._site:
            self._site.close()

    def _look(self, site: TargetConnection) -> Preview:
        self._preview = preview(self._run, site.cloud, site.journal)
        return self._preview

    def _act(self, site: TargetConnection) -> Result:
        if site.writers:
            return reconcile(self._run, site.cloud, site.journal, site.writers, self._preview)
        seen = self._preview or self._look(site)
        return seen.result if seen.recorded.lineage else replace(seen.result, error=site.refusal)

    def _reported(self, decide: Callable[[TargetConnection], Result]) -> TargetReport:
        target = self._target
        account, region = target.account, target.region
        try:
            self._site = self._site or self._connect(target)
            account, region = self._site.account, self._site.region
            return reported(target.name, account, region, decide(self._site))
        except Exception as error:  # noqa: BLE001 - one target's failure is not the others'
            reason = undecided(self._manifests, "the target could not be reconciled")
            self._failed = TargetReport(target.name, account, region, _said(error), reason)
            return self._failed


def _said(error: Exception) -> str:
    """Return an error's line, and what is to be done with one that nobody foresaw."""
    if isinstance(error, ReconcilerError):
        return str(error)
    return f"internal error, please report it: {type(error).__name__}: {redaction.describe(error)}"
