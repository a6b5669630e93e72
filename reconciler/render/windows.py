"""Render the recurring windows of an association: short lines for reports, and a tree for JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from reconciler.core.journal.jobs import Job, JobSource, Omission, OmissionCause
from reconciler.core.report.windows import Answer, SentWindow, WindowReport, WindowState
from reconciler.core.text import format_count, format_timestamp_to_the_minute, sanitize
from reconciler.core.windows.due import FutureWindow, Window

_REVIEW = "each export is sent without another review"
_MAX_OMISSIONS = 3
_OMISSION_CAUSES = {
    OmissionCause.SKIP: "window.skip left it out",
    OmissionCause.CONTINUE_FROM: "window.continueFrom left it out",
}
_NO_WINDOWS = "no later window follows, because no period begins after window.last"
_NOT_BEFORE_KNOWN = "no export is sent until that is known: reconcile explain shows what to do"
_NOTHING_EXPORTED = "no completed export is known yet"
_UNDECIDED = "the next run decides about the window that List shows"
_ANSWERS = {
    Answer.ACCEPTED: "accepted by AWS",
    Answer.REFUSED: "refused by AWS",
    Answer.UNKNOWN: "without a known answer",
}
_CALLS = {JobSource.CREATE: "Create", JobSource.UPDATE: "Update"}


def list_sentences(report: WindowReport | None) -> tuple[str, ...]:
    """Return the watermark, the window that is due and the windows to come, as lines. () without windows."""
    return tuple(sanitize(sentence) for sentence in _yield_sentences(report)) if report else ()


def list_brief_sentences(report: WindowReport) -> tuple[str, ...]:
    """Return the watermark and the first window that was not sent, as lines without line breaks."""
    planned = (describe_planned(each, report, report.now) for each in report.planned[:1])
    next_step = describe_next_step(report) if report.is_unknown else report.obstacle or report.notice
    due_count = sum(each.due_at <= report.now for each in report.planned[1:]) + report.more_due_count
    rest = (_describe_running(report), *planned, describe_more_due(due_count), next_step)
    return tuple(sanitize(sentence) for sentence in (describe_watermark(report), *rest) if sentence)


def _yield_sentences(report: WindowReport) -> Iterator[str]:
    yield describe_watermark(report)
    if running := _describe_running(report):
        yield running
    for planned in report.planned:
        yield describe_planned(planned, report, report.now)
    if more_due := describe_more_due(report.more_due_count):
        yield more_due
    yield describe_next_step(report)


def _describe_running(report: WindowReport) -> str | None:
    """Return the window whose job runs, or None."""
    last = report.last
    if last is None or last.state is not WindowState.RUNNING:
        return None
    return f"running: {format_window(last.window, report)}"


def describe_more_due(count: int, remedy: str = "reconcile windows lists them") -> str | None:
    """Return how many more windows are due than are listed, or None."""
    if not count:
        return None
    return f"{format_count(count, 'more window')} {'is' if count == 1 else 'are'} due: {remedy}"


def describe_next_step(report: WindowReport) -> str:
    """Return whether the windows to come go out."""
    if report.is_unknown:
        return _NOT_BEFORE_KNOWN if report.obstacle else _UNDECIDED
    if report.has_ended:
        return _NO_WINDOWS
    return f"no export is sent, because {report.rest}" if report.rest else report.obstacle or report.notice or _REVIEW


def describe_watermark(report: WindowReport) -> str:
    """Return what has been exported, what was left out, and the time zone."""
    return f"windows in {report.time_zone}: {_describe_exported(report)}"


def _describe_exported(report: WindowReport) -> str:
    if report.is_unknown:
        return "it is not known yet what has been exported"
    if report.watermark is None:
        return _NOTHING_EXPORTED
    assumption = _describe_assumption(report)
    time = format_time(report.watermark, report)
    if report.omissions:
        begun = "exports" if report.has_exported else f"{_NOTHING_EXPORTED}; exports"
        verb = "ended at" if report.has_ended else "continue from"
        return f"{begun} {verb} {time}{assumption}; left out: {_list_omissions(report)}"
    if report.start:
        return f"everything from {format_time(report.start, report)} to {time} has been exported{assumption}"
    return f"everything before {time} has been exported{assumption}"


def _describe_assumption(report: WindowReport) -> str:
    """Return a clause if not everything up to the watermark was exported under the eyes of this program, or ""."""
    extent = "in part " if report.is_own else ""
    if report.is_assumed:
        return f", which is {extent}assumed from List"
    return f", {extent}as window.continueFrom says" if report.is_declared else ""


def _list_omissions(report: WindowReport) -> str:
    """Return the last stretches that were left out, and the number of earlier ones."""
    stretches = (_format_stretch(each, report) for each in report.omissions[-_MAX_OMISSIONS:])
    earlier_count = len(report.omissions) - _MAX_OMISSIONS
    return ", ".join(stretches) + (f", and {earlier_count:,} before" if earlier_count > 0 else "")


def _format_stretch(stretch: Omission, report: WindowReport) -> str:
    """Return the beginning and the end of a stretch that was left out."""
    return format_window(Window(stretch.start, stretch.end), report)


def describe_omission(stretch: Omission) -> str:
    """Return why a stretch of time was not exported."""
    return f"not counted as exported, because {_OMISSION_CAUSES[stretch.cause]}"


def describe_planned(planned: FutureWindow, report: WindowReport, now: datetime) -> str:
    """Return a window that was not sent, with the earliest time at which it goes out."""
    prefix = "overdue, " if report.get_state(planned, now) is WindowState.OVERDUE else ""
    return f"{prefix}{describe_due_time(planned, report, now)}: {format_window(planned.window, report)}"


def describe_due_time(planned: FutureWindow, report: WindowReport, now: datetime) -> str:
    """Return when a window goes out, or since when it has waited."""
    time, count = format_time(planned.due_at, report), planned.period_count
    repetition = ", with the failed window before" if planned.is_repetition else ""
    if report.get_state(planned, now) is WindowState.TO_COME:
        return f"due from {time}{repetition}"
    since = f"{count:,} periods merged, the first due since {time}" if count > 1 else f"due since {time}"
    return f"{since}{repetition}"


def describe_sent(sent: SentWindow, report: WindowReport) -> str:
    """Return what became of a window that was sent. Later times are in UTC alone."""
    job = sent.job
    event = f"{_CALLS[job.source]} sent" if job.source in _CALLS else "first seen"
    parts = [
        f"{event} {format_time(job.sent_at, report)}",
        _ANSWERS[sent.answer] if sent.answer else "",
        f"AWS: {job.refusal.message}" if job.refusal else "",
        _describe_look(job),
        f"{'skipped' if job.is_skipped else 'end seen'} {_format_utc(job.ended_at)}" if job.ended_at else "",
        "only in part, because its job began before its end" if sent.is_partial else "",
        describe_repetition(sent, report),
    ]
    return ", ".join(filter(None, parts))


def _describe_look(job: Job) -> str:
    """Return when List showed the window of a job, or only its status, or ""."""
    if job.shown_at:
        return f"seen in List {_format_utc(min(job.shown_at, job.running_at or job.shown_at))}"
    if job.running_at:
        return f"IN_PROGRESS seen {_format_utc(job.running_at)}, window not seen in List"
    return ""


def describe_repetition(sent: SentWindow, report: WindowReport) -> str:
    """Return that a failed window is exported once more, or ""."""
    if report.is_exported_again(sent):
        return "exported again"
    return "exported again with the next window" if report.is_to_be_exported_again(sent) else ""


def format_window(window: Window, report: WindowReport) -> str:
    """Return the beginning and the end of a window, in the time zone of the manifest."""
    return " to ".join(format_ends(window, report))


def format_ends(window: Window, report: WindowReport) -> tuple[str, str]:
    """Return the beginning and the end of a window apart."""
    return _format_local(window.start, report), _format_local(window.end, report)


def format_time(time: datetime, report: WindowReport) -> str:
    """Return a time to the minute in the time zone of the manifest, and in UTC."""
    utc, local = _format_utc(time), time.astimezone(report.zone)
    return f"{local:%Y-%m-%d %H:%M} ({utc})" if local.utcoffset() else utc


def _format_utc(time: datetime) -> str:
    return format_timestamp_to_the_minute(time.astimezone(UTC))


def _format_local(time: datetime, report: WindowReport) -> str:
    """Return a time as a local date, with the time of day and UTC if it is not local midnight."""
    local = time.astimezone(report.zone)
    return format_time(time, report) if local.hour or local.minute else f"{local:%Y-%m-%d}"


def encode(report: WindowReport | None) -> dict[str, Any] | None:
    """Return the windows as a tree."""
    if report is None:
        return None
    return {
        "timeZone": report.time_zone,
        "start": report.start and _encode_time(report.start),
        "watermark": report.watermark and _encode_time(report.watermark),
        "watermarkAssumed": report.is_assumed,
        "watermarkDeclared": report.is_declared,
        "omissions": [_encode_omission(each) for each in report.omissions],
        "suspended": report.is_suspended,
        "obstacle": _NOT_BEFORE_KNOWN if report.is_unknown and report.obstacle else report.obstacle,
        "notice": _UNDECIDED if report.is_unknown and not report.obstacle else report.notice,
        "due": report.due and _encode_planned(report.due, report),
        "next": [_encode_planned(each, report) for each in report.next_windows],
        "moreDue": report.more_due_count,
        "past": [_encode_sent(each) for each in report.sent],
    }


def _encode_omission(stretch: Omission) -> dict[str, Any]:
    return {
        **_encode_window(Window(stretch.start, stretch.end)),
        "state": WindowState.LEFT_OUT,
        "cause": stretch.cause,
    }


def _encode_planned(planned: FutureWindow, report: WindowReport) -> dict[str, Any]:
    return {
        **_encode_window(planned.window),
        "dueAt": _encode_time(planned.due_at),
        "periods": planned.period_count,
        "repetition": planned.is_repetition,
        "state": report.get_state(planned, report.now),
    }


def _encode_sent(sent: SentWindow) -> dict[str, Any]:
    job = sent.job
    return {
        **_encode_window(sent.window),
        "state": sent.state,
        "source": job.source,
        "sentAt": _encode_time(job.sent_at),
        "answer": sent.answer,
        "error": job.refusal.message if job.refusal else None,
        "shownAt": job.shown_at and _encode_time(job.shown_at),
        "runningAt": job.running_at and _encode_time(job.running_at),
        "endedAt": job.ended_at and _encode_time(job.ended_at),
        "result": job.result,
        "partial": sent.is_partial,
    }


def _encode_window(window: Window) -> dict[str, Any]:
    return {"start": _encode_time(window.start), "end": _encode_time(window.end)}


def _encode_time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()
