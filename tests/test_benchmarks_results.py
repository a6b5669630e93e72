"""Results of the benchmarks: a figure over its bound stays in the table, in the JSON and in the plots."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from support.paths import REPOSITORY

sys.path.insert(0, str(REPOSITORY))  # the benchmarks are not installed

from benchmarks import plots, results, waiting
from benchmarks.measure import Figure

OVER = Figure("no-op, calls", "", (115.0,), (110.0,), 1.0)
WITHIN = Figure("default pace, 20 targets, time", "s", (8.4, 8.8, 8.72), (8.0, 8.0, 8.0), 1.1)
THROTTLED = Figure("creates, throttled calls", "", (1.0,), (163.0,), 0, is_absolute=True)
FREE = Figure("--help & <start>, time", "ms", (80.0,), (20.0,), None)


def test_table_says_which_figures_are_over() -> None:
    """A line has the medians, the ratio with its range, the bound and the verdict."""
    assert re.split(r"  +", results.format_figure(OVER)) == [
        "no-op, calls", "115", "110", "1.05 (1.05-1.05)", "1", "over",
    ]  # fmt: skip
    assert re.split(r"  +", results.format_figure(WITHIN)) == [
        "default pace, 20 targets, time", "8.7 s", "8.0 s", "1.09 (1.05-1.10)", "1.1", "ok",
    ]  # fmt: skip
    assert results.format_figure(THROTTLED).endswith("over")
    assert results.format_figure(FREE).endswith(" -")


def test_json_has_every_value() -> None:
    """The document has the machine, and for each figure every value, the ratio, the bound and the verdict."""
    document = json.loads(json.dumps(results.build_document("2 x CPU", [OVER, WITHIN])))
    assert document["machine"] == "2 x CPU"
    first, second = document["figures"]
    assert (first["verdict"], second["verdict"]) == ("over", "ok")
    assert second["ours"] == [8.4, 8.8, 8.72]
    assert second["ratio"] == pytest.approx(1.09)


def test_plots_are_svg_with_every_bound(tmp_path: Path) -> None:
    """Each figure with a bound has a bar, and texts are escaped. A figure over its bound has its own color."""
    plots.draw([OVER, WITHIN, FREE], tmp_path / "plots")
    bounds = ET.fromstring((tmp_path / "plots" / "bounds.svg").read_text())  # noqa: S314 - our own file
    bars = [each for each in bounds.iter() if each.tag.endswith("rect")]
    assert [bar.get("class") for bar in bars] == ["over", "ok"]
    pace = (tmp_path / "plots" / "pace.svg").read_text()
    assert "20 targets" in pace
    assert "least time of a bucket" in pace
    ET.fromstring(plots.draw_bars("a & b", (plots.Bar("<x>", 1, "1", "ok"),)))  # noqa: S314 - as above


def test_unknown_benchmark_is_refused() -> None:
    """A wrong name is named, before anything is measured."""
    command = (sys.executable, str(REPOSITORY / "benchmarks" / "run.py"), "flet")
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "unknown benchmark: flet" in ran.stderr


@pytest.mark.parametrize("design", [waiting.queue_calls, waiting.await_calls, waiting.sleep_in_threads])
def test_designs_of_waiting_make_every_call(design: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each design makes the calls of each target."""
    monkeypatch.setattr(waiting.Bucket, "take", lambda _: 0.0)
    calls: list[int] = []
    assert callable(design)
    design(3, lambda: calls.append(1))
    assert len(calls) == 3 * 22
