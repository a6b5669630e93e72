"""The window of data that an ON_DEMAND request exports."""

from __future__ import annotations

from datetime import datetime, timedelta

from reconciler.core.model import Json, Spec, ensure_mapping
from reconciler.core.request.times import EPOCH, parse_instant
from reconciler.core.windows.due import Window

EXECUTION = "ExecutionConfiguration"


def starts_export(request: Spec) -> bool:
    """Tell whether a call with this request starts an export at once. A schedule starts its jobs later."""
    return ensure_mapping(request.get(EXECUTION)).get("ExecutionMode") == "ON_DEMAND"


def build_execution(window: Window) -> Json:
    """Return the normalised ExecutionConfiguration that exports a window."""
    return {
        "ExecutionMode": "ON_DEMAND",
        "OnDemandConfiguration": {
            "StartTime": _format_millis(window.start),
            "EndTime": _format_millis(window.end),
        },
    }


def read_window(request: Spec) -> Window | None:
    """Return the window of a request or a live association. None without one, or if it is unreadable or reversed."""
    if not starts_export(request):
        return None
    start, end = _read_times(request)
    return Window(start, end) if start and end and start < end else None


def is_window_reversed(request: Spec) -> bool:
    """Tell whether an ON_DEMAND configuration has a window that does not end after its start."""
    start, end = _read_times(request)
    return starts_export(request) and start is not None and end is not None and end <= start


def is_window_unreadable(request: Spec) -> bool:
    """Tell whether an ON_DEMAND configuration has a StartTime or an EndTime that is not a time."""
    configuration = _get_configuration(request)
    return starts_export(request) and any(
        member in configuration and time is None
        for member, time in zip(("StartTime", "EndTime"), _read_times(request), strict=True)
    )


def _read_times(request: Spec) -> tuple[datetime | None, datetime | None]:
    configuration = _get_configuration(request)
    return parse_instant(configuration.get("StartTime")), parse_instant(configuration.get("EndTime"))


def _get_configuration(request: Spec) -> Spec:
    return ensure_mapping(ensure_mapping(request.get(EXECUTION)).get("OnDemandConfiguration"))


def _format_millis(instant: datetime) -> str:
    return str((instant - EPOCH) // timedelta(milliseconds=1))
