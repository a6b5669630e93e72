"""Run `python -m soak --runs 2500 --pushes 500`: keep a controller busy, and fail if its use of resources grows."""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from dataclasses import astuple, fields
from pathlib import Path

from soak.bounds import Sample, figures
from soak.controller import INTERNAL
from soak.soak import Plan, Soaked, soak

_TARGETS = 5
_ROW = "{:<22} {:>11} {:>12} {:>8} {:>7} {:>6}  {}"


def main() -> int:
    """Run the soak test, print its result, and return 1 if a bound is exceeded or the time runs out."""
    options = _options()
    plan = Plan(
        rounds=max(4, options.pushes, -(-options.runs // _TARGETS)),
        pushes=options.pushes,
        targets=_TARGETS,
        seconds=60 * options.minutes,
    )
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        soaked = soak(plan, Path(folder))
    _say(f"{_TARGETS} targets, {len(soaked.samples)} rounds, {time.monotonic() - began:.0f} s\n")
    for what, count in soaked.counts.items():
        _say(f"{count:>7,}  {what}")
    if options.samples:
        _write(options.samples, soaked)
    if len(soaked.samples) < plan.rounds:
        _say(f"\ntime limit of {options.minutes:g} minutes reached, rounds left: {plan.rounds - len(soaked.samples)}")
        return 1
    return _judge(soaked)


def _judge(soaked: Soaked) -> int:
    _say("\n" + _ROW.format("figure at rest", "2nd quarter", "last quarter", "growth", "most", "bound", ""))
    found = list(figures(soaked.samples))
    for each in found:
        numbers = (f"{number:.1f}" for number in (each.before, each.after))
        growth = f"{each.after / each.before - 1:.1%}" if each.before else "-"
        _say(
            _ROW.format(
                each.name, *numbers, growth, f"{each.most:.1f}", f"{each.bound:.0%}", "over" if each.over else "ok"
            )
        )
    foreseen = not soaked.counts[INTERNAL]
    if not foreseen:
        _say("\nthe controller logged an internal error")
    return 0 if foreseen and not any(each.over for each in found) else 1


def _write(path: Path, soaked: Soaked) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(field.name for field in fields(Sample))
        writer.writerows(map(astuple, soaked.samples))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("soak", description=__doc__)
    parser.add_argument("--runs", type=int, default=2500, help="minimum number of runs")
    parser.add_argument("--pushes", type=int, default=500, help="number of pushes")
    parser.add_argument("--minutes", type=float, default=30, help="time limit")
    parser.add_argument("--samples", type=Path, metavar="FILE", help="file for the resources in use after each round")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
