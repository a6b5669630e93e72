"""Log lines of a controller other than reports."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from support.builders import ACCOUNT, NOW, REGION

from reconciler.app.events import EventRecorder
from reconciler.core.controller.controller_status import ActiveRun
from reconciler.core.errors import Problem
from reconciler.core.report.report import Report, RunInfo, TargetReport
from reconciler.edge import logs
from reconciler.edge.metrics import Metrics

RUN = ActiveRun("0a1b", "prod", "1f0c5f7")


@pytest.fixture
def log() -> io.StringIO:
    """Return the stream of the log."""
    stream = io.StringIO()
    logs.configure(stream, has_colors=False)
    return stream


def test_unexpected_error_is_logged_with_its_run_and_traceback(log: io.StringIO) -> None:
    """An unexpected error is logged in one line, with its traceback, and with its run if it belongs to one."""
    recorder = EventRecorder(Metrics("0"), lambda: None, ())
    with pytest.raises(ValueError, match="no") as error:
        int("no")
    recorder.on_unexpected_error("target prod", RUN, error.value)
    recorder.on_unexpected_error("poll", None, error.value)
    run_entry, poll_entry = map(json.loads, log.getvalue().splitlines())
    assert get_context(run_entry) == {"run": "0a1b", "target": "prod", "revision": "1f0c5f7"}
    assert get_context(poll_entry) == {}
    for entry in (run_entry, poll_entry):
        assert entry["event"] == "unexpected error"
        assert entry["error"].startswith("ValueError: invalid literal")
        assert "test_events.py" in entry["exception"]


def build_report(*warnings: Problem, target: str = "prod", error: str | None = None) -> Report:
    """Return the report of a run of one target, with warnings that need an answer of AWS."""
    run = RunInfo("0a1b", NOW, NOW, dry_run=False, revision="1f0c5f7", version="0")
    return Report(run, (TargetReport(target, ACCOUNT, REGION, error, warnings=warnings),), warnings)


def test_live_warning_is_logged_once_while_it_lasts(log: io.StringIO) -> None:
    """A warning that needs an answer of AWS is logged when it is new in its target, and not in each run."""
    recorder = EventRecorder(Metrics("0"), lambda: None, ())
    source, quota = (Problem("a.yaml", 1, 1, "/spec", message) for message in ("s3:// source", "nine associations"))
    for report in (
        build_report(source),
        build_report(source),
        build_report(error="no credentials"),
        build_report(source, quota),
        build_report(quota, target="staging"),
        build_report(quota),
        build_report(source, quota, error="the journal was not written"),
    ):
        recorder.on_run_finished(report)
    entries = [entry for entry in map(json.loads, log.getvalue().splitlines()) if entry["event"] == "live warning"]
    first = str(source)
    assert [(entry["target"], entry["warning"]) for entry in entries] == [
        ("prod", first),
        ("prod", str(quota)),
        ("staging", str(quota)),
        ("prod", first),
    ]
    assert get_context(entries[0]) == {"run": "0a1b", "target": "prod", "revision": "1f0c5f7"}
    assert entries[0]["level"] == "warning"


def get_context(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the run, target and revision of a log line."""
    return {name: entry[name] for name in ("run", "target", "revision") if name in entry}
