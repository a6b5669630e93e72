"""Run `python -m simulation --seeds 500`: simulate seeds, and print the history of the first seed with a violation."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from simulation.simulate import Outcome, simulate


def main() -> int:
    """Simulate the seeds, and return the exit code: 1 if an invariant was violated."""
    options = _parse_options()
    first, last = options.seeds
    started_at = time.monotonic()
    event_counts: Counter[str] = Counter()
    failed_count = 0
    for outcome in _simulate_all(range(first, last), options.jobs):
        event_counts += outcome.event_counts
        if options.history and not outcome.violations:
            _print(outcome.history)
        if outcome.violations:
            failed_count += 1
            if not options.brief:
                _print(f"{outcome.history}\n")
            _print("\n".join(f"seed {outcome.seed} violates {name}: {text}" for name, text in outcome.violations))
            if failed_count > options.go_on:
                return 1
    duration = time.monotonic() - started_at
    if options.reached:
        _print("\n".join(f"{count:>9}  {event}" for event, count in sorted(event_counts.items())))
    _print(f"{last - first} seeds in {duration:.1f} s, {(last - first) / duration:.0f} seeds/s, {failed_count} failed")
    return 1 if failed_count else 0


def _simulate_all(seeds: range, jobs: int) -> Iterator[Outcome]:
    if jobs == 1:
        yield from map(simulate, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool, _cancel_afterwards(pool):
        yield from pool.map(simulate, seeds, chunksize=10)


@contextmanager
def _cancel_afterwards(pool: ProcessPoolExecutor) -> Iterator[None]:
    try:
        yield
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("simulation", description=__doc__)
    parser.add_argument("--seeds", type=_parse_seeds, default=(0, 500), metavar="N|FIRST-LAST|=SEED")
    parser.add_argument("--jobs", type=int, default=1, help="number of parallel processes")
    parser.add_argument("--history", action="store_true", help="also print the histories of seeds without violations")
    parser.add_argument("--brief", action="store_true", help="do not print the histories of seeds with violations")
    parser.add_argument("--reached", action="store_true", help="print how often the seeds reached each event")
    parser.add_argument("--go-on", type=int, default=0, metavar="N", help="continue after up to N failed seeds")
    return parser.parse_args()


def _parse_seeds(text: str) -> tuple[int, int]:
    """Return the first seed, and the one after the last."""
    if text.startswith("="):
        return int(text[1:]), int(text[1:]) + 1
    first, dash, last = text.partition("-")
    return (int(first), int(last) + 1) if dash else (0, int(first))


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n" if text else "")


if __name__ == "__main__":
    sys.exit(main())
