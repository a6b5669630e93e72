"""Soak test: a controller does not leak resources. `make soak` runs the long form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from soak.bounds import Sample, measure
from soak.controller import INTERNAL
from soak.soak import Workload, run_soak

STEADY_SAMPLE = Sample(runs=0, resident=130_000_000, anonymous=110_000_000, descriptors=7, threads=11, files=0)


def find_exceeded(samples: Iterable[Sample]) -> list[str]:
    """Return the names of the values that exceed their bounds."""
    return [each.name for each in measure(list(samples)) if each.is_exceeded]


@pytest.mark.parametrize(
    ("member", "growth", "name"),
    [
        ("resident", 100_000, "resident memory, MB"),
        ("anonymous", 100_000, "without files, MB"),
        ("descriptors", 0.02, "file descriptors"),
        ("threads", 0.02, "threads"),
        ("files", 0.02, "temporary files"),
    ],
)
def test_leak_is_detected(member: str, growth: float, name: str) -> None:
    """Memory that grows a little with each round is a leak, and so is one more of another resource in fifty rounds."""
    values = (int(getattr(STEADY_SAMPLE, member) + number * growth) for number in range(200))
    assert find_exceeded(replace(STEADY_SAMPLE, **{member: value}) for value in values) == [name]


def test_temporary_growth_is_not_a_leak() -> None:
    """Warming up, a short-lived socket and changing memory are no leak."""
    warming_up = (replace(STEADY_SAMPLE, resident=80_000_000 + 2_000_000 * number, threads=5) for number in range(25))
    steady = (
        replace(STEADY_SAMPLE, resident=130_000_000 + number % 7 * 1_000_000, descriptors=7 + (number % 9 == 0))
        for number in range(75)
    )
    assert find_exceeded(each for part in (warming_up, steady) for each in part) == []


def test_controller_does_not_leak_resources(tmp_path: Path) -> None:
    """Two dozen runs with pushes and faults leak no descriptors, files or threads. The long form checks memory."""
    result = run_soak(
        Workload(rounds=8, pushes=6, targets=3, seconds=600, fault_share=0.01, has_notifications=False), tmp_path
    )
    counts, measurements = result.counts, {each.name: each for each in measure(result.samples)}
    assert (len(result.samples), counts["pushes"], counts["revision rejected"], counts["unexpected error"]) == (
        8,
        6,
        1,
        0,
    )
    assert counts["run finished"] >= 24
    assert counts[INTERNAL] == 0
    assert not measurements["file descriptors"].is_exceeded
    assert not measurements["temporary files"].is_exceeded
    # main, the scheduler, its pools (three targets, git, one more), the history of runs, the server and one request;
    # one that waits for calls to AWS. The quietest samples count: a thread whose call has just ended is still there.
    assert measurements["threads"].before <= 11
    assert measurements["threads"].after <= 11
