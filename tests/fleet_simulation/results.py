"""What a simulation counts, and the staleness that follows from the looks at the targets."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

_BIN = 0.1
"""Seconds to which the quantiles of staleness are rounded."""


class Look(NamedTuple):
    """A successful run of a target: its start and its end."""

    started_at: float
    ended_at: float


@dataclass(slots=True)
class Results:
    """What one shard did: its looks by target, when each target had its association, and the steps of each kind."""

    looks: dict[int, list[Look]] = field(default_factory=lambda: defaultdict(list))
    converged_at: dict[int, float] = field(default_factory=dict)
    steps: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, count: int) -> None:
        """Count steps."""
        self.steps[kind] += count

    def take_steps(self) -> Counter[str]:
        """Return the steps so far, and count from zero again."""
        steps, self.steps = self.steps, Counter()
        return steps


@dataclass(frozen=True, slots=True)
class Staleness:
    """The age of the last look at a target, over some targets and a period, in seconds.

    `ages` holds how long the age was in each bin: the difference to the bin before it.
    """

    ages: Counter[int]
    most: float

    def __add__(self, other: Staleness) -> Staleness:
        """Return the staleness of the targets of both."""
        ages = self.ages.copy()
        ages.update(other.ages)
        return Staleness(ages, max(self.most, other.most))

    def find_quantile(self, share: float) -> float:
        """Return the age that is not exceeded for a share of the time."""
        durations, height = list[tuple[int, int]](), 0
        for each in range(max(self.ages, default=0)):
            height += self.ages[each]
            durations.append((each, height))
        rest = share * sum(duration for _, duration in durations)
        for each, duration in durations:
            rest -= duration
            if rest <= 0:
                return (each + 1) * _BIN
        return 0.0


def measure_staleness(looks: Mapping[int, Sequence[Look]], start: float, end: float) -> Staleness:
    """Return the staleness from `start` to `end`.

    At each moment, the age of a target is the time since the start of its last run that has ended.
    """
    ages, most = Counter[int](), 0.0
    for target_looks in looks.values():
        for look, replaced_at in _list_periods(target_looks, end):
            first, last = max(look.ended_at, start), min(replaced_at, end)
            if first < last:
                ages[round((first - look.started_at) / _BIN)] += 1
                ages[round((last - look.started_at) / _BIN)] -= 1
                most = max(most, last - look.started_at)
    return Staleness(ages, most)


def _list_periods(looks: Sequence[Look], end: float) -> Iterator[tuple[Look, float]]:
    """Yield each look with the time at which the next one replaced it."""
    for index, look in enumerate(looks):
        yield look, looks[index + 1].ended_at if index + 1 < len(looks) else end
