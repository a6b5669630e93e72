"""Compare the counts of the scenarios with the committed ones: `check.py [--accept]`. Seconds are not compared."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

_HERE = Path(__file__).parent
TOLERANCE = 0.03
"""The share by which instructions, blocks and kB may exceed their baseline. Calls and requests may not exceed it."""
_EXACT = ("AWS calls", "S3 requests")
_SPARE_BLOCKS = 200
"""Blocks by which a scenario may exceed its baseline in addition: idle threads end during a scenario."""
_ACCEPT = "make bench-check ACCEPT=yes"

Counts: TypeAlias = Mapping[str, Mapping[str, int]]
"""The counts of each scenario, by kind."""


def main() -> int:
    """Print one line for each count that exceeds its baseline. Return 1 if there is one, otherwise 0."""
    parser = argparse.ArgumentParser(description="Compare counts of instructions, memory and calls with a baseline.")
    parser.add_argument("--accept", action="store_true", help="make the counts of today the baseline")
    parser.add_argument("--baseline", type=Path, default=_HERE / "baseline.json", metavar="FILE")
    chosen = parser.parse_args()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    baselines = json.loads(chosen.baseline.read_text(encoding="utf-8")) if chosen.baseline.exists() else {}
    if version not in baselines and not chosen.accept:
        print(f"{chosen.baseline} has no baseline for Python {version}, so nothing was compared: {_ACCEPT}")
        return 0
    counts = measure()
    if chosen.accept:
        baselines = dict(sorted({**baselines, version: counts}.items()))
        chosen.baseline.write_text(f"{json.dumps(baselines, indent=2)}\n", encoding="utf-8")
        print(f"{chosen.baseline} has the counts of today for Python {version}.")
        return 0
    changes = tuple(find_changes(baselines[version], counts))
    for change in changes:
        print(change)
    if changes:
        print(f"Reduce the work, or accept the new counts and say why in the commit: {_ACCEPT}")
        return 1
    print(f"{sum(map(len, counts.values()))} counts of {len(counts)} scenarios are within their baseline.")
    return 0


def measure() -> Counts:
    """Return the counts of each scenario, from a new process. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "PATH": os.defpath,
            "HOME": folder,
            "LANG": "C.UTF-8",
            "AWS_EC2_METADATA_DISABLED": "true",
            "PYTHONHASHSEED": "0",
        }
        command = (sys.executable, str(_HERE / "counts.py"), folder)
        ran = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, check=True)
    counts: Counts = json.loads(ran.stdout)
    return counts


def find_changes(baseline: Counts, counts: Counts) -> Iterator[str]:
    """Yield a line for each count above its tolerance, and for each count that only one side has."""
    for name in sorted(baseline.keys() | counts.keys()):
        old, new = baseline.get(name, {}), counts.get(name, {})
        for kind in sorted(old.keys() | new.keys()):
            if kind not in old or kind not in new:
                yield f"{name}: {kind} {'has no baseline' if kind in new else 'was not counted'}"
                continue
            allowed = 0 if kind in _EXACT else TOLERANCE
            spare = _SPARE_BLOCKS if kind == "blocks" else 0
            if new[kind] > old[kind] * (1 + allowed) + spare:
                share = f"{new[kind] / old[kind] - 1:.1%} more" if old[kind] else "more"
                yield f"{name}: {new[kind]:,} {kind}, {share} than {old[kind]:,} (tolerance {allowed:.0%})"


if __name__ == "__main__":
    sys.exit(main())
