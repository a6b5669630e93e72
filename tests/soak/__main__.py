"""`python -m soak --runs 2500 --pushes 500`: keeps a controller busy, and fails where it holds on to more and more."""

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
    """Soak, print what came of it, and return 1 where a bound does not hold or time ran out."""
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
        _say(f"\nafter {options.minutes:g} minutes {plan.rounds - len(soaked.samples)} rounds were left")
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
        _say("\nan internal error came, which the program should know")
    return 0 if foreseen and not any(each.over for each in found) else 1


def _write(path: Path, soaked: Soaked) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(field.name for field in fields(Sample))
        writer.writerows(map(astuple, soaked.samples))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("soak", description=__doc__)
    parser.add_argument("--runs", type=int, default=2500, help="how many runs at least")
    parser.add_argument("--pushes", type=int, default=500, help="how many pushes")
    parser.add_argument("--minutes", type=float, default=30, help="when to give up")
    parser.add_argument("--samples", type=Path, metavar="FILE", help="where to write what was held after each round")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
