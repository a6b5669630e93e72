"""Bounds for the resources of a process, as pure functions that a test can call with a leak."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

GROWTH = 0.05
"""Share by which memory may grow from the second quarter to the last. The first quarter is for warming up."""
_MEGA = 1e6


@dataclass(frozen=True, slots=True)
class Sample:
    """Resources of a process after a number of runs. Memory is in bytes.

    `resident` includes programs and libraries, `anonymous` does not. `files` is the number of its temporary files.
    """

    runs: int
    resident: int
    anonymous: int
    descriptors: int
    threads: int
    files: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """One line of the table: a value in the second and the last quarter, and the share by which it may grow.

    `maximum` is the largest value after the first quarter.
    """

    name: str
    before: float
    after: float
    maximum: float
    bound: float

    @property
    def is_exceeded(self) -> bool:
        """True if the value grew by more than its bound."""
        return self.after > self.before * (1 + self.bound)


def measure(samples: Sequence[Sample]) -> Iterator[Measurement]:
    """Yield the medians of memory, which may grow a little, and the minima of other resources, which may not grow.

    The minimum ignores resources that are in use for a moment, and shows those that are never released.
    """
    yield _measure("resident memory, MB", samples, lambda each: each.resident / _MEGA, median, GROWTH)
    yield _measure("without files, MB", samples, lambda each: each.anonymous / _MEGA, median, GROWTH)
    yield _measure("file descriptors", samples, lambda each: each.descriptors, min, 0)
    yield _measure("threads", samples, lambda each: each.threads, min, 0)
    yield _measure("temporary files", samples, lambda each: each.files, min, 0)


def _measure(
    name: str,
    samples: Sequence[Sample],
    read_value: Callable[[Sample], float],
    summarise: Callable[[Sequence[float]], float],
    bound: float,
) -> Measurement:
    values = [read_value(each) for each in samples]
    quarter = max(1, len(values) // 4)
    return Measurement(
        name, summarise(values[quarter : 2 * quarter]), summarise(values[-quarter:]), max(values[quarter:]), bound
    )
