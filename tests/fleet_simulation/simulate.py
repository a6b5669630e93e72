"""Simulate a fleet: its first convergence, an hour without changes, and the death of a shard."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from fleet_simulation.costs import OUTAGE
from fleet_simulation.fleet import Fleet
from fleet_simulation.library import Library
from fleet_simulation.results import Staleness, measure_staleness
from fleet_simulation.shard import Shard
from fleet_simulation.timeline import Timeline

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Outage:
    """The death of a shard: the staleness of its targets until each was looked at again.

    `recovery` is the time from the restart to that, in seconds.
    """

    target_count: int
    staleness: Staleness
    recovery: float


@dataclass(frozen=True, slots=True)
class ShardOutcome:
    """What one shard did. `first_steps` are those until its last target converged, `steps` those of the hour.

    `cpu_share` is the part of the hour in which the processor was busy.
    """

    target_count: int
    converged_at: float
    first_steps: Counter[str]
    steps: Counter[str]
    staleness: Staleness
    cpu_share: float
    outage: Outage | None


def simulate_shard(fleet: Fleet, number: int, library: Library, *, has_outage: bool = False) -> ShardOutcome:
    """Simulate one shard. Shards share no process, no bucket and no journal, and are simulated one by one."""
    timeline = Timeline()
    shard = Shard(timeline, fleet, number, library)
    shard.start()
    converged_at = converge(shard)
    first_steps = shard.results.take_steps()
    while not shard.is_steady:
        timeline.run_until(timeline.now + 1)
    timeline.run_until(timeline.now + fleet.interval.total_seconds() / 2)  # between two runs of most targets
    shard.results.take_steps()
    start, cpu_seconds = timeline.now, shard.cpu_seconds
    timeline.run_until(start + HOUR)
    return ShardOutcome(
        len(shard.targets),
        converged_at,
        first_steps,
        shard.results.take_steps(),
        measure_staleness(shard.results.looks, start, timeline.now),
        (shard.cpu_seconds - cpu_seconds) / HOUR,
        _interrupt(shard) if has_outage else None,
    )


def converge(shard: Shard) -> float:
    """Let time pass until each target has its association. Return the time of the last one."""
    while len(shard.results.converged_at) < len(shard.targets):
        shard.timeline.run_until(shard.timeline.now + 1)
    return max(shard.results.converged_at.values(), default=0.0)


def _interrupt(shard: Shard) -> Outage:
    """Kill the process of a shard, start it again, and wait until it has looked at each target."""
    timeline, looks = shard.timeline, shard.results.looks
    died_at = timeline.now
    shard.die()
    timeline.run_until(died_at + OUTAGE)
    shard.start()
    while any(each[-1].ended_at < died_at + OUTAGE for each in looks.values()):
        timeline.run_until(timeline.now + 1)
    staleness = measure_staleness(looks, died_at, timeline.now)
    return Outage(len(shard.targets), staleness, timeline.now - died_at - OUTAGE)
