"""Run `python -m simulation --seeds 500`: simulate seeds, and print the history of the first seed with a violation."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from simulation.world import Outcome, simulate


def main() -> int:
    """Simulate the seeds, and return the exit code: 1 if an invariant was violated."""
    options = _options()
    first, last = options.seeds
    began = time.monotonic()
    reached: Counter[str] = Counter()
    failed = 0
    for outcome in _outcomes(range(first, last), options.jobs):
        reached += outcome.reached
        if options.history and not outcome.violations:
            _say(outcome.history)
        if outcome.violations:
            failed += 1
            if not options.brief:
                _say(f"{outcome.history}\n")
            _say("\n".join(f"seed {outcome.seed} violates {name}: {text}" for name, text in outcome.violations))
            if failed > options.go_on:
                return 1
    spent = time.monotonic() - began
    if options.reached:
        _say("\n".join(f"{count:>9}  {what}" for what, count in sorted(reached.items())))
    _say(f"{last - first} seeds in {spent:.1f} s, {(last - first) / spent:.0f} seeds/s, {failed} failed")
    return 1 if failed else 0


def _outcomes(seeds: range, jobs: int) -> Iterator[Outcome]:
    if jobs == 1:
        yield from map(simulate, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool, _cancelled(pool):
        yield from pool.map(simulate, seeds, chunksize=10)


@contextmanager
def _cancelled(pool: ProcessPoolExecutor) -> Iterator[None]:
    try:
        yield
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("simulation", description=__doc__)
    parser.add_argument("--seeds", type=_seeds, default=(0, 500), metavar="N|FIRST-LAST|=SEED")
    parser.add_argument("--jobs", type=int, default=1, help="number of parallel processes")
    parser.add_argument("--history", action="store_true", help="also print the histories of seeds without violations")
    parser.add_argument("--brief", action="store_true", help="do not print the histories of seeds with violations")
    parser.add_argument("--reached", action="store_true", help="print how often the seeds reached each event")
    parser.add_argument("--go-on", type=int, default=0, metavar="N", help="continue after up to N failed seeds")
    return parser.parse_args()


def _seeds(text: str) -> tuple[int, int]:
    """Return the first seed, and the one after the last."""
    if text.startswith("="):
        return int(text[1:]), int(text[1:]) + 1
    first, dash, last = text.partition("-")
    return (int(first), int(last) + 1) if dash else (0, int(first))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n" if text else "")


if __name__ == "__main__":
    sys.exit(main())
