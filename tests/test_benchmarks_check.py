"""Comparison of counts: it fails if a scenario does more than its baseline, and says which and by how much."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

from support.paths import REPOSITORY

sys.path.insert(0, str(REPOSITORY))  # the benchmarks are not installed

from benchmarks.check import find_changes
from benchmarks.counts import count_instructions

BASELINE = REPOSITORY / "benchmarks" / "baseline.json"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def check(baseline: Path) -> subprocess.CompletedProcess[str]:
    """Compare the counts of this version with a baseline."""
    command = (sys.executable, str(REPOSITORY / "benchmarks" / "check.py"), "--baseline", str(baseline))
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_more_work_than_the_baseline_fails(tmp_path: Path) -> None:
    """A scenario that executes more instructions than its baseline is the only one named, and the check fails."""
    baseline = tmp_path / "baseline.json"
    accepted = subprocess.run(
        (sys.executable, str(REPOSITORY / "benchmarks" / "check.py"), "--baseline", str(baseline), "--accept"),
        capture_output=True,
        check=False,
    )
    assert accepted.returncode == 0, accepted.stderr
    counts = json.loads(baseline.read_text())
    counts[VERSION]["validate 200 manifests"]["instructions"] //= 2
    baseline.write_text(json.dumps(counts))
    ran = check(baseline)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    line, remedy = ran.stdout.splitlines()
    assert line.startswith("validate 200 manifests: ")
    more = re.search(r"instructions, ([0-9.]+)% more than", line)
    assert more
    assert 99 <= float(more[1]) <= 101
    assert "make bench-check ACCEPT=yes" in remedy


def _loop(size: int) -> int:
    return sum([2 * number for number in range(size)])


def test_longer_loop_has_more_instructions() -> None:
    """The count grows with the work, and is the same for the same work."""
    few, same, many = (count_instructions(partial(_loop, size)) for size in (100, 100, 200))
    assert few == same
    assert 1.8 * few < many < 2.2 * few


def test_calls_have_no_tolerance() -> None:
    """One more call is named. Instructions within three per cent are not."""
    old = {"run": {"AWS calls": 100, "instructions": 100}}
    assert list(find_changes(old, {"run": {"AWS calls": 100, "instructions": 103}})) == []
    (line,) = find_changes(old, {"run": {"AWS calls": 101, "instructions": 50}})
    assert line == "run: 101 AWS calls, 1.0% more than 100 (tolerance 0%)"
    assert list(find_changes(old, {})) == ["run: AWS calls was not counted", "run: instructions was not counted"]


def test_other_python_version_has_no_baseline(tmp_path: Path) -> None:
    """Without a baseline for this version of Python, nothing is compared, and the check says so."""
    baseline = tmp_path / "baseline.json"
    baseline.write_text('{"2.7": {}}')
    ran = check(baseline)
    assert ran.returncode == 0
    assert f"has no baseline for Python {VERSION}" in ran.stdout


def test_baseline_is_committed() -> None:
    """Every scenario of a committed baseline counts instructions and memory."""
    for counts in json.loads(BASELINE.read_text()).values():
        assert all({"instructions", "blocks", "kB"} <= scenario.keys() for scenario in counts.values())
