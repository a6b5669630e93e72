"""Export Prometheus metrics with prometheus-client. Events are counted as they occur; each scrape reads the status."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from reconciler import redaction
from reconciler.core.apply.outcome import RESULTS, Created, NotSent, Refused, Skipped, Unknown, Updated
from reconciler.core.aws.throttling import is_throttled
from reconciler.core.controller.controller_status import ControllerStatus
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.report.report import Report
from reconciler.core.shards import Shard

_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX = "reconciler"
_DURATIONS = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600)
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_MAX_CODES = 100
_OTHER = "other"
"""The label for error codes beyond the first hundred. Each code is a time series until the process ends."""


class Metrics:
    """The metrics of one controller, in their own registry. Without a shard, it counts as the only one of 1."""

    def __init__(self, version: str, shard: Shard | None = None) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # they would double the number of series
        self._registry = registry = CollectorRegistry()
        self._read_status: Callable[[], ControllerStatus] | None = None
        self._read_paces: Callable[[], Mapping[str, float]] = dict
        self._first_seen: dict[str, datetime] = {}
        self._codes: set[str] = set()
        registry.register(self)  # before the counters: a scrape then exports the counters that `collect` starts at 0

        def create_counter(name: str, help_: str, *labels: str) -> Counter:
            return Counter(name, help_, labels, namespace=_PREFIX, registry=registry)

        self._runs = create_counter("runs", "Finished runs.", "target", "result")
        self._durations = Histogram(
            "run_duration_seconds", "Duration of finished runs.", ("target",),
            namespace=_PREFIX, registry=registry, buckets=_DURATIONS,
        )  # fmt: skip
        self._writes = create_counter("writes", "Creates and updates, by result.", "target", "operation", "result")
        self._calls = create_counter(
            "aws_calls", "Attempts of AWS calls, by error code. The code is empty for a success.",
            "service", "operation", "code",
        )  # fmt: skip
        self._throttles = create_counter(
            "aws_throttles", "Attempts of AWS calls that were throttled.", "service", "operation"
        )
        self._waits = create_counter(
            "rate_limit_wait_seconds", "Time that calls waited for the rate limit of the target.", "target"
        )
        self._leases = Gauge(
            "lease_held", "1 while this process holds the lease of the target's journal, otherwise 0.", ("target",),
            namespace=_PREFIX, registry=registry,
        )  # fmt: skip
        self._webhooks = create_counter("webhooks", "Received webhooks, by sender and result.", "sender", "result")
        self._notifications = create_counter("notifications", "Notifications, by result.", "result")
        build = Gauge("build_info", "Version of the program.", ("version",), namespace=_PREFIX, registry=registry)
        build.labels(version).set(1)
        ordinal = Gauge("shard_ordinal", "Number of this shard, from 0.", namespace=_PREFIX, registry=registry)
        ordinal.set(shard.number if shard else 0)
        total = Gauge("shards", "Number of shards that share the targets.", namespace=_PREFIX, registry=registry)
        total.set(shard.count if shard else 1)

    def show_status(self, read_status: Callable[[], ControllerStatus]) -> None:
        """Export a controller's status from now on. Each scrape calls `read_status`."""
        self._read_status = read_status

    def show_paces(self, read_paces: Callable[[], Mapping[str, float]]) -> None:
        """Export the calls per second that are allowed now, by target. Each scrape calls `read_paces`."""
        self._read_paces = read_paces

    def render(self) -> tuple[str, bytes]:
        """Return the content type and the metrics in the text format of Prometheus."""
        return _CONTENT_TYPE, generate_latest(self._registry)

    def count_run(self, report: Report) -> None:
        """Count a run, its duration and its writes."""
        seconds = (report.run.finished_at - report.run.started_at).total_seconds()
        for target in report.targets:
            name = _encode_label(target.name)
            self._runs.labels(name, "failed" if report.has_failed else "succeeded").inc()
            self._durations.labels(name).observe(seconds)
            for each in target.associations:
                if each.outcome and not isinstance(each.outcome, Skipped):
                    self._writes.labels(name, each.decision, RESULTS[type(each.outcome)]).inc()

    def observe_session(self, session: Any) -> None:
        """Count each attempt of each call that a botocore session makes."""
        session.register("response-received", self._count_call, unique_id="reconciler-metrics")

    def _count_call(
        self, event_name: str, response_dict: Any, parsed_response: Any, exception: Exception | None, **_: Any
    ) -> None:
        """Count one attempt; botocore's event is `response-received.SERVICE.OPERATION`."""
        _event, service, operation = event_name.split(".")
        code, status = "", 0
        if exception is not None:
            code = type(exception).__name__
        elif (status := response_dict["status_code"]) >= 300:  # noqa: PLR2004 - in HTTP only 2xx is a success
            code = _extract_code(parsed_response, status)
        if code in self._codes or len(self._codes) < _MAX_CODES:
            self._codes.add(code)
        self._calls.labels(service, operation, code if code in self._codes else _OTHER).inc()
        if is_throttled(code, status):
            self._throttles.labels(service, operation).inc()

    def count_wait(self, target: str, seconds: float) -> None:
        """Count the seconds that a call waited for the rate limit."""
        self._waits.labels(_encode_label(target)).inc(seconds)

    def _initialise(self, target: str) -> None:
        """Start a target's counters at 0. Prometheus sees no increase if the first value of a counter is above 0."""
        target = _encode_label(target)
        for result in ("succeeded", "failed"):
            self._runs.labels(target, result)
        for success, operation in ((Created, "create"), (Updated, "update")):
            for outcome in (success, Refused, NotSent, Unknown):
                self._writes.labels(target, operation, RESULTS[outcome])
        self._leases.labels(target)

    @contextmanager
    def track_lease(self, target: str) -> Iterator[None]:
        """Export the lease of a target as held while the block runs."""
        self._leases.labels(_encode_label(target)).set(1)
        try:
            yield
        finally:
            self._leases.labels(_encode_label(target)).set(0)

    def count_webhook(self, sender: str, result: str) -> None:
        """Count a webhook by its sender and result."""
        self._webhooks.labels(sender, result).inc()

    def count_notification(self, result: str) -> None:
        """Count a notification by its result."""
        self._notifications.labels(result).inc()

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of the current controller status. The registry calls this."""
        if self._read_status is None:
            return
        status = self._read_status()
        description = "Manifests by decision, and the counts of unmanaged associations and failed calls."
        associations = _create_gauge("associations", description, "target", "decision")
        drift = _create_gauge(
            "drift_seconds", "Time since the drift of the association was detected.", "target", "association"
        )
        windows = _create_gauge(
            "window_due_seconds",
            "How long the oldest due window of a recurring export has waited. Suspended associations have no value.",
            "target", "association",
        )  # fmt: skip
        exports = _create_gauge(
            "exports_failed",
            "Associations whose last export failed. An export that is still running does not count.", "target",
        )  # fmt: skip
        succeeded = _create_gauge(
            "last_success_timestamp_seconds", "Time of the last successful run of the target.", "target"
        )
        failures = _create_gauge(
            "consecutive_failures", "Failed runs of the target since its last successful run.", "target"
        )
        pace = _create_gauge(
            "rate_limit_calls_per_second",
            "Calls per second that are allowed now. It is below RequestsPerSecond after AWS throttled, and 0 during a "
            "pause.", "target",
        )  # fmt: skip
        paces = self._read_paces()
        idle = _create_gauge("run_idle_seconds", "Time since the current run last made progress.", "target")
        first_seen = _create_gauge(
            "target_first_seen_timestamp_seconds", "Time of the first scrape that found the target.", "target"
        )
        self._first_seen = first_seen_times = {
            each.target: self._first_seen.get(each.target, status.now) for each in status.targets
        }
        for target_status in status.targets:
            name = _encode_label(target_status.target)
            self._initialise(target_status.target)
            first_seen.add_metric((name,), first_seen_times[target_status.target].timestamp())
            failures.add_metric((name,), target_status.failures)
            idle.add_metric((name,), _compute_age(status, target_status.last_progress))
            if target_status.target in paces:
                pace.add_metric((name,), paces[target_status.target])
            if target_status.last_success:
                succeeded.add_metric((name,), target_status.last_success.timestamp())
            if target_status.last_report:
                for decision, count in target_status.last_report.summary.items():
                    associations.add_metric((name, decision), count)
                exports.add_metric((name,), sum(each.has_failed_export for each in target_status.associations))
            for each in target_status.associations:
                if each.decision is DecisionKind.DRIFTED:
                    drift.add_metric((name, _encode_label(each.name)), _compute_age(status, each.since))
                if each.windows and (due_since := each.windows.find_due_since(status.now)):
                    windows.add_metric((name, _encode_label(each.name)), _compute_age(status, due_since))
        started = _create_gauge("start_timestamp_seconds", "Start time of the controller.")
        started.add_metric((), status.started_at.timestamp())
        yield from (associations, drift, windows, exports, succeeded, failures, pace, idle, first_seen, started)
        yield from _collect_revision(status)


def _collect_revision(status: ControllerStatus) -> Iterator[Metric]:
    """Yield the metrics of the active revision, the rejected revision and the last read of git."""
    rejected = _create_gauge(
        "revision_rejected", "1 if the latest revision was rejected or cannot be read, otherwise 0."
    )
    rejected.add_metric((), 1 if status.rejected_revision else 0)
    activated = _create_gauge("revision_timestamp_seconds", "Activation time of the active revision.", "revision")
    if status.revision:
        activated.add_metric((_encode_label(status.revision.id or ""),), status.revision.since.timestamp())
    checked = _create_gauge("source_checked_timestamp_seconds", "Time of the last successful read of the manifests.")
    if status.source_checked_at:
        checked.add_metric((), status.source_checked_at.timestamp())
    yield from (rejected, activated, checked)


def _create_gauge(name: str, help_: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{_PREFIX}_{name}", help_, labels=labels)


def _encode_label(text: str) -> str:
    """Replace lone surrogates in a label value: Prometheus reads UTF-8, which cannot encode them."""
    return text.encode("utf-8", "replace").decode()


def _extract_code(parsed_response: Any, status: int) -> str:
    """Return the error code of AWS, or the HTTP status if the response has no valid code."""
    error = parsed_response.get("Error") if isinstance(parsed_response, Mapping) else None
    code = error.get("Code") if isinstance(error, Mapping) else None
    return code if isinstance(code, str) and _CODE.fullmatch(redaction.redact(code)) else str(status)


def _compute_age(status: ControllerStatus, since: datetime | None) -> float:
    return max(0.0, (status.now - since).total_seconds()) if since else 0.0
