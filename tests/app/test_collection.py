"""Garbage of runs is collected soon, and rarely enough for a large fleet."""

from __future__ import annotations

from support.fakes import FakeClock

from reconciler.app.collection import GarbageCollection


class CountedCollection:
    """A collection in virtual time, with the times at which it collected."""

    def __init__(self) -> None:
        self.clock, self.times = FakeClock(), list[float]()
        self.collection = GarbageCollection(self.clock.monotonic, lambda: self.times.append(self.clock.monotonic()))


def test_many_runs_share_a_collection() -> None:
    """A thousand runs in ten seconds have two collections, and not a thousand."""
    counted = CountedCollection()
    for _ in range(1_000):
        counted.collection.record_run()
        counted.clock.advance(seconds=0.01)
    first, second = counted.times
    assert 5 <= second - first < 5.1


def test_the_last_runs_before_an_idle_time_are_collected() -> None:
    """A run that ends just after a collection is collected within five seconds, without a later run."""
    counted = CountedCollection()
    counted.collection.record_run()
    counted.clock.advance(seconds=1)
    counted.collection.record_run()
    assert len(counted.times) == 1
    for _ in range(600):
        counted.clock.advance(seconds=1)
        counted.collection.collect_if_due()
    first, second = counted.times
    assert second - first == 5


def test_an_idle_controller_collects_nothing() -> None:
    """Without a run, no collection looks through the objects."""
    counted = CountedCollection()
    for _ in range(600):
        counted.clock.advance(seconds=1)
        counted.collection.collect_if_due()
    assert counted.times == []


def test_a_clock_that_is_set_changes_no_interval() -> None:
    """The interval counts elapsed time, whatever somebody sets the clock to."""
    counted = CountedCollection()
    counted.collection.record_run()
    counted.clock.set(days=-1)
    counted.clock.advance(seconds=5)
    counted.collection.record_run()
    assert len(counted.times) == 2
