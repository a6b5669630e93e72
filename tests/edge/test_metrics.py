"""Metrics count events and show the controller's status, in the format and style of Prometheus."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from prometheus_client.parser import text_string_to_metric_families
from support import reports
from support.builders import NOW
from support.proxy import FaultProxy, build_error
from support.recurring import AUGUST, HOUR, OCTOBER, SEPTEMBER, build_recurring_record, build_windows

from reconciler.core.apply.outcome import Created, NotSent, Outcome, Refused, Skipped, Unknown, Updated
from reconciler.core.controller.controller_status import ControllerStatus, RejectedRevision, Revision, TargetStatus
from reconciler.core.model import Execution
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.edge.metrics import Metrics
from reconciler.sandbox import Behaviour, SandboxServer


def read_values(metrics: Metrics) -> dict[str, float]:
    """Return the values that Prometheus reads, by name and labels."""
    _, text = metrics.render()
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


WRITES = "reconciler_writes_total"


@pytest.fixture
def metrics() -> Metrics:
    """Return the metrics of a new controller."""
    return Metrics("1.2.3")


@pytest.mark.parametrize(
    ("outcome", "result"),
    [
        (Created("a"), "created"), (Updated(), "updated"), (Refused("x"), "refused"), (NotSent("x"), "not-sent"),
        (Unknown("x"), "unknown"),
    ],
)  # fmt: skip
def test_each_write_is_counted_by_its_result(metrics: Metrics, outcome: Outcome, result: str) -> None:
    """A run is counted with its result and its duration, and each of its writes with its outcome."""
    report = reports.report(reports.association(outcome=outcome), dry_run=False)
    metrics.count_run(report)
    metric_values = read_values(metrics)
    assert (
        metric_values[f"reconciler_writes_total[('operation', 'create'), ('result', '{result}'), ('target', 'prod')]"]
        == 1
    )
    run = "failed" if report.has_failed else "succeeded"
    assert metric_values[f"reconciler_runs_total[('result', '{run}'), ('target', 'prod')]"] == 1
    assert metric_values["reconciler_run_duration_seconds_sum[('target', 'prod')]"] == 90


def test_skipped_write_is_not_counted(metrics: Metrics) -> None:
    """A write that was skipped because of a shutdown is not counted."""
    metrics.count_run(reports.report(reports.association(outcome=Skipped("stop")), dry_run=False))
    assert not [name for name in read_values(metrics) if name.startswith("reconciler_writes")]


def test_aws_calls_are_counted_per_attempt(metrics: Metrics) -> None:
    """Each attempt is counted by operation and code, including retries of botocore. Throttles have their own count."""
    session = boto3.Session("testing", "testing", region_name="us-east-1")
    metrics.observe_session(session._session)  # noqa: SLF001 - the program passes this session
    with SandboxServer(behaviour=Behaviour(throttle_rate=0.5, throttle_burst=1)) as server:
        client = session.client("appintegrations", endpoint_url=server.url)
        client.list_data_integrations()
        for _ in range(4):
            with suppress(client.exceptions.ClientError):
                client.list_data_integrations()
        client.close()
    metric_values = read_values(metrics)
    calls = "reconciler_aws_calls_total[('code', '{}'), ('operation', 'ListDataIntegrations'), ('service', '{}')]"
    throttled = metric_values[calls.format("ThrottlingException", "appintegrations")]
    assert metric_values[calls.format("", "appintegrations")] >= 1
    assert throttled > 1
    throttles = "reconciler_aws_throttles_total[('operation', 'ListDataIntegrations'), ('service', 'appintegrations')]"
    assert metric_values[throttles] == throttled


@pytest.mark.parametrize(
    ("status", "code", "label"),
    [(503, "SlowDown", "SlowDown"), (400, "RequestThrottledException", "RequestThrottledException"), (429, "", "429")],
)
def test_throttling_is_counted_by_code_or_status(metrics: Metrics, status: int, code: str, label: str) -> None:
    """Throttling is recognised by the code of S3, by a rare code, or by the status alone."""
    session = boto3.Session("testing", "testing", region_name="us-east-1")
    metrics.observe_session(session._session)  # noqa: SLF001 - the program passes this session
    config = Config(retries={"total_max_attempts": 1})
    with FaultProxy("http://127.0.0.1:9", before_request=lambda _: build_error(status, code)) as proxy:
        client = session.client("appintegrations", endpoint_url=proxy.url, config=config)
        with pytest.raises(client.exceptions.ClientError):
            client.list_data_integrations()
        client.close()
    metric_values = read_values(metrics)
    labels = "('operation', 'ListDataIntegrations'), ('service', 'appintegrations')]"
    assert metric_values[f"reconciler_aws_calls_total[('code', '{label}'), {labels}"] == 1
    assert metric_values[f"reconciler_aws_throttles_total[{labels}"] == 1


def test_call_without_an_answer_is_counted(metrics: Metrics) -> None:
    """A call without an answer is counted under the name of its error."""
    session = boto3.Session("testing", "testing", region_name="us-east-1")
    metrics.observe_session(session._session)  # noqa: SLF001 - the program passes this session
    client = session.client("sts", endpoint_url="http://127.0.0.1:9")
    with pytest.raises(Exception, match="Could not connect"):
        client.get_caller_identity()
    client.close()
    (name,) = [name for name in read_values(metrics) if name.startswith("reconciler_aws_calls_total")]
    assert "('code', 'EndpointConnectionError'), ('operation', 'GetCallerIdentity'), ('service', 'sts')" in name


def test_controller_status_is_exported_as_metrics(metrics: Metrics) -> None:
    """The metrics show targets, decisions, the age of drift, the active revision and the rejected revision."""
    drifted = replace(reports.build_drifted_association(), since=NOW - timedelta(hours=2))
    last_report = reports.report(drifted, reports.association("fine", "in-sync"))
    target_status = TargetStatus(
        "prod", NOW, NOW - timedelta(minutes=3), None, 2, last_report, NOW - timedelta(hours=1)
    )
    idle = TargetStatus("other", None, None, NOW, 0, None, None)
    status = ControllerStatus(
        NOW, NOW, NOW, Revision("1f0c5f7", NOW, 2), RejectedRevision("no", NOW), (target_status, idle), ()
    )
    metrics.show_status(lambda: status)
    metric_values = read_values(metrics)
    assert metric_values["reconciler_associations[('decision', 'drifted'), ('target', 'prod')]"] == 1
    assert metric_values["reconciler_associations[('decision', 'inSync'), ('target', 'prod')]"] == 1
    assert metric_values["reconciler_drift_seconds[('association', 'drifted'), ('target', 'prod')]"] == 7200
    assert metric_values["reconciler_consecutive_failures[('target', 'prod')]"] == 2
    assert metric_values["reconciler_run_idle_seconds[('target', 'prod')]"] == 180
    assert metric_values["reconciler_run_idle_seconds[('target', 'other')]"] == 0
    assert metric_values["reconciler_last_success_timestamp_seconds[('target', 'prod')]"] == NOW.timestamp() - 3600
    assert "reconciler_last_success_timestamp_seconds[('target', 'other')]" not in metric_values
    assert metric_values["reconciler_revision_timestamp_seconds[('revision', '1f0c5f7')]"] == NOW.timestamp()
    assert metric_values["reconciler_source_checked_timestamp_seconds[]"] == NOW.timestamp()
    assert metric_values["reconciler_revision_rejected[]"] == 1
    assert metric_values["reconciler_build_info[('version', '1.2.3')]"] == 1


def test_window_that_was_not_sent_has_an_age(metrics: Metrics) -> None:
    """A window that is due and was not sent has an age, also if it became due after the run. Suspended ones have none.

    The age of several windows is that of the first one.
    """
    waiting = build_windows(build_recurring_record(AUGUST), AUGUST.end)
    suspended = replace(waiting, rest="policy.suspend is true")
    in_time = build_windows(build_recurring_record(OCTOBER), AUGUST.end)
    associations = [
        reports.association(name, "in-sync", windows=windows)
        for name, windows in (("waiting", waiting), ("suspended", suspended), ("in-time", in_time), ("plain", None))
    ]
    target_status = TargetStatus("prod", None, None, NOW, 0, reports.report(*associations), NOW)
    status = ControllerStatus(SEPTEMBER.end + 25 * HOUR, NOW, NOW, None, None, (target_status,), ())
    metrics.show_status(lambda: status)
    values = {name: value for name, value in read_values(metrics).items() if "window_due" in name}
    assert values == {"reconciler_window_due_seconds[('association', 'waiting'), ('target', 'prod')]": 86400}


def test_failed_exports_are_counted_for_each_target(metrics: Metrics) -> None:
    """Failed exports are counted for each target with a report, and the count is 0 if no export failed.

    Retired associations are left out.
    """
    failed = replace(reports.association("a", "in-sync"), last_execution=Execution("FAILED", "no access"))
    drifted = replace(reports.build_drifted_association(), last_execution=Execution("FAILED", None))
    completed = replace(reports.association("b", "in-sync"), last_execution=Execution("COMPLETED", None))
    retired = replace(reports.association("c", "retired"), last_execution=Execution("FAILED", None))
    target_statuses = [
        TargetStatus(target, None, None, NOW, 0, reports.report(*associations) if associations else None, NOW)
        for target, associations in (("prod", (failed, drifted, completed)), ("dev", (completed, retired)), ("new", ()))
    ]
    metrics.show_status(lambda: ControllerStatus(NOW, NOW, NOW, None, None, tuple(target_statuses), ()))
    metric_values = {
        name: value for name, value in read_values(metrics).items() if name.startswith("reconciler_exports_failed")
    }
    assert metric_values == {
        "reconciler_exports_failed[('target', 'prod')]": 2,
        "reconciler_exports_failed[('target', 'dev')]": 0,
    }


@pytest.mark.parametrize(
    ("listed_names", "drifts", "exports"), [((), {}, 1), (("a",), {}, 0), (("b",), {"b": 3600}, 1)]
)
def test_unlisted_associations_keep_their_last_known_metrics(
    metrics: Metrics, listed_names: tuple[str, ...], drifts: dict[str, float], exports: int
) -> None:
    """If associations cannot be listed, their metrics keep the last known values, and alerts do not end."""
    in_sync = reports.association("a", "in-sync")
    complete_report = reports.report(
        replace(in_sync, last_execution=Execution("FAILED", "no access")),
        replace(reports.build_drifted_association("b"), since=NOW - timedelta(hours=2)),
    )
    listed = {"a": in_sync, "b": replace(reports.build_drifted_association("b"), since=NOW - timedelta(hours=1))}
    blocked = {name: reports.association(name, "blocked", reason="denied") for name in "ab"}
    last_report = reports.report(
        *(blocked | {name: listed[name] for name in listed_names}).values(), unlisted=(("arn", "denied"),)
    )
    target_status = TargetStatus("prod", None, None, NOW, 3, last_report, NOW, last_complete_report=complete_report)
    metrics.show_status(lambda: ControllerStatus(NOW, NOW, NOW, None, None, (target_status,), ()))
    metric_values = read_values(metrics)
    assert metric_values["reconciler_exports_failed[('target', 'prod')]"] == exports
    for name, seconds in ({"b": 7200.0} | drifts).items():
        assert metric_values[f"reconciler_drift_seconds[('association', '{name}'), ('target', 'prod')]"] == seconds


def test_drift_together_with_a_change_has_no_age(metrics: Metrics) -> None:
    """A changed and drifted association has no drift age, because its recorded time is the time of the change."""
    changed = replace(
        reports.build_drifted_association("both"), decision=DecisionKind.CHANGED, since=NOW - timedelta(days=30)
    )
    target_status = TargetStatus("prod", None, None, NOW, 0, reports.report(changed), NOW)
    metrics.show_status(lambda: ControllerStatus(NOW, NOW, NOW, None, None, (target_status,), ()))
    metric_values = read_values(metrics)
    assert metric_values["reconciler_associations[('decision', 'changed'), ('target', 'prod')]"] == 1
    assert not [name for name in metric_values if name.startswith("reconciler_drift_seconds")]


def test_run_and_write_counters_of_a_target_start_at_0(metrics: Metrics) -> None:
    """The first scrape that finds a target exports its counters as 0, and Prometheus sees the first increase."""
    target_status = TargetStatus("prod", None, None, NOW, 0, None, None)
    metrics.show_status(lambda: ControllerStatus(NOW, NOW, NOW, None, None, (target_status,), ()))
    prefixes = ("reconciler_runs_total", "reconciler_lease_held", WRITES)
    metric_values = {name: value for name, value in read_values(metrics).items() if name.startswith(prefixes)}
    assert set(metric_values.values()) == {0}
    assert len(metric_values) == 2 + 1 + 2 * 4
    metrics.count_run(reports.report(reports.association(outcome=Unknown("x")), dry_run=False))
    assert sum(value for name, value in read_values(metrics).items() if name.startswith(WRITES)) == 1


def test_target_without_a_success_has_a_first_seen_time(metrics: Metrics) -> None:
    """Metrics show the controller's start and the first scrape of a target, even if it was added later or again."""
    status = ControllerStatus(NOW, NOW - timedelta(hours=3), None, None, None, (), ())
    name = "reconciler_target_first_seen_timestamp_seconds[('target', '{}')]"

    def read_values_after(hours: int, *targets: str) -> dict[str, float]:
        target_statuses = tuple(TargetStatus(target, None, None, NOW, 0, None, None) for target in targets)
        metrics.show_status(lambda: replace(status, now=NOW + timedelta(hours=hours), targets=target_statuses))
        return read_values(metrics)

    metric_values = read_values_after(0, "prod")
    assert metric_values["reconciler_start_timestamp_seconds[]"] == NOW.timestamp() - 3 * 3600
    assert "reconciler_source_checked_timestamp_seconds[]" not in metric_values
    assert metric_values[name.format("prod")] == NOW.timestamp()
    metric_values = read_values_after(1, "prod", "dev")
    assert (metric_values[name.format("prod")], metric_values[name.format("dev")]) == (
        NOW.timestamp(),
        NOW.timestamp() + 3600,
    )
    read_values_after(2, "dev")
    assert read_values_after(3, "prod")[name.format("prod")] == NOW.timestamp() + 3 * 3600


def test_leases_waits_webhooks_and_notifications_are_counted(metrics: Metrics) -> None:
    """Waits, webhooks and notifications are counted, and an error also ends a held lease."""
    lease = ExitStack()
    lease.enter_context(metrics.track_lease("prod"))
    assert read_values(metrics)["reconciler_lease_held[('target', 'prod')]"] == 1
    error = ZeroDivisionError()
    assert not lease.__exit__(type(error), error, None)
    metrics.count_wait("prod", 1.5)
    metrics.count_wait("prod", 0.5)
    metrics.count_webhook("github", "accepted")
    metrics.count_notification("delivered")
    metric_values = read_values(metrics)
    assert metric_values["reconciler_lease_held[('target', 'prod')]"] == 0
    assert metric_values["reconciler_rate_limit_wait_seconds_total[('target', 'prod')]"] == 2
    assert metric_values["reconciler_webhooks_total[('result', 'accepted'), ('sender', 'github')]"] == 1
    assert metric_values["reconciler_notifications_total[('result', 'delivered')]"] == 1


def test_every_metric_has_a_help_text_and_a_prefix(metrics: Metrics) -> None:
    """Each metric has the prefix of the program, and a help text that ends with a period."""
    metrics.show_status(lambda: ControllerStatus(NOW, NOW, None, None, None, (), ()))
    _, text = metrics.render()
    families = list(text_string_to_metric_families(text.decode()))
    assert len(families) > 12
    for family in families:
        assert family.name.startswith("reconciler_")
        assert family.documentation.endswith(".")


@pytest.mark.parametrize(
    "code", ["\ud800", "a b", 'x"} 1\n', "", "x" * 101, 7, None, ["Throttling"], {"Code": "x"}], ids=repr
)
def test_invalid_error_code_is_counted_by_its_status(metrics: Metrics, code: Any) -> None:
    """An error code that is no valid label is replaced by the HTTP status, because an answer may contain any value."""
    for parsed in ({"Error": {"Code": code}}, {"Error": [code]}, {}, None):
        metrics._count_call("response-received.sts.GetCallerIdentity", {"status_code": 500}, parsed, None)  # noqa: SLF001 - botocore calls it
    metric_values = read_values(metrics)
    assert (
        metric_values[
            "reconciler_aws_calls_total[('code', '500'), ('operation', 'GetCallerIdentity'), ('service', 'sts')]"
        ]
        == 4
    )
    assert metrics.render()[1]


def test_number_of_error_codes_is_bounded(metrics: Metrics) -> None:
    """After a hundred different error codes, further ones are counted together, which limits memory."""
    for number in range(1000):
        parsed = {"Error": {"Code": f"Code{number}"}}
        metrics._count_call("response-received.sts.GetCallerIdentity", {"status_code": 500}, parsed, None)  # noqa: SLF001 - botocore calls it
    calls = {
        name: value for name, value in read_values(metrics).items() if name.startswith("reconciler_aws_calls_total")
    }
    assert len(calls) == 101
    (other,) = [value for name, value in calls.items() if "('code', 'other')" in name]
    assert other == 900
