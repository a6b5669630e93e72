"""Show measured figures as a table and as a JSON document."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Any

from benchmarks.measure import Figure

_ROW = "{:<41} {:>9} {:>9} {:>19} {:>8}  {}"
_MIN_PRECISE = 100
"""The value above which a time in seconds is shown without a decimal."""


def format_heading() -> str:
    """Return the first line of the table."""
    return _ROW.format("figure", "ours", "baseline", "ratio (min-max)", "bound", "").rstrip()


def format_figure(figure: Figure) -> str:
    """Return a line of the table."""
    ratios = figure.ratios
    bound = "-" if figure.bound is None else f"{figure.bound:g}" + (f" {figure.unit}" if figure.is_absolute else "")
    return _ROW.format(
        figure.name,
        _format_value(median(figure.ours), figure.unit),
        _format_value(median(figure.baseline), figure.unit),
        f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})",
        bound.rstrip(),
        judge(figure),
    ).rstrip()


def judge(figure: Figure) -> str:
    """Return "ok" or "over", or nothing for a figure without a bound."""
    return "" if figure.bound is None else "over" if figure.is_over else "ok"


def build_document(machine: str, figures: Iterable[Figure]) -> dict[str, Any]:
    """Return the JSON document of a run. The values of each figure are in the order of the pairs."""
    return {
        "machine": machine,
        "figures": [
            {
                "name": figure.name,
                "unit": figure.unit,
                "ours": figure.ours,
                "baseline": figure.baseline,
                "ratio": median(figure.ratios),
                "bound": figure.bound,
                "isAbsolute": figure.is_absolute,
                "verdict": judge(figure),
            }
            for figure in figures
        ],
    }


def _format_value(value: float, unit: str) -> str:
    return f"{value:.{1 if unit == 's' and value < _MIN_PRECISE else 0}f} {unit}".rstrip()
