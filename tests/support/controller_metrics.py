"""The metrics of a controller in which every metric has a value."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from support.builders import NOW
from support.recurring import build_windows
from support.reports import association, build_drifted_association, run

from reconciler.core.apply.outcome import Created
from reconciler.core.controller.controller_status import ControllerStatus, Revision, TargetStatus
from reconciler.core.report.report import Report, TargetReport
from reconciler.edge.metrics import Metrics


@cache
def collect_families() -> dict[str, Metric]:
    """Return the metrics by their Prometheus names, counters with `_total`."""
    target = TargetReport(
        "prod",
        "123456789012",
        "us-east-1",
        associations=(
            association(outcome=Created("id")),
            build_drifted_association(),
            association("monthly", "held", windows=build_windows()),
        ),
    )
    report = Report(run(dry_run=False), (target,))
    target_status = TargetStatus("prod", NOW, NOW, NOW, 0, report, NOW)
    status = ControllerStatus(NOW, NOW, NOW, Revision("a" * 40, NOW, 1), None, (target_status,), ())
    metrics = Metrics("0")
    metrics.show_status(lambda: status)
    metrics.show_paces(lambda: {"prod": 2.0})
    metrics.count_run(report)
    metrics.count_run(replace(report, targets=(replace(target, error="denied"),)))
    metrics.count_wait("prod", 1)
    metrics.count_webhook("github", "accepted")
    metrics.count_notification("sent")
    response = {"Error": {"Code": "ThrottlingException"}}
    # botocore emits this event for each attempt
    metrics._count_call("response-received.s3.GetObject", {"status_code": 429}, response, None)  # noqa: SLF001 - see above
    with metrics.track_lease("prod"):
        text = metrics.render()[1].decode()
    families_by_name = {family.name: family for family in text_string_to_metric_families(text)}
    return {f"{name}_total" if family.type == "counter" else name: family for name, family in families_by_name.items()}


def list_labels(name: str) -> tuple[str, ...]:
    """Return the label names of a metric, without the label of a histogram's buckets."""
    names = {label: None for sample in collect_families()[name].samples for label in sample.labels}
    return tuple(label for label in names if label != "le")


def map_series_labels() -> dict[str, set[str]]:
    """Return the label names of each single series, as expressions use them."""
    return {sample.name: set(sample.labels) for family in collect_families().values() for sample in family.samples}
