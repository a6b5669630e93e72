"""One shard in virtual time: a controller with a periodic task for each of its targets."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from random import Random
from threading import Lock
from typing import TypeAlias

from fleet_simulation.costs import RUN_CPU
from fleet_simulation.fleet import Fleet
from fleet_simulation.library import Library
from fleet_simulation.machine import Machine
from fleet_simulation.results import Look, Results
from fleet_simulation.scripts import MANIFESTS, Phase
from fleet_simulation.timeline import Timeline
from fleet_simulation.workload import LOOK
from support.builders import NOW

from reconciler.controller.scheduler import SchedulerContext
from reconciler.controller.task import PeriodicTask
from reconciler.core.controller.backoff import Backoff
from reconciler.core.model import Target
from reconciler.core.pace.bucket import Bucket
from reconciler.core.plan.create_bound import CreateBound
from reconciler.edge.scheduler import MAX_CONCURRENT_JOBS

OnSend: TypeAlias = Callable[[str, float], None]

_STEADY_RUNS = 2
_OLD_LIST = 30.0
"""Seconds after which a run lists again before it writes (core/apply/preview.py)."""


class Shard:
    """The targets of one shard, and the process that runs them. `on_send` gets the target and time of paced calls."""

    def __init__(
        self, timeline: Timeline, fleet: Fleet, number: int, library: Library, on_send: OnSend | None = None
    ) -> None:
        self.timeline, self.library, self.interval, self.on_send = timeline, library, fleet.interval, on_send
        self.targets: Mapping[int, Target] = fleet.select_targets(number)
        self.max_creates = fleet.compute_max_creates(number)
        self.results = Results()
        self._phases = dict.fromkeys(self.targets, (Phase.COUNT, 0))
        self._process: Process | None = None

    @property
    def is_steady(self) -> bool:
        """True if each target has run twice since it has its association. Only the first of these runs writes."""
        return all(phase is Phase.STEADY and count >= _STEADY_RUNS for phase, count in self._phases.values())

    @property
    def cpu_seconds(self) -> float:
        """The processor time that the current process has asked for."""
        return self._process.machine.cpu_seconds if self._process else 0.0

    def start(self) -> None:
        """Start the process, which runs every target now."""
        self._process = Process(self)

    def die(self) -> None:
        """Kill the process."""
        if self._process:
            self._process.machine.is_dead = True

    def get_phase(self, number: int) -> tuple[Phase, int]:
        """Return the phase of a target, and how many of its runs have ended."""
        return self._phases[number]

    def set_phase(self, number: int, phase: Phase, run_count: int) -> None:
        """Record the end of a run."""
        self._phases[number] = phase, run_count


class Process:
    """A process of a shard. All that it knows is lost when it dies, and the journals stay."""

    def __init__(self, shard: Shard) -> None:
        self.shard, self.timeline, self.library = shard, shard.timeline, shard.library
        targets, on_send = shard.targets, shard.on_send
        names: dict[Bucket, str] = {}

        def record_send(bucket: Bucket, time: float) -> None:
            if on_send:
                on_send(names[bucket], time)

        self.machine = Machine(self.timeline, record_send if on_send else None)
        self.bound = CreateBound({each.name: len(MANIFESTS) for each in targets.values()}, shard.max_creates, Lock())
        self._due = deque[tuple[TargetTask, Callable[[], None]]]()
        self._active_count = 0
        self.tasks = {each.name: TargetTask(self, number, each) for number, each in targets.items()}
        names |= {task.bucket: name for name, task in self.tasks.items()}
        for task in self.tasks.values():
            task.request()

    def put(self, task: TargetTask, job: Callable[[], None]) -> None:
        """Start a due run as soon as fewer than 512 are under way."""
        self._due.append((task, job))
        self._start_runs()

    def finish(self) -> None:
        """Record the end of a run, and run the targets whose creates waited for it."""
        self._active_count -= 1
        for name in self.bound.take_waiting():
            self.tasks[name].request()
        self._start_runs()

    def _start_runs(self) -> None:
        while self._due and self._active_count < MAX_CONCURRENT_JOBS:
            task, job = self._due.popleft()
            if task.take_due(job):
                self._active_count += 1
                TargetRun(task, job).start()


class TargetTask:
    """The real periodic task of a target. It is also the scheduler and the clock of this task.

    A real run takes time inside of the task's action. Here, the task is called at the end of the run. Its clock shows
    the start of the run, and moves to the end during the action.
    """

    def __init__(self, process: Process, number: int, target: Target) -> None:
        self.process, self.number, self.name = process, number, target.name
        self.bucket = Bucket(target.requests_per_second, target.burst, process.timeline.now)
        self.is_active = False
        self._is_requested = False
        self._past: float | None = None
        self._job: Callable[[], None] | None = None
        self._is_due = False
        random = Random(f"{target.name} {process.timeline.now}")  # noqa: S311 - not a secret
        scheduling = SchedulerContext(self, self, random.random)
        self._task = PeriodicTask(target.name, self._act, Backoff(process.shard.interval), scheduling)

    def request(self) -> None:
        """Request a run soon."""
        if self.is_active:
            self._is_requested = True
        else:
            self._task.request()

    def finish(self, started_at: float, job: Callable[[], None]) -> None:
        """Call the task as if its run had begun at `started_at` and had ended now."""
        self._past = started_at
        job()
        self.is_active = False

    def take_due(self, job: Callable[[], None]) -> bool:
        """Tell whether a due job may start. Another one may have replaced it."""
        if job is not self._job or not self._is_due:
            return False
        self._job, self._is_due, self.is_active = None, False, True
        return True

    def monotonic(self) -> float:
        """Return the virtual time."""
        return self.process.timeline.now if self._past is None else self._past

    def now(self) -> datetime:
        """Return the virtual time of day."""
        return NOW + timedelta(seconds=self.monotonic())

    def schedule(self, name: str, when: datetime, job: Callable[[], None]) -> None:  # noqa: ARG002 - one task
        """Run a job at a time. It replaces a waiting job."""
        call = partial(job)  # another object, to be told apart from a replaced job
        self._job, self._is_due = call, False

        def begin() -> None:
            if call is self._job and not self.process.machine.is_dead:
                self._is_due = True
                self.process.put(self, call)

        self.process.timeline.add((when - NOW).total_seconds(), begin)

    def cancel(self, name: str) -> None:  # noqa: ARG002 - one task
        """Cancel the waiting job."""
        self._job = None

    def is_queued(self, name: str) -> bool:  # noqa: ARG002 - one task
        """Tell whether the job is due and waits until fewer runs are under way."""
        return self._is_due

    def wake(self) -> None:
        """Do nothing. The clock is never set."""

    def _act(self, on_progress: Callable[[], None]) -> bool:
        """End the run of the task now, after the requests that came during the run."""
        on_progress()
        self._past = None
        if self._is_requested:
            self._is_requested = False
            self._task.request()
        return True


class TargetRun:
    """A run of a target: the steps of its script, one after the other."""

    def __init__(self, task: TargetTask, job: Callable[[], None]) -> None:
        self._task, self._job = task, job
        self._process = task.process
        self._machine, self._timeline = task.process.machine, task.process.timeline
        self._results = task.process.shard.results
        self._started_at = self._look_at = self._timeline.now
        self._phase, self._number = task.process.shard.get_phase(task.number)
        self._script = self._process.library.get(self._phase, self._number, is_old=False)
        self._index = self._open_count = 0

    def start(self) -> None:
        """Make the first step."""
        self._begin_step()

    def _begin_step(self) -> None:
        if self._index == len(self._script.steps):
            self._finish()
            return
        step = self._script.steps[self._index]
        self._index += 1
        self._open_count = step.count
        self._results.add(step.kind, step.count)
        match step.kind:
            case "list" | "write":
                for _ in range(step.count):
                    self._machine.send(self._task.bucket, self._end_call)
            case _:
                if step.kind == "get" and self._index == 2:
                    self._look_at = self._timeline.now
                self._machine.send_unpaced(self._end_call)

    def _end_call(self) -> None:
        self._open_count -= 1
        if self._open_count:
            return
        if self._script.steps[self._index - 1] == LOOK:
            self._machine.compute(RUN_CPU, self._decide)
        else:
            self._begin_step()

    def _decide(self) -> None:
        """Choose the script after the first look, as the bound of all creates and the age of the look demand."""
        name, bound, is_old = self._task.name, self._process.bound, self._timeline.now > self._look_at + _OLD_LIST
        has_create = self._phase is not Phase.STEADY
        bound.record_count(name, int(has_create))
        grant = bound.compute_grant(name)
        if has_create and grant.limit:
            self._phase, self._number = Phase.CREATE, 0
        self._script = self._process.library.get(self._phase, self._number, is_old=is_old)
        self._begin_step()

    def _finish(self) -> None:
        now = self._timeline.now
        self._results.looks[self._task.number].append(Look(self._started_at, now))
        shard = self._process.shard
        if self._phase is Phase.CREATE:
            self._results.converged_at[self._task.number] = now
            shard.set_phase(self._task.number, Phase.STEADY, 0)
        else:
            shard.set_phase(self._task.number, self._phase, self._number + 1)
        self._task.finish(self._started_at, self._job)
        self._process.finish()
