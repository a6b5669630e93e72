"""Compare a dry run of twenty manifests against the sandbox with a bare script that makes the same calls."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import inputs
from benchmarks.measure import RECONCILE, Figure, build_environment, measure_cost, measure_in_turn
from benchmarks.running import run_sandbox

_COUNT = 20
_HERE = Path(__file__).parent


def measure_figures(folder: Path, pairs: int) -> Iterator[Figure]:
    """Yield time, processor time and peak memory of a dry run in which every association is in sync."""
    inputs.write(folder, _COUNT)
    with run_sandbox(folder) as url:
        measure_cost((RECONCILE, "--endpoint-url", url), folder)
        dry_run = (RECONCILE, "--dry-run", "--endpoint-url", url)
        _expect_in_sync(dry_run, folder)
        both = measure_in_turn(dry_run, (sys.executable, str(_HERE / "bare.py"), url, inputs.REGION), folder, pairs)
    yield both.measure_wall_time("--dry-run, time", 1.5)
    yield both.measure_cpu_time("--dry-run, processor time")
    yield both.measure_peak_memory("--dry-run, peak memory", 1.5)


def _expect_in_sync(dry_run: tuple[str, ...], folder: Path) -> None:
    """Raise RuntimeError if the dry run does not find every association in sync."""
    command = (*dry_run, "--output", "json", "--detailed-exitcode")
    ran = subprocess.run(command, cwd=folder, env=build_environment(folder), capture_output=True, check=True)
    summary = json.loads(ran.stdout)["summary"]
    if summary["inSync"] != _COUNT:
        raise RuntimeError(f"the dry run did not find {_COUNT} associations in sync: {summary}")
