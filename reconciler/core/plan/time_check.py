"""Hold the export of a window of data until the window has ended, by the clocks of this machine and of AWS."""

from __future__ import annotations

from datetime import datetime

from reconciler.core.journal.records import CreatePending
from reconciler.core.model import Spec, ensure_mapping
from reconciler.core.plan.decision import Held
from reconciler.core.plan.job_progress import MAX_WAIT, describe_missed_export
from reconciler.core.plan.write import Update, Write
from reconciler.core.request.export_window import EXECUTION, starts_export
from reconciler.core.request.times import parse_millis
from reconciler.core.text import format_timestamp


def check_time(write: Write, now: datetime, aws_time: datetime | None) -> Write | Held:
    """Return the write, or hold it until its window has ended and the delay of the manifest has passed.

    Without the time of AWS, it is unknown whether the window has ended. A Create that was sent before is not held.
    """
    delay, end = write.manifest.policy.delay, _find_end(write.request)
    if delay is None or end is None or _is_repetition(write):
        return write
    due_at = end + delay
    if now >= due_at and (aws_time is None or aws_time < due_at):
        return hold_for_clock(write, due_at, now, aws_time)
    if now >= due_at:
        return write
    reason = (
        f"the window ends at {format_timestamp(end)}: a run sends the {write.kind.value} at or after "
        f"{format_timestamp(due_at)}"
    )
    return _hold(write, reason, now, due_at)


def _hold(write: Write, reason: str, now: datetime, until: datetime | None, exit_code: int = 0) -> Held:
    """Hold a write. An Update of a fixed window that waits hides no export that may be missing."""
    event = describe_missed_export(write.previous_record, now) if isinstance(write, Update) else ""
    if event and write.manifest.window is None:
        reason, exit_code = f"{reason}{event}", 1
    return Held(write.manifest, write, reason, is_temporary=True, until=until, exit_code=exit_code)


def hold_for_clock(write: Write, due_at: datetime, now: datetime, aws_time: datetime | None) -> Held:
    """Hold a write that is due by the clock of this machine, and not by the clock of AWS.

    An export that has waited for a day counts as missed.
    """
    exit_code = int(now >= due_at + MAX_WAIT)
    if aws_time is None:
        reason = (
            "the answer of AWS has no valid Date, so it is unknown whether the window is due by the clock of AWS: "
            "look for a proxy that removes the header Date"
        )
        return _hold(write, reason, now, None, exit_code)
    reason = (
        f"the clock of AWS is behind the clock of this machine, and shows {format_timestamp(aws_time)}: a run sends "
        f"the {write.kind.value} once the clock of AWS has passed {format_timestamp(due_at)}; if the clocks differ by "
        "more than a few minutes, correct the clock of this machine"
    )
    until = now + (due_at - aws_time)
    return _hold(write, reason, now, until, exit_code)


def _find_end(request: Spec) -> datetime | None:
    """Return EndTime of a request that starts an export at once. None if there is none, or if it is out of range."""
    configuration = ensure_mapping(ensure_mapping(request.get(EXECUTION)).get("OnDemandConfiguration"))
    return parse_millis(configuration.get("EndTime")) if starts_export(request) else None


def _is_repetition(write: Write) -> bool:
    state = write.record.state
    return isinstance(state, CreatePending) and state.attempts > 1
