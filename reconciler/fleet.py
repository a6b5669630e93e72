"""All targets of a revision: each run for itself, so that one failure stays one failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from reconciler.core.errors import ReconcilerError
from reconciler.core.model import Desired, Manifest, Mode, Target
from reconciler.core.ports import Clock, CloudReader, JournalReader, Progress, Writers
from reconciler.core.report import Result, TargetReport, describe, digest_lines, undecided
from reconciler.run import Run, preview, reconcile

_CONCURRENCY = 8


@dataclass(frozen=True, slots=True)
class Site:
    """Where a target turned out to be, and what reaches it. `writers` is None in a dry run."""

    account: str
    region: str
    cloud: CloudReader
    journal: JournalReader
    writers: Writers | None


class Connect(Protocol):
    """Reaches a target."""

    def __call__(self, target: Target) -> Site:
        """Return the site of a target. Raises ReconcilerError."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What all runs of a pass have in common."""

    mode: Mode
    settle: timedelta
    clock: Clock
    progress: Progress
    stopped: Callable[[], bool]


def pass_over(desired: Desired, connect: Connect, conditions: Conditions) -> tuple[TargetReport, ...]:
    """Run every target once, side by side, and return a report of each, in order."""

    def one(target: Target) -> TargetReport:
        return _run(target, connect, desired.manifests[target.name], conditions)

    with ThreadPoolExecutor(_CONCURRENCY) as pool:
        return tuple(pool.map(one, desired.targets))


def _run(target: Target, connect: Connect, manifests: Sequence[Manifest], conditions: Conditions) -> TargetReport:
    account, region = target.account, target.region
    run = Run(
        target,
        manifests,
        conditions.mode,
        conditions.settle,
        conditions.clock,
        lambda stage, done, total: conditions.progress(f"{target.name}: {stage}", done, total),
        conditions.stopped,
    )
    try:
        site = connect(target)
        account, region = site.account, site.region
        if site.writers:
            result = reconcile(run, site.cloud, site.journal, site.writers)
        else:
            result = Result(preview(run, site.cloud, site.journal).plan, {}, {})
    except Exception as error:  # noqa: BLE001 - one target's failure is not the others'
        reason = undecided(manifests, "the target could not be reconciled")
        return TargetReport(target.name, account, region, _said(error), reason)
    return TargetReport(
        name=target.name,
        account=account,
        region=region,
        error=result.error,
        associations=describe(result.plan, result.outcomes, result.refreshed),
        unmanaged=result.plan.unmanaged,
        digest_lines=digest_lines(result.plan),
    )


def _said(error: Exception) -> str:
    """Return an error's line, and what is to be done with one that nobody foresaw."""
    if isinstance(error, ReconcilerError):
        return str(error)
    return f"internal error, please report it: {type(error).__name__}: {error}"
