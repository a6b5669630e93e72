"""Compare the program's measurements with their bounds: `python benchmarks/run.py [NAME…]`."""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))  # a script finds only modules of its own folder
sys.path.insert(1, str(Path(__file__).parents[1] / "tests"))  # for support.browser

from benchmarks import dry_run, idle, loading, page, start_up
from benchmarks.measure import Figure

_BENCHMARKS = {
    "start-up": (start_up.measure_figures, 31),
    "dry-run": (dry_run.measure_figures, 15),
    "loading": (loading.measure_figures, 7),
    "idle": (idle.measure_figures, 3),
    "page": (page.measure_figures, 11),
}
"""Each benchmark, with the number of pairs that its noise requires."""
_LIBRARIES = ("boto3", "click", "jsonschema-rs", "pyyaml", "structlog")
_ROW = "{:<38} {:>9} {:>9} {:>19} {:>8}  {}"


def main() -> int:
    """Run the selected benchmarks and print the table. Return 1 if a median exceeds its bound, otherwise 0."""
    parser = argparse.ArgumentParser(description="Measure the program against its bounds.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(_BENCHMARKS)}; default: every benchmark")
    parser.add_argument("--pairs", type=int, help="number of pairs of runs; default: each benchmark's own")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(_BENCHMARKS):
        parser.error(f"unknown benchmark: {', '.join(sorted(unknown))}")
    print(_describe_machine())
    print(_ROW.format("figure", "ours", "baseline", "ratio (min-max)", "bound", ""))
    is_over = False
    for name in chosen.names or _BENCHMARKS:
        benchmark, pairs = _BENCHMARKS[name]
        with tempfile.TemporaryDirectory() as folder:
            for figure in benchmark(Path(folder), chosen.pairs or pairs):
                print(_format_line(figure), flush=True)
                is_over = is_over or figure.is_over
    return 1 if is_over else 0


def _describe_machine() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = f"{len(models)} x {models[0]}" if models else platform.machine()
    libraries = ", ".join(f"{library} {version(library)}" for library in _LIBRARIES)
    return f"{model}; Python {platform.python_version()}; {libraries}\n"


def _format_line(figure: Figure) -> str:
    ratios = figure.ratios
    bound = "-" if figure.bound is None else f"{figure.bound:g}" + (f" {figure.unit}" if figure.is_absolute else "")
    return _ROW.format(
        figure.name,
        f"{median(figure.ours):.0f} {figure.unit}",
        f"{median(figure.baseline):.0f} {figure.unit}",
        f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})",
        bound,
        "" if figure.bound is None else "over" if figure.is_over else "ok",
    )


if __name__ == "__main__":
    sys.exit(main())
