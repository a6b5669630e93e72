"""Tests for the text report: one line for each association, differences as a diff, and no terminal escapes."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reports
from support.builders import NOW, ON_DEMAND, SETTLE, journal, live, manifest, observation, record, rules
from support.recurring import NOVEMBER, build_recurring_record, build_windows

from reconciler.core.apply.outcome import Created, Outcome, RefusalKind, Refused, Unknown
from reconciler.core.apply.result import Result
from reconciler.core.model import Execution, Ignored, Live, Manifest, Origin, Policy
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.plan.review import PlanMismatch
from reconciler.core.report.build import build_blocked_lines, build_target_report
from reconciler.core.report.report import AssociationReport, Report, RunInfo, TargetReport
from reconciler.render.formats.text import render

UNVERIFIABLE = "unverifiable: /ObjectConfiguration  export.yaml:1"
DRIFTED_WINDOW: dict[str, Any] = {"StartTime": "1788220800000", "EndTime": "1793491200000"}


def build_report(
    *manifests: Manifest, live_associations: tuple[Live, ...] = (), dry_run: bool = True, **outcomes: Outcome
) -> Report:
    """Return a report of one target whose journal contains the association `export`."""
    plan = compute_plan(manifests, observation(*live_associations), journal(record()), rules())
    target = build_target_report("prod", "1234", "us-east-1", Result(plan, outcomes, {}))
    return Report(RunInfo("id", NOW, NOW, dry_run=dry_run, revision=None, version="0"), (target,))


def test_plain_report_is_rendered_exactly() -> None:
    """The plain text of a report has aligned columns and readable times."""
    window = {**ON_DEMAND, "OnDemandConfiguration": DRIFTED_WINDOW}
    live_association = replace(live(ExecutionConfiguration=window), last_execution=Execution("IN_PROGRESS", None))
    new = manifest("a-longer-name", DestinationURI="s3://corp-exports/2026-11")
    unmanaged = live("zz", DestinationURI="s3://elsewhere")
    text = render(build_report(new, manifest(), live_associations=(live_association, unmanaged)), is_terminal=False)
    assert text.splitlines()[:14] == [
        "prod  1234 us-east-1",
        "  create     a-longer-name  profiles-export → s3://corp-exports/2026-11  a-longer-name.yaml:1",
        '      + /ObjectConfiguration/CustomerProfiles/domainName  ["my-domain"]',
        '      + /ObjectConfiguration/CustomerProfiles/objectType  ["_profile"]',
        "      + /DestinationURI  s3://corp-exports/2026-11",
        "      + /ExecutionConfiguration/ExecutionMode  ON_DEMAND",
        "      + /ExecutionConfiguration/OnDemandConfiguration/StartTime  1790812800000 (2026-10-01T00:00:00Z)",
        "      + /ExecutionConfiguration/OnDemandConfiguration/EndTime  1793491200000 (2026-11-01T00:00:00Z)",
        (
            "  drifted    export         profiles-export → s3://corp-exports/2026-10  last export in progress  "
            f"{UNVERIFIABLE}"
        ),
        "      AWS no longer matches the last applied configuration; drift is reported, not repaired",
        "      /ExecutionConfiguration/OnDemandConfiguration/StartTime",
        "      - live     1788220800000 (2026-09-01T00:00:00Z)",
        "      + git      1790812800000 (2026-10-01T00:00:00Z)",
        f"  unmanaged  profiles-export → s3://elsewhere  {unmanaged.arn}",
    ]
    assert "Dry run: 1 drifted, 1 to create, 1 unmanaged. Nothing was written." in text


def test_update_that_the_quota_of_running_jobs_refused_is_held() -> None:
    """The line of an Update that waits for running jobs says that a later run sends it without a change."""
    (target,) = build_report(manifest(), live_associations=(live(),), dry_run=False).targets
    refused = Refused("too many jobs are running", RefusalKind.QUOTA)
    held = replace(target.associations[0], decision=DecisionKind.UPDATE, outcome=refused)
    run_report = replace(build_report(dry_run=False), targets=(replace(target, associations=(held,)),))
    lines = render(run_report, is_terminal=False).splitlines()
    assert lines[1].startswith("  held  ")
    assert lines[2:4] == [
        "      too many jobs are running",
        "      held: this passes by itself, and a later run sends the update, once fewer exports are running",
    ]


def test_retired_and_ignored_associations_are_counted() -> None:
    """A retired manifest has a quiet line with its explanation. It is counted, like the ignored associations."""
    retired = manifest(policy=Policy(retired="replaced on 2026-10-01"))
    (target,) = build_report(retired, live_associations=(live(),)).targets
    target = replace(target, live_count=2, ignored=(Ignored(live("a9"), "not ours"),))
    run_report = replace(build_report(), targets=(target,))
    assert render(run_report, is_terminal=False).splitlines()[1:-1] == [
        "  retired    export  profiles-export → s3://corp-exports/2026-10  last export completed",
        "      policy.retired: replaced on 2026-10-01",
        "",
        ("Dry run: 1 retired. Nothing was written. 1 of 2 live associations is managed, 1 ignored."),
    ]
    only_ignored = replace(run_report, targets=(replace(target, associations=(), live_count=1),))
    text = render(only_ignored, is_terminal=False)
    assert "no live associations" not in text
    assert "0 of 1 live association is managed, 1 ignored." in text


def test_plan_mismatch_shows_the_whole_new_plan() -> None:
    """After a plan mismatch, the report shows the whole new plan as not yet written."""
    adopted_manifest = manifest("adopted", DestinationURI="s3://corp-exports/adopted")
    new_manifest = manifest("new", DestinationURI="s3://corp-exports/new")
    run_report = build_report(
        adopted_manifest,
        new_manifest,
        live_associations=(live("b2", DestinationURI="s3://corp-exports/adopted"),),
        dry_run=False,
    )
    text = render(replace(run_report, mismatch=PlanMismatch("sha256:0", None)), is_terminal=False)
    assert "  adopt      adopted" in text
    assert "      + /DestinationURI  s3://corp-exports/new" in text
    assert "Run stopped: the plan differs from the reviewed plan. Nothing was written. The current plan: " in text
    assert "The current plan: 1 to create, 1 to adopt." in text


def test_diff_marks_members_that_aws_does_not_show() -> None:
    """A difference in ObjectConfiguration shows the values in git and journal, and no live value."""
    text = render(
        build_report(manifest(ObjectConfiguration={"A": {"b": ["c"]}}), live_associations=(live(),)), is_terminal=False
    )
    assert "- live     unverifiable: AWS does not show it" in text
    assert '+ git      ["c"]' in text
    assert "- applied  (absent)" in text


def test_run_report_counts_created_and_failed_calls() -> None:
    """Created and failed calls are counted separately, and a failed call shows the reason from AWS."""
    manifests = (manifest("a", DestinationURI="s3://x/aa"), manifest("b", DestinationURI="s3://x/bb"))
    text = render(build_report(*manifests, dry_run=False, a=Created("1"), b=Refused("quota")), is_terminal=False)
    assert "  created    a" in text
    assert "  failed     b" in text
    assert "      quota" in text
    assert "Run: 1 failed, 1 created." in text


def test_unknown_outcome_explains_the_next_run() -> None:
    """A call without an answer is shown with what the next run does about it."""
    new_manifest = manifest("a", DestinationURI="s3://x/aa")
    text = render(build_report(new_manifest, dry_run=False, a=Unknown("time-out")), is_terminal=False)
    assert "  unknown    a" in text
    assert "the next run checks AWS" in text
    assert "Run: 1 without an answer." in text


def test_failed_target_shows_its_error_once() -> None:
    """The error of a failed target is shown once, above its manifests."""
    target = TargetReport("prod", None, None, "no credentials", build_blocked_lines([manifest()], "the target failed"))
    text = render(replace(build_report(), targets=(target,)), is_terminal=False)
    assert text.splitlines()[:2] == ["prod", "  failed: no credentials"]


@pytest.mark.parametrize(
    ("times", "sentence"),
    [
        ((), None),
        ((None,), "the held export later: run reconcile again later, or run"),
        ((NOW,), "the held export later: run reconcile again after 2026-11-01 12:00:00Z, or run"),
        ((NOW, None, NOW), "the 3 held exports later: run reconcile again after 2026-11-01 12:00:00Z, or run"),
        (
            (NOW + SETTLE, NOW),
            (
                "the 2 held exports later: run reconcile again after 2026-11-01 12:00:00Z, and after "
                "2026-11-01 12:15:00Z for the last one, or run"
            ),
        ),
    ],
)
def test_held_exports_need_a_later_run(times: tuple[datetime | None, ...], sentence: str | None) -> None:
    """If nothing starts a later run, a report with held exports says when to run again. Other reports do not."""
    held = [reports.association(decision="held", write=reports.create(), until=until) for until in times]
    suspended = reports.association(decision="held", write=None)
    settling = reports.association(decision="settling", until=NOW)
    scheduled_run = reports.report(*held, suspended, settling, dry_run=False)
    single_run = replace(scheduled_run, run=replace(scheduled_run.run, is_single=True))
    remedy = "it on a schedule (docs/how-to/run-on-a-schedule.md)."
    last_line = f"Nothing here sends {sentence} {remedy}" if sentence else None
    lines = [line for line in render(single_run).splitlines() if "Nothing here" in line]
    assert lines == ([last_line] if last_line else [])
    dry_run = replace(single_run, run=replace(single_run.run, dry_run=True))
    assert all("Nothing here" not in render(each) for each in (scheduled_run, dry_run))


SENDING = "later: run reconcile again"
SCHEDULE = ", or run it on a schedule (docs/how-to/run-on-a-schedule.md)."
EACH = f", and after each later window{SCHEDULE}"
DUE, QUIET_WINDOWS = build_windows(build_recurring_record(), NOVEMBER.end), build_windows(build_recurring_record())
IN_SYNC = reports.association(decision="in-sync", windows=QUIET_WINDOWS)
HELD = reports.association(decision="held", write=reports.create(), until=NOW, windows=QUIET_WINDOWS)
HELD_BY_RUN = reports.association(decision="held", write=None, windows=replace(DUE, obstacle="held"))
UNDECIDED = reports.association(decision="adopt", windows=replace(QUIET_WINDOWS, is_unknown=True, next_windows=()))


@pytest.mark.parametrize(
    ("associations", "sentence"),
    [
        ((IN_SYNC,), f"the next recurring export {SENDING} after 2026-11-01 00:00:00Z{EACH}"),
        ((IN_SYNC, IN_SYNC), f"the next recurring exports of 2 manifests {SENDING} after 2026-11-01 00:00:00Z{EACH}"),
        ((HELD,), f"the held export {SENDING} after 2026-11-01 12:00:00Z{EACH}"),
        (
            (IN_SYNC, HELD),
            f"the held export and the next recurring export {SENDING} after 2026-11-01 00:00:00Z{EACH}",
        ),
        ((HELD_BY_RUN, IN_SYNC), f"the next recurring exports of 2 manifests {SENDING}{EACH}"),
        ((UNDECIDED,), f"the next recurring export {SENDING} later{EACH}"),
        ((replace(IN_SYNC, windows=replace(QUIET_WINDOWS, rest="its target is suspended")),), None),
        ((replace(IN_SYNC, windows=replace(QUIET_WINDOWS, next_windows=())),), None),
        ((reports.association(decision="blocked", windows=replace(DUE, obstacle="blocked")),), None),
        ((replace(HELD_BY_RUN, exit_code=1),), None),
    ],
)
def test_recurring_exports_need_a_later_run(associations: tuple[AssociationReport, ...], sentence: str | None) -> None:
    """If nothing starts a later run, one sentence names the held exports, the windows to come and the earliest time.

    A window that is due needs a run now. A suspended, a blocked and an ended manifest need none, and neither does one
    that --mode forbids: its reason says what to do.
    """
    report = reports.report(*associations, dry_run=False)
    text = render(replace(report, run=replace(report.run, is_single=True)))
    lines = [line for line in text.splitlines() if "Nothing here" in line]
    assert lines == ([f"Nothing here sends {sentence}"] if sentence else [])
    assert "Nothing here" not in render(report)


def test_empty_target_is_stated() -> None:
    """A target without manifests and live associations has a line that says this."""
    assert "no manifests and no live associations" in render(build_report(), is_terminal=False)


@given(st.text(min_size=1, max_size=30), st.booleans())
def test_values_cannot_inject_terminal_escapes(hostile: str, is_terminal: bool) -> None:
    """Control and direction characters in names, values and answers from AWS are escaped."""
    hostile_manifest = replace(manifest(hostile, ClientId=hostile), origin=Origin(hostile, 1, 1))
    live_association = replace(live(ClientId=hostile), last_execution=Execution(hostile, hostile))
    text = render(
        build_report(hostile_manifest, live_associations=(live_association, live("b", ClientId=hostile + "x"))),
        is_terminal=is_terminal,
    )
    visible_text = re.sub(r"\x1b\[[0-9]+m", "", text) if is_terminal else text
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", visible_text) is None
