"""Run `python -m fleet_simulation`: simulate a fleet with 1, 4 and 16 shards in virtual time, and print a table."""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta

from fleet_simulation.costs import CALL_CPU, LATENCY, RUN_CPU
from fleet_simulation.fleet import Fleet
from fleet_simulation.library import Library
from fleet_simulation.simulate import ShardOutcome, simulate_shard
from fleet_simulation.table import FleetOutcome, compute_minimum, show
from fleet_simulation.workload import ASSOCIATIONS, INTEGRATIONS


def main() -> int:
    """Simulate each number of shards, and print the table."""
    options = _parse_options()
    started_at = time.monotonic()
    fleets = [Fleet(options.targets, count, timedelta(seconds=options.interval)) for count in options.shards]
    library = Library()
    for number in range(0, options.targets, options.sample):
        library.play(number)
    with ProcessPoolExecutor(options.jobs) as pool:
        futures = [
            [pool.submit(_simulate, fleet, each, library) for each in range(fleet.shard_count)] for fleet in fleets
        ]
        shards = [[future.result() for future in each] for each in futures]
    minimum = compute_minimum(library)
    outcomes = [FleetOutcome(fleet, each, minimum) for fleet, each in zip(fleets, shards, strict=True)]
    _print(
        f"{options.targets:,} targets x {INTEGRATIONS} data integrations x {ASSOCIATIONS} associations, "
        f"interval {options.interval} s",
        f"assumed: {LATENCY * 1e3:g} ms latency; processor time: {CALL_CPU * 1e3:g} ms for each call, and "
        f"{RUN_CPU * 1e3:g} ms more for each run",
        "",
        show(outcomes),
        "",
        f"{library.run_count:,} runs were real, and needed "
        f"{library.cpu_seconds * 1e3 / library.run_count:.0f} ms of this processor each",
        f"simulated in {time.monotonic() - started_at:.0f} s",
    )
    return 0


def _simulate(fleet: Fleet, number: int, library: Library) -> ShardOutcome:
    return simulate_shard(fleet, number, library, has_outage=number == 0)


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("fleet_simulation", description=__doc__)
    parser.add_argument("--targets", type=int, default=10_000, help="number of targets")
    parser.add_argument("--shards", type=int, nargs="+", default=[1, 4, 16], help="numbers of shards")
    parser.add_argument("--interval", type=int, default=300, help="seconds between two runs of a target")
    parser.add_argument("--sample", type=int, default=200, help="play the runs of every SAMPLE-th target for real")
    parser.add_argument("--jobs", type=int, default=1, help="number of parallel processes")
    return parser.parse_args()


def _print(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
