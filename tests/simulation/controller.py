"""Processes of a simulation: the real run with the real adapters, once or until the process is killed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from simulation.aws import Client, Cloud
from simulation.git import Git
from simulation.history import History
from simulation.invariants import Checker
from simulation.pace import SimulatedPace
from simulation.randomness import create_random, draw_bool, new_id
from simulation.scenario import ControllerSettings, FaultRates, Scenario
from simulation.schedule import Process, Schedule
from simulation.siblings import SharedBounds
from simulation.store import ProcessStore, SharedStore
from simulation.trace import Trace
from support.builders import ACCOUNT, REGION

from reconciler.core.apply.outcome import Refused
from reconciler.core.apply.result import Result
from reconciler.core.errors import ReconcilerError, StopRequested
from reconciler.core.model import IgnoreRule, Live, Manifest, Mode, Observation, Target, Unobserved
from reconciler.core.plan.decision import Adopt, Blocked, Changed, Lost
from reconciler.core.plan.inputs import RunOptions
from reconciler.core.ports import Progress, Writers
from reconciler.core.report.build import build_lines
from reconciler.core.run_context import Run, RunContext
from reconciler.edge.aws.reader import Reader
from reconciler.edge.aws.responses import ArnScope
from reconciler.edge.aws.writer import Writer
from reconciler.edge.state.reader import StoredJournalReader
from reconciler.edge.state.store import ReadOnlyStore
from reconciler.edge.state.writer import JournalAuthor, StoredJournalWriter
from reconciler.run import preview, reconcile

_WRITE_POINTS = ("put", "create", "update")
"""Points with the most kills and stops: the writes. Sleeps and reads have fewer."""
LOCK_TIMEOUT = 30.0
MAX_FAILURES = 3
"""Number of failed runs in a row after which a controller is restarted."""

_UNWRITTEN_EVENTS = {
    " is held by ": "lease: held by another",
    "the store refuses": "unwritten: the journal",
    "no answer": "unwritten: nobody knows",
}
"""Texts in the error of a run whose journal was not written. Such a run has sent nothing."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Objects that the processes share."""

    scenario: Scenario
    schedule: Schedule
    history: History
    checker: Checker
    cloud: Cloud
    store: SharedStore
    git: Git


class ProcessFaults:
    """Faults of the processes of one controller, until the faults end."""

    def __init__(self, scenario: Scenario, history: History, source: str) -> None:
        self._random, self._history, self._source = create_random(scenario.seed, f"luck of {source}"), history, source
        self.rates: FaultRates = scenario.faults

    def is_killed(self, point: str) -> bool:
        """Tell whether the process is killed at this point."""
        if not draw_bool(self._random, self.rates.kill * _weigh_point(point)):
            return False
        self._history.add_line(self._source, f"KILLED, {point}")
        self._history.count_event(f"killed: {point}")
        return True

    def draw_stop_seconds(self, point: str) -> float:
        """Return for how many seconds the process is stopped at this point before it is resumed."""
        if not draw_bool(self._random, self.rates.stop * _weigh_point(point)):
            return 0.0
        seconds = self._random.choice((70.0, 400.0, 1200.0, 1800.0, 4000.0)) * self._random.uniform(0.9, 1.1)
        self._history.add_line(self._source, f"STOPPED for {seconds:.0f} s, {point}")
        self._history.count_event(f"stopped: {point}")
        return seconds


def _weigh_point(point: str) -> float:
    if point == "put: before its answer":
        return 2.0  # between the intent and the call
    return 1.0 if point.startswith(_WRITE_POINTS) else 0.2


class ProcessClock:
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
        if self.is_stop_requested():
            raise StopRequested("shutdown requested")

    def is_stop_requested(self) -> bool:
        """Return whether a shutdown was requested."""
        return self._schedule.now >= self._stop_at


class RecordingReader:
    """The real reader, which also records its observations."""

    def __init__(self, reader: Reader, trace: Trace) -> None:
        self._reader, self._trace = reader, trace

    def observe(self, progress: Progress) -> Observation:
        """Return the observation of the reader, and record it."""
        self._trace.base_journal = self._trace.read_journal
        observation = self._reader.observe(progress)
        self._trace.observation = observation
        return observation

    def list_associations(self, integration_arns: Iterable[str]) -> Mapping[str, tuple[Live, ...] | Unobserved]:
        """List associations. Before the first write, they also count as the base of the decisions."""
        associations, trace = self._reader.list_associations(integration_arns), self._trace
        if trace.observation and trace.written_journal is None:
            known_associations = {**trace.observation.associations, **associations}
            trace.observation = Observation(trace.observation.integrations, known_associations)
        return associations


class ProcessState:
    """State that a process keeps between runs: the journal that it has read, and the bounds of creates."""

    def __init__(self, environment: Environment, process: Process) -> None:
        scenario = environment.scenario
        random = create_random(scenario.seed, f"looks of {process.name} at {environment.schedule.now}")
        self.process = process
        self.bounds = SharedBounds(scenario.sibling, random, environment.history) if scenario.sibling else None
        self.store = ProcessStore(environment.store, process)
        self._journal = StoredJournalReader(ReadOnlyStore.from_store(self.store), ACCOUNT, REGION)

    def open_journal(self, trace: Trace) -> StoredJournalReader:
        """Return the journal for one run."""
        self.store.trace = trace
        return self._journal


Decisions = list[tuple[str, Manifest, str]]
"""Name, manifest and kind of each decision of a run."""


class Controller:
    """One controller: a series of processes, each of which replaces a killed one."""

    def __init__(self, environment: Environment, settings: ControllerSettings) -> None:
        self._environment, self.settings = environment, settings
        self.process_faults = ProcessFaults(environment.scenario, environment.history, settings.name)
        self._random: Random = create_random(environment.scenario.seed, f"controller {settings.name}")
        self._run_count = 0

    def start(self, time: float) -> None:
        """Begin the first process, or the next process after a kill."""
        process = self._environment.schedule.start_process(
            self.settings.name, time, self.process_faults, self._run_repeatedly
        )
        process.death_callbacks.append(self._restart)

    def _restart(self) -> None:
        schedule = self._environment.schedule
        if not schedule.is_halted:
            self.start(schedule.now + self._random.choice((1.0, 30.0, 200.0, 900.0)))

    def _run_repeatedly(self, process: Process) -> None:
        """Run repeatedly until the time with faults is over. After several failed runs, restart the controller."""
        schedule, environment, state = (
            self._environment.schedule,
            self._environment,
            ProcessState(self._environment, process),
        )
        failures = 0
        while schedule.now < environment.scenario.start.timestamp() + environment.scenario.horizon:
            head = len(environment.git.revisions) - 1
            failures = 0 if self.run(state, max(0, head - self.settings.revisions_behind)) else failures + 1
            if failures == MAX_FAILURES:
                self._restart()
                return
            process.pause("between runs", self.settings.interval * self._random.uniform(1.0, 1.03))

    def run_once(self, process: Process) -> Decisions | None:
        """Make one run of the head of git in a process of its own. Return None if it failed."""
        return self.run(ProcessState(self._environment, process), len(self._environment.git.revisions) - 1)

    def run(self, state: ProcessState, revision: int) -> Decisions | None:
        """Make one run. Return None if it failed."""
        environment, process, trace = self._environment, state.process, self._create_trace(revision, is_dry_run=False)
        clock = self._create_clock(process)
        try:
            result = self._reconcile(state, trace, clock)
        except ReconcilerError as error:
            process.check_alive()
            environment.history.add_line(trace.controller, f"{trace.run} fails: {type(error).__name__}: {error}")
            environment.history.count_event(f"failed: {type(error).__name__}")
            return None
        except Exception as error:  # noqa: BLE001 - no run may raise another exception
            process.check_alive()
            environment.checker.report_exception(trace, error)
            return None
        process.check_alive()
        decisions = [
            (decision.manifest.name, decision.manifest, _format_kind(decision.kind, result, decision.manifest.name))
            for decision in result.plan.decisions
        ]
        environment.history.add_line(trace.controller, f"{trace.run} (revision {revision}): {_format_result(result)}")
        for text, event in _UNWRITTEN_EVENTS.items():
            if result.error and text in result.error:
                environment.history.count_event(event)
        environment.checker.check_result(trace, result)
        return decisions

    def preview(self, process: Process) -> None:
        """Make one dry run."""
        environment, trace = (
            self._environment,
            self._create_trace(len(self._environment.git.revisions) - 1, is_dry_run=True),
        )
        clock = self._create_clock(process)
        cloud, journal = (
            self._create_reader(process, trace, clock),
            ProcessState(environment, process).open_journal(trace),
        )
        try:
            plan = preview(self._build_run(trace, clock), cloud, journal).plan
        except ReconcilerError as error:
            environment.history.add_line(trace.controller, f"{trace.run} fails: {error}")
        except Exception as error:  # noqa: BLE001 - no run may raise another exception
            environment.checker.report_exception(trace, error)
        else:
            environment.history.add_line(trace.controller, f"{trace.run}: {_format_result(Result(plan, {}, {}))}")
            environment.checker.record_dry_run(plan)

    def _reconcile(self, state: ProcessState, trace: Trace, clock: ProcessClock) -> Result:
        environment, process, journal = self._environment, state.process, state.open_journal(trace)
        author = JournalAuthor(new_id(self._random), process.name, self.settings.host, str(trace.revision))
        create_lineage: Callable[[], str] = lambda: new_id(self._random)  # noqa: E731 - a function would be longer
        journal_writer = StoredJournalWriter(
            state.store, journal, author, clock, clock, timeout=LOCK_TIMEOUT, new_lineage=create_lineage
        )
        pace = SimulatedPace(clock)
        writer = Writer(lambda: Client(environment.cloud, process, trace), pace, clock)  # type: ignore[arg-type,return-value]
        run, reader, first = self._build_run(trace, clock), self._create_reader(process, trace, clock), None
        if state.bounds:
            first = preview(run, reader, journal)
            run, first = state.bounds.limit_creates(trace, run, first, has_faults=environment.cloud.has_faults)
        result = reconcile(run, reader, journal, Writers(writer, journal_writer), first)
        build_lines(result.plan, result.outcomes, result.live_after_writes)
        return result

    def _create_reader(self, process: Process, trace: Trace, clock: ProcessClock) -> RecordingReader:
        client = Client(self._environment.cloud, process, trace)
        return RecordingReader(Reader(client, ArnScope("aws", REGION, ACCOUNT), SimulatedPace(clock)), trace)  # type: ignore[arg-type]

    def _build_run(self, trace: Trace, clock: ProcessClock) -> Run:
        settle_time = timedelta(seconds=self._environment.scenario.settle_time)
        rules = tuple(IgnoreRule(f"*{digit}", "theirs") for digit in self._environment.scenario.ignored_digits)
        return Run(
            Target("prod", ignore=rules),
            trace.manifests,
            RunContext(RunOptions(trace.mode, settle_time), clock, lambda *_: None, clock.is_stop_requested),
        )

    def _create_trace(self, revision: int, *, is_dry_run: bool) -> Trace:
        self._run_count += 1
        mode = Mode.CREATE_AND_UPDATE if self._environment.scenario.has_updates else Mode.CREATE
        return Trace(
            run=f"{self.settings.name}/{self._run_count}",
            controller=self.settings.name,
            skew=self.settings.skew,
            is_dry_run=is_dry_run,
            mode=mode,
            revision=revision,
            manifests=self._environment.git.build_manifests(revision),
        )

    def _create_clock(self, process: Process) -> ProcessClock:
        now, has_sigterm = self._environment.schedule.now, draw_bool(self._random, self.process_faults.rates.sigterm)
        stop_at = now + self._random.uniform(0, 10) if has_sigterm else float("inf")
        return ProcessClock(self._environment.schedule, process, self.settings.skew, stop_at)


def _format_kind(kind: str, result: Result, name: str) -> str:
    return f"{kind}, refused" if isinstance(result.outcomes.get(name), Refused) else kind


def _format_result(result: Result) -> str:
    decisions = (
        f"{decision.manifest.name} {decision.kind}"
        + (f" [{decision.reason[:100]}]" if isinstance(decision, Blocked | Lost | Adopt | Changed) else "")
        + (f" ({type(outcome).__name__})" if (outcome := result.outcomes.get(decision.manifest.name)) else "")
        for decision in result.plan.decisions
    )
    unmanaged = f"; unmanaged {len(result.plan.unmanaged)}" if result.plan.unmanaged else ""
    return ", ".join(decisions) + unmanaged + (f"; {result.error}" if result.error else "")
