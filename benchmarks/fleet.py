"""Compare a run of 500 targets without writes with bare boto3, and with a run of 50 targets."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import fleets
from benchmarks.measure import Figure, measure_cost
from benchmarks.running import count_calls, run_server

SIZE = 500
_PART = 10
"""The growth is measured from a tenth of the fleet."""
_ASSUME_ROLE = 1  # its answer names the account, so that GetCallerIdentity is not needed
BARE = (sys.executable, str(Path(__file__).with_name("bare_fleet.py")))
"""The command of the baseline, without its arguments."""


def measure_figures(folder: Path, pairs: int) -> Iterator[Figure]:
    """Yield the calls, the processor time and the memory, and their growth. The pace delays no call."""
    with run_server() as url:
        fleets.create_associations(folder, url, SIZE)
        few, ours, bare, one_client, calls = [], [], [], [], []
        for _ in range(pairs):
            fleets.write(folder, SIZE // _PART)
            few.append(measure_cost(fleets.build_command(url), folder))
            fleets.write(folder, SIZE)
            count_calls(url)
            ours.append(measure_cost(fleets.build_command(url), folder))
            calls.append(sum(sum(each.values()) for each in count_calls(url)["calls"].values()))
            bare.append(measure_cost((*BARE, url, str(SIZE)), folder))
            one_client.append(measure_cost((*BARE, url, str(SIZE), "one-client"), folder))
    size, part = f"{SIZE} targets", f"{SIZE // _PART} to {SIZE} targets"
    minimum = SIZE * (fleets.CALLS + _ASSUME_ROLE)
    yield Figure(f"no-op, {size}, calls", "", tuple(calls), (minimum,) * pairs, 1.0)
    yield Figure(
        f"no-op, {size}, processor time", "s", tuple(each.cpu for each in ours), tuple(each.cpu for each in bare), 1.2
    )
    yield Figure(
        f"no-op, {size}, peak memory",
        "MB",
        tuple(each.peak for each in ours),
        tuple(each.peak for each in one_client),
        4.0,
    )
    yield Figure(
        f"{part}, time, per target",
        "ms",
        tuple(each.wall * 1e3 / SIZE for each in ours),
        tuple(each.wall * 1e3 * _PART / SIZE for each in few),
        1.1,
    )
    yield Figure(
        f"{part}, memory, per target",
        "kB",
        tuple(each.peak * 1e3 / SIZE for each in ours),
        tuple(each.peak * 1e3 * _PART / SIZE for each in few),
        1.1,
    )
