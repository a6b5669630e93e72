"""Compare the start-up time of the program with that of a bare interpreter, to detect eager imports."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import RECONCILE, Figure, measure_in_turn


def measure_figures(folder: Path, pairs: int) -> Iterator[Figure]:
    """Yield the time of `reconcile --help`, compared with an interpreter that does nothing."""
    yield measure_in_turn((RECONCILE, "--help"), (sys.executable, "-c", "pass"), folder, pairs).measure_wall_time(
        "--help, time", None
    )
