"""Compare a controller of a fleet with bare boto3 and with a one-shot run. Its targets run again and again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import fleet, fleets
from benchmarks.measure import Figure, measure_cost, read_memory
from benchmarks.running import count_calls, run_controller, run_server

_SMALL = 100
_CYCLES = 2
"""The cycles after the first one."""
_PATIENCE = 1800
_TICK = os.sysconf("SC_CLK_TCK")


def measure_memory(folder: Path, pairs: int) -> Iterator[Figure]:
    """Yield the peak memory of a controller after each target ran three times."""
    ours, baseline = [], []
    with run_server() as url:
        fleets.create_associations(folder, url, fleet.SIZE)
        for _ in range(pairs):
            with _run_controller(folder, url) as (pid, wait_for_runs):
                wait_for_runs(fleet.SIZE * (1 + _CYCLES))
                ours.append(read_memory(pid, "VmHWM"))
            baseline.append(measure_cost((*fleet.BARE, url, str(fleet.SIZE), "one-client"), folder).peak)
    yield Figure(f"controller, {fleet.SIZE} targets, peak memory", "MB", tuple(ours), tuple(baseline), 4.0)


def measure_cycle(folder: Path, pairs: int) -> Iterator[Figure]:
    """Yield the processor time of a cycle after the first one, compared with a one-shot run of the same targets."""
    ours, baseline = [], []
    with run_server() as url:
        fleets.create_associations(folder, url, _SMALL)
        for _ in range(pairs):
            with _run_controller(folder, url) as (pid, wait_for_runs):
                wait_for_runs(_SMALL)
                began = _read_processor_time(pid)
                wait_for_runs(_SMALL * _CYCLES)
                ours.append((_read_processor_time(pid) - began) / _CYCLES)
            baseline.append(measure_cost(fleets.build_command(url), folder).cpu)
    yield Figure(f"controller, {_SMALL} targets, cycle", "s", tuple(ours), tuple(baseline), 0.8)


@contextmanager
def _run_controller(folder: Path, url: str) -> Iterator[tuple[int, Callable[[int], None]]]:
    """Yield the process id of a controller, and a function that waits until so many more runs have listed AWS."""
    count_calls(url)

    def wait_for_runs(count: int) -> None:
        until, started = time.monotonic() + _PATIENCE, 0
        while started < count:
            if time.monotonic() > until:
                raise RuntimeError(f"the controller did not start {count} runs within {_PATIENCE} s")
            time.sleep(0.2)
            started += sum(each.get("ListDataIntegrations", 0) for each in count_calls(url)["calls"].values())

    with run_controller(folder, "--endpoint-url", url, "--interval", "1s") as (pid, _):
        yield pid, wait_for_runs


def _read_processor_time(pid: int) -> float:
    """Return the processor time of a process in seconds (utime and stime, proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK
