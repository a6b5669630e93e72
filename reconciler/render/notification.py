"""Notices and summaries as messages for chats, mails and pagers: plain text with nothing that such a place obeys."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from reconciler.core.notifications.changes import Notification, Summary
from reconciler.core.notifications.state import Condition
from reconciler.core.text import escape_invisible, plural, timestamp_to_the_minute

Severity: TypeAlias = Literal["info", "success", "warning", "failure"]

_LINES = 20
"""How many things one message tells at most."""
_LONGEST = 500
"""Characters: how much is said of one thing at most."""
_ADVICE = {
    Condition.REFUSED: "the latest revision was rejected or cannot be read: correct what is named here",
    Condition.TARGET_FAILED: "nothing is known of its associations meanwhile: see the reason, or run reconcile doctor",
    Condition.UNLISTED: "what is there is not known meanwhile: run reconcile doctor",
    Condition.FAILED: "a later run tries again where that is safe: see the reason",
    Condition.BLOCKED: "a person is needed: do what the reason says",
    Condition.LOST: "gone from List: look in AWS; policy.generation (or a standing policy.onLoss) creates it again",
    Condition.DRIFTED: "AWS no longer matches the last applied or adopted configuration; correct git or AWS",
    Condition.EXPORT_FAILED: "the last job of an association failed: AWS's console says why",
}
"""The conditions that are wrong, the gravest first, and what to do about each."""
_FAILURES = frozenset(_ADVICE) - {Condition.DRIFTED, Condition.LOST}
_PERSON = re.compile(r"(:assumed-role/[^/\s]+|:federated-user|:user)/[^\s,;'\")]+")
_OBEYED = str.maketrans({"<": "‹", ">": "›", "@": "＠", "`": "'"})  # noqa: RUF001 - so that nobody is called
"""What calls people or makes links in some chat. What only emphasises stays, so that a pattern can be copied: apprise
escapes it where a service would take it for markup.
"""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: a line, a text, and how grave it is."""

    title: str
    body: str
    severity: Severity


def told(notices: tuple[Notification, ...]) -> Message:
    """Return what began and ended to be wrong as one message, the gravest first."""
    counts = Counter(_label(each) for each in notices)
    labels = [label for label in (*_ADVICE, "recovered") if label in counts]
    wrong = {each.finding.condition for each in notices if each.finding.condition.is_wrong}
    severity: Severity = "failure" if wrong & _FAILURES else "warning" if wrong else "success"
    title = f"reconcile: {', '.join(f'{counts[label]} {label}' for label in labels)}"
    return Message(title, "\n".join(_listed(notices)), severity)


def summary(said: Summary) -> Message:
    """Return how all stands as a message. It says that all is well only where that is so."""
    watched = f"{plural(said.association_count, 'association')} in {plural(said.target_count, 'target')}"
    if said.is_well:
        return Message("reconcile: all is well", f"{watched}, as of {timestamp_to_the_minute(said.at)}.", "info")
    parts = [
        f"{len(said.open_notifications)} wrong" if said.open_notifications else "",
        f"{plural(len(said.overdue_targets), 'target')} not reconciled" if said.overdue_targets else "",
        "manifests not read" if said.is_source_unread else "",
        f"{said.waiting_count} waiting" if said.waiting_count else "",
        "" if said.target_count else "nothing is reconciled",
    ]
    lines = [f"{watched}, as of {timestamp_to_the_minute(said.at)}."]
    if said.is_source_unread:
        lines.append(
            f"The manifests were last read {_when(said.source_read_at)}: newer revisions are not active. See the log."
        )
    lines += [f"- {_plain(name)} last went well {_when(when)}" for name, when in said.overdue_targets[:_LINES]]
    lines += _more(len(said.overdue_targets))
    if said.waiting_count:
        lines.append("What waits settles, is held, changed in git or is not known just now: the report says which.")
    lines += _listed(said.open_notifications)
    wrong = said.open_notifications or said.overdue_targets or said.is_source_unread or not said.target_count
    return Message(f"reconcile: {', '.join(filter(None, parts))}", "\n".join(lines), "warning" if wrong else "info")


def _when(time: datetime | None) -> str:
    return f"at {timestamp_to_the_minute(time)}" if time else "before this start, if ever"


def _listed(notices: tuple[Notification, ...]) -> Iterator[str]:
    """Yield what is to be done for each condition, and below it what it concerns."""
    order = [*_ADVICE, "recovered"]
    heading = ""
    for each in sorted(notices, key=lambda each: order.index(_label(each)))[:_LINES]:
        label = _label(each)
        if label != heading:
            heading = label
            yield f"{label}: {_ADVICE[each.finding.condition]}" if each.finding.condition.is_wrong else f"{label}:"
        yield f"- {_line(each)}"
    yield from _more(len(notices))


def _more(count: int) -> Iterable[str]:
    return [f"and {count - _LINES} more"] if count > _LINES else []


def _label(notice: Notification) -> str:
    return notice.finding.condition if notice.finding.condition.is_wrong else "recovered"


def _line(notice: Notification) -> str:
    finding = notice.finding
    what = f"{finding.name} in {finding.target}" if finding.name else finding.target or "the manifests"
    was = (
        f"no longer {_was(notice.ended_condition)}" if notice.ended_condition and not finding.condition.is_wrong else ""
    )
    why = finding.message if finding.condition.is_wrong else was
    place = ", ".join(filter(None, (what, finding.manifest, finding.arn)))
    return _plain(f"{place}: {why}" if why else place)


def _was(condition: Condition) -> str:
    return {
        Condition.TARGET_FAILED: "failed",
        Condition.REFUSED: "refused",
        Condition.EXPORT_FAILED: "failed in its last job",
    }.get(condition, str(condition))


def _plain(text: str) -> str:
    """Return a text on one line that calls nobody, links to nothing and names no person that AWS named."""
    text = escape_invisible(_PERSON.sub(r"\1/…", " ".join(text.split()))).translate(_OBEYED).replace("](", "] (")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
