"""Tests with unexpected values from AWS and the journal: the page, the JSON and the metrics still respond."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NoReturn

import pytest
from support import reports, statuses
from support.builders import NOW
from support.recurring import AUGUST, build_recurring_record, build_refused_job, build_windows
from support.sites import Site

from reconciler.core.apply.outcome import Created, Refused, Unknown
from reconciler.core.controller.controller_status import (
    ControllerStatus,
    FinishedRun,
    RejectedRevision,
    Revision,
    TargetStatus,
)
from reconciler.core.model import Execution, Live, Spec
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.plan.difference import Difference
from reconciler.core.report.report import Report, TargetReport


def nest_lists(depth: int) -> object:
    """Return nested lists."""
    value: object = "x"
    for _ in range(depth):
        value = [value]
    return value


VALUES = {
    "null": None,
    "true": True,
    "number": 7,
    "huge": 10**5000,
    "nan": float("nan"),
    "infinity": float("-inf"),
    "list": ["a", None],
    "object": {"a": {"\ud800": float("nan")}, 5: b"x"},
    "deep": nest_lists(100_000),
    "bytes": b"\xff",
    "time": datetime(2026, 1, 1, tzinfo=UTC),
    "empty": "",
    "future": "SUSPENDED_BY_REGION",
    "surrogate": "a\ud800b\udfff",
    "control": "a\x00\x1b[31m\r\n\x85\u2028b",
    "markup": "</script><script>{{ 7 * 7 }}{% raw %}",
    "long": "x" * 300_000,
    "digits": "9" * 5000,
    "date": "9999-12-31T23:59:59Z",
}


def build_report(value: Any) -> Report:
    """Return a report in which every value from AWS is `value`."""
    execution = Execution(value, value)
    drifted_association = replace(
        reports.build_drifted_association("a"), arn=value, integration=value, reason=value, last_execution=execution,
        differences=(Difference("/a", "b", "c", value), Difference(f"/{type(value)}", value, value, value)), since=NOW,
    )  # fmt: skip
    refused_record = build_recurring_record(AUGUST, build_refused_job(NOW, value))
    associations = (
        drifted_association,
        reports.association("b", "create", outcome=Created(value), arn=value),
        reports.association("c", "create", outcome=Unknown(value)),
        reports.association("d", "create", outcome=Refused(value)),
        reports.association("e", "in-sync", arn=value, last_execution=Execution("FAILED", value)),
        reports.association("f", "held", windows=build_windows(refused_record)),
    )
    spec: Spec = {"DataIntegrationIdentifier": value, "ClientId": value, "DestinationURI": value}
    target = TargetReport(
        "prod", value, value, value, associations, unmanaged=(Live(value, spec, execution), Live(value, {}, None)),
        unlisted=((value, value),), live_count=3,
    )  # fmt: skip
    return Report(reports.run(dry_run=False), (target,))


def reject_constant(constant: str) -> NoReturn:
    """Refuse constants that Python reads although they are not JSON."""
    raise AssertionError(constant)


def expect_responses(site: Site, status: ControllerStatus, max_page_size: int = 1_000_000) -> None:
    """Assert that every document of a controller status is served, and the size of the page in bytes."""
    site.status = status
    responses = [site.get(path) for path in ("/", "/?decision=drifted&q=a", "/api/v1/report", "/metrics", "/healthz")]
    assert [response.status for response in responses] == [200] * 5
    json.loads(responses[2].body, parse_constant=reject_constant)
    assert len(responses[0].body) < max_page_size
    assert site.get("/readyz").status == 200


@pytest.mark.parametrize("name", VALUES)
def test_pages_render_any_value_from_aws(site: Site, name: str) -> None:
    """Every document is served with a value of any type and any kind of text."""
    report = build_report(VALUES[name])
    expect_responses(site, statuses.build_status(statuses.build_target_status(report)))
    blocked_report = reports.report(
        *(replace(each, decision=DecisionKind.BLOCKED, arn=None) for each in report.associations)
    )
    expect_responses(
        site, statuses.build_status(replace(statuses.build_target_status(blocked_report), last_complete_report=report))
    )


def test_unexpected_value_does_not_change_later_pages(site: Site) -> None:
    """An unexpected value does not change the pages that are rendered after it."""
    site.status = statuses.build_status_in_sync()
    bodies = [site.get(path).body for path in ("/", "/api/v1/report")]
    for value in VALUES.values():
        site.metrics.count_run(build_report(value))
        expect_responses(site, statuses.build_status(statuses.build_target_status(build_report(value))))
    site.status = statuses.build_status_in_sync()
    assert [site.get(path).body for path in ("/", "/api/v1/report")] == bodies


@pytest.mark.parametrize(
    "time",
    [
        datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-14))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
    ],
)  # fmt: skip
def test_pages_render_any_time(site: Site, time: datetime) -> None:
    """Every document is served with the first and the last time of the calendar, in any time zone."""
    last = reports.report(replace(reports.build_drifted_association("a"), since=time))
    target = TargetStatus("prod", time, time, time, 1, last, time)
    run = FinishedRun("r", "prod", time, time, is_success=True, write_count=0, drift_count=0, open_count=0)
    status = replace(
        statuses.build_status(target, finished_runs=(run,)),
        source_checked_at=time,
        started_at=time,
        revision=Revision("c", time, 1),
    )
    site.status = status
    for path in ("/", "/api/v1/report", "/metrics"):
        assert site.get(path).status == 200
    assert site.get("/healthz").status in {200, 503}


@pytest.mark.parametrize("text", ["\ud800", "\x00", "", "x" * 100_000, '"} 1\nreconciler_up 1'])
def test_pages_render_any_name(site: Site, text: str) -> None:
    """Any name of a target, manifest or commit can be on the page and in a label of a metric."""
    status = statuses.build_status_with_foreign_text(text)
    assert status.targets[0].last_report
    site.metrics.count_run(status.targets[0].last_report)
    site.metrics.count_wait(text, 1)
    with site.metrics.track_lease(text):
        expect_responses(site, status, max_page_size=10_000_000)
    assert "\nreconciler_up 1" not in site.get("/metrics").text


def test_probe_renders_any_reason(site: Site) -> None:
    """`/readyz` shows a reason that git did not write in UTF-8."""
    site.status = replace(
        statuses.build_status_before_first_revision(), rejected_revision=RejectedRevision("bad \udcff byte", NOW)
    )
    response = site.get("/readyz")
    assert (response.status, response.text) == (503, "no revision is active yet: bad ? byte\n")
