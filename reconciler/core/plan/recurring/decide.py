"""Decision table of live associations with recurring windows. The first matching row applies."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from reconciler.core.journal.jobs import COMPLETED, RUNNING, JobSource
from reconciler.core.journal.records import Bound, Record
from reconciler.core.model import Live
from reconciler.core.plan.decision import Adopt, Blocked, Decision, Drifted, Held, InSync, Settling
from reconciler.core.plan.difference import compare
from reconciler.core.plan.inputs import DecisionInput
from reconciler.core.plan.job_progress import (
    MAX_WAIT,
    compute_pause,
    compute_wait_end,
    describe_running,
    describe_unshown_job,
    describe_wait,
    is_running,
)
from reconciler.core.plan.recurring.adopt_window import adopt_first, adopt_foreign, find_unreadable_window
from reconciler.core.plan.recurring.early_window import is_partial, remember_early_window
from reconciler.core.plan.recurring.observe_window import is_foreign, mark_foreign_window, observe_window
from reconciler.core.plan.recurring.overdue import compute_due_time, describe_overdue
from reconciler.core.plan.recurring.recurrence import (
    build_window_update,
    continue_recurrence,
    describe_window,
    is_superseded,
    return_to_windows,
)
from reconciler.core.plan.recurring.skip import compute_skip_date, is_passed, skip_window
from reconciler.core.plan.recurring.window_obstacle import find_window_obstacle
from reconciler.core.plan.time_check import hold_for_clock
from reconciler.core.request.export_window import read_window
from reconciler.core.text import format_timestamp, strip_full_stop
from reconciler.core.windows.boundaries import find_next_boundaries
from reconciler.core.windows.declaration import Missed, WindowDeclaration
from reconciler.core.windows.due import Window, find_due_window


def decide_recurring(inputs: DecisionInput, record: Record, bound: Bound, live: Live) -> Decision:
    """Return the decision for a live association with recurring windows that is bound."""
    declaration = inputs.manifest.window
    assert declaration
    if problem := find_unreadable_window(inputs, live):
        return problem
    bound = remember_early_window(replace(bound, arn=live.arn, missing_since=None), live, inputs.look_time)
    record = mark_foreign_window(replace(record, state=bound), live, inputs.look_time)
    adopted: Record | Decision
    if record.recurrence is None:
        adopted = adopt_first(inputs, declaration, record, live)
    elif is_foreign(record, live):
        adopted = find_window_obstacle(inputs, declaration, record, live) or adopt_foreign(
            inputs, declaration, record, live
        )
    else:
        adopted = record
    if not isinstance(adopted, Record):
        return adopted
    record = observe_window(inputs, adopted, live)
    if inputs.old_name:
        reason = f"the manifest was renamed from {inputs.old_name}; a run records the new name"
        return Adopt(inputs.manifest, live, record, (), reason)
    if obstacle := find_window_obstacle(inputs, declaration, record, live):
        return obstacle
    assert record.recurrence
    if isinstance(recurrence := continue_recurrence(inputs, declaration, record.recurrence), str):
        return Blocked(inputs.manifest, recurrence, live=live, new_record=record)
    record = replace(record, recurrence=recurrence)
    if recurrence.is_replaced or is_superseded(declaration, recurrence):
        record = return_to_windows(inputs, declaration, record)
    return _Table(inputs, declaration, record, live).decide()


class _Table:
    """The rows about the last job and the next window, for one association whose revision may send."""

    def __init__(self, inputs: DecisionInput, declaration: WindowDeclaration, record: Record, live: Live) -> None:
        assert isinstance(record.state, Bound)
        assert record.state.job
        assert record.recurrence
        self._inputs, self._declaration, self._live = inputs, declaration, live
        self._job, self._bound, self._recurrence = record.state.job, record.state, record.recurrence
        self._record = record
        self._now, self._settle_time = inputs.rules.now, inputs.rules.options.settle_time
        self._window = read_window(record.request)
        self._due = self._find_due(self._recurrence.watermark)

    def decide(self) -> Decision:
        """Return the decision of the first matching row."""
        if self._job.is_skipped:
            return self._decide_completed()
        if self._job.refusal:
            return self._decide_refused(self._job.refusal.message, is_denied=self._job.refusal.is_denied)
        if self._job.is_update_unshown:
            return self._decide_unshown()
        if self._recurrence.foreign_since:
            return self._decide_withdrawn(self._recurrence.foreign_since)
        if self._job.result is None:
            return self._decide_running()
        if self._job.result == COMPLETED or is_passed(self._recurrence, self._declaration, self._window):
            return self._decide_completed()
        return self._decide_failed()

    def _decide_refused(self, message: str, *, is_denied: bool) -> Decision:
        if skipped := self._decide_skipped():
            return skipped
        event = f"AWS refused the update of {format_timestamp(self._job.sent_at)}: {strip_full_stop(message)}"
        if self._is_raised():
            return self._send(f"{event}; policy.generation was raised")
        if self._is_merge() and self._is_newer(self._due):
            return self._send(f"{event}; this is a new request")
        if is_denied:
            until = self._job.sent_at + compute_pause(self._job, self._settle_time)
            if self._now >= until:
                return self._send(f"{event}; it is tried again with growing pauses")
            return self._block(f"{event}; correct the policy; the next attempt is at {format_timestamp(until)}")
        until = self._job.sent_at + self._settle_time
        if self._job.refusal_count > 1:
            return self._block(f"{event}; correct the cause, and {self._describe_remedy()}")
        if self._now >= until:
            return self._send(f"{event}; it is sent once more, because AWS may refuse an update while a job runs")
        reason = f"{event}; it is sent once more after {format_timestamp(until)}"
        return self._hold(reason, until=until, exit_code=1)

    def _decide_unshown(self) -> Decision:
        """Wait for an Update that List does not show yet. Never repeat it without a person."""
        event = f"an update was sent at {format_timestamp(self._job.sent_at)}"
        until = compute_wait_end(self._job, self._now, self._settle_time)
        if self._now < until:
            record = self._acknowledge_while_running()
            return Settling(self._inputs.manifest, record, until, f"{event}, and List does not show it yet", self._live)
        if skipped := self._decide_skipped():
            return skipped
        if self._is_raised():
            return self._send("policy.generation was raised")
        result = "AWS accepted it, and List never showed it" if self._job.is_accepted else "its answer is unknown"
        return self._block(f"{event}; {result}: look in AWS for its export, and {self._describe_remedy()}")

    def _decide_withdrawn(self, since: datetime) -> Decision:
        """Wait for an Update that List showed before and shows no more. Never repeat it without a person."""
        is_own = self._job.source is JobSource.UPDATE
        origin = f"the update of {format_timestamp(self._job.sent_at)}" if is_own else "an update by somebody else"
        event = f"List showed the window of {origin}, and shows the window before it again"
        until = since + self._settle_time
        if self._inputs.look_time < until:
            return Settling(self._inputs.manifest, self._record, until, event, self._live)
        if skipped := self._decide_skipped():
            return skipped
        if self._is_raised():
            return self._send(f"{event}; policy.generation was raised")
        return self._block(f"{event}: look in AWS for its export, and {self._describe_remedy()}")

    def _decide_running(self) -> Decision:
        if self._job.is_repetition and not self._job.running_at and self._now >= self._job.sent_at + MAX_WAIT:
            if skipped := self._decide_skipped():
                return skipped
            if self._is_raised():
                return self._send("policy.generation was raised")
            return self._block(
                f"the window was sent once more at {format_timestamp(self._job.sent_at)}, and List never showed its "
                f"job as {RUNNING}: look in AWS for its export, and {self._describe_remedy()}"
            )
        self._record = self._acknowledge_while_running()
        watermark = self._recurrence.watermark
        is_exporting = self._window and self._window.start <= watermark and not is_partial(self._record)
        next_window = self._find_late(max(self._window.end, watermark) if self._window and is_exporting else watermark)
        if next_window is None:
            return InSync(self._inputs.manifest, self._live, self._record)
        reason, until = describe_wait(self._job, self._live, self._settle_time)
        return self._hold_until_end(reason, next_window, until)

    def _decide_completed(self) -> Decision:
        record = self._inputs.acknowledge_generation(self._record)
        warning = describe_unshown_job(self._job, is_shown=read_window(self._live.spec) == self._window)
        if self._due is None:
            if late_window := self._find_late(self._recurrence.watermark):
                return self._hold_for_clock(record, late_window, warning)
            if warning:
                return InSync(self._inputs.manifest, self._live, record, warning)
            differences = compare(record.request, record.request, self._live.spec, self._inputs.manifest.policy.ignore)
            if differences:
                return Drifted(self._inputs.manifest, self._live, record, differences)
            return InSync(self._inputs.manifest, self._live, record)
        if is_running(self._live):
            return self._hold_until_end(describe_running(self._live), self._due)
        self._record = record
        return self._send(f"the window is due{(warning and f'; {warning}') or ''}")

    def _decide_failed(self) -> Decision:
        if skipped := self._decide_skipped():
            return skipped
        message = self._live.last_execution.message if self._live.last_execution else None
        failed_window = describe_window(self._window, self._declaration) if self._window else "an unknown window"
        event = f"the export of {failed_window} FAILED{f': {strip_full_stop(message)}' if message else ''}"
        if self._is_merge() and self._is_newer(self._due):
            return self._send(f"{event}; its window is exported again with the next one", exit_code=1)
        if self._is_raised() or self._job.should_repeat:
            until = self._job.sent_at + self._settle_time
            if self._now >= until:
                return self._send(f"{event}; policy.generation was raised")
            record = self._acknowledge_while_running()
            return Settling(self._inputs.manifest, record, until, f"{event}; it is sent once more", self._live)
        end = self._window.end if self._window else self._recurrence.watermark
        if self._is_merge() and (ends := find_next_boundaries(self._declaration, end, 1)):
            due_at = ends[0] + self._declaration.delay
            reason = (
                f"{event}; its window is exported again with the next one, at or after {format_timestamp(due_at)}; to "
                f"export it now, {self._inputs.describe_remedy(self._record)}"
            )
            return self._hold(reason, Window(self._recurrence.watermark, ends[0]), until=due_at, exit_code=1)
        return self._block(f"{event}; correct the cause, and {self._describe_remedy()}")

    # What the rows have in common

    def _find_due(self, watermark: datetime) -> Window | None:
        """Return the window after `watermark` that is due by both clocks."""
        now = self._inputs.certain_now
        return find_due_window(self._declaration, watermark, now) if now else None

    def _find_late(self, watermark: datetime) -> Window | None:
        """Return the window after `watermark` that is due by the clock of this machine."""
        return find_due_window(self._declaration, watermark, self._now)

    def _is_merge(self) -> bool:
        return self._declaration.missed is Missed.MERGE

    def _is_newer(self, window: Window | None) -> bool:
        """Tell whether a due window ends later than the one that was sent."""
        return window is not None and (self._window is None or window.end > self._window.end)

    def _is_raised(self) -> bool:
        return self._inputs.is_generation_raised(self._record)

    def _acknowledge_while_running(self) -> Record:
        """Return the record with a raised generation kept for the job that runs."""
        if not self._is_raised():
            return self._record
        record = self._inputs.acknowledge_generation(self._record)
        return replace(record, state=replace(self._bound, job=replace(self._job, should_repeat=True)))

    def _send(self, reason: str, *, exit_code: int = 0) -> Decision:
        """Return the Update of what is due, or of the last window once more. Hold it while an export is running."""
        if is_running(self._live):
            return self._hold(f"{reason}, but {describe_running(self._live)}", exit_code=1)
        window = self._due or self._window
        assert window
        text = f"{reason}; the update exports {describe_window(window, self._declaration)}"
        update = build_window_update(self._inputs, self._record, self._live, window, text)
        return replace(update, exit_code=exit_code)

    def _hold(
        self, reason: str, window: Window | None = None, *, until: datetime | None = None, exit_code: int = 0
    ) -> Held:
        """Return the next Update as held. The record does not change."""
        next_window = window or self._due or self._window
        assert next_window
        update = build_window_update(self._inputs, self._record, self._live, next_window, "the window is due")
        return Held(self._inputs.manifest, update, reason, is_temporary=True, until=until, exit_code=exit_code)

    def _hold_until_end(self, reason: str, window: Window, until: datetime | None = None) -> Held:
        """Hold the Update of a window while the job before it may run. After a day that is trouble."""
        event = describe_overdue(self._declaration, window, self._now)
        return self._hold(f"{reason}{event}", window, until=until, exit_code=int(bool(event)))

    def _hold_for_clock(self, record: Record, window: Window, warning: str | None) -> Held:
        """Hold the Update of a window that is due by the clock of this machine alone."""
        update = build_window_update(self._inputs, record, self._live, window, "the window is due")
        due_at = compute_due_time(self._declaration, window)
        held = hold_for_clock(update, due_at, self._now, self._inputs.aws_time)
        return replace(held, reason=f"{held.reason}{(warning and f'; {warning}') or ''}")

    def _block(self, reason: str) -> Decision:
        """Block the association until a person acts."""
        window = self._due or self._window
        assert window
        update = build_window_update(self._inputs, self._record, self._live, window, reason)
        return Blocked(self._inputs.manifest, reason, update, is_past=True)

    def _decide_skipped(self) -> Decision | None:
        """Return the decision after window.skip has passed over the last window. None if it does not name it.

        A person's word precedes whatever would send the window again.
        """
        record = skip_window(self._record, self._declaration, self._now)
        return _Table(self._inputs, self._declaration, record, self._live).decide() if record else None

    def _describe_remedy(self) -> str:
        """Return the ways out of a blocked window."""
        raise_generation = self._inputs.describe_remedy(self._record)
        if self._window is None:
            return f"{raise_generation} to send the update once more"
        window = self._due or self._window
        subject = "the window once more" if window == self._window else describe_window(window, self._declaration)
        remedy = f"{raise_generation} to send {subject}"
        day = compute_skip_date(self._declaration, self._window)
        return f"{remedy}, or add {day} to window.skip to leave out the window of that day"
