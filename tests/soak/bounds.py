"""Judges what a process holds on to: values only, so that a test can feed it a leak."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

GROWTH = 0.05
"""By which share memory may grow from the second quarter of a soak to the last; the first is for warming up."""
_MEGA = 1e6


@dataclass(frozen=True, slots=True)
class Sample:
    """What a process holds at one moment, after so many runs. Memory is in bytes.

    `resident` counts programs and libraries as well, `anonymous` does not; `files` are its temporary ones.
    """

    runs: int
    resident: int
    anonymous: int
    descriptors: int
    threads: int
    files: int


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: what there was in the second and in the last quarter, and by which share it may grow.

    `most` is the most there was after the first quarter.
    """

    name: str
    before: float
    after: float
    most: float
    bound: float

    @property
    def over(self) -> bool:
        """Tell whether it grew by more than it may."""
        return self.after > self.before * (1 + self.bound)


def figures(samples: Sequence[Sample]) -> Iterator[Figure]:
    """Yield the medians of memory, which may grow a little, and the least there was of all else, which may not.

    The least, since a moment may meet a message on its way: what was opened and not closed is there in all of them.
    """
    yield _figure("resident memory, MB", samples, lambda each: each.resident / _MEGA, median, GROWTH)
    yield _figure("less files, MB", samples, lambda each: each.anonymous / _MEGA, median, GROWTH)
    yield _figure("file descriptors", samples, lambda each: each.descriptors, min, 0)
    yield _figure("threads", samples, lambda each: each.threads, min, 0)
    yield _figure("temporary files", samples, lambda each: each.files, min, 0)


def _figure(
    name: str,
    samples: Sequence[Sample],
    of: Callable[[Sample], float],
    summary: Callable[[Sequence[float]], float],
    bound: float,
) -> Figure:
    values = [of(each) for each in samples]
    quarter = max(1, len(values) // 4)
    return Figure(
        name, summary(values[quarter : 2 * quarter]), summary(values[-quarter:]), max(values[quarter:]), bound
    )
