"""Follows git and runs each target in a lane of its own, until it is closed."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from reconciler.controller import task
from reconciler.controller.revisions import Following
from reconciler.controller.scheduler import Timing
from reconciler.controller.task import Lane
from reconciler.core.apply.outcome import SUCCESSES
from reconciler.core.controller import status
from reconciler.core.controller.backoff import Backoff
from reconciler.core.controller.status import ActiveRun, ControllerStatus, FinishedRun, RejectedRevision, Revision
from reconciler.core.errors import StopRequested
from reconciler.core.model import Desired
from reconciler.core.report.report import Report

LOOK = "look"
"""What the timetable knows looking at git by: it waits for no target."""
REMEMBERED = timedelta(days=1)
_MOST_RUNS = 20_000
"""How many finished runs are remembered at most: those of a day, of some sixty targets every five minutes."""


class Act(Protocol):
    """Runs one target."""

    def __call__(self, run: ActiveRun, desired: Desired, got_on: Callable[[], None]) -> Report:
        """Make a run, and report; call `got_on` whenever something is done."""


class Told(Protocol):
    """Is told what happens as it happens. Must not raise."""

    def taken(self, revision: Revision, desired: Desired) -> None:
        """Say that another revision came into force, and what it asks for."""

    def refused(self, refusal: RejectedRevision, in_force: Revision | None) -> None:
        """Say why what is newest in git is not in force: once, while it stays so."""

    def reported(self, report: Report) -> None:
        """Say what became of a run."""

    def failed(self, what: str, run: ActiveRun | None, error: Exception) -> None:
        """Say that something went wrong that nobody foresaw, and in which run, if in one."""

    def stuck(self, lane: status.TargetStatus) -> None:
        """Say that a run does not get on: once for each."""

    def waiting(self, targets: Sequence[str]) -> None:
        """Say that targets are due and wait for runs of others to end: once, while there are any."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a controller works with."""

    act: Act
    told: Told
    timing: Timing
    new_id: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Times:
    """How often targets are run and git is looked at, and for how long a run may not get on before it is stuck.

    Because somebody asks they are begun twice within `quiet` at most: a storm of webhooks that lasts is two runs.
    Once in a `heartbeat` people are sent a summary, where anybody is sent anything; never where it is 0.
    """

    interval: timedelta
    looking: timedelta
    patience: timedelta
    heartbeat: timedelta = timedelta()
    quiet: timedelta = timedelta(seconds=30)


@dataclass(slots=True)
class TargetState:
    """A target's task, the run that is active, and what earlier runs found. Guarded by the controller's lock.

    `last_complete` is the last report for which all data integrations could be listed.
    """

    task: Lane = field(init=False)
    active: ActiveRun | None = None
    last: Report | None = None
    last_complete: Report | None = None
    last_success: datetime | None = None

    def forget(self) -> None:
        """Forget what earlier runs found: git has dropped the target."""
        self.last = self.last_complete = self.last_success = None

    def remember(self, report: Report) -> None:
        """Keep what a run found."""
        self.last = report
        if report.is_complete:
            self.last_complete = report
        if not report.has_failed:
            self.last_success = report.run.finished_at


class Controller:
    """The loop."""

    def __init__(self, following: Following, means: Means, times: Times) -> None:
        self._following, self._means, self._times = following, means, times
        self._started = means.timing.clock.now()
        self._lock = threading.Lock()
        self._targets: dict[str, TargetState] = {}
        self._leaving: dict[str, TargetState] = {}
        self._past: deque[FinishedRun] = deque(maxlen=_MOST_RUNS)
        self._told_stuck: set[tuple[str, datetime | None]] = set()
        self._told_waiting = False
        self._all_asked = threading.Event()
        self._closed = False
        self._looking = self._task(LOOK, self._look, times.looking)

    def start(self) -> None:
        """Look at git, and go on from there."""
        self._looking.ask()

    def watch(self) -> None:
        """Tell of what does not get on, once for each, and put right what was not begun. To be called now and then."""
        with self._lock:
            tasks = {name: state.task for name, state in self._targets.items()}
        for each in (self._looking, *tasks.values()):
            each.see()
        waiting = [name for name, each in sorted(tasks.items()) if each.waits]
        if waiting and not self._told_waiting:
            self._means.told.waiting(waiting)
        self._told_waiting = bool(waiting)
        stuck = {(each.target, each.running_since): each for each in self.board().find_stuck(self._times.patience)}
        for which in stuck.keys() - self._told_stuck:
            self._means.told.stuck(stuck[which])
        self._told_stuck = set(stuck)

    def look(self) -> None:
        """Look at git now, and run all targets where there is anything new."""
        self._looking.ask()

    def run_all(self) -> None:
        """Look at git now, and run all targets in any case."""
        self._all_asked.set()
        self._looking.ask()

    def clock_set(self) -> None:
        """Look at git and run all targets now: what waits was planned by a clock that was set since."""
        self.run_all()
        self._means.timing.timetable.wake()

    def close(self) -> None:
        """Begin nothing more. What is under way ends by itself, or by the stop that it asks about."""
        with self._lock:
            self._closed = True
            tasks = (self._looking, *(state.task for state in self._targets.values()))
        for each in tasks:
            each.close()

    def board(self) -> ControllerStatus:
        """Return how all of it stands."""
        in_force, now = self._following.in_force, self._means.timing.clock.now()
        with self._lock:
            leaving = {name: state for name, state in self._leaving.items() if state.task.running}
            lanes = tuple(_status(name, state) for name, state in sorted((leaving | self._targets).items()))
            past = tuple(run for run in self._past if run.finished_at > now - REMEMBERED)
        look, following = self._looking, self._following
        looking = status.TargetStatus(
            "(git)", look.running, look.moved, look.due, look.failures, None, following.looked
        )
        revision = in_force.revision if in_force else None
        return ControllerStatus(now, self._started, following.looked, revision, following.refusal, lanes, past, looking)

    def _task(self, what: str, act: task.Act, interval: timedelta, state: TargetState | None = None) -> Lane:
        means = self._means

        def guarded(got_on: Callable[[], None]) -> bool:
            try:
                return act(got_on)
            except StopRequested:
                return True
            except Exception as error:  # noqa: BLE001 - a loop that ends by an error does nothing ever after
                means.told.failed(what, state.active if state else None, error)
                return False
            finally:
                if state:
                    state.active = None

        return Lane(what, guarded, Backoff(interval, self._times.quiet), means.timing)

    def _look(self, _: Callable[[], None]) -> bool:
        before, following = self._following.refusal, self._following
        everything = self._all_asked.is_set()
        self._all_asked.clear()
        found = following.look(again=everything)
        if following.refusal and (not before or following.refusal.reason != before.reason):
            self._means.told.refused(following.refusal, following.in_force.revision if following.in_force else None)
        if found and following.in_force:
            self._means.told.taken(following.in_force.revision, following.in_force.desired)
            self._align([target.name for target in following.in_force.desired.targets])
        if found or everything:
            for state in list(self._targets.values()):
                state.task.ask()
        return True

    def _align(self, names: list[str]) -> None:
        """Keep a state for each target of the active revision, and none for any other."""
        with self._lock:
            names = [] if self._closed else names
            gone = {name: self._targets.pop(name) for name in self._targets.keys() - set(names)}
            # A target that git drops and takes up again while its run lasts keeps its task: never two runs at once.
            back = {name: self._leaving.pop(name) for name in self._leaving.keys() & set(names)}
            for state in gone.values():
                state.forget()
            self._leaving = {name: state for name, state in (self._leaving | gone).items() if state.task.running}
            self._targets |= back
            for name in names:
                if name not in self._targets:
                    self._targets[name] = self._new_target(name)
        for state in gone.values():
            state.task.close()
        for state in back.values():
            state.task.reopen()

    def _new_target(self, name: str) -> TargetState:
        state = TargetState()
        state.task = self._task(f"target {name}", partial(self._run, name, state), self._times.interval, state)
        return state

    def _run(self, name: str, state: TargetState, got_on: Callable[[], None]) -> bool:
        in_force = self._following.in_force
        assert in_force
        if all(target.name != name for target in in_force.desired.targets):
            return True  # git has just dropped it
        run = state.active = ActiveRun(self._means.new_id(), name, in_force.revision.id)
        report = self._means.act(run, in_force.desired, got_on)
        with self._lock:
            if self._targets.get(name) is state:
                state.remember(report)
            self._past.append(_past(name, report))
        self._means.told.reported(report)
        return not report.has_failed


def _status(name: str, state: TargetState) -> status.TargetStatus:
    of = state.task
    return status.TargetStatus(
        name, of.running, of.moved, of.due, of.failures, state.last, state.last_success, state.active,
        state.last_complete,
    )  # fmt: skip


def _past(name: str, report: Report) -> FinishedRun:
    made = sum(isinstance(each.outcome, SUCCESSES) for each in report.associations)
    run = report.run
    drifted = report.summary["drifted"]
    return FinishedRun(
        run.id, name, run.started_at, run.finished_at, not report.has_failed, made, drifted, report.open_count
    )
