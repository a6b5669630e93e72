"""Encode jobs and recurring windows as JSON objects of the journal, and decode them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from reconciler.core.journal.jobs import (
    FINAL_STATUSES,
    Job,
    JobSource,
    Omission,
    OmissionCause,
    PastWindow,
    Recurrence,
    Refusal,
    WindowRule,
)
from reconciler.core.journal.members import (
    decode_count,
    decode_date,
    decode_flag,
    decode_list,
    decode_optional,
    decode_text,
    decode_timestamp,
    require_known_members,
)
from reconciler.core.windows.due import Window


def encode_job(job: Job) -> dict[str, Any]:
    """Return a job as a JSON object."""
    refusal = job.refusal
    return {
        "source": job.source,
        "sentAt": job.sent_at.isoformat(),
        "accepted": job.is_accepted,
        "refusal": refusal and {"message": refusal.message, "denied": refusal.is_denied},
        "refusals": job.refusal_count,
        "repetition": job.is_repetition,
        "shouldRepeat": job.should_repeat,
        "shownAt": _format_time(job.shown_at),
        "runningAt": _format_time(job.running_at),
        "result": job.result,
        "endedAt": _format_time(job.ended_at),
        "previousWatermark": _format_time(job.previous_watermark),
    }


def decode_job(document: dict[str, Any]) -> Job:
    """Return the job in a JSON object. Raises KeyError, TypeError and ValueError."""
    require_known_members(
        document,
        "source",
        "sentAt",
        "accepted",
        "refusal",
        "refusals",
        "repetition",
        "shouldRepeat",
        "shownAt",
        "runningAt",
        "result",
        "endedAt",
        "previousWatermark",
    )
    if document["result"] not in (None, *FINAL_STATUSES):
        raise ValueError(f"result {document['result']!r}")
    return Job(
        source=JobSource(document["source"]),
        sent_at=decode_timestamp(document["sentAt"]),
        is_accepted=decode_flag(document["accepted"]),
        refusal=decode_optional(_decode_refusal, document["refusal"]),
        refusal_count=decode_count(document["refusals"]),
        is_repetition=decode_flag(document["repetition"]),
        should_repeat=decode_flag(document["shouldRepeat"]),
        shown_at=decode_optional(decode_timestamp, document["shownAt"]),
        running_at=decode_optional(decode_timestamp, document["runningAt"]),
        result=document["result"],
        ended_at=decode_optional(decode_timestamp, document["endedAt"]),
        previous_watermark=decode_optional(decode_timestamp, document["previousWatermark"]),
    )


def _decode_refusal(document: dict[str, Any]) -> Refusal:
    require_known_members(document, "message", "denied")
    return Refusal(decode_text(document["message"]), decode_flag(document["denied"]))


def encode_window(window: Window) -> dict[str, Any]:
    """Return a window as a JSON object."""
    return {"start": window.start.isoformat(), "end": window.end.isoformat()}


def decode_window(document: dict[str, Any]) -> Window:
    """Return the window in a JSON object. Raises KeyError, TypeError and ValueError."""
    require_known_members(document, "start", "end")
    return Window(decode_timestamp(document["start"]), decode_timestamp(document["end"]))


def encode_recurrence(recurrence: Recurrence) -> dict[str, Any]:
    """Return what the journal knows of recurring windows, as a JSON object."""
    return {
        "watermark": recurrence.watermark.isoformat(),
        "start": recurrence.start.isoformat(),
        "assumed": recurrence.is_assumed,
        "rules": [
            {
                "every": rule.every,
                "timeZone": rule.time_zone,
                "first": rule.first.isoformat(),
                "delaySeconds": int(rule.delay.total_seconds()),
            }
            for rule in recurrence.rules
        ],
        "past": [
            {"start": each.start.isoformat(), "end": each.end.isoformat(), "job": encode_job(each.job)}
            for each in recurrence.past
        ],
        "foreignSince": _format_time(recurrence.foreign_since),
        "continuedFrom": _format_time(recurrence.continued_from),
        "skipped": [day.isoformat() for day in recurrence.skipped],
        "omissions": [
            {"start": each.start.isoformat(), "end": each.end.isoformat(), "cause": each.cause}
            for each in recurrence.omissions
        ],
        "replaced": recurrence.is_replaced,
    }


def decode_recurrence(document: dict[str, Any]) -> Recurrence:
    """Return the recurring windows in a JSON object. Raises KeyError, TypeError and ValueError."""
    require_known_members(
        document,
        "watermark",
        "start",
        "assumed",
        "rules",
        "past",
        "foreignSince",
        "continuedFrom",
        "skipped",
        "omissions",
        "replaced",
    )
    return Recurrence(
        watermark=decode_timestamp(document["watermark"]),
        start=decode_timestamp(document["start"]),
        is_assumed=decode_flag(document["assumed"]),
        rules=decode_list(_decode_rule, document["rules"]),
        past=decode_list(_decode_past_window, document["past"]),
        foreign_since=decode_optional(decode_timestamp, document["foreignSince"]),
        continued_from=decode_optional(decode_timestamp, document["continuedFrom"]),
        skipped=decode_list(decode_date, document["skipped"]),
        omissions=decode_list(_decode_omission, document["omissions"]),
        is_replaced=decode_flag(document["replaced"]),
    )


def _decode_rule(document: dict[str, Any]) -> WindowRule:
    require_known_members(document, "every", "timeZone", "first", "delaySeconds")
    return WindowRule(
        decode_text(document["every"]),
        decode_text(document["timeZone"]),
        decode_date(document["first"]),
        timedelta(seconds=decode_count(document["delaySeconds"])),
    )


def _decode_past_window(document: dict[str, Any]) -> PastWindow:
    require_known_members(document, "start", "end", "job")
    return PastWindow(
        decode_timestamp(document["start"]), decode_timestamp(document["end"]), decode_job(document["job"])
    )


def _decode_omission(document: dict[str, Any]) -> Omission:
    require_known_members(document, "start", "end", "cause")
    return Omission(
        decode_timestamp(document["start"]), decode_timestamp(document["end"]), OmissionCause(document["cause"])
    )


def _format_time(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
