"""Log lines of a controller other than reports."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from support.builders import ACCOUNT, INTEGRATION, NOW, REGION, live
from support.recurring import build_windows

from reconciler.app.events import EventRecorder
from reconciler.core.controller.controller_status import ActiveRun
from reconciler.core.errors import Problem
from reconciler.core.model import Execution, Live, Origin
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.report.report import AssociationReport, Report, RunInfo, TargetReport
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


def test_failed_export_overdue_window_and_unmanaged_association_are_logged_once(log: io.StringIO) -> None:
    """A controller logs each of them when it is new in its target, and at its start only what is wrong."""
    recorder = EventRecorder(Metrics("0"), lambda: None, ())
    failed = build_association("in-sync", "failed", last_execution=Execution("FAILED", None))
    overdue = build_association("held", "late", reason="the update waits", exit_code=1, windows=build_windows())
    recorder.on_run_finished(build_target_report(failed, unmanaged=(live("a1"),)))
    for _ in range(2):
        recorder.on_run_finished(build_target_report(failed, overdue, unmanaged=(live("a1"), live("a2"))))
    recorder.on_run_finished(build_report(error="denied"))
    names = {"export failed", "window overdue", "unmanaged association appeared"}
    entries = [entry for entry in map(json.loads, log.getvalue().splitlines()) if entry["event"] in names]
    assert [(each["event"], each["level"], each.get("association"), each["reason"]) for each in entries] == [
        ("export failed", "error", "failed", None),
        ("window overdue", "warning", "late", "the update waits"),
        ("unmanaged association appeared", "warning", None, f"it belongs to the data integration {INTEGRATION.arn}"),
    ]
    assert all(get_context(each) == {"run": "0a1b", "target": "prod", "revision": "1f0c5f7"} for each in entries)
    assert (entries[2]["name"], entries[2]["arn"]) == ("s3://corp-exports/2026-10", live("a2").arn)
    assert entries[1]["manifest"] == "late.yaml:1"


def build_association(decision: str, name: str, reason: str = "", **changes: Any) -> AssociationReport:
    """Return the report of an association."""
    return AssociationReport(name, Origin(f"{name}.yaml", 1, 1), DecisionKind(decision), reason, "i", "d", **changes)


def build_target_report(*associations: AssociationReport, unmanaged: tuple[Live, ...]) -> Report:
    """Return the report of a run of one target."""
    run = RunInfo("0a1b", NOW, NOW, dry_run=False, revision="1f0c5f7", version="0")
    return Report(run, (TargetReport("prod", ACCOUNT, REGION, None, associations, unmanaged),))


def get_context(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the run, target and revision of a log line."""
    return {name: entry[name] for name in ("run", "target", "revision") if name in entry}
