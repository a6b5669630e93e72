"""Compare a dry run of one target with bare boto3, if AWS needs 50 ms for each answer."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import inputs
from benchmarks.measure import RECONCILE, Figure, measure_in_turn
from benchmarks.running import run_server

_LATENCY = 0.05


def measure_figures(folder: Path, pairs: int) -> Iterator[Figure]:
    """Yield the time. The baseline lists every data integration at once."""
    inputs.write(folder, inputs.INTEGRATIONS)
    bare = str(Path(__file__).with_name("bare.py"))
    with run_server("--latency", str(_LATENCY)) as url:
        both = measure_in_turn(
            (RECONCILE, "--dry-run", "--endpoint-url", url),
            (sys.executable, bare, url, inputs.REGION, str(inputs.INTEGRATIONS)),
            folder,
            pairs,
        )
    yield both.measure_wall_time("--dry-run, 50 ms latency, time", 1.2)
