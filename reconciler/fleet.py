"""All targets of a revision: each run for itself, so that one failure stays one failure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from reconciler.core.errors import ReconcilerError
from reconciler.core.model import Desired, Manifest, Mode, Target
from reconciler.core.ports import Clock, CloudReader, JournalReader, Progress
from reconciler.core.report import TargetReport, describe, digest_lines, undecided
from reconciler.run import Result, Run, Writers, preview, reconcile

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
    with ThreadPoolExecutor(_CONCURRENCY) as pool:
        sites = tuple(pool.map(lambda target: _reach(target, connect), desired.targets))
        places = Counter((site.account, site.region) for site in sites if isinstance(site, Site))

        def one(target: Target, site: Site | Exception) -> TargetReport:
            return _run(target, site, places, desired.manifests[target.name], conditions)

        return tuple(pool.map(one, desired.targets, sites))


def _reach(target: Target, connect: Connect) -> Site | Exception:
    try:
        return connect(target)
    except Exception as error:  # noqa: BLE001 - one target's failure is not the others'
        return error


def _run(
    target: Target,
    site: Site | Exception,
    places: Mapping[tuple[str, str], int],
    manifests: Sequence[Manifest],
    conditions: Conditions,
) -> TargetReport:
    if isinstance(site, Exception):
        return _failed(target, target.account, target.region, manifests, _said(site))
    if places[site.account, site.region] > 1:
        said = f"several targets are account {site.account} in {site.region}: keep one of them"
        return _failed(target, site.account, site.region, manifests, said)
    run = Run(
        target, manifests, conditions.mode, conditions.settle, conditions.clock, conditions.progress, conditions.stopped
    )
    try:
        if site.writers:
            result = reconcile(run, site.cloud, site.journal, site.writers)
        else:
            result = Result(preview(run, site.cloud, site.journal)[0], {}, {})
    except Exception as error:  # noqa: BLE001 - one target's failure is not the others'
        return _failed(target, site.account, site.region, manifests, _said(error))
    return TargetReport(
        name=target.name,
        account=site.account,
        region=site.region,
        error=result.error,
        associations=describe(result.plan, result.outcomes, result.refreshed),
        unmanaged=result.plan.unmanaged,
        digest_lines=digest_lines(result.plan),
    )


def _failed(
    target: Target, account: str | None, region: str | None, manifests: Sequence[Manifest], error: str
) -> TargetReport:
    return TargetReport(target.name, account, region, error, undecided(manifests, "the target could not be reconciled"))


def _said(error: Exception) -> str:
    """Return an error's line, and what is to be done with one that nobody foresaw."""
    if isinstance(error, ReconcilerError):
        return str(error)
    return f"internal error, please report it: {type(error).__name__}: {error}"
