"""Run `python -m soak --runs 2500 --pushes 500`: keep a controller busy, and fail if its use of resources grows."""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from dataclasses import astuple, fields
from pathlib import Path

from soak.bounds import Sample, measure
from soak.controller import INTERNAL
from soak.soak import SoakResult, Workload, run_soak

_TARGETS = 5
_ROW = "{:<22} {:>11} {:>12} {:>8} {:>7} {:>6}  {}"


def main() -> int:
    """Run the soak test, print its result, and return 1 if a bound is exceeded or the time runs out."""
    options = _parse_options()
    plan = Workload(
        rounds=max(4, options.pushes, -(-options.runs // _TARGETS)),
        pushes=options.pushes,
        targets=_TARGETS,
        seconds=60 * options.minutes,
    )
    started_at = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        result = run_soak(plan, Path(folder))
    _print(f"{_TARGETS} targets, {len(result.samples)} rounds, {time.monotonic() - started_at:.0f} s\n")
    for label, count in result.counts.items():
        _print(f"{count:>7,}  {label}")
    if options.samples:
        _write_samples(options.samples, result)
    if len(result.samples) < plan.rounds:
        _print(f"\ntime limit of {options.minutes:g} minutes reached, rounds left: {plan.rounds - len(result.samples)}")
        return 1
    return _print_result(result)


def _print_result(result: SoakResult) -> int:
    _print("\n" + _ROW.format("figure at rest", "2nd quarter", "last quarter", "growth", "most", "bound", ""))
    values = list(measure(result.samples))
    for each in values:
        numbers = (f"{number:.1f}" for number in (each.before, each.after))
        growth = f"{each.after / each.before - 1:.1%}" if each.before else "-"
        _print(
            _ROW.format(
                each.name,
                *numbers,
                growth,
                f"{each.maximum:.1f}",
                f"{each.bound:.0%}",
                "over" if each.is_exceeded else "ok",
            )
        )
    has_no_internal_error = not result.counts[INTERNAL]
    if not has_no_internal_error:
        _print("\nthe controller logged an internal error")
    return 0 if has_no_internal_error and not any(each.is_exceeded for each in values) else 1


def _write_samples(path: Path, result: SoakResult) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(field.name for field in fields(Sample))
        writer.writerows(map(astuple, result.samples))


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("soak", description=__doc__)
    parser.add_argument("--runs", type=int, default=2500, help="minimum number of runs")
    parser.add_argument("--pushes", type=int, default=500, help="number of pushes")
    parser.add_argument("--minutes", type=float, default=30, help="time limit")
    parser.add_argument("--samples", type=Path, metavar="FILE", help="file for the resources in use after each round")
    return parser.parse_args()


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
