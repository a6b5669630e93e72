"""Compare a run of a fleet at the default pace with the least time in which one bucket gives a target its calls."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks import fleets
from benchmarks.measure import Benchmark, Figure, measure_cost
from benchmarks.running import run_server

BOUNDS = {20: 1.1, 100: 1.3, 500: 3.5}
"""The bound for each number of targets."""
MINIMUM = (fleets.CALLS - fleets.BURST) / fleets.RATE
"""Seconds. Each target has a bucket of its own, so the number of targets does not change it."""


def select_benchmark(count: int) -> Benchmark:
    """Return the benchmark of a fleet of `count` targets."""
    return partial(_measure_figures, count)


def _measure_figures(count: int, folder: Path, pairs: int) -> Iterator[Figure]:
    """Yield the time of a run without writes."""
    with run_server() as url:
        fleets.create_associations(folder, url, count)
        fleets.write(folder, count, has_default_pace=True)
        times = tuple(measure_cost(fleets.build_command(url), folder).wall for _ in range(pairs))
    if min(times) < MINIMUM:
        raise RuntimeError(f"{count} targets took {min(times):.1f} s, but their pace allows no less than {MINIMUM} s")
    yield Figure(f"default pace, {count} targets, time", "s", times, (MINIMUM,) * pairs, BOUNDS[count])
