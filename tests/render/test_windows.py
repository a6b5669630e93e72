"""Windows as text: short lines, in the time zone of the manifest and in UTC."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC
from typing import Literal

import jsonschema
import pytest
from support.recurring import (
    NOVEMBER,
    OCTOBER,
    SEPTEMBER,
    UPDATING,
    build_every_window,
    build_recurring_record,
    build_windows,
)
from support.reports import association, report

from reconciler.core.windows.due import Window
from reconciler.edge.manifests.schema import load_schema
from reconciler.render import windows
from reconciler.render.formats import load_format

REVIEW = "each export goes out without another review"
EXPORTED = "windows in Europe/Berlin: everything before 2026-10-01 00:00 (2026-09-30 22:00Z) has been exported"


def test_watermark_due_window_and_next_windows_are_named() -> None:
    """The lines name the watermark, the window that is due, and the next three windows with their earliest times."""
    stored_record = build_recurring_record(SEPTEMBER)
    assert windows.list_sentences(build_windows(stored_record, NOVEMBER.end)) == (
        EXPORTED,
        "overdue since 2026-11-01 01:00 (2026-11-01 00:00Z): 2026-10-01 to 2026-11-01",
        "next from 2026-12-01 01:00 (2026-12-01 00:00Z): 2026-11-01 to 2026-12-01",
        "next from 2027-01-01 01:00 (2027-01-01 00:00Z): 2026-12-01 to 2027-01-01",
        "next from 2027-02-01 01:00 (2027-02-01 00:00Z): 2027-01-01 to 2027-02-01",
        REVIEW,
    )


def test_assumed_watermark_is_named_as_such() -> None:
    """A watermark that was concluded from List alone says so."""
    assumed = replace(build_windows(build_recurring_record(SEPTEMBER)), is_assumed=True)
    assert windows.list_sentences(assumed)[0] == f"{EXPORTED}, which is assumed from List"


def test_windows_before_the_first_export_and_after_the_last() -> None:
    """Before the first export, and after the last window, the lines say so."""
    assert windows.list_sentences(build_windows())[0] == ("windows in Europe/Berlin: no export has been completed yet")
    ended = build_windows(build_recurring_record(SEPTEMBER), last=SEPTEMBER.start.date())
    assert windows.list_sentences(ended) == (
        EXPORTED,
        "no window is to come, because no period begins after window.last",
    )


def test_suspended_association_promises_no_export() -> None:
    """The lines about a suspended association do not promise that an export goes out."""
    suspended = build_windows(build_recurring_record(SEPTEMBER), policy=replace(UPDATING, suspend=True))
    sentences = windows.list_sentences(suspended)
    assert sentences[-1] == "no export goes out while the association or its target is suspended or only observed"
    assert REVIEW not in sentences


def test_time_in_utc_is_named_once() -> None:
    """In UTC, a time is named once, and a window that does not begin at midnight shows its time of day."""
    utc = replace(build_windows(), zone=UTC, time_zone="UTC")
    assert windows.format_time(OCTOBER.start, utc) == "2026-09-30 22:00Z"
    assert windows.format_window(OCTOBER, utc) == "2026-09-30 22:00Z to 2026-10-31 23:00Z"
    berlin = build_windows()
    afternoon = Window(OCTOBER.start.replace(hour=12), OCTOBER.end)
    assert windows.format_window(afternoon, berlin) == "2026-09-30 14:00 (2026-09-30 12:00Z) to 2026-11-01"


def test_sent_windows_are_described() -> None:
    """A sent window shows its call, the answer of AWS, and when List showed it and when its job ended."""
    every_window = build_every_window("no bucket")
    lines = [windows.describe_sent(each, every_window) for each in every_window.sent]
    accepted = "Update sent {}, answer accepted, shown {}".format
    assert lines == [
        accepted("2026-09-01 01:00 (2026-08-31 23:00Z)", "2026-08-31 23:15Z, ended 2026-09-01 00:00Z"),
        accepted("2026-10-01 01:00 (2026-09-30 23:00Z)", "2026-09-30 23:15Z, ended 2026-10-01 00:00Z"),
        "Update sent 2026-10-01 02:00 (2026-10-01 00:00Z), answer refused, AWS: no bucket",
        "first seen 2026-10-01 03:00 (2026-10-01 01:00Z)",
        accepted("2026-10-01 04:00 (2026-10-01 02:00Z)", "2026-10-01 02:15Z"),
    ]


@pytest.mark.parametrize("format_", ["text", "markdown", "github", "junit", "sarif"])
def test_every_format_names_the_windows(format_: Literal["text", "markdown", "github", "junit", "sarif"]) -> None:
    """Each format names the watermark, the next windows and that they go out without another review."""
    line = association("export", "held", windows=build_windows(build_recurring_record(SEPTEMBER)))
    text = load_format(format_).render(report(line))
    for sentence in windows.list_sentences(build_windows(build_recurring_record(SEPTEMBER))):
        assert sentence in text


@pytest.mark.parametrize("is_terminal", [False, True])
@pytest.mark.parametrize("format_", ["text", "markdown"])
def test_association_in_sync_names_its_next_windows(format_: Literal["text", "markdown"], *, is_terminal: bool) -> None:
    """An association that is in sync names its watermark and next windows as well, on a terminal and elsewhere."""
    reported_windows = build_windows(build_recurring_record(SEPTEMBER))
    line = association("export", "in-sync", windows=reported_windows)
    renderer = load_format(format_)
    text = renderer.render(report(line, dry_run=False), is_terminal=is_terminal)
    for sentence in windows.list_sentences(reported_windows):
        assert sentence in text


def test_json_contains_the_windows() -> None:
    """The JSON report has the same facts, and follows its schema."""
    every_window = build_every_window("no bucket")
    document = json.loads(load_format("json").render(report(association("export", "held", windows=every_window))))
    jsonschema.validate(document, load_schema("report.v1.json"), cls=jsonschema.Draft202012Validator)
    tree = document["targets"][0]["associations"][0]["windows"]
    assert (tree["timeZone"], tree["watermark"], tree["watermarkAssumed"]) == (
        "no bucket",
        "2026-08-31T22:00:00+00:00",
        False,
    )
    assert (tree["due"]["start"], tree["due"]["state"]) == ("2026-09-30T22:00:00+00:00", "overdue")
    assert [each["state"] for each in tree["next"]] == ["to come"] * 3
    assert [each["state"] for each in tree["past"]] == ["done", "failed", "refused", "unknown", "running"]
    assert tree["past"][2]["error"] == "no bucket"
