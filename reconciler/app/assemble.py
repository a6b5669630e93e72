"""Build a run from its parts: give each port of the core an adapter of the edge."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from reconciler import __version__, redaction
from reconciler.app.calls import create_call_queue, open_pace
from reconciler.app.config import RunConfig
from reconciler.app.run_locks import RunLocks
from reconciler.app.state import Journals, build_connection_settings
from reconciler.core.errors import SetupError, UsageError
from reconciler.core.journal.records import Journal
from reconciler.core.model import Desired, Target
from reconciler.core.plan.create_bound import CreateBound
from reconciler.core.plan.review import PlanMismatch
from reconciler.core.ports import JournalReader, JournalWriter, LeasedJournal, Pace, Progress, Writers
from reconciler.core.report.report import Report, RunInfo, TargetReport
from reconciler.core.run_context import RunContext
from reconciler.edge import logs
from reconciler.edge.aws import STS_CALLS, SharedClients, SharedModels, TargetSession
from reconciler.edge.call_queue import QueuePace
from reconciler.edge.slots import Slots
from reconciler.edge.state.reader import NO_JOURNAL_MESSAGE
from reconciler.fleet import FleetListener, TargetConnection, TargetConnector, run_targets

if TYPE_CHECKING:
    from reconciler.edge.metrics import Metrics


_MAX_JOURNAL_READS = 32
"""Maximum number of journals that are read at the same time. Each needs a connection to S3."""


@dataclass(frozen=True, slots=True)
class RunListener:
    """The callbacks of a run: for its progress, and for the report of each target that has ended, in any thread."""

    progress: Progress
    on_end: Callable[[RunInfo, TargetReport], None] = lambda *_: None


class Runner:
    """A runner of targets, which shares clients of AWS, the queue of calls, journal readers and run locks."""

    def __init__(
        self,
        config: RunConfig,
        stop: threading.Event,
        metrics: Metrics | None = None,
        confirm: Callable[[Report], None] | None = None,
    ) -> None:
        """Open the location of the journals. Raises CloudError.

        `confirm` gets the report of a dry run before the first write, and raises NotConfirmed to write nothing.
        """
        self._config, self._metrics, self._confirm = config, metrics, confirm
        self._stop = stop
        self._clock = config.create_clock(stop)
        self._connection_settings = (
            build_connection_settings(config, metrics.observe_session) if metrics else build_connection_settings(config)
        )
        models = SharedModels()
        occupy_sts = Slots(STS_CALLS, stop.is_set).occupy
        self._clients = SharedClients(self._connection_settings, models, self._clock.monotonic, occupy_sts)
        self._queue = create_call_queue(self._clock, stop.is_set)
        self._state = Journals(config, self._connection_settings, models, self._clock)
        self._paces: dict[str, QueuePace] = {}
        self._reading = Slots(_MAX_JOURNAL_READS, stop.is_set)
        self._locks = RunLocks(self._clock, config.lock_timeout.total_seconds())

    def run(
        self,
        desired: Desired,
        run: str,
        revision: str | None,
        listener: RunListener,
        bound: CreateBound | None = None,
    ) -> Report:
        """Run every target once and return the report. `run` is the run's id; `revision` is the manifests' commit.

        `bound` is the bound of creates in all targets of the revision, if `desired` has only one of them.
        """
        started_at = self._clock.now()

        def build_info(*, is_question: bool = False) -> RunInfo:
            return RunInfo(
                run,
                started_at,
                max(started_at, self._clock.now()),  # the clock may have been set back
                dry_run=is_question or self._config.dry_run,
                revision=revision,
                version=__version__,
                is_single=self._config.is_single,
                is_question=is_question,
                shard=self._config.shard,
            )

        def build_report(
            targets: tuple[TargetReport, ...], mismatch: PlanMismatch | None, *, is_question: bool = False
        ) -> Report:
            info = build_info(is_question=is_question)
            live_warnings = dict.fromkeys(warning for target in targets for warning in target.warnings)
            return Report(info, targets, (*desired.all_warnings, *live_warnings), mismatch)

        def confirm(targets: tuple[TargetReport, ...]) -> None:
            if self._confirm:
                self._confirm(build_report(targets, None, is_question=True))

        target_field = {"target": desired.targets[0].name} if len(desired.targets) == 1 else {}
        with logs.bind_fields(run=run, revision=revision, **target_field):
            connect, context = self.build_connector(run, revision), self.build_context(listener.progress)
            targets, mismatch = run_targets(
                desired,
                connect,
                context,
                bound,
                FleetListener(confirm if self._confirm else None, lambda target: listener.on_end(build_info(), target)),
            )
        return build_report(targets, mismatch)

    def get_rates(self) -> dict[str, float]:
        """Return the calls per second that are allowed now, by target."""
        return {name: pace.rate for name, pace in list(self._paces.items())}

    def build_context(self, progress: Progress) -> RunContext:
        """Return the context of a run."""
        return RunContext(self._config.options, self._clock, progress, self._stop.is_set, self._config.reviewed)

    def build_connector(self, run: str, revision: str | None = None) -> TargetConnector:
        """Return the function that connects to a target for a run of a revision."""

        def connect(target: Target) -> TargetConnection:
            on_wait = partial(self._metrics.count_wait, target.name) if self._metrics else lambda _: None
            session = TargetSession(target, self._clients)
            with ExitStack() as stack:
                stack.callback(session.close)
                pace = self._paces[target.name] = open_pace(self._queue, session, target, on_wait)
                stack.callback(self._locks.acquire((session.account, session.region), run, target.name))
                may_create_journal = self._config.may_create_journal(target.name)
                journal = self._state.get_reader(session.account, session.region, may_create_journal=may_create_journal)
                refusal = None
                if not may_create_journal:
                    message = NO_JOURNAL_MESSAGE.format(place=journal.place)
                    refusal = f"a run would be refused: {message}: {self._state.missing_journal_remedy}"
                writers = None if self._config.dry_run else self._create_writers(session, pace, target, run, revision)
                close = stack.pop_all().close
            reader = LimitedJournalReader(journal, self._reading)
            return TargetConnection(
                session.account, session.region, session.create_reader(pace), reader, writers, close, refusal
            )

        return connect

    def _create_writers(
        self, session: TargetSession, pace: Pace, target: Target, run: str, revision: str | None
    ) -> Writers:
        journal = self._state.create_writer(session.account, session.region, run, revision)
        track_lease = partial(self._metrics.track_lease, target.name) if self._metrics else nullcontext
        return Writers(session.create_writer(pace, self._clock), MeteredJournalWriter(journal, track_lease))


@dataclass(frozen=True, slots=True)
class LimitedJournalReader:
    """A `JournalReader` that waits while too many journals are read."""

    journal: JournalReader
    slots: Slots

    def read(self) -> Journal:
        """Return the journal. Raises StopRequested if the process is stopped meanwhile."""
        with self.slots.occupy():
            return self.journal.read()


@dataclass(frozen=True, slots=True)
class MeteredJournalWriter:
    """A `JournalWriter` that enters `track_lease` while it holds the lease."""

    journal: JournalWriter
    track_lease: Callable[[], AbstractContextManager[None]]

    def swap(self, expected: Journal, new: Journal) -> None:
        """Replace the journal without a lease."""
        self.journal.swap(expected, new)

    @contextmanager
    def lease(self, expected: Journal, new: Journal) -> Iterator[LeasedJournal]:
        """Hold the lease while the block runs."""
        with self.journal.lease(expected, new) as leased_journal, self.track_lease():
            yield leased_journal


@contextmanager
def open_sandbox_if_requested(config: RunConfig) -> Iterator[None]:
    """Replace AWS with a sandbox in this process while the block runs, if --sandbox is set.

    Raises UsageError for a wrong switch, and SetupError.
    """
    if not config.sandbox:
        yield
        return
    try:
        from reconciler.sandbox import Behaviour, DataFileError, DataFileInUse, open_process_sandbox
    except ImportError as error:
        raise build_sandbox_missing_error() from error
    try:
        behaviour = Behaviour.parse(config.sandbox_switches)
    except ValueError as error:
        raise UsageError(f"--sandbox-set {redaction.describe_error(error)}") from error
    clock = config.create_clock()
    data_file = config.sandbox_folder / "sandbox-data.json"
    # Path.exists raises for a folder without search permission. The journal in that folder reports this better.
    should_keep_data = not config.dry_run or os.path.exists(data_file)  # noqa: PTH110 - see above
    with ExitStack() as stack:
        try:
            stack.enter_context(
                open_process_sandbox(
                    data_file if should_keep_data else None,
                    behaviour,
                    clock=lambda: clock.now().timestamp(),
                    is_read_only=config.dry_run,
                )
            )
        except DataFileInUse as error:
            remedy = "stop the other process, or choose another folder with --state"
            raise SetupError(f"another process uses the sandbox in {config.sandbox_folder}: {remedy}") from error
        except DataFileError as error:
            raise SetupError(str(error)) from error
        yield


def build_sandbox_missing_error() -> SetupError:
    """Return the error for an installation without the sandbox."""
    return SetupError("the sandbox is not installed: run pip install '.[sandbox]' in a checkout of this program")
