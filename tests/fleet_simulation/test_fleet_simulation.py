"""Simulation of a small fleet: pace, shards, convergence, staleness and calls are what arithmetic demands."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from subprocess import run

import pytest
from fleet_simulation.costs import OUTAGE
from fleet_simulation.fleet import Fleet
from fleet_simulation.library import Library
from fleet_simulation.results import Look, measure_staleness
from fleet_simulation.scripts import Phase
from fleet_simulation.shard import Shard
from fleet_simulation.simulate import converge, simulate_shard
from fleet_simulation.table import AWS_CALLS, FleetOutcome, compute_minimum, count
from fleet_simulation.timeline import Timeline
from fleet_simulation.workload import build_target

SIZE = 60
_TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def library() -> Library:
    """Return the steps of the runs of two targets."""
    library = Library()
    library.play(0)
    library.play(7)
    return library


def start_shards(fleet: Fleet, library: Library, on_send: Callable[[str, float], None] | None = None) -> list[Shard]:
    """Return the shards of a fleet, which share their time."""
    timeline = Timeline()
    shards = [Shard(timeline, fleet, number, library, on_send) for number in range(fleet.shard_count)]
    for each in shards:
        each.start()
    return shards


def find_most_calls(times: Sequence[float], seconds: float) -> int:
    """Return the greatest number of calls within some seconds."""
    return max(sum(start <= time < start + seconds for time in times) for start in times)


@pytest.mark.parametrize("shard_count", [1, 2, 5])
def test_each_target_is_in_exactly_one_shard(shard_count: int) -> None:
    """The shards of a fleet have all targets together, and none twice."""
    fleet = Fleet(SIZE, shard_count)
    numbers = [number for shard in range(shard_count) for number in fleet.select_targets(shard)]
    assert sorted(numbers) == list(range(SIZE))


@pytest.mark.parametrize("shard_count", [1, 2])
def test_every_target_converges_with_the_least_calls(library: Library, shard_count: int) -> None:
    """Each target gets its association, after it was counted once. No call is made that arithmetic does not demand."""
    fleet = Fleet(SIZE, shard_count)
    shards = start_shards(fleet, library)
    for shard in shards:
        assert 0 < converge(shard) < fleet.interval.total_seconds()
    assert sum(len(each.results.converged_at) for each in shards) == SIZE
    minimum = compute_minimum(library)
    calls = sum(count(each.results.steps, AWS_CALLS) for each in shards)
    assert minimum.run_calls == 1 + 1 + 20
    assert minimum.first_calls == 2 * minimum.run_calls + 2  # the Create, and the look after it
    assert calls == SIZE * minimum.first_calls - shard_count * minimum.run_calls


def test_no_account_is_called_faster_than_its_target_permits(library: Library) -> None:
    """In any second and in any ten seconds, an account gets at most its burst and its calls a second."""
    times = defaultdict[str, list[float]](list)
    (shard,) = start_shards(Fleet(SIZE), library, lambda name, time: times[name].append(time))
    shard.timeline.run_until(700)
    target = build_target(0)
    assert len(times) == SIZE
    for name in list(times)[::10]:
        for seconds in (1, 10):
            most = find_most_calls(times[name], seconds)
            assert target.requests_per_second * seconds <= most
            assert most <= target.burst + target.requests_per_second * seconds


@pytest.mark.parametrize("shard_count", [1, 2])
def test_hour_without_changes_needs_no_more_than_its_runs(library: Library, shard_count: int) -> None:
    """In an hour, each run makes the least calls and one GET. No look is older than the interval and its jitter.

    The processors are hardly used.
    """
    fleet = Fleet(SIZE, shard_count)
    shards = [simulate_shard(fleet, number, library) for number in range(shard_count)]
    outcome = FleetOutcome(fleet, shards, compute_minimum(library))
    run_count = outcome.steps["get"]
    assert run_count == pytest.approx(SIZE * 12, rel=0.03)
    assert outcome.steps == Counter(assume=run_count, get=run_count, list=outcome.steps["list"])
    assert outcome.steps["list"] == pytest.approx(run_count * 21, rel=0.01)  # some runs begin or end outside of it
    longest = fleet.interval.total_seconds() * 1.1
    run_time = outcome.minimum.run_time
    assert longest < outcome.staleness.most <= longest + run_time + 1
    assert outcome.staleness.find_quantile(0.5) == pytest.approx(longest / 2.2 + run_time, abs=10)
    assert all(each.cpu_share < 0.1 for each in shards)
    assert outcome.monthly_requests[0] == run_count * 730


def play_outage(library: Library, *, has_outage: bool) -> tuple[list[Mapping[int, Sequence[Look]]], float]:
    """Return the looks of two shards, and the time when the first one died, if at all, for ten minutes."""
    shards = start_shards(Fleet(SIZE, 2), library)
    dead, timeline = shards[0], shards[0].timeline
    timeline.run_until(1000)
    if has_outage:
        dead.die()
    timeline.run_until(1000 + OUTAGE)
    if has_outage:
        dead.start()
    timeline.run_until(3000)
    return [each.results.looks for each in shards], 1000


def test_death_of_a_shard_changes_only_its_own_targets(library: Library) -> None:
    """While one shard is dead, its targets grow stale by the outage. Those of the other shard are run as always."""
    (dead_looks, looks), died_at = play_outage(library, has_outage=True)
    (other_looks, same_looks), _ = play_outage(library, has_outage=False)
    assert looks == same_looks
    assert dead_looks != other_looks
    assert not [each for target in dead_looks.values() for each in target if died_at < each.ended_at < died_at + OUTAGE]
    interval = Fleet().interval.total_seconds()
    most = measure_staleness(dead_looks, died_at, 3000).most
    assert OUTAGE < most < OUTAGE + interval * 1.1 + 2 * compute_minimum(library).run_time


def test_slow_look_is_repeated_before_a_write(library: Library) -> None:
    """The real code lists once more before a Create if its first look took more than 30 seconds."""
    kinds = [
        Counter(step.kind for step in library.get(Phase.CREATE, 0, is_old=is_old).steps) for is_old in (False, True)
    ]
    assert kinds[1] - kinds[0] == Counter(list=1)
    assert kinds[0]["write"] == 1


def test_quantiles_of_staleness_are_weighted_by_time() -> None:
    """A look that is replaced every 10 s, by runs of no duration, is 5 s old half of the time."""
    looks = {0: [Look(time, time) for time in range(0, 100, 10)]}
    staleness = measure_staleness(looks, 0, 90)
    assert staleness.find_quantile(0.5) == pytest.approx(5, abs=0.2)
    assert staleness.most == 10


def test_program_prints_a_column_for_each_number_of_shards() -> None:
    """The program prints a table, and ends by itself."""
    command = [sys.executable, "-m", "fleet_simulation", "--targets", "6", "--shards", "1", "2"]
    result = run(command, cwd=_TESTS, check=True, capture_output=True, text=True)
    lines = {line[:36].strip(): line[36:].split() for line in result.stdout.splitlines()}
    assert lines["shards"] == ["1", "2"]
    assert "S3, USD a month" in lines
