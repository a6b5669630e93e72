"""The work of a controller grows with the number of its targets, and not faster."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from controller.test_controller import INTERVALS, FakeTargets
from controller.test_revisions import FakeSource
from support import reports
from support.fakes import FakeClock
from support.growth import count_calls

from reconciler.controller.controller import Controller
from reconciler.controller.dependencies import Dependencies
from reconciler.controller.revisions import RevisionTracker
from reconciler.controller.scheduler import SchedulerContext
from reconciler.core.model import Desired, Target

LINEAR = 10.5
"""The most that the work may grow from 50 to 500 targets."""


class ManualScheduler:
    """Scheduler whose jobs the test calls. It does no work that grows with the number of jobs."""

    def __init__(self) -> None:
        self.jobs: dict[str, Callable[[], None]] = {}

    def schedule(self, name: str, when: datetime, job: Callable[[], None]) -> None:
        """Keep a job."""
        del when
        self.jobs[name] = job

    def cancel(self, name: str) -> None:
        """Forget a job."""
        self.jobs.pop(name, None)

    def is_queued(self, name: str) -> bool:
        """Return that no job waits."""
        del name
        return False

    def wake(self) -> None:
        """Do nothing."""


class Fleet:
    """A controller with a number of targets, which have run once."""

    def __init__(self, count: int) -> None:
        names = [f"t{number:03}" for number in range(count)]
        desired = Desired(tuple(map(Target, names)), dict.fromkeys(names, ()))
        self._scheduler, self._clock = ManualScheduler(), FakeClock()
        clock = self._clock
        targets = FakeTargets(clock, associations=(reports.association("one", "in-sync"),))
        scheduling = SchedulerContext(self._scheduler, clock, lambda: 0.5)
        self.controller = Controller(
            RevisionTracker(FakeSource(desired), clock),
            Dependencies(targets.run_target, targets, scheduling, targets.new_id),
            INTERVALS,
        )
        self.controller.start()
        self._scheduler.jobs.pop("poll")()
        self.run_each()

    def run_each(self) -> None:
        """Run each target once, at its interval."""
        self._clock.time += INTERVALS.run_interval
        jobs = [job for name, job in self._scheduler.jobs.items() if name != "poll"]
        for job in jobs:
            job()


def test_calls_of_the_status_grow_with_the_targets() -> None:
    """The snapshot for the page and for the check of progress looks at each target and each run once."""
    few, many = Fleet(50).controller, Fleet(500).controller
    assert len(many.get_status().targets) == 500
    assert count_calls(many.get_status) <= LINEAR * count_calls(few.get_status)
    assert count_calls(many.check_progress) <= LINEAR * count_calls(few.check_progress)


def test_calls_of_a_cycle_grow_with_the_targets() -> None:
    """A run costs the same in a fleet of 50 and of 500 targets, whatever the others have done."""
    few, many = Fleet(50), Fleet(500)
    assert count_calls(many.run_each) <= LINEAR * count_calls(few.run_each)
