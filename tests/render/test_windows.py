"""Windows as text: short lines, in the time zone of the manifest and in UTC."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import jsonschema
import pytest
from support.recurring import (
    AUGUST,
    BOUNDARIES,
    DAY,
    HOUR,
    NOVEMBER,
    OCTOBER,
    SEPTEMBER,
    UPDATING,
    build_every_window,
    build_job,
    build_recurring_manifest,
    build_recurring_record,
    build_windows,
)
from support.reports import association, report, update

from reconciler.core.journal.jobs import Omission, OmissionCause, PastWindow, Refusal
from reconciler.core.journal.records import Record
from reconciler.core.model import Execution
from reconciler.core.windows.declaration import Missed
from reconciler.core.windows.due import Window
from reconciler.edge.manifests.schema import load_schema
from reconciler.render import windows
from reconciler.render.formats import load_format
from reconciler.render.last_export import describe_last_export
from reconciler.render.wording import describe_orphan

EXPLAIN = "reconcile explain shows what to do"
REVIEW = "each export is sent without another review"
EXPORTED = "windows in Europe/Berlin: everything before 2026-10-01 00:00 (2026-09-30 22:00Z) has been exported"


def test_watermark_due_window_and_next_windows_are_named() -> None:
    """The lines name the watermark, the window that is due, and the next three windows with their earliest times."""
    stored_record = build_recurring_record(SEPTEMBER)
    assert windows.list_sentences(build_windows(stored_record, NOVEMBER.end)) == (
        EXPORTED,
        "overdue, due since 2026-11-01 01:00 (2026-11-01 00:00Z): 2026-10-01 to 2026-11-01",
        "due from 2026-12-01 01:00 (2026-12-01 00:00Z): 2026-11-01 to 2026-12-01",
        "due from 2027-01-01 01:00 (2027-01-01 00:00Z): 2026-12-01 to 2027-01-01",
        "due from 2027-02-01 01:00 (2027-02-01 00:00Z): 2027-01-01 to 2027-02-01",
        REVIEW,
    )


def test_assumed_watermark_is_named_as_such() -> None:
    """A watermark that was concluded from List alone says so."""
    assumed = replace(build_windows(build_recurring_record(SEPTEMBER)), is_assumed=True)
    assert windows.list_sentences(assumed)[0] == f"{EXPORTED}, which is in part assumed from List"
    assumed = replace(assumed, is_own=False)
    assert windows.list_sentences(assumed)[0] == f"{EXPORTED}, which is assumed from List"


def build_record_with_omissions(*omissions: Omission, watermark: datetime = SEPTEMBER.end) -> Record:
    """Return the record of an association whose journal has omissions."""
    stored_record = build_recurring_record(SEPTEMBER, watermark=watermark)
    assert stored_record.recurrence
    return replace(stored_record, recurrence=replace(stored_record.recurrence, omissions=omissions))


def test_left_out_stretches_are_named_instead_of_exported_ones() -> None:
    """If something was left out, the line says where exports continue, and what was left out."""
    skipped = Omission(SEPTEMBER.start, SEPTEMBER.end, OmissionCause.SKIP)
    continues = "windows in Europe/Berlin: exports continue from 2026-10-01 00:00 (2026-09-30 22:00Z)"
    stored_record = build_record_with_omissions(skipped)
    assert (
        windows.describe_watermark(build_windows(stored_record)) == f"{continues}; left out: 2026-09-01 to 2026-10-01"
    )
    days = (SEPTEMBER.start + number * DAY for number in range(5))
    many = build_record_with_omissions(*(Omission(day, day + DAY, OmissionCause.SKIP) for day in days))
    assert windows.describe_watermark(build_windows(many)) == (
        f"{continues}; left out: 2026-09-03 to 2026-09-04, 2026-09-04 to 2026-09-05, 2026-09-05 to 2026-09-06, "
        "and 2 before"
    )
    ended = build_windows(stored_record, last=SEPTEMBER.start.date())
    assert windows.describe_watermark(ended).startswith("windows in Europe/Berlin: exports ended at 2026-10-01")


def test_watermark_that_a_person_set_names_its_source() -> None:
    """What counts as exported because of window.continueFrom is marked as the word of a person."""
    declared = replace(build_windows(build_recurring_record(SEPTEMBER)), is_declared=True)
    assert windows.describe_watermark(declared) == f"{EXPORTED}, in part as window.continueFrom says"
    declared = replace(declared, is_own=False)
    assert windows.describe_watermark(declared) == f"{EXPORTED}, as window.continueFrom says"
    tree = windows.encode(declared)
    assert tree
    assert tree["watermarkDeclared"]


def test_window_that_was_sent_early_is_marked_as_exported_in_part() -> None:
    """A window whose job began before its end was exported only in part."""
    sent_early = PastWindow(AUGUST.start, AUGUST.end, build_job(AUGUST.start + DAY))
    early = build_windows(build_recurring_record(SEPTEMBER, None, None, sent_early))
    (past, last) = early.sent
    assert windows.describe_sent(past, early).endswith(", only in part, because its job began before its end")
    assert "in part" not in windows.describe_sent(last, early)
    tree = windows.encode(early)
    assert tree
    assert [each["partial"] for each in tree["past"]] == [True, False]


def test_nothing_counts_as_exported_if_all_was_left_out() -> None:
    """If everything before the watermark was left out, no completed export is known yet."""
    everything = build_record_with_omissions(Omission(AUGUST.start, SEPTEMBER.end, OmissionCause.CONTINUE_FROM))
    assert windows.describe_watermark(build_windows(everything)) == (
        "windows in Europe/Berlin: no completed export is known yet; exports continue from 2026-10-01 00:00 "
        "(2026-09-30 22:00Z); left out: 2026-08-01 to 2026-10-01"
    )


@pytest.mark.parametrize("first", [SEPTEMBER.end, OCTOBER.end])
def test_exported_data_stay_known_after_a_change_of_first(first: datetime) -> None:
    """If `first` moves to the watermark or past it, the line still says what has been exported."""
    report = build_windows(build_recurring_record(SEPTEMBER), first=(first + DAY).date())
    assert windows.describe_watermark(report) == EXPORTED


def test_earlier_first_does_not_count_as_exported() -> None:
    """If `first` moves back, the line names the start of the first window that was exported."""
    report = build_windows(build_recurring_record(SEPTEMBER), first=date(2026, 6, 1))
    assert windows.describe_watermark(report) == (
        "windows in Europe/Berlin: everything from 2026-08-01 00:00 (2026-07-31 22:00Z) to 2026-10-01 00:00 "
        "(2026-09-30 22:00Z) has been exported"
    )


@pytest.mark.parametrize(
    ("job", "settle_time", "sentence"),
    [
        (
            {},
            HOUR,
            (
                "List shows the status completed; until 2026-11-01 01:15 (2026-11-01 00:15Z), this may still be the "
                "status of the previous export"
            ),
        ),
        ({}, None, "List shows the status completed for the last export; a later run has to confirm it"),
        (
            {"shown_at": None},
            HOUR,
            "List shows the status completed; this may still be the status of the previous export",
        ),
        (
            {"is_repetition": True},
            HOUR,
            "List shows the status completed; this may still be the status of the previous export",
        ),
        ({"result": "COMPLETED"}, HOUR, "last export completed"),
        ({"refusal": Refusal("no")}, HOUR, "last export completed"),
    ],
)
def test_status_that_does_not_count_yet_is_named_as_such(
    job: dict[str, Any], settle_time: timedelta | None, sentence: str
) -> None:
    """A final status in List counts for the last window only once it can no longer belong to the export before."""
    last_job = replace(build_job(OCTOBER.end, None, running_at=None), **job)
    report = replace(build_windows(build_recurring_record(OCTOBER, last_job)), settle_time=settle_time)
    assert describe_last_export(Execution("COMPLETED", None), report) == sentence
    assert describe_last_export(Execution("IN_PROGRESS", None), report) == "last export in progress"
    assert describe_last_export(Execution("COMPLETED", None), None) == "last export completed"


def test_obstacle_stands_instead_of_the_promise_of_exports() -> None:
    """If the windows to come may not be sent, the lines say why, and promise nothing."""
    report = replace(build_windows(build_recurring_record(SEPTEMBER)), obstacle="no export is sent")
    assert windows.list_sentences(report)[-1] == "no export is sent"
    assert windows.list_brief_sentences(report)[-1] == "no export is sent"
    assert REVIEW not in windows.list_sentences(report)


def test_lines_do_not_claim_that_nothing_was_exported_before_that_is_known() -> None:
    """Until a run has concluded how far an association was exported, the lines promise and miss nothing."""
    unknown = replace(build_windows(), is_unknown=True, due=None, next_windows=())
    expected = [
        "windows in Europe/Berlin: it is not known yet what has been exported",
        "the next run decides about the window that List shows",
    ]
    assert [*windows.list_sentences(unknown)] == [*windows.list_brief_sentences(unknown)] == expected
    tree = windows.encode(unknown) or {}
    assert (tree["obstacle"], tree["notice"]) == (None, expected[1])
    blocked = replace(unknown, obstacle="the association is blocked")
    assert windows.list_sentences(blocked)[-1] == f"no export is sent until that is known: {EXPLAIN}"
    tree = windows.encode(blocked) or {}
    assert (tree["obstacle"], tree["notice"]) == (f"no export is sent until that is known: {EXPLAIN}", None)


def test_windows_before_the_first_export_and_after_the_last() -> None:
    """Before the first export, and after the last window, the lines say so."""
    assert windows.list_sentences(build_windows())[0] == ("windows in Europe/Berlin: no completed export is known yet")
    ended = build_windows(build_recurring_record(SEPTEMBER), last=SEPTEMBER.start.date())
    assert windows.list_sentences(ended) == (
        EXPORTED,
        "no later window follows, because no period begins after window.last",
    )


def test_suspended_association_promises_no_export() -> None:
    """The lines about a suspended association do not promise that an export goes out."""
    suspended = build_windows(build_recurring_record(SEPTEMBER), policy=replace(UPDATING, suspend=True))
    sentences = windows.list_sentences(suspended)
    assert sentences[-1] == "no export is sent, because policy.suspend is true"
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
    """A sent window shows its call, the answer of AWS, when List showed it and when its job ended.

    A failed window says that a later one exports it again.
    """
    every_window = build_every_window("no bucket")
    lines = [windows.describe_sent(each, every_window) for each in every_window.sent]
    accepted = "Update sent {}, accepted by AWS, seen in List {}".format
    assert lines == [
        accepted("2026-09-01 01:00 (2026-08-31 23:00Z)", "2026-08-31 23:15Z, end seen 2026-09-01 00:00Z"),
        accepted("2026-10-01 01:00 (2026-09-30 23:00Z)", "2026-09-30 23:15Z, end seen 2026-10-01 00:00Z")
        + ", exported again",
        "Update sent 2026-10-01 02:00 (2026-10-01 00:00Z), refused by AWS, AWS: no bucket",
        "first seen 2026-10-01 03:00 (2026-10-01 01:00Z)",
        accepted("2026-10-01 04:00 (2026-10-01 02:00Z)", "2026-10-01 02:15Z"),
    ]


def test_window_that_list_never_showed_is_not_said_to_be_seen() -> None:
    """If List showed a job since the call, but never its window, the line says so."""
    unshown = build_job(SEPTEMBER.end + HOUR, shown_at=None)
    report_ = build_windows(build_recurring_record(SEPTEMBER, unshown))
    line = windows.describe_sent(report_.sent[-1], report_)
    assert "accepted by AWS, IN_PROGRESS seen 2026-09-30 23:15Z, window not seen in List, end seen" in line


def test_orphaned_recurring_export_says_where_it_stops() -> None:
    """A manifest that no longer selects a target ends recurring exports there, and its line names the way back."""
    orphan = build_recurring_record(SEPTEMBER)
    text = describe_orphan(orphan, report(orphaned=(orphan,)).targets[0])
    assert "its manifest was removed, or no longer selects this target; nothing after 2026-09-30 22:00Z is" in text
    assert "exported: to continue, add the manifest to this target again; to end the exports, add it with" in text


def test_merged_window_says_how_many_periods_it_has() -> None:
    """A window of several due periods says how many, and since when the first is due. It repeats a failed one as such.

    The failed window says that the next one exports it again.
    """
    merged = build_windows(build_recurring_record(AUGUST), NOVEMBER.end + 2 * DAY)
    since = "the first due since 2026-10-01 01:00 (2026-09-30 23:00Z)"
    assert windows.list_sentences(merged)[1] == (f"overdue, 3 periods merged, {since}: 2026-09-01 to 2026-12-01")
    failed = build_windows(build_recurring_record(SEPTEMBER, build_job(SEPTEMBER.end + HOUR, "FAILED")))
    due = "due from 2026-11-01 01:00 (2026-11-01 00:00Z), with the failed window before"
    assert windows.list_sentences(failed)[1] == f"{due}: 2026-09-01 to 2026-11-01"
    assert windows.describe_sent(failed.sent[0], failed).endswith(", exported again with the next window")


def test_due_windows_that_are_not_listed_are_counted() -> None:
    """Lines that end before the last due window say how many more are due. Brief lines list one window."""
    report = build_windows(build_recurring_record(AUGUST), BOUNDARIES[6] + HOUR, missed=Missed.EACH)
    remedy = "due: reconcile windows lists them"
    assert windows.list_sentences(report)[5] == f"1 more window is {remedy}"
    assert windows.list_brief_sentences(report)[2] == f"4 more windows are {remedy}"


def test_running_window_is_named() -> None:
    """The lines of a report name the window whose job runs, between what was exported and what comes next."""
    report = build_windows(build_recurring_record(SEPTEMBER, build_job(SEPTEMBER.end + HOUR, None)))
    for lines in (windows.list_sentences(report), windows.list_brief_sentences(report)):
        assert lines[1] == "running: 2026-09-01 to 2026-10-01"


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


OVERDUE_LABELS: dict[Literal["text", "markdown", "github", "junit", "sarif"], str] = {
    "text": "s3://corp-exports/2026-10  overdue  manifests/export.yaml:3",
    "markdown": "**held, overdue** `export`",
    "github": "::warning file=manifests/export.yaml,line=3,col=1,title=held%2C overdue export::",
    "junit": 'message="held, overdue',
    "sarif": "export, held, overdue: profiles-export",
}


@pytest.mark.parametrize("format_", OVERDUE_LABELS)
def test_every_format_names_an_overdue_association(
    format_: Literal["text", "markdown", "github", "junit", "sarif"],
) -> None:
    """Each format marks an association that is overdue beside its decision, and one that sends the window not."""
    late = build_windows(build_recurring_record(SEPTEMBER), OCTOBER.end + 2 * DAY)
    text = load_format(format_).render(report(association("export", "held", windows=late, exit_code=1)))
    assert OVERDUE_LABELS[format_] in text
    assert "1 held; 1 overdue" in text
    sending = association("export", "update", windows=late, write=update())
    assert "; 1 overdue" not in load_format(format_).render(report(sending))
    on_time = association("export", "held", windows=build_windows(build_recurring_record(SEPTEMBER)))
    assert "overdue" not in load_format(format_).render(report(on_time))


def test_sarif_and_github_rank_an_overdue_association_as_a_warning() -> None:
    """A held write is a note, and a warning if it is overdue or makes the run fail."""
    late = build_windows(build_recurring_record(SEPTEMBER), OCTOBER.end + 2 * DAY)
    lines = (
        association("a", "held"),
        association("b", "held", exit_code=1),
        association("c", "held", windows=late),
        association("d", "blocked", windows=late),
        association("e", "in-sync", windows=late),
    )
    (run,) = json.loads(load_format("sarif").render(report(*lines)))["runs"]
    assert [each["level"] for each in run["results"]] == ["note", "warning", "warning", "error", "warning"]
    assert [each["properties"].get("exitCode") for each in run["results"]] == [None, 1, None, 1, None]


def test_json_tells_which_association_makes_the_run_fail() -> None:
    """The JSON report has the exit code of each association for a run and a dry run, and whether it is overdue."""
    late = build_windows(build_recurring_record(SEPTEMBER), OCTOBER.end + 2 * DAY)
    lines = (
        association("suspended", "held"),
        association("late", "held", windows=late, exit_code=1),
        association("stuck", "blocked"),
    )
    document = json.loads(load_format("json").render(report(*lines)))
    members = [
        (each["exitCode"], each["dryRunExitCode"], each["overdue"]) for each in document["targets"][0]["associations"]
    ]
    assert members == [(0, 0, False), (1, 0, True), (1, 1, False)]


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
    assert (tree["due"]["periods"], tree["due"]["repetition"], tree["moreDue"]) == (1, False, 0)
    assert [each["state"] for each in tree["next"]] == ["to come"] * 3
    assert [each["state"] for each in tree["past"]] == ["done", "failed", "refused", "unknown", "running"]
    assert tree["past"][2]["error"] == "no bucket"


def test_json_contains_the_omissions() -> None:
    """The JSON report lists what was left out, with the member that did it, and follows its schema."""
    stored_record = build_record_with_omissions(Omission(SEPTEMBER.start, SEPTEMBER.end, OmissionCause.SKIP))
    line = association("export", "held", windows=build_windows(stored_record, first=date(2026, 6, 1)))
    document = json.loads(load_format("json").render(report(line)))
    jsonschema.validate(document, load_schema("report.v1.json"), cls=jsonschema.Draft202012Validator)
    tree = document["targets"][0]["associations"][0]["windows"]
    assert (tree["start"], tree["watermark"]) == ("2026-07-31T22:00:00+00:00", "2026-09-30T22:00:00+00:00")
    assert tree["omissions"] == [
        {
            "start": "2026-08-31T22:00:00+00:00",
            "end": "2026-09-30T22:00:00+00:00",
            "state": "left out",
            "cause": "skip",
        }
    ]


@pytest.mark.parametrize(
    ("count", "sentence"),
    [
        (1, "The digest does not cover the update of a recurring export: a run without --expect-plan sends it."),
        (2, "The digest does not cover the 2 updates of recurring exports: a run without --expect-plan sends them."),
    ],
)
def test_plan_says_what_its_digest_does_not_cover(count: int, sentence: str) -> None:
    """Updates of recurring exports are not in the digest. A plan with nothing else offers no command to apply it."""
    recurring = replace(update(), manifest=build_recurring_manifest())
    lines = [association(f"export{number}", "update", write=recurring) for number in range(count)]
    for name in ("text", "markdown"):
        rendered = load_format(name).render(report(*lines))
        assert sentence in rendered
        assert "To apply exactly this plan" not in rendered
        assert "does not cover" not in load_format(name).render(report(association()))
    plan, run = report(*lines), report(*lines, dry_run=False)
    question = replace(plan, run=replace(plan.run, is_question=True))
    for each in (run, question):
        assert f"{sentence.partition(':')[0]}.\n" in load_format("text").render(each)
