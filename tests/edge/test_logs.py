"""Log lines have one format, are safe on a terminal, and summarise a run in one line."""

from __future__ import annotations

import errno
import io
import json
import logging
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from support import reports
from support.recurring import AUGUST, SEPTEMBER, build_job

from reconciler.core.apply.outcome import Created, NotSent, Refused, Unknown, Updated
from reconciler.core.context import with_context
from reconciler.core.plan.review import PlanMismatch
from reconciler.core.report.exports import KnownExport
from reconciler.core.report.report import Report, TargetReport
from reconciler.edge import logs


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def test_log_lines_are_json_without_a_terminal() -> None:
    """A line for a machine is JSON with the event, the level, the time and the fields."""
    stream = io.StringIO()
    logs.configure(stream, has_colors=True)
    logs.get_logger().info("something happened", count=3)
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["count"]) == ("something happened", "info", 3)
    assert line["timestamp"].endswith("Z")


class FullDisk(io.StringIO):
    """A file on a full disk."""

    def write(self, _: str) -> int:
        """Raise the error of a full disk."""
        raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self) -> None:
        """Raise the error of a full disk."""
        self.write("")


@pytest.mark.parametrize("stream", [None, FullDisk()])
def test_failing_log_stream_is_not_an_error(stream: io.StringIO | None) -> None:
    """Logging to a full disk, or without a stream, raises nothing."""
    logs.configure(stream, has_colors=False)
    logs.get_logger().info("something happened")
    logging.getLogger("apscheduler.scheduler").warning("something happened")


def test_library_log_records_have_the_same_format() -> None:
    """A warning of a library is one JSON line, and its lower levels are not logged."""
    stream = io.StringIO()
    logs.configure(stream, has_colors=False)
    logging.getLogger("apscheduler.scheduler").warning("run %s skipped", "x")
    assert json.loads(stream.getvalue())["event"] == "run x skipped"
    logging.getLogger("botocore").info("chatter")
    assert stream.getvalue().count("\n") == 1


def test_failed_refresh_of_credentials_is_one_line_without_a_traceback() -> None:
    """A refresh that fails while the keys are still valid is one line with its error. botocore raises any other."""
    stream = io.StringIO()
    logs.configure(stream, has_colors=False)
    for name, text in (
        ("botocore.credentials", "Refreshing temporary credentials failed during %s refresh period."),
        ("botocore.tokens", "Refreshing token failed during the %s refresh period."),
    ):
        for period in ("advisory", "mandatory"):
            logging.getLogger(name).warning(text, period, exc_info=OSError("no such file"))
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == [
        "Refreshing temporary credentials failed during advisory refresh period. no such file",
        "Refreshing token failed during the advisory refresh period. no such file",
    ]
    assert not any("exception" in line for line in lines)


def test_bound_fields_are_in_every_line_of_a_run() -> None:
    """Fields of a run are in each line while it runs, including lines of libraries and threads, and not afterwards."""
    stream = io.StringIO()
    logs.configure(stream, has_colors=False)
    library = logging.getLogger("a.library")
    with logs.bind_fields(run="r-1", target="prod"), ThreadPoolExecutor(2) as pool:
        list(pool.map(with_context(library.warning), ("one", "two")))
        logs.get_logger().info("three")
    library.warning("four")
    *run_lines, last_line = map(json.loads, stream.getvalue().splitlines())
    assert {line["event"] for line in run_lines} == {"one", "two", "three"}
    assert {(line["run"], line["target"]) for line in run_lines} == {("r-1", "prod")}
    assert "run" not in last_line


def test_log_lines_contain_no_control_characters() -> None:
    """A field with control characters neither controls the terminal nor starts a new line."""
    stream = Terminal()
    logs.configure(stream, has_colors=False)
    logs.get_logger().warning("event", name="\x1b[2Jx\ny", values=[{"live": "\x1b]0;t\x07"}])
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()


def test_brief_log_contains_only_warnings() -> None:
    """If the same terminal shows the report, only warnings and errors are logged that the report does not show."""
    stream = Terminal()
    logs.configure(stream, has_colors=False, is_brief=True)
    logs.get_logger().info(logs.events.RUN_FINISHED)
    logs.get_logger().error(logs.events.RUN_FINISHED)
    logs.get_logger().error(logs.events.TARGET_FAILED)
    assert stream.getvalue() == ""
    logs.get_logger().warning(logs.events.DRIFT_DETECTED)
    assert "drift detected" in stream.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_traceback_is_logged_without_escapes(stream: io.StringIO) -> None:
    """The traceback of an unexpected error is logged, and its escape sequences are removed."""
    logs.configure(stream, has_colors=False)
    try:
        int("\x1b]0;owned\x07")
    except ValueError:
        logs.get_logger().exception(logs.events.UNEXPECTED_ERROR)
    output = stream.getvalue()
    assert "test_logs.py" in output
    assert "ValueError" in output
    assert "\x1b" not in output


@pytest.mark.filterwarnings("always")
def test_python_warning_is_one_log_line() -> None:
    """A Python warning is one JSON line. Python itself would print two lines of text."""
    stream = io.StringIO()
    logs.configure(stream, has_colors=False)
    warnings.warn("this will go\naway", FutureWarning, stacklevel=1)
    (line,) = stream.getvalue().splitlines()
    assert "FutureWarning: this will go\naway" in json.loads(line)["event"]


def test_uncaught_thread_error_is_one_log_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """An uncaught error in a thread is one line with its traceback. Python itself would print many lines."""
    monkeypatch.setattr(threading, "excepthook", logs.log_thread_failure)
    stream = io.StringIO()
    logs.configure(stream, has_colors=False)
    thread = threading.Thread(target=int, args=("no",), name="web")
    thread.start()
    thread.join()
    (line,) = stream.getvalue().splitlines()
    entry = json.loads(line)
    assert (entry["event"], entry["what"]) == ("unexpected error", "thread web")
    assert "Traceback" in entry["exception"]


def log_lines(report: Report) -> list[dict[str, Any]]:
    """Return the log lines of a run."""
    stream = io.StringIO()
    logs.configure(stream, has_colors=False)
    logs.log_report(report)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def run_summary_line(report: Report) -> dict[str, Any]:
    """Return the log line that summarises a run."""
    (line,) = [line for line in log_lines(report) if line["event"] == "run finished"]
    return line


def test_successful_run_is_logged_in_one_line() -> None:
    """The line of a successful run counts the created and updated associations."""
    creates = [reports.association("a", outcome=Created("x")), reports.association("b", outcome=Created("y"))]
    line = run_summary_line(
        reports.report(*creates, reports.association("c", "update", outcome=Updated()), dry_run=False)
    )
    assert (line["level"], line["result"], line["error"]) == ("info", "succeeded", None)
    assert (line["created"], line["updated"], line["failed"], line["integrationsNotListed"]) == (2, 1, 0, 0)


def test_failed_run_is_logged_in_one_line() -> None:
    """The line of a failed run is an error, with the reason of each failed target and the number of failed calls."""
    line = run_summary_line(reports.report(reports.association(outcome=Refused("no")), dry_run=False))
    assert (line["level"], line["result"], line["error"]) == ("error", "failed", None)
    assert (line["created"], line["failed"]) == (0, 1)
    report = reports.report(error="access denied")
    line = run_summary_line(report)
    assert (line["level"], line["result"], line["error"]) == ("error", "failed", "access denied")
    other_targets = (TargetReport("dev", None, None), TargetReport("test", None, None, error="no Region"))
    line = run_summary_line(replace(report, targets=report.targets + other_targets))
    assert line["error"] == "prod: access denied; test: no Region"


@pytest.mark.parametrize("write_kind", ["create", "update"])
def test_call_without_an_answer_has_its_own_event(write_kind: str) -> None:
    """The event of a call that AWS may have carried out differs from the event of a call that changed nothing."""
    write = reports.create() if write_kind == "create" else reports.update()
    for outcome, event, result in (
        (Unknown("timeout"), "unanswered", "unknown"),
        (Refused("no"), "failed", "refused"),
        (NotSent("offline"), "failed", "not-sent"),
    ):
        line, _ = log_lines(
            reports.report(reports.association("a", write_kind, outcome=outcome, write=write), dry_run=False)
        )
        assert (line["event"], line["result"], line["level"]) == (f"{write_kind} {event}", result, "error")


def test_rejected_plan_is_not_logged_as_a_success() -> None:
    """The line of a run whose plan is not the reviewed plan is an error, and its result is `plan rejected`."""
    report = replace(reports.report(reports.association(), dry_run=False), mismatch=PlanMismatch("sha256:1", None))
    line = run_summary_line(report)
    assert (line["level"], line["result"], line["error"]) == ("error", "plan rejected", None)


def test_unlisted_integrations_are_logged() -> None:
    """Each unlisted data integration is logged with its ARN and its error, and the line of the run counts them."""
    unlisted = (("arn:one", "Denied (request 1f0c)"), ("arn:two", "the list changed"))
    first, second, line = log_lines(reports.report(unlisted=unlisted))
    assert {first["event"], second["event"]} == {"integration not listed"}
    assert (first["level"], first["target"]) == ("warning", "prod")
    assert [(each["integration"], each["error"]) for each in (first, second)] == list(unlisted)
    assert (line["event"], line["integrationsNotListed"], line["result"]) == ("run finished", 2, "failed")


def test_completed_export_is_logged_by_the_run_that_sees_its_end() -> None:
    """An export that this run saw end is one line with its window and times. Earlier ones, and a dry run, log none."""
    windowless, monthly = build_job(AUGUST.end), build_job(SEPTEMBER.end)
    exports = (
        KnownExport(("i", "", "d"), AUGUST, windowless),
        KnownExport(("i", "", "d"), SEPTEMBER, monthly, is_news=True),
        KnownExport(("i", "", "d"), None, windowless, is_news=True),
    )
    association = reports.association(decision="in-sync", exports=exports)
    first, second, _ = log_lines(reports.report(association, dry_run=False))
    assert (first["event"], first["level"], first["association"]) == ("export completed", "info", "export")
    assert (first["start"], first["end"]) == (SEPTEMBER.start.isoformat(), SEPTEMBER.end.isoformat())
    assert first["sentAt"] == monthly.sent_at.isoformat()
    assert monthly.ended_at
    assert first["endedAt"] == monthly.ended_at.isoformat()
    assert (second["start"], second["end"]) == (None, None)
    assert [each["event"] for each in log_lines(reports.report(association))] == ["run finished"]
