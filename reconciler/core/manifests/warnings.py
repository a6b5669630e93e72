"""Finds in a valid request what is only unwise: it is sent all the same, and said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from reconciler.core.model import Json, Manifest, OnLoss, mapping_or_empty
from reconciler.core.request.times import format_millis

REGIONS = frozenset((
    "af-south-1", "ap-northeast-1", "ap-northeast-2", "ap-southeast-1", "ap-southeast-2",
    "ca-central-1", "eu-central-1", "eu-west-2", "us-east-1", "us-west-2",
))  # fmt: skip
"""Where AppIntegrations is, by botocore's endpoints; a test holds it against them."""

_FRESH_DATA_AGE = timedelta(minutes=30)
"""Data that is younger may be missing from an export (Amazon Connect administrator guide, "Set up bulk export")."""

ON_LOSS_POINTER = "/policy/onLoss"
REPEATED_EXPORT = "exports again when the finished job leaves List"
"""What a policy.onLoss of recreate means for an ON_DEMAND export, whether the manifest or its Target says it."""

_EXECUTION_POINTER = "/spec/ExecutionConfiguration"


def find_warnings(manifest: Manifest, now: datetime) -> Iterator[tuple[str, str]]:
    """Yield (JSON Pointer into the document, sentence) for what a person may not have meant.

    Nothing is said of a manifest with policy.adopt, which creates nothing.
    """
    execution = mapping_or_empty(manifest.spec.get("ExecutionConfiguration"))
    if manifest.policy.adopt or execution.get("ExecutionMode") != "ON_DEMAND":
        return
    window = mapping_or_empty(execution.get("OnDemandConfiguration"))
    if not window:
        yield _EXECUTION_POINTER, "ON_DEMAND without a window: say from when to when in OnDemandConfiguration"
    elif (end := _parse_millis(window.get("EndTime"))) is None:
        yield (
            f"{_EXECUTION_POINTER}/OnDemandConfiguration",
            "the window has no end: say EndTime, so that every run means the same",
        )
    elif end > now - _FRESH_DATA_AGE:
        window_end = format_millis(str(window["EndTime"]))
        message = f"the window ends at {window_end}, and data of the last 30 minutes may be missing"
        yield f"{_EXECUTION_POINTER}/OnDemandConfiguration/EndTime", f"{message}: create it half an hour after its end"
    if manifest.policy.on_loss is OnLoss.RECREATE:
        yield ON_LOSS_POINTER, f"{REPEATED_EXPORT}: leave it at report, and raise generation when needed"


def _parse_millis(millis: Json) -> datetime | None:
    """Return a normalised time; None where there is none, or none that can be told."""
    try:
        return datetime.fromtimestamp(int(str(millis)) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
