"""Processes of a simulation: the real run with the real adapters, once or until the process is killed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from simulation.aws import Client, Cloud
from simulation.dice import chance, dice, new_id
from simulation.git import Git
from simulation.history import START, History
from simulation.invariants import Checker
from simulation.scenario import Faults, Scenario, Who
from simulation.schedule import Process, Schedule
from simulation.store import Desk, Shelf
from simulation.trace import Trace
from support.builders import ACCOUNT, REGION

from reconciler.core.apply.outcome import Refused
from reconciler.core.apply.result import Result
from reconciler.core.errors import ReconcilerError, StopRequested
from reconciler.core.model import Live, Manifest, Mode, Observation, Target, Unobserved
from reconciler.core.plan.decision import Adopt, Blocked, Changed, Lost
from reconciler.core.plan.inputs import RunOptions
from reconciler.core.ports import Progress, Writers
from reconciler.core.report.build import build_lines
from reconciler.core.run import Run, RunContext
from reconciler.edge.aws.reader import Reader
from reconciler.edge.aws.responses import ArnScope
from reconciler.edge.aws.writer import Writer
from reconciler.edge.rate_limit import RateLimiter
from reconciler.edge.state.reader import StoredJournalReader
from reconciler.edge.state.store import ReadOnlyStore
from reconciler.edge.state.writer import JournalAuthor, StoredJournalWriter
from reconciler.run import preview, reconcile

_OFTEN = ("put", "create", "update")
"""Points with the most kills and stops: the writes. Sleeps and reads have fewer."""
LOCK_TIMEOUT = 30.0
PATIENCE = 3
"""Number of failed runs in a row after which a controller is restarted."""

_UNWRITTEN = {
    " is held by ": "lease: held by another",
    "the store refuses": "unwritten: the journal",
    "no answer": "unwritten: nobody knows",
}
"""Texts in the error of a run whose journal was not written. Such a run has sent nothing."""


@dataclass(frozen=True, slots=True)
class Board:
    """Objects that the processes share."""

    scenario: Scenario
    schedule: Schedule
    history: History
    checker: Checker
    cloud: Cloud
    shelf: Shelf
    git: Git


class Luck:
    """Faults of the processes of one controller, until the faults end."""

    def __init__(self, scenario: Scenario, history: History, who: str) -> None:
        self._random, self._history, self._who = dice(scenario.seed, f"luck of {who}"), history, who
        self.faults: Faults = scenario.faults

    def killed(self, where: str) -> bool:
        """Tell whether the process is killed at this point."""
        if not chance(self._random, self.faults.kill * _weight(where)):
            return False
        self._history.tell(self._who, f"KILLED, {where}")
        self._history.reach(f"killed: {where}")
        return True

    def stopped(self, where: str) -> float:
        """Return for how many seconds the process is stopped at this point before it is resumed."""
        if not chance(self._random, self.faults.stop * _weight(where)):
            return 0.0
        seconds = self._random.choice((70.0, 400.0, 1200.0, 1800.0, 4000.0)) * self._random.uniform(0.9, 1.1)
        self._history.tell(self._who, f"STOPPED for {seconds:.0f} s, {where}")
        self._history.reach(f"stopped: {where}")
        return seconds


def _weight(where: str) -> float:
    if where == "put: before its answer":
        return 2.0  # between the intent and the call
    return 1.0 if where.startswith(_OFTEN) else 0.2


class Time:
    """Clock and timer of one process. The clock may be wrong. A stop request ends each wait."""

    def __init__(self, schedule: Schedule, process: Process, skew: float, stop_at: float) -> None:
        self._schedule, self._process, self._skew, self._stop_at = schedule, process, skew, stop_at

    def now(self) -> datetime:
        """Return the time of the clock of the process."""
        return datetime.fromtimestamp(self._schedule.now + self._skew, UTC)

    def monotonic(self) -> float:
        """Return the monotonic time in seconds."""
        return self._schedule.now

    def sleep(self, seconds: float) -> None:
        """Wait. Raises StopRequested."""
        self._process.pause("sleep", max(0.0, min(seconds, self._stop_at - self._schedule.now)))
        if self.stopped():
            raise StopRequested("shutdown requested")

    def stopped(self) -> bool:
        """Return whether a shutdown was requested."""
        return self._schedule.now >= self._stop_at


class Observing:
    """The real reader, which also records its observations."""

    def __init__(self, reader: Reader, trace: Trace) -> None:
        self._reader, self._trace = reader, trace

    def observe(self, progress: Progress) -> Observation:
        """Return the observation of the reader, and record it."""
        self._trace.decided_from = self._trace.read
        observation = self._reader.observe(progress)
        self._trace.observation = observation
        return observation

    def list_associations(self, integration_arns: Iterable[str]) -> Mapping[str, tuple[Live, ...] | Unobserved]:
        """List associations. Before the first write, they also count as the base of the decisions."""
        listed, trace = self._reader.list_associations(integration_arns), self._trace
        if trace.observation and trace.wrote is None:
            seen = {**trace.observation.associations, **listed}
            trace.observation = Observation(trace.observation.integrations, seen)
        return listed


class Seat:
    """State that a process keeps between runs: the journal that it has read."""

    def __init__(self, board: Board, process: Process) -> None:
        self.process = process
        self.desk = Desk(board.shelf, process)
        self._journal = StoredJournalReader(ReadOnlyStore.from_store(self.desk), ACCOUNT, REGION)

    def journal(self, trace: Trace) -> StoredJournalReader:
        """Return the journal for one run."""
        self.desk.trace = trace
        return self._journal


Decided = list[tuple[str, Manifest, str]]
"""Name, manifest and kind of each decision of a run."""


class Controller:
    """One controller: a series of processes, each of which replaces a killed one."""

    def __init__(self, board: Board, who: Who) -> None:
        self._board, self.who = board, who
        self.luck = Luck(board.scenario, board.history, who.name)
        self._random: Random = dice(board.scenario.seed, f"controller {who.name}")
        self._runs = 0

    def begin(self, time: float) -> None:
        """Begin the first process, or the next process after a kill."""
        process = self._board.schedule.spawn(self.who.name, time, self.luck, self._loop)
        process.at_death.append(self._begin_again)

    def _begin_again(self) -> None:
        schedule = self._board.schedule
        if not schedule.halted:
            self.begin(schedule.now + self._random.choice((1.0, 30.0, 200.0, 900.0)))

    def _loop(self, process: Process) -> None:
        """Run repeatedly until the time with faults is over. After several failed runs, restart the controller."""
        schedule, board, seat = self._board.schedule, self._board, Seat(self._board, process)
        failures = 0
        while schedule.now < START.timestamp() + board.scenario.horizon:
            head = len(board.git.revisions) - 1
            failures = 0 if self.run(seat, max(0, head - self.who.behind)) else failures + 1
            if failures == PATIENCE:
                self._begin_again()
                return
            process.pause("between runs", self.who.interval * self._random.uniform(1.0, 1.03))

    def once(self, process: Process) -> Decided | None:
        """Make one run of the head of git in a process of its own. Return None if it failed."""
        return self.run(Seat(self._board, process), len(self._board.git.revisions) - 1)

    def run(self, seat: Seat, revision: int) -> Decided | None:
        """Make one run. Return None if it failed."""
        board, process, trace = self._board, seat.process, self._trace(revision, dry=False)
        time = self._time(process)
        try:
            result = self._reconcile(seat, trace, time)
        except ReconcilerError as error:
            process.breathe()
            board.history.tell(trace.who, f"{trace.run} fails: {type(error).__name__}: {error}")
            board.history.reach(f"failed: {type(error).__name__}")
            return None
        except Exception as error:  # noqa: BLE001 - no run may raise another exception
            process.breathe()
            board.checker.failed(trace, error)
            return None
        process.breathe()
        words = [
            (decision.manifest.name, decision.manifest, _word(decision.kind, result, decision.manifest.name))
            for decision in result.plan.decisions
        ]
        board.history.tell(trace.who, f"{trace.run} (revision {revision}): {_said(result)}")
        for said, reached in _UNWRITTEN.items():
            if result.error and said in result.error:
                board.history.reach(reached)
        board.checker.finished(trace, result)
        return words

    def preview(self, process: Process) -> None:
        """Make one dry run."""
        board, trace = self._board, self._trace(len(self._board.git.revisions) - 1, dry=True)
        time = self._time(process)
        cloud, journal = self._reader(process, trace, time), Seat(board, process).journal(trace)
        try:
            plan = preview(self._work(trace, time), cloud, journal).plan
        except ReconcilerError as error:
            board.history.tell(trace.who, f"{trace.run} fails: {error}")
        except Exception as error:  # noqa: BLE001 - no run may raise another exception
            board.checker.failed(trace, error)
        else:
            board.history.tell(trace.who, f"{trace.run}: {_said(Result(plan, {}, {}))}")
            board.checker.dry(plan)

    def _reconcile(self, seat: Seat, trace: Trace, time: Time) -> Result:
        board, process, journal = self._board, seat.process, seat.journal(trace)
        author = JournalAuthor(new_id(self._random), process.name, self.who.host, str(trace.revision))
        fresh: Callable[[], str] = lambda: new_id(self._random)  # noqa: E731 - a function would be longer
        keeper = StoredJournalWriter(seat.desk, journal, author, time, time, timeout=LOCK_TIMEOUT, new_lineage=fresh)
        pace = RateLimiter(2, 5, time)
        writer = Writer(lambda: Client(board.cloud, process, trace, pace), pace, time)  # type: ignore[arg-type,return-value]
        result = reconcile(
            self._work(trace, time), self._reader(process, trace, time), journal, Writers(writer, keeper)
        )
        build_lines(result.plan, result.outcomes, result.live_after_writes)
        return result

    def _reader(self, process: Process, trace: Trace, time: Time) -> Observing:
        client = Client(self._board.cloud, process, trace, RateLimiter(2, 5, time))
        return Observing(Reader(client, ArnScope("aws", REGION, ACCOUNT), concurrency=1), trace)  # type: ignore[arg-type]

    def _work(self, trace: Trace, time: Time) -> Run:
        settle = timedelta(seconds=self._board.scenario.settle)
        return Run(
            Target("prod"),
            trace.manifests,
            RunContext(RunOptions(trace.mode, settle), time, lambda *_: None, time.stopped),
        )

    def _trace(self, revision: int, *, dry: bool) -> Trace:
        self._runs += 1
        mode = Mode.CREATE_AND_UPDATE if self._board.scenario.updates else Mode.CREATE
        return Trace(
            run=f"{self.who.name}/{self._runs}",
            who=self.who.name,
            skew=self.who.skew,
            dry=dry,
            mode=mode,
            revision=revision,
            manifests=self._board.git.manifests(revision),
        )

    def _time(self, process: Process) -> Time:
        now, sigterm = self._board.schedule.now, chance(self._random, self.luck.faults.sigterm)
        stop_at = now + self._random.uniform(0, 10) if sigterm else float("inf")
        return Time(self._board.schedule, process, self.who.skew, stop_at)


def _word(word: str, result: Result, name: str) -> str:
    return f"{word}, refused" if isinstance(result.outcomes.get(name), Refused) else word


def _said(result: Result) -> str:
    words = (
        f"{decision.manifest.name} {decision.kind}"
        + (f" [{decision.reason[:100]}]" if isinstance(decision, Blocked | Lost | Adopt | Changed) else "")
        + (f" ({type(outcome).__name__})" if (outcome := result.outcomes.get(decision.manifest.name)) else "")
        for decision in result.plan.decisions
    )
    unmanaged = f"; unmanaged {len(result.plan.unmanaged)}" if result.plan.unmanaged else ""
    return ", ".join(words) + unmanaged + (f"; {result.error}" if result.error else "")
