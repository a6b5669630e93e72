"""Build a run from its parts: which adapter serves which port."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.app.config import RunConfig
from reconciler.app.run_locks import RunLocks
from reconciler.app.state import StateBackend, connection_of
from reconciler.core.errors import SetupError
from reconciler.core.journal.records import Journal
from reconciler.core.model import Desired, Target
from reconciler.core.ports import JournalWriter, LeasedJournal, Progress, Writers
from reconciler.core.report.report import Report, RunInfo
from reconciler.core.run import RunContext
from reconciler.edge import logs
from reconciler.edge.aws import SharedModels, TargetSession
from reconciler.edge.clock import SystemClock
from reconciler.edge.rate_limit import RateLimiter
from reconciler.edge.state.reader import NO_JOURNAL_MESSAGE
from reconciler.fleet import TargetConnection, TargetConnector, run_targets

if TYPE_CHECKING:
    from reconciler.edge.metrics import Metrics


class Runner:
    """Runs all targets, as often as it is asked to, with everything that stays the same between runs."""

    def __init__(self, config: RunConfig, stop: threading.Event, metrics: Metrics | None = None) -> None:
        """Open the place of the journals. Raises CloudError."""
        self._config, self._metrics = config, metrics
        self._stop = stop
        self._clock = SystemClock(stop)
        self._models = SharedModels()
        self._connection = connection_of(config, metrics.observe_session) if metrics else connection_of(config)
        self._state = StateBackend(config, self._connection, self._models, self._clock)
        self._locks = RunLocks(self._clock, config.lock_timeout.total_seconds())

    def run(self, desired: Desired, run: str, revision: str | None, progress: Progress) -> Report:
        """Run every target once and report. `run` is the id; `revision` is the commit of the manifests."""
        started = self._clock.now()
        only = {"target": desired.targets[0].name} if len(desired.targets) == 1 else {}
        with logs.bind_fields(run=run, revision=revision, **only):
            targets, mismatch = run_targets(desired, self.connector(run, revision), self.context(progress))
        finished = max(started, self._clock.now())  # the clock may have been set back
        info = RunInfo(run, started, finished, self._config.dry_run, revision, __version__)
        return Report(info, targets, desired.all_warnings, mismatch)

    def context(self, progress: Progress) -> RunContext:
        """Return the context of a run."""
        return RunContext(self._config.options, self._clock, progress, self._stop.is_set, self._config.reviewed)

    def connector(self, run: str, revision: str | None = None) -> TargetConnector:
        """Return the function that connects to a target for a run of a revision."""

        def connect(target: Target) -> TargetConnection:
            on_wait = partial(self._metrics.count_wait, target.name) if self._metrics else lambda _: None
            pace = RateLimiter(target.requests_per_second, target.burst, self._clock, on_wait)
            aws = TargetSession(target, self._connection, pace, self._models)
            with ExitStack() as opened:
                opened.callback(aws.close)
                opened.callback(self._locks.take((aws.account, aws.region), run, target.name))
                may_begin = self._config.may_begin(target.name)
                journal = self._state.reader(aws.account, aws.region, may_begin=may_begin)
                refusal = None
                if not may_begin:
                    missing = NO_JOURNAL_MESSAGE.format(place=journal.place)
                    refusal = f"a run would be refused: {missing}: {self._state.refusal}"
                writers = None if self._config.dry_run else self._writers(aws, target, run, revision)
                close = opened.pop_all().close
            return TargetConnection(aws.account, aws.region, aws.create_reader(), journal, writers, close, refusal)

        return connect

    def _writers(self, aws: TargetSession, target: Target, run: str, revision: str | None) -> Writers:
        journal = self._state.writer(aws.account, aws.region, run, revision)
        meter = partial(self._metrics.track_lease, target.name) if self._metrics else nullcontext
        return Writers(aws.create_writer(self._clock), MeteredJournalWriter(journal, meter))


@dataclass(frozen=True, slots=True)
class MeteredJournalWriter:
    """Writes the journal, and enters `meter` while it holds a lease. A `JournalWriter`."""

    journal: JournalWriter
    meter: Callable[[], AbstractContextManager[None]]

    def swap(self, expected: Journal, new: Journal) -> None:
        """Write without a lease."""
        self.journal.swap(expected, new)

    @contextmanager
    def lease(self, expected: Journal, new: Journal) -> Iterator[LeasedJournal]:
        """Take the lease."""
        with self.journal.lease(expected, new) as leased, self.meter():
            yield leased


@contextmanager
def sandbox_if_requested(config: RunConfig) -> Iterator[None]:
    """Let a sandbox in this process stand in for AWS while the block runs, if --sandbox says so. Raises SetupError."""
    if not config.sandbox:
        yield
        return
    try:
        from reconciler.sandbox import DataFileError, in_process
    except ImportError as error:
        raise sandbox_missing() from error
    data = config.sandbox_folder / "sandbox-data.json"
    # Path.exists raises if a folder may not be searched; the journal lies in the same folder, and says so better
    keeps_data = not config.dry_run or os.path.exists(data)  # noqa: PTH110
    with ExitStack() as stack:
        try:
            stack.enter_context(in_process(data if keeps_data else None, read_only=config.dry_run))
        except DataFileError as error:
            raise SetupError(str(error)) from error
        yield


def sandbox_missing() -> SetupError:
    """Return the error for an installation without the sandbox."""
    return SetupError("the sandbox is not installed: pip install 'appintegrations-reconciler[sandbox]'")
