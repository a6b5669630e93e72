"""The parts of the controller that no test of its process can observe."""

from __future__ import annotations

import weakref
from datetime import UTC, datetime

import pytest
from support.fakes import FakeClock

from reconciler.app.assemble import RunListener, Runner
from reconciler.app.collection import GarbageCollection
from reconciler.app.controller import build_run_target
from reconciler.app.create_bounds import RevisionBounds
from reconciler.app.stop_signal import StopSignal
from reconciler.core.controller.controller_status import ActiveRun
from reconciler.core.errors import StateError, StopRequested
from reconciler.core.model import Desired, Target
from reconciler.core.plan.create_bound import CreateBound
from reconciler.core.report.report import Report, RunInfo

TIME = datetime(2026, 11, 1, tzinfo=UTC)
RUN = ActiveRun("1", "prod", "abc")
BOUNDS = RevisionBounds(10)
DESIRED = Desired((Target("prod"),), {"prod": ()})


class Cycle:
    """An object in a reference cycle, which only the garbage collector frees."""

    def __init__(self) -> None:
        self.reference = self


class GarbageRunner(Runner):
    """A runner whose runs leave a reference cycle, as boto3's clients do."""

    def __init__(self, error: Exception | None = None) -> None:
        self.cycles: list[weakref.ref[Cycle]] = []
        self._error = error

    def run(
        self,
        desired: Desired,
        run: str,
        revision: str | None,
        listener: RunListener,
        bound: CreateBound | None = None,
    ) -> Report:
        """Leave a reference cycle, and return an empty report or raise the error."""
        del desired, listener, bound
        self.cycles.append(weakref.ref(Cycle()))
        if self._error:
            raise self._error
        return Report(RunInfo(run, TIME, TIME, dry_run=False, revision=revision, version="0"), ())


def run_target(runner: GarbageRunner, clock: FakeClock, stop: StopSignal | None = None) -> Report:
    """Run a target of a controller."""
    collection = GarbageCollection(clock.monotonic)
    return build_run_target(runner, stop or StopSignal(), BOUNDS, collection)(RUN, DESIRED, lambda: None)


def test_garbage_of_a_run_is_collected_when_it_ends() -> None:
    """The reference cycles of a single run are collected when it ends, even if it fails."""
    runner = GarbageRunner()
    assert run_target(runner, FakeClock()).run.revision == "abc"
    assert [cycle() for cycle in runner.cycles] == [None]
    runner = GarbageRunner(StateError("the disk is full"))
    with pytest.raises(StateError):
        run_target(runner, FakeClock())
    assert [cycle() for cycle in runner.cycles] == [None]


def test_interrupted_run_returns_no_report() -> None:
    """A run whose target was listed only in part before a stop returns no report."""
    stop = StopSignal()
    stop.event.set()
    with pytest.raises(StopRequested):
        run_target(GarbageRunner(), FakeClock(), stop)
