"""Find warnings about valid manifests. A warning does not prevent a write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from reconciler.core.aws.bucket_name import BUCKET_NAME_RULE, is_bucket_name
from reconciler.core.manifests.unset_values import UNSET_BUCKET
from reconciler.core.model import Json, Manifest, OnLoss, ensure_mapping
from reconciler.core.request.schedule import find_unit_warning
from reconciler.core.request.times import format_millis, parse_millis
from reconciler.core.suggestions import join_names
from reconciler.core.text import shorten
from reconciler.core.windows.boundaries import compute_date, is_start
from reconciler.core.windows.declaration import WindowDeclaration

REGIONS = frozenset((
    "af-south-1", "ap-northeast-1", "ap-northeast-2", "ap-southeast-1", "ap-southeast-2",
    "ca-central-1", "eu-central-1", "eu-west-2", "us-east-1", "us-west-2",
))  # fmt: skip
"""The Regions of AppIntegrations, from botocore's endpoints. A test compares the two."""

_FRESH_DATA_AGE = timedelta(minutes=30)
"""An export may miss data newer than this (Amazon Connect administrator guide, "Set up bulk export")."""

ON_LOSS_POINTER = "/policy/onLoss"
REPEATED_EXPORT = (
    "recreate exports the data again if List stops showing the association of an ON_DEMAND export before a run has "
    "seen that the export completed"
)
"""The effect of policy.onLoss, for the warnings about manifests and Targets."""

_EXECUTION_POINTER = "/spec/ExecutionConfiguration"
_MISSING_DATA = "data of the last 30 minutes before an export may be missing from it"


def find_warnings(manifest: Manifest, now: datetime) -> Iterator[tuple[str, str]]:
    """Yield (JSON Pointer into the document, message) for each warning about a manifest.

    A manifest with policy.retired has no warnings. One with policy.adopt has only those about its windows, because it
    creates nothing.
    """
    if manifest.policy.retired:
        return
    if manifest.window:
        yield from _find_window_warnings(manifest.window)
        if _is_short(manifest.policy.delay):
            yield "/window/delay", f"{_MISSING_DATA}: set window.delay to 30m or more"
    if manifest.policy.adopt:
        return
    yield from _find_bucket_warnings(str(manifest.spec.get("DestinationURI")))
    execution = ensure_mapping(manifest.spec.get("ExecutionConfiguration"))
    if execution.get("ExecutionMode") == "ON_DEMAND":
        yield from _find_on_demand_warnings(manifest, execution, now)
    expression = ensure_mapping(execution.get("ScheduleConfiguration")).get("ScheduleExpression")
    if warning := find_unit_warning(str(expression)):
        yield f"{_EXECUTION_POINTER}/ScheduleConfiguration/ScheduleExpression", warning


def _find_bucket_warnings(uri: str) -> Iterator[tuple[str, str]]:
    """Yield the warning about a destination in S3 that cannot exist. Other problems name the placeholder of `init`."""
    scheme, _, path = uri.partition("://")
    bucket = path.partition("/")[0]
    if scheme.lower() == "s3" and not is_bucket_name(bucket) and f"s3://{bucket}" != UNSET_BUCKET:
        yield "/spec/DestinationURI", f"{shorten(bucket)} is not a valid bucket name: {BUCKET_NAME_RULE}"


def describe_sharing(name: str, place: str) -> str:
    """Return the warning about a manifest whose data integration the manifest `name` at `place` uses as well."""
    return (
        f"the manifest {name!r} at {place} uses the same data integration, and AWS may refuse a second association of "
        "a data integration: if it does, use another data integration"
    )


def _is_short(delay: timedelta | None) -> bool:
    """Tell whether an export may be sent before AWS has all its data. None is policy.start at-once."""
    return delay is None or delay < _FRESH_DATA_AGE


def _find_window_warnings(declaration: WindowDeclaration) -> Iterator[tuple[str, str]]:
    """Yield the warnings about dates that have no effect, because no window begins or ends there."""
    if wrong_dates := [day for day in declaration.skip if not is_start(declaration, day)]:
        dates = join_names([str(day) for day in wrong_dates])
        yield (
            "/window/skip",
            f"no window begins on {dates}: write dates on which a window begins, or remove those that had their effect",
        )
    first_end = compute_date(declaration, 1)
    if declaration.backfill and declaration.backfill < first_end:
        yield (
            "/window/backfill",
            f"backfill permits no window, because the first one ends on {first_end}: write this date or a later one",
        )


def _find_on_demand_warnings(
    manifest: Manifest, execution: Mapping[str, Json], now: datetime
) -> Iterator[tuple[str, str]]:
    """Yield the warnings about an export that runs once."""
    window = ensure_mapping(execution.get("OnDemandConfiguration"))
    if not window:
        yield (
            _EXECUTION_POINTER,
            "this ON_DEMAND export has no window: set StartTime and EndTime in OnDemandConfiguration",
        )
    elif (end := parse_millis(window.get("EndTime"))) is None:
        yield (
            f"{_EXECUTION_POINTER}/OnDemandConfiguration",
            "the window has no end, so the exported data depends on the time of the export: set EndTime",
        )
    elif _is_short(manifest.policy.delay) and end > now - _FRESH_DATA_AGE:
        if manifest.policy.delay is not None:
            yield "/policy/delay", f"{_MISSING_DATA}: set policy.delay to 30m or more"
        else:
            window_end = format_millis(str(window["EndTime"]))
            message = f"apply this manifest at least 30 minutes after EndTime ({window_end})"
            yield f"{_EXECUTION_POINTER}/OnDemandConfiguration/EndTime", f"{_MISSING_DATA}: {message}"
    if manifest.policy.on_loss is OnLoss.RECREATE:
        yield (
            ON_LOSS_POINTER,
            f"{REPEATED_EXPORT}: set onLoss to report; to export again on purpose, raise policy.generation",
        )
