"""Compare the program's measurements with their bounds: `python benchmarks/run.py [NAME…]`."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # a script finds only modules of its own folder
sys.path.insert(1, str(Path(__file__).parents[1] / "tests"))  # for support.browser

from benchmarks import (
    creates,
    dry_run,
    fleet,
    fleet_controller,
    idle,
    latency,
    loading,
    pace,
    page,
    plots,
    results,
    start_up,
)
from benchmarks.measure import Benchmark, Figure

_BENCHMARKS: dict[str, tuple[Benchmark, int]] = {
    "start-up": (start_up.measure_figures, 31),
    "dry-run": (dry_run.measure_figures, 15),
    "latency": (latency.measure_figures, 15),
    "loading": (loading.measure_figures, 7),
    "idle": (idle.measure_figures, 3),
    "page": (page.measure_figures, 11),
    "pace-20": (pace.select_benchmark(20), 3),
    "pace-100": (pace.select_benchmark(100), 1),
    "pace-500": (pace.select_benchmark(500), 1),
    "fleet": (fleet.measure_figures, 3),
    "cycle": (fleet_controller.measure_cycle, 3),
    "fleet-memory": (fleet_controller.measure_memory, 1),
    "creates": (creates.measure_figures, 1),
}
"""Each benchmark, with the number of pairs that its noise requires. Long ones have few."""
_LIBRARIES = ("boto3", "click", "jsonschema-rs", "pyyaml", "structlog")


def main() -> int:
    """Run the selected benchmarks and print the table. Return 0 if each median is within its bound, otherwise 1.

    A benchmark that fails does not stop the others.
    """
    parser = argparse.ArgumentParser(description="Measure the program against its bounds.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(_BENCHMARKS)}; default: every benchmark")
    parser.add_argument("--pairs", type=int, help="number of pairs of runs; default: each benchmark's own")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to a file")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="also draw the figures as SVG")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(_BENCHMARKS):
        parser.error(f"unknown benchmark: {', '.join(sorted(unknown))}")
    machine = _describe_machine()
    print(f"{machine}\n\n{results.format_heading()}", flush=True)
    figures: list[Figure] = []
    began, has_failed = time.monotonic(), False
    for name in chosen.names or _BENCHMARKS:
        benchmark, pairs = _BENCHMARKS[name]
        try:
            with tempfile.TemporaryDirectory() as folder:
                for figure in benchmark(Path(folder), chosen.pairs or pairs):
                    print(results.format_figure(figure), flush=True)
                    figures.append(figure)
        except RuntimeError as error:
            print(f"{name}: failed: {error}", file=sys.stderr)
            has_failed = True
    print(f"\n{(time.monotonic() - began) / 60:.1f} minutes")
    if chosen.json:
        document = json.dumps(results.build_document(machine, figures), indent=2, ensure_ascii=False)
        chosen.json.write_text(f"{document}\n", encoding="utf-8")
    if chosen.plots:
        plots.draw(figures, chosen.plots)
    return 1 if has_failed or any(figure.is_over for figure in figures) else 0


def _describe_machine() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = f"{len(models)} x {models[0]}" if models else platform.machine()
    libraries = ", ".join(f"{library} {version(library)}" for library in _LIBRARIES)
    return f"{model}; Python {platform.python_version()}; {libraries}"


if __name__ == "__main__":
    sys.exit(main())
