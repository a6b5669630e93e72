"""Render notifications and summaries as plain-text messages without mentions, links or other chat markup."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from reconciler.core.notifications.changes import Notification, Summary
from reconciler.core.notifications.state import Condition
from reconciler.core.shards import Shard
from reconciler.core.text import escape_invisible, format_count, format_timestamp_to_the_minute

Severity: TypeAlias = Literal["info", "success", "warning", "failure"]

_MAX_LINES = 20
"""The maximum number of notifications or targets in one message."""
_MAX_LENGTH = 500
"""The maximum number of characters of one value in a message."""
_ADVICE = {
    Condition.REFUSED: "the latest revision was rejected or cannot be read: correct the problems listed here",
    Condition.TARGET_FAILED: (
        "the state of its associations is unknown. Each line ends with the reason. "
        "To see what is missing, run reconcile doctor."
    ),
    Condition.UNLISTED: (
        "a data integration could not be listed, so the state of its associations is unknown. "
        "Each line ends with the reason. To see what is missing, run reconcile doctor."
    ),
    Condition.FAILED: "a later run tries again if that is safe. Each line ends with the reason.",
    Condition.UNANSWERED: "AWS may have carried it out: do not repeat it by hand; the next run looks in AWS",
    Condition.BLOCKED: "needs action. Each line ends with the reason, which says what to do.",
    Condition.LOST: "List no longer shows this association: look in AWS; to create it again, raise policy.generation",
    Condition.WINDOW_OVERDUE: (
        "a window has been due for a day and was not sent. Each line ends with the reason, which says what to do."
    ),
    Condition.HELD: (
        "a write that should have been sent waits. "
        "Each line ends with the reason, which says what to do if anything is needed."
    ),
    Condition.DRIFTED: (
        "AWS no longer matches the last applied or adopted configuration: if AWS is right, write its values into git; "
        "if git is right, see docs/how-to/handle-drift.md, because an update exports the data again"
    ),
    Condition.EXPORT_FAILED: (
        "the last export of each association failed. To see the cause, and how to export the data again, "
        "run reconcile explain with the name of the association."
    ),
    Condition.EXPORT_UNCONFIRMED: "List does not confirm the export: compare it with the AWS console",
    Condition.UNMANAGED: (
        "no manifest covers this association: run reconcile export --unmanaged, or add it to Ignore of the Target"
    ),
}
"""The conditions that need a person, most severe first, and what to do about each."""
_NOUNS = frozenset(("call", "export", "revision", "target", "window"))
"""The nouns that begin a label, and that a number before them puts into the plural."""
_RECOVERED = "recovered"
_LABELS = (
    *_ADVICE,
    _RECOVERED,
    Condition.ASSOCIATION_CREATED,
    Condition.ASSOCIATION_UPDATED,
    Condition.EXPORT_COMPLETED,
)
"""The kinds of lines in a message, in their order."""
_FAILURE_CONDITIONS = frozenset(_ADVICE) - {
    Condition.DRIFTED,
    Condition.LOST,
    Condition.WINDOW_OVERDUE,
    Condition.HELD,
    Condition.EXPORT_UNCONFIRMED,
    Condition.UNMANAGED,
}
_PERSON_ARN = re.compile(r"(:assumed-role/[^/\s]+|:federated-user|:user)/[^\s,;'\")]+")
_HARMLESS_REPLACEMENTS = str.maketrans({"<": "‹", ">": "›", "@": "＠", "`": "'"})  # noqa: RUF001 - intended
"""Replacements that look like the characters for mentions, links and code in a chat.

Characters that only emphasise text are kept, so that a reader can copy a pattern. apprise escapes them for the services
that treat them as markup.
"""


@dataclass(frozen=True, slots=True)
class Message:
    """One message to a receiver: a title of one line, a text and a severity."""

    title: str
    body: str
    severity: Severity


def build_change_message(notifications: tuple[Notification, ...], shard: Shard | None = None) -> Message:
    """Return one message that lists new problems, recoveries and events, most severe first."""
    counts = Counter(_get_label(each) for each in notifications)
    labels = [label for label in _LABELS if label in counts]
    wrong_conditions = {each.finding.condition for each in notifications if _get_label(each) in _ADVICE}
    severity: Severity = (
        "failure" if wrong_conditions & _FAILURE_CONDITIONS else "warning" if wrong_conditions else "success"
    )
    changes = ", ".join(_format_count(counts[label], label) for label in labels)
    title = f"{_name_sender(shard)}: {changes}"
    return Message(title, "\n".join(_list_notifications(notifications)), severity)


def build_summary_message(summary: Summary, shard: Shard | None = None) -> Message:
    """Return the periodic summary as one message."""
    scope = (
        f"{format_count(summary.association_count, 'association')} in {format_count(summary.target_count, 'target')}"
    )
    parts = [
        "no problems" if summary.is_well else "",
        format_count(len(summary.open_notifications), "problem") if summary.open_notifications else "",
        f"{format_count(len(summary.overdue_targets), 'target')} not reconciled" if summary.overdue_targets else "",
        "manifests out of date" if summary.is_source_unread else "",
        f"{summary.waiting_count} waiting" if summary.waiting_count else "",
        "no targets" if summary.lacks_targets else "",
        format_count(summary.unmanaged_count, "unmanaged association") if summary.unmanaged_count else "",
    ]
    lines = [f"{scope}, as of {format_timestamp_to_the_minute(summary.at)}."]
    if summary.is_source_unread:
        lines.append(
            f"The manifests were last read {_format_time(summary.source_read_at)}. Newer revisions are not active. "
            "See the log."
        )
    lines += [
        f"- {_make_harmless(name)} was last reconciled {_format_time(when)}"
        for name, when in summary.overdue_targets[:_MAX_LINES]
    ]
    lines += _format_omitted(len(summary.overdue_targets))
    if summary.waiting_count:
        states = "settling, held, changed in git, not sent yet or not listed"
        lines.append(f"Waiting associations are {states}. The report shows which.")
    if summary.unmanaged_count:
        lines.append(
            "Unmanaged associations have no manifest. To write manifests for them, run reconcile export --unmanaged. "
            "To leave them out, add them to Ignore of the Target."
        )
    lines += _list_notifications(summary.open_notifications)
    is_wrong = (
        summary.open_notifications or summary.overdue_targets or summary.is_source_unread or summary.lacks_targets
    )
    title = f"{_name_sender(shard)}: {', '.join(filter(None, parts))}"
    return Message(title, "\n".join(lines), "warning" if is_wrong else "info")


def _name_sender(shard: Shard | None) -> str:
    return f"reconcile shard {shard}" if shard else "reconcile"


def _format_count(count: int, label: str) -> str:
    """Return a count with its label: `2 lost`, `2 exports completed`."""
    noun, _, state = label.partition(" ")
    return f"{format_count(count, noun)} {state}" if noun in _NOUNS else f"{count} {label}"


def _format_time(time: datetime | None) -> str:
    return f"at {format_timestamp_to_the_minute(time)}" if time else "before the controller started, or never"


def _list_notifications(notifications: tuple[Notification, ...]) -> Iterator[str]:
    """Yield a heading with the advice for each condition, followed by its notifications."""
    heading = ""
    for notification in sorted(notifications, key=lambda each: _LABELS.index(_get_label(each)))[:_MAX_LINES]:
        label = _get_label(notification)
        if label != heading:
            heading = label
            advice = _ADVICE.get(notification.finding.condition)
            yield f"{label}: {advice}" if advice else f"{label}:"
        yield f"- {_format_line(notification)}"
    yield from _format_omitted(len(notifications))


def _format_omitted(count: int) -> Iterable[str]:
    return [f"and {count - _MAX_LINES} more"] if count > _MAX_LINES else []


def _get_label(notification: Notification) -> str:
    condition = notification.finding.condition
    return condition if condition.is_wrong or condition.is_event else _RECOVERED


def _format_line(notification: Notification) -> str:
    finding = notification.finding
    subject = f"{finding.name} in {finding.target}" if finding.name else finding.target or "the manifests"
    recovery = _describe_recovery(notification.ended_condition) if notification.ended_condition else ""
    message = recovery if _get_label(notification) == _RECOVERED else finding.message
    place = ", ".join(filter(None, (subject, finding.manifest, finding.arn)))
    return _make_harmless(f"{place}: {message}" if message else place)


def _describe_recovery(ended_condition: Condition) -> str:
    return {
        Condition.TARGET_FAILED: "no longer failed",
        Condition.UNLISTED: "every data integration was listed again",
        Condition.REFUSED: "no longer rejected",
        Condition.UNANSWERED: "the result of its call is known",
        Condition.EXPORT_FAILED: "no longer failed in its last export",
        Condition.WINDOW_OVERDUE: "no window is overdue any more",
    }.get(ended_condition, f"no longer {ended_condition}")


def _make_harmless(text: str) -> str:
    """Return a text on one line, without mentions, links or the names of people in ARNs."""
    text = (
        escape_invisible(_PERSON_ARN.sub(r"\1/…", " ".join(text.split())))
        .translate(_HARMLESS_REPLACEMENTS)
        .replace("](", "] (")
    )
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 1]}…"
