"""Run two programs alternately and measure the cost of each run: only the ratio is comparable across machines."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeAlias

RECONCILE = str(Path(sys.executable).with_name("reconcile"))
"""The program under test, as installed beside this interpreter."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one process, including its start and its end."""

    wall: float
    """Elapsed time in seconds."""
    cpu: float
    """Processor time in user and kernel mode, over all threads, in seconds."""
    peak: float
    """Peak resident memory, in MB (10^6 bytes)."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: the values of the program and of the baseline, pair by pair, and their bound.

    `bound` limits the ratio, or the program's own value if `is_absolute`. None: the figure has no bound.
    """

    name: str
    unit: str
    ours: tuple[float, ...]
    baseline: tuple[float, ...]
    bound: float | None
    is_absolute: bool = False

    @property
    def ratios(self) -> tuple[float, ...]:
        """Return the ratio of the program to the baseline for every pair."""
        return tuple(mine / other for mine, other in zip(self.ours, self.baseline, strict=True))

    @property
    def is_over(self) -> bool:
        """Return True if the median exceeds the bound."""
        return self.bound is not None and median(self.ours if self.is_absolute else self.ratios) > self.bound


Benchmark: TypeAlias = Callable[[Path, int], Iterator[Figure]]
"""A function that measures figures in an empty folder, with a number of pairs."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """The costs of alternate runs, pair by pair."""

    ours: tuple[Cost, ...]
    baseline: tuple[Cost, ...]

    def measure_wall_time(self, name: str, bound: float | None) -> Figure:
        """Return the figure of the elapsed time, in ms."""
        return Figure(
            name,
            "ms",
            tuple(each.wall * 1e3 for each in self.ours),
            tuple(each.wall * 1e3 for each in self.baseline),
            bound,
        )

    def measure_cpu_time(self, name: str) -> Figure:
        """Return the figure of the processor time, in ms. Noise affects it least."""
        return Figure(
            name,
            "ms",
            tuple(each.cpu * 1e3 for each in self.ours),
            tuple(each.cpu * 1e3 for each in self.baseline),
            None,
        )

    def measure_peak_memory(self, name: str, bound: float, *, is_absolute: bool = False) -> Figure:
        """Return the figure of the peak memory, in MB."""
        return Figure(
            name,
            "MB",
            tuple(each.peak for each in self.ours),
            tuple(each.peak for each in self.baseline),
            bound,
            is_absolute,
        )


def measure_in_turn(
    ours: Sequence[str], baseline: Sequence[str], folder: Path, pairs: int, baseline_folder: Path | None = None
) -> Pairs:
    """Run each program once to warm up, then alternately, `pairs` times each.

    `baseline_folder` is the folder of the baseline, if it has one of its own.
    """
    other_folder = baseline_folder or folder
    measure_cost(ours, folder)
    measure_cost(baseline, other_folder)
    costs = [(measure_cost(ours, folder), measure_cost(baseline, other_folder)) for _ in range(pairs)]
    return Pairs(tuple(mine for mine, _ in costs), tuple(other for _, other in costs))


def measure_cost(command: Sequence[str], folder: Path) -> Cost:
    """Run a program in a folder and return its cost. Raises RuntimeError if the program fails.

    A new process starts with the peak memory of its parent until its own memory exceeds it. This module and the modules
    that import it therefore use only the standard library.
    """
    with tempfile.TemporaryFile() as error_output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=build_environment(folder), stdout=subprocess.DEVNULL, stderr=error_output
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            error_output.seek(0)
            raise RuntimeError(f"{' '.join(command)} exited with {process.returncode}: {error_output.read().decode()}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6)


def build_environment(folder: Path) -> Mapping[str, str]:
    """Return the environment of each measured process, without settings of the caller and without AWS configuration."""
    return {"PATH": os.defpath, "HOME": str(folder), "LANG": "C.UTF-8", "AWS_EC2_METADATA_DISABLED": "true"}


def read_memory(pid: int, field: str) -> float:
    """Return the memory of a process in MB, such as VmRSS (resident) and VmHWM (its peak), as in proc(5)."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) * 1024 / 1e6
