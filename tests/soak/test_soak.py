"""Soak test: a controller does not leak resources. `make soak` runs the long form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from soak.bounds import Sample, figures
from soak.controller import INTERNAL
from soak.soak import Plan, soak

STEADY = Sample(runs=0, resident=130_000_000, anonymous=110_000_000, descriptors=7, threads=11, files=0)


def over(samples: Iterable[Sample]) -> list[str]:
    """Return the names of the values that exceed their bounds."""
    return [each.name for each in figures(list(samples)) if each.over]


@pytest.mark.parametrize(
    ("member", "each", "name"),
    [
        ("resident", 100_000, "resident memory, MB"),
        ("anonymous", 100_000, "less files, MB"),
        ("descriptors", 0.02, "file descriptors"),
        ("threads", 0.02, "threads"),
        ("files", 0.02, "temporary files"),
    ],
)
def test_leak_is_detected(member: str, each: float, name: str) -> None:
    """Memory that grows a little with each round is a leak, and so is one more of another resource in fifty rounds."""
    grown = (int(getattr(STEADY, member) + number * each) for number in range(200))
    assert over(replace(STEADY, **{member: value}) for value in grown) == [name]


def test_temporary_growth_is_not_a_leak() -> None:
    """Warming up, a short-lived socket and changing memory are no leak."""
    cold = (replace(STEADY, resident=80_000_000 + 2_000_000 * number, threads=5) for number in range(25))
    warm = (
        replace(STEADY, resident=130_000_000 + number % 7 * 1_000_000, descriptors=7 + (number % 9 == 0))
        for number in range(75)
    )
    assert over(each for part in (cold, warm) for each in part) == []


def test_controller_does_not_leak_resources(tmp_path: Path) -> None:
    """Two dozen runs with pushes and faults leak no descriptors, files or threads. The long form checks memory."""
    soaked = soak(Plan(rounds=8, pushes=6, targets=3, seconds=600, share=0.01, notified=False), tmp_path)
    counts, held = soaked.counts, {each.name: each for each in figures(soaked.samples)}
    assert (len(soaked.samples), counts["pushes"], counts["revision rejected"], counts["unexpected error"]) == (
        8,
        6,
        1,
        0,
    )
    assert counts["run finished"] >= 24
    assert counts[INTERNAL] == 0
    assert not held["file descriptors"].over
    assert not held["temporary files"].over
    # main, the scheduler, its pools (three targets, git, one more), the server and one request
    assert held["threads"].most <= 9
