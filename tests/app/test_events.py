"""Log lines of a controller other than reports."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from reconciler.app.events import EventRecorder
from reconciler.core.controller.controller_status import ActiveRun
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


def get_context(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the run, target and revision of a log line."""
    return {name: entry[name] for name in ("run", "target", "revision") if name in entry}
