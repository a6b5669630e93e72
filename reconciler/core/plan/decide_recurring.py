"""Decision table of live associations with recurring windows. The first matching row applies."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from reconciler.core.journal.jobs import COMPLETED, FAILED, RUNNING, Job, JobSource, Recurrence
from reconciler.core.journal.records import Bound, Record
from reconciler.core.model import Live
from reconciler.core.plan.adopt_window import adopt_first, adopt_foreign
from reconciler.core.plan.decision import Adopt, Blocked, Changed, Decision, Drifted, Held, InSync, Settling
from reconciler.core.plan.difference import Difference, compare
from reconciler.core.plan.inputs import DecisionInput
from reconciler.core.plan.job_progress import PATIENCE, compute_pause, may_run, observe_job
from reconciler.core.plan.recurrence import build_rule, build_window_update, describe_window, format_local
from reconciler.core.request.export_window import EXECUTION, is_window_unreadable, read_window
from reconciler.core.text import format_timestamp
from reconciler.core.windows.boundaries import compute_first_boundary, find_next_boundaries
from reconciler.core.windows.declaration import Missed, WindowDeclaration
from reconciler.core.windows.due import Window, find_due_boundaries, find_due_window


def decide_recurring(inputs: DecisionInput, record: Record, bound: Bound, live: Live) -> Decision:
    """Return the decision for a live association with recurring windows that is bound."""
    declaration = inputs.manifest.window
    assert declaration
    if is_window_unreadable(live.spec):
        reason = f"List shows a window of {live.arn} that is not a time: run reconcile doctor, and report the answer"
        return Blocked(inputs.manifest, reason, is_unobserved=True)
    record = replace(record, state=replace(bound, arn=live.arn, missing_since=None))
    if record.recurrence is None:
        adopted = adopt_first(inputs, declaration, record, live)
    elif _is_foreign(record, live):
        adopted = adopt_foreign(inputs, declaration, record, live)
    else:
        adopted = replace(record, recurrence=replace(record.recurrence, foreign_since=None))
    if not isinstance(adopted, Record):
        return adopted
    record = _observe(inputs, adopted, live)
    if inputs.old_name:
        reason = f"the manifest was renamed from {inputs.old_name}, which a run records"
        return Adopt(inputs.manifest, live, record, (), reason)
    assert record.recurrence
    if obstacle := _find_obstacle(inputs, declaration, record, record.recurrence, live):
        return obstacle
    return _Table(inputs, declaration, record, live).decide()


def _is_foreign(record: Record, live: Live) -> bool:
    """Tell whether List shows a window that is neither the sent one nor an earlier one of this program."""
    assert isinstance(record.state, Bound)
    assert record.recurrence
    window, job = read_window(live.spec), record.state.job
    if window == read_window(record.request):
        return False
    if job and job.source is JobSource.UPDATE and record.previous_executions[-1] == live.spec.get(EXECUTION):
        return False
    return window not in {Window(each.start, each.end) for each in record.recurrence.past}


def _observe(inputs: DecisionInput, record: Record, live: Live) -> Record:
    """Return the record after a look at List. The watermark moves once the job of a window counts as COMPLETED."""
    state, recurrence, window = record.state, record.recurrence, read_window(record.request)
    assert isinstance(state, Bound)
    assert recurrence
    job = state.job or Job(JobSource.OBSERVED, inputs.rules.now)
    is_shown = read_window(live.spec) == window
    job = observe_job(job, live, inputs.rules.now, inputs.rules.options.settle_time, is_shown=is_shown)
    if job.result == COMPLETED and window and window.end > recurrence.watermark:
        recurrence = replace(
            recurrence, watermark=window.end, is_assumed=recurrence.is_assumed and job.source is JobSource.OBSERVED
        )
    return replace(record, state=replace(state, job=job), recurrence=recurrence)


def _find_obstacle(
    inputs: DecisionInput, declaration: WindowDeclaration, record: Record, recurrence: Recurrence, live: Live
) -> Decision | None:
    """Return the decision if this revision must not send anything."""
    manifest, rule = inputs.manifest, build_rule(declaration)
    differences = _compare_members(inputs, record, live)
    if fixed_members := ", ".join(each.path for each in differences if each.is_changed):
        reason = (
            f"an update cannot change {fixed_members}: restore the old values in this manifest, and write a manifest "
            "for the new values, with a new name"
        )
        return Changed(manifest, live, record, differences, reason)
    if manifest.policy.generation < record.generation:
        reason = (
            f"policy.generation is {manifest.policy.generation} and was {record.generation} before, as in an older "
            f"revision: run the latest revision, or set policy.generation to {record.generation} or more; until then "
            "nothing is sent"
        )
        return Changed(manifest, live, record, differences, reason)
    if rule in recurrence.rules[:-1] and not inputs.is_generation_raised(record):
        reason = (
            "the window of the manifest was in force before and was replaced since, as in an older revision: run the "
            f"latest revision; to return to this window, {inputs.describe_remedy(record)}; until then nothing is sent"
        )
        return Changed(manifest, live, record, differences, reason)
    if compute_first_boundary(declaration) > recurrence.watermark and not _continues(declaration, recurrence):
        reason = (
            f"window.first is {declaration.first}, and everything has been exported only up to "
            f"{format_local(recurrence.watermark, declaration)}: set window.first to that date or an earlier one, or, "
            f"to leave out the time in between, set window.continueFrom to {declaration.first}"
        )
        return Blocked(manifest, reason)
    return None


def _continues(declaration: WindowDeclaration, recurrence: Recurrence) -> bool:
    return declaration.continue_from is not None and declaration.continue_from != recurrence.continued_from


def _compare_members(inputs: DecisionInput, record: Record, live: Live) -> tuple[Difference, ...]:
    """Return the differences in the members that do not belong to a window."""
    differences = compare(inputs.request, record.request, live.spec, inputs.manifest.policy.ignore)
    return tuple(each for each in differences if not each.is_updatable)


class _Table:
    """The rows about the last job and the next window, for one association whose revision may send."""

    def __init__(self, inputs: DecisionInput, declaration: WindowDeclaration, record: Record, live: Live) -> None:
        assert isinstance(record.state, Bound)
        assert record.state.job
        assert record.recurrence
        self._inputs, self._declaration, self._live = inputs, declaration, live
        self._job, self._bound, self._recurrence = record.state.job, record.state, record.recurrence
        self._record = record
        if compute_first_boundary(declaration) > self._recurrence.watermark:
            self._continue()
        self._now, self._settle_time = inputs.rules.now, inputs.rules.options.settle_time
        self._window = read_window(record.request)
        self._due = self._find_due(self._recurrence.watermark)

    def decide(self) -> Decision:
        """Return the decision of the first matching row."""
        if self._job.refusal:
            return self._decide_refused(self._job.refusal.message, is_denied=self._job.refusal.is_denied)
        if self._job.is_update_unshown:
            return self._decide_unshown()
        if self._job.result is None:
            return self._decide_running()
        if self._job.result == COMPLETED or (self._window and self._recurrence.watermark >= self._window.end):
            return self._decide_completed()
        return self._decide_failed()

    def _decide_refused(self, message: str, *, is_denied: bool) -> Decision:
        event = f"AWS refused the update of {format_timestamp(self._job.sent_at)}: {message}"
        if self._is_raised() or (self._is_merge() and self._is_newer(self._due)):
            return self._send(f"{event}; this is a new request")
        if is_denied:
            until = self._job.sent_at + compute_pause(self._job, self._settle_time)
            if self._now >= until:
                return self._send(f"{event}; it is tried again with growing pauses")
            return self._block(f"{event}: correct the policy; the next attempt is at {format_timestamp(until)}")
        until = self._job.sent_at + self._settle_time
        if self._job.refusal_count > 1:
            return self._block(f"{event}: correct the cause, and {self._describe_remedy()}")
        if self._now >= until:
            return self._send(f"{event}; it is sent once more, because AWS may refuse an update while a job runs")
        reason = f"{event}; it is sent once more after {format_timestamp(until)}"
        return self._hold(reason, exit_code=1)

    def _decide_unshown(self) -> Decision:
        """Wait for an Update that List does not show yet. Never repeat it without a person."""
        event = f"an update was sent at {format_timestamp(self._job.sent_at)}"
        until = self._job.sent_at + self._settle_time
        if self._job.running_at and self._now < self._job.sent_at + PATIENCE:
            until = max(until, self._job.sent_at + PATIENCE)
        if self._now < until:
            record = self._acknowledge_while_running()
            return Settling(self._inputs.manifest, record, until, f"{event}, and List does not show it yet", self._live)
        if self._is_raised():
            return self._send("policy.generation was raised")
        result = "AWS accepted it, and List never showed it" if self._job.is_accepted else "its answer is unknown"
        return self._block(f"{event}; {result}: look in AWS for its export, and {self._describe_remedy()}")

    def _decide_running(self) -> Decision:
        if self._job.is_repetition and not self._job.running_at and self._now >= self._job.sent_at + PATIENCE:
            if self._is_raised():
                return self._send("policy.generation was raised")
            return self._block(
                f"the window was sent once more at {format_timestamp(self._job.sent_at)}, and List never showed its "
                f"job as {RUNNING}: look in AWS for its export, and {self._describe_remedy()}"
            )
        self._record = self._acknowledge_while_running()
        next_window = self._find_due(self._window.end if self._window else self._recurrence.watermark)
        if next_window is None:
            return InSync(self._inputs.manifest, self._live, self._record)
        overdue_at = self._find_overdue_time(next_window)
        reason = "the export of the window before may still be running"
        return self._hold(reason, next_window, exit_code=int(self._now >= overdue_at))

    def _decide_completed(self) -> Decision:
        record = self._inputs.acknowledge_generation(self._record)
        if self._due is None:
            differences = compare(record.request, record.request, self._live.spec, self._inputs.manifest.policy.ignore)
            if differences:
                return Drifted(self._inputs.manifest, self._live, record, differences)
            return InSync(self._inputs.manifest, self._live, record)
        if may_run(self._job, self._live, self._record.request):
            exit_code = int(self._now >= self._find_overdue_time(self._due))
            return self._hold("List shows that an export is running", exit_code=exit_code)
        self._record = record
        return self._send("the window is due")

    def _decide_failed(self) -> Decision:
        message = self._live.last_execution.message if self._live.last_execution else None
        failed_window = describe_window(self._window, self._declaration) if self._window else "an unknown window"
        event = f"the export of {failed_window} FAILED{f': {message}' if message else ''}"
        if self._is_merge() and self._is_newer(self._due):
            return self._send(f"{event}; it is exported again with the next window")
        if self._is_raised() or self._job.should_repeat:
            until = self._job.sent_at + self._settle_time
            if self._now >= until:
                return self._send(f"{event}; policy.generation was raised")
            record = self._acknowledge_while_running()
            return Settling(self._inputs.manifest, record, until, f"{event}; it is sent once more", self._live)
        if self._window and self._take_skip(self._window):
            return self._decide_completed()
        end = self._window.end if self._window else self._recurrence.watermark
        if self._is_merge() and (ends := find_next_boundaries(self._declaration, end, 1)):
            due_at = ends[0] + self._declaration.delay
            reason = (
                f"{event}; it is exported again with the next window, at or after {format_timestamp(due_at)}; to "
                f"export it now, {self._inputs.describe_remedy(self._record)}"
            )
            return self._hold(reason, Window(self._recurrence.watermark, ends[0]), exit_code=1)
        return self._block(f"{event}: correct the cause, and {self._describe_remedy()}")

    # What the rows have in common

    def _find_due(self, watermark: datetime) -> Window | None:
        """Return the window after `watermark` that is due by both clocks."""
        now = self._inputs.certain_now
        return find_due_window(self._declaration, watermark, now) if now else None

    def _find_overdue_time(self, window: Window) -> datetime:
        """Return the time from which a window that waits is overdue: a day after its first boundary became due."""
        ends = find_due_boundaries(self._declaration, window.start, window.end + self._declaration.delay)
        return min((*ends, window.end)) + self._declaration.delay + PATIENCE

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

    def _send(self, reason: str) -> Decision:
        """Return the Update of what is due, or of the last window once more."""
        window = self._due or self._window
        assert window
        text = f"{reason}: exports {describe_window(window, self._declaration)}"
        return build_window_update(self._inputs, self._record, self._live, window, text)

    def _hold(self, reason: str, window: Window | None = None, *, exit_code: int = 0) -> Decision:
        """Hold the next Update, and keep the record as it is now."""
        next_window = window or self._due or self._window
        assert next_window
        update = build_window_update(self._inputs, self._record, self._live, next_window, "the window is due")
        return Held(self._inputs.manifest, update, reason, is_temporary=True, exit_code=exit_code)

    def _block(self, reason: str) -> Decision:
        """Block the association until a person acts, unless window.skip passes over the window that blocks it."""
        if self._window and self._take_skip(self._window):
            return self._decide_completed()
        window = self._due or self._window
        assert window
        update = build_window_update(self._inputs, self._record, self._live, window, reason)
        return Blocked(self._inputs.manifest, reason, update, is_past=True)

    def _describe_remedy(self) -> str:
        """Return the ways out of a blocked window."""
        remedy = f"{self._inputs.describe_remedy(self._record)} to send it once more"
        if self._window is None:
            return remedy
        day = self._window.start.astimezone(self._declaration.zone).date()
        return f"{remedy}, or add {day} to window.skip to pass over it"

    def _take_skip(self, window: Window) -> bool:
        """Move the watermark over the last window if window.skip names it, once."""
        day = window.start.astimezone(self._declaration.zone).date()
        if day not in self._declaration.skip or day in self._recurrence.skipped:
            return False
        self._recurrence = replace(
            self._recurrence,
            watermark=max(self._recurrence.watermark, window.end),
            skipped=(*self._recurrence.skipped, day),
        )
        self._job = replace(
            self._job, result=self._job.result or FAILED, refusal=None, ended_at=self._job.ended_at or self._now
        )
        self._bound = replace(self._bound, job=self._job)
        self._record = replace(self._record, state=self._bound, recurrence=self._recurrence)
        self._due = self._find_due(self._recurrence.watermark)
        return True

    def _continue(self) -> None:
        """Move the watermark to window.continueFrom."""
        continue_from = self._declaration.continue_from
        assert continue_from
        self._recurrence = replace(
            self._recurrence,
            watermark=max(continue_from, self._recurrence.watermark),
            continued_from=continue_from,
        )
        self._record = replace(self._record, recurrence=self._recurrence)
