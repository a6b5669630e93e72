"""Puts a run together: which adapters serve which ports."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

import click

from reconciler import __version__
from reconciler.cli.choices import Choices
from reconciler.cli.journals import Journals, connection_of
from reconciler.cli.owners import Owners
from reconciler.core.errors import Undeclared
from reconciler.core.journal.records import Journal
from reconciler.core.model import Desired, Target
from reconciler.core.ports import JournalWriter, LeasedJournal, Progress, Writers
from reconciler.core.report.report import Report, RunInfo
from reconciler.core.suggestions import closest, listed
from reconciler.edge import logs
from reconciler.edge.aws import Aws, Models
from reconciler.edge.clock import SystemClock
from reconciler.edge.rate_limit import Pace
from reconciler.edge.state.reader import NO_JOURNAL
from reconciler.fleet import Conditions, Connect, Site, pass_over

if TYPE_CHECKING:
    from reconciler.edge.metrics import Metrics


class Passes:
    """Runs passes over all targets, with what does not change between them; what is counted is for who asks."""

    def __init__(self, choices: Choices, stop: threading.Event, metrics: Metrics | None = None) -> None:
        self._choices, self._metrics = choices, metrics
        self._stop = stop
        self._clock = SystemClock(stop)
        self._models = Models()
        self._connection = connection_of(choices, metrics.listen) if metrics else connection_of(choices)
        self._journals = Journals(choices, self._connection, self._models, self._clock)
        self._owners = Owners(self._clock, choices.lock_timeout)

    def run(self, desired: Desired, run: str, revision: str | None, progress: Progress) -> Report:
        """Run every target once and report. `run` is the id; `revision` is what the manifests come from."""
        choices = self._choices
        started = self._clock.now()
        settle = timedelta(seconds=choices.settle_time)
        conditions = Conditions(
            choices.mode, settle, self._clock, progress, self._stop.is_set, choices.max_creates, choices.agreed
        )
        only = {"target": desired.targets[0].name} if len(desired.targets) == 1 else {}
        with logs.bound(run=run, revision=revision, **only):
            targets, mismatch = pass_over(desired, self.connector(run, revision), conditions)
        finished = max(started, self._clock.now())  # the clock may have been set back
        info = RunInfo(run, started, finished, choices.dry_run, revision, __version__)
        return Report(info, targets, desired.noted, mismatch)

    def connector(self, run: str, revision: str | None = None) -> Connect:
        """Return what reaches targets, in the name of a run of a revision."""

        def connect(target: Target) -> Site:
            told = partial(self._metrics.waited, target.name) if self._metrics else lambda _: None
            pace = Pace(target.requests_per_second, target.burst, self._clock, told)
            aws = Aws(target, self._connection, pace, self._models)
            with ExitStack() as taken:
                taken.callback(aws.close)
                taken.callback(self._owners.take((aws.account, aws.region), run, target.name))
                may_begin = self._choices.may_begin(target.name)
                journal = self._journals.reader(aws.account, aws.region, may_begin=may_begin)
                writers = None
                if may_begin:
                    refusal = None
                else:
                    missing = NO_JOURNAL.format(place=journal.place)
                    refusal = f"a run would be refused: {missing}: {self._journals.refusal}"
                if not self._choices.dry_run:
                    journals = self._journals.writer(aws.account, aws.region, run, revision)
                    leased = partial(self._metrics.leased, target.name) if self._metrics else nullcontext
                    writers = Writers(aws.writer(self._clock), Leased(journals, leased))
                close = taken.pop_all().close
            return Site(aws.account, aws.region, aws.reader(), journal, writers, close, refusal)

        return connect


def selected(desired: Desired, choices: Choices, asked_by: str = "--target") -> Desired:
    """Return the targets that were asked for, `asked_by` what. Raises click.UsageError."""
    try:
        return narrowed(desired, choices.targets, choices.new_state, asked_by)
    except Undeclared as error:
        raise click.UsageError(str(error)) from error


def narrowed(desired: Desired, wanted: Sequence[str], new: Sequence[str] = (), asked_by: str = "--target") -> Desired:
    """Return the targets of these names, all where there is none. Raises Undeclared, for each of `new` as well."""
    names = [target.name for target in desired.targets]
    for glob in new:
        if not any(fnmatchcase(name, glob) for name in names):
            raise Undeclared(f"--new-state {glob!r} matches no target: declared are {', '.join(names)}; '*' is all")
    for name in wanted:
        if name not in names:
            near = closest(name, names)
            hint = f"did you mean {near!r}?" if near else f"declared are {listed(names)}"
            raise Undeclared(f"{asked_by} {name!r} is not declared: {hint}")
    chosen = wanted or names
    return replace(desired, targets=tuple(target for target in desired.targets if target.name in chosen))


@dataclass(frozen=True, slots=True)
class Leased:
    """Writes the journal, and is within `noted` while a lease lasts. A `JournalWriter`."""

    journal: JournalWriter
    noted: Callable[[], AbstractContextManager[None]]

    def swap(self, expected: Journal, new: Journal) -> None:
        """Write without a lease."""
        self.journal.swap(expected, new)

    @contextmanager
    def lease(self, expected: Journal, new: Journal) -> Iterator[LeasedJournal]:
        """Take the lease."""
        with self.journal.lease(expected, new) as leased, self.noted():
            yield leased


@contextmanager
def surroundings(choices: Choices) -> Iterator[None]:
    """Provide what is to stand in for AWS while the block runs: a sandbox in this process, or nothing."""
    if not choices.sandbox:
        yield
        return
    try:
        from reconciler.sandbox import DataFileError, in_process
    except ImportError as error:
        raise sandbox_missing() from error
    data = choices.state_folder / "sandbox-data.json"
    # Path.exists raises where a folder may not be looked into: the journal, which lies in it too, says so better
    there = not choices.dry_run or os.path.exists(data)  # noqa: PTH110
    with ExitStack() as stack:
        try:
            stack.enter_context(in_process(data if there else None, read_only=choices.dry_run))
        except DataFileError as error:
            raise click.ClickException(str(error)) from error
        yield


def sandbox_missing() -> click.ClickException:
    """Return the error for an installation without the sandbox."""
    return click.ClickException("the sandbox is not installed: pip install 'appintegrations-reconciler[sandbox]'")
