"""Compare `reconcile validate` of ten thousand manifests with only parsing the same files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import inputs
from benchmarks.measure import RECONCILE, Figure, in_turn

_COUNT = 10_000
_FOLDERS = 100


def figures(folder: Path, pairs: int) -> Iterator[Figure]:
    """Yield time, processor time and peak memory of `reconcile validate`, compared with only parsing."""
    for number in range(_COUNT):
        path = folder / "manifests" / f"{number % _FOLDERS:02}" / f"{number:05}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        manifest = inputs.on_demand(number) if number % 2 else inputs.scheduled(number)
        path.write_text(manifest, encoding="utf-8")
    parse = (sys.executable, str(Path(__file__).with_name("parse.py")), "manifests")
    both = in_turn((RECONCILE, "validate"), parse, folder, pairs)
    yield both.wall("validate, 10,000 files, time", 1.8)
    yield both.cpu("validate, 10,000 files, processor time")
    yield both.peak("validate, 10,000 files, peak memory", 300, absolute=True)
