"""Compare `reconcile validate` of ten thousand manifests with only parsing the same files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import inputs
from benchmarks.measure import RECONCILE, Figure, measure_in_turn

_COUNT = 10_000
_FOLDERS = 100


def measure_figures(folder: Path, pairs: int) -> Iterator[Figure]:
    """Yield time, processor time and peak memory of `reconcile validate`, compared with only parsing."""
    for number in range(_COUNT):
        path = folder / "manifests" / f"{number % _FOLDERS:02}" / f"{number:05}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        format_manifest = inputs.format_on_demand_manifest if number % 2 else inputs.format_scheduled_manifest
        # Each has a data integration of its own, because a shared one would have 9,999 warnings.
        path.write_text(format_manifest(number, f"source-{number:05}"), encoding="utf-8")
    parse = (sys.executable, str(Path(__file__).with_name("parse.py")), "manifests")
    both = measure_in_turn((RECONCILE, "validate"), parse, folder, pairs)
    yield both.measure_wall_time("validate, 10,000 files, time", 1.0)
    yield both.measure_cpu_time("validate, 10,000 files, processor time")
    yield both.measure_peak_memory("validate, 10,000 files, peak memory", 300, is_absolute=True)
