"""Runs two programs in turn and keeps what each run cost: only their ratio outlives the machine."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

RECONCILE = str(Path(sys.executable).with_name("reconcile"))
"""The program under test: the one installed beside this interpreter."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took, its start and its end included."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds in user and in kernel mode, all threads together."""
    peak: float
    """The most memory that was resident at once, in MB (of 10^6 bytes)."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: what was measured of ours and of the baseline, pair by pair, and what it may be.

    `bound` is for the ratio, or for ours alone where `absolute`; None where the figure only informs.
    """

    name: str
    unit: str
    ours: tuple[float, ...]
    baseline: tuple[float, ...]
    bound: float | None
    absolute: bool = False

    @property
    def ratios(self) -> tuple[float, ...]:
        """Return ours over the baseline for every pair."""
        return tuple(mine / other for mine, other in zip(self.ours, self.baseline, strict=True))

    @property
    def over(self) -> bool:
        """Tell whether the median is over its bound."""
        return self.bound is not None and median(self.ours if self.absolute else self.ratios) > self.bound


@dataclass(frozen=True, slots=True)
class Pairs:
    """The costs of runs made in turn, pair by pair."""

    ours: tuple[Cost, ...]
    baseline: tuple[Cost, ...]

    def wall(self, name: str, bound: float) -> Figure:
        """Return the figure of the time on the wall, in ms."""
        return Figure(
            name,
            "ms",
            tuple(each.wall * 1e3 for each in self.ours),
            tuple(each.wall * 1e3 for each in self.baseline),
            bound,
        )

    def cpu(self, name: str) -> Figure:
        """Return the figure of the processor time, in ms: what noise disturbs least."""
        return Figure(
            name,
            "ms",
            tuple(each.cpu * 1e3 for each in self.ours),
            tuple(each.cpu * 1e3 for each in self.baseline),
            None,
        )

    def peak(self, name: str, bound: float, *, absolute: bool = False) -> Figure:
        """Return the figure of the peak memory, in MB."""
        return Figure(
            name,
            "MB",
            tuple(each.peak for each in self.ours),
            tuple(each.peak for each in self.baseline),
            bound,
            absolute,
        )


def in_turn(ours: Sequence[str], baseline: Sequence[str], folder: Path, pairs: int) -> Pairs:
    """Run ours and the baseline once to warm up, then in turn, `pairs` times each."""
    spend(ours, folder)
    spend(baseline, folder)
    costs = [(spend(ours, folder), spend(baseline, folder)) for _ in range(pairs)]
    return Pairs(tuple(mine for mine, _ in costs), tuple(other for _, other in costs))


def spend(command: Sequence[str], folder: Path) -> Cost:
    """Run a program in a folder and return what it took. Raises RuntimeError where it fails.

    A process inherits the peak of the one that starts it until it is larger itself: this module, and what imports
    it, keep to the standard library.
    """
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment(folder), stdout=subprocess.DEVNULL, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"{' '.join(command)} exited with {process.returncode}: {said.read().decode()}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6)


def environment(folder: Path) -> Mapping[str, str]:
    """Return the environment of all that is run: none of the caller's settings, and no AWS configuration."""
    return {"PATH": os.defpath, "HOME": str(folder), "LANG": "C.UTF-8", "AWS_EC2_METADATA_DISABLED": "true"}
