"""Notification state: the alerts that each receiver was notified of. It prevents repeated messages after a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

FORMAT = "reconciler/notices/v1"
_MAX_CLOCK_DIFFERENCE = timedelta(minutes=1)
"""Tolerated difference between the clocks of two controllers."""
_UNKNOWN_TIME = datetime.fromtimestamp(0, UTC)
"""A time before any run."""


class Condition(StrEnum):
    """The condition of a subject. UNCLEAR neither begins nor ends a problem.

    The last five are events: each is sent once, and nothing ends it.
    """

    WELL = "well"
    UNCLEAR = "unclear"
    REFUSED = "revision rejected"
    TARGET_FAILED = "target failed"
    UNLISTED = "not listed"
    FAILED = "failed"
    UNANSWERED = "call unanswered"
    BLOCKED = "blocked"
    LOST = "lost"
    HELD = "held"
    WINDOW_OVERDUE = "window overdue"
    DRIFTED = "drifted"
    EXPORT_FAILED = "export failed"
    EXPORT_UNCONFIRMED = "export unconfirmed"
    EXPORT_COMPLETED = "export completed"
    ASSOCIATION_CREATED = "created"
    ASSOCIATION_UPDATED = "updated"
    UNMANAGED = "unmanaged"

    @property
    def is_event(self) -> bool:
        """True if the condition is something that has happened, and that nothing ends."""
        return self in _EVENTS

    @property
    def is_wrong(self) -> bool:
        """True if the condition is a problem, which lasts until it ends."""
        return self not in {Condition.WELL, Condition.UNCLEAR} and not self.is_event


_EVENTS = frozenset(
    (
        Condition.EXPORT_UNCONFIRMED,
        Condition.EXPORT_COMPLETED,
        Condition.ASSOCIATION_CREATED,
        Condition.ASSOCIATION_UPDATED,
        Condition.UNMANAGED,
    )
)


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """The subject of a condition: an association, its export, or the target itself if `association` is empty.

    An association and its export (`is_export`) have separate conditions.
    """

    association: str = ""
    is_export: bool = False


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """A problem that a receiver was notified of, and that has not ended. Another `mark` means another problem."""

    condition: Condition
    mark: str = ""


@dataclass(frozen=True, slots=True)
class KnownUnmanaged:
    """The ids of the unmanaged associations that a receiver knows.

    `unseen_integrations` are the ARNs of the data integrations that no run has listed since the receiver was added.
    """

    ids: tuple[str, ...] = ()
    unseen_integrations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetAlerts:
    """The open alerts of one target, and its events that the receiver knows.

    `at` is the end of the last run that changed them. `completions` are the marks of completed exports, by the mark of
    their association. `writes` are those of Creates and Updates. The events are None before the first report of the
    target.
    """

    at: datetime
    alerts: Mapping[Subject, OpenAlert]
    completions: Mapping[str, tuple[str, ...]] | None = None
    writes: Mapping[str, tuple[str, ...]] | None = None
    unmanaged: KnownUnmanaged | None = None


@dataclass(frozen=True, slots=True)
class NotificationState:
    """The notification state of one receiver: open alerts by target, and the time of the last summary.

    The source of the manifests has the empty name among the targets.
    """

    targets: Mapping[str, TargetAlerts] = field(default_factory=dict)
    last_summary: datetime | None = None

    def without_future_times(self, now: datetime) -> NotificationState:
        """Return the state without times in the future. Such a time comes from a clock that was ahead.

        Otherwise the receiver would get no change and no summary until those times.
        """
        latest = now + _MAX_CLOCK_DIFFERENCE
        targets = {
            name: replace(each, at=_UNKNOWN_TIME) if each.at > latest else each for name, each in self.targets.items()
        }
        return NotificationState(
            targets, self.last_summary if self.last_summary and self.last_summary <= latest else None
        )

    def merge(self, other: NotificationState) -> NotificationState:
        """Return the newer alerts of each target and the later summary of both states.

        Two controllers with one state keep each other's changes this way.
        """
        targets = dict(self.targets)
        for name, alerts in other.targets.items():
            if name not in targets or targets[name].at < alerts.at:
                targets[name] = alerts
        times = [each for each in (self.last_summary, other.last_summary) if each]
        return NotificationState(targets, max(times, default=None))


def build_run_mark(finished_at: datetime, association: str) -> str:
    """Return the mark of a write by the run that ended at a time. Other marks of writes have no blank."""
    return f"{finished_at.isoformat()} {association}"


def parse_run_mark(mark: str) -> datetime | None:
    """Return the end of the run in the mark of a write, or None for another mark. Raises ValueError."""
    run_end, blank, _ = mark.partition(" ")
    return _parse_time(run_end) if blank else None


def encode(states: Mapping[str, NotificationState]) -> dict[str, Any]:
    """Return the notification states, by receiver, as a JSON document."""
    return {"format": FORMAT, "receivers": {name: _encode(states[name]) for name in sorted(states)}}


def decode(document: Any) -> dict[str, NotificationState]:
    """Return the notification states in a JSON document. Raises ValueError for a malformed or unknown document."""
    try:
        if document["format"] == FORMAT:
            return {name: _decode(each) for name, each in document["receivers"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a member is missing or of the wrong type ({error})") from None
    raise ValueError(f"the format is unknown: this version reads {FORMAT!r}")


def _encode(state: NotificationState) -> dict[str, Any]:
    return {
        "summarised": state.last_summary and state.last_summary.isoformat(),
        "targets": {
            name: {
                "at": alerts.at.isoformat(),
                "open": [
                    {
                        "association": subject.association,
                        "export": subject.is_export,
                        "condition": alert.condition.value,
                        "mark": alert.mark,
                    }
                    for subject, alert in sorted(alerts.alerts.items(), key=lambda each: each[0])
                ],
                "completed": _encode_marks(alerts.completions),
                "written": _encode_marks(alerts.writes),
                "unmanaged": alerts.unmanaged
                and {"ids": list(alerts.unmanaged.ids), "unseen": list(alerts.unmanaged.unseen_integrations)},
            }
            for name, alerts in sorted(state.targets.items())
        },
    }


def _decode(tree: Any) -> NotificationState:
    targets = {
        name: TargetAlerts(
            _parse_time(each["at"]),
            {
                Subject(str(alert["association"]), alert["export"] is True): OpenAlert(
                    Condition(alert["condition"]), str(alert["mark"])
                )
                for alert in each["open"]
            },
            _decode_marks(each.get("completed")),
            _decode_write_marks(each.get("written")),
            _decode_unmanaged(each.get("unmanaged")),
        )
        for name, each in tree["targets"].items()
    }
    return NotificationState(targets, _parse_time(tree["summarised"]) if tree["summarised"] else None)


def _encode_marks(marks: Mapping[str, tuple[str, ...]] | None) -> dict[str, list[str]] | None:
    return None if marks is None else {key: list(marks[key]) for key in sorted(marks)}


def _decode_marks(tree: Any) -> dict[str, tuple[str, ...]] | None:
    return None if tree is None else {str(key): tuple(map(str, marks)) for key, marks in tree.items()}


def _decode_write_marks(tree: Any) -> dict[str, tuple[str, ...]] | None:
    marks = _decode_marks(tree)
    for each in (marks or {}).values():
        for mark in each:
            parse_run_mark(mark)
    return marks


def _decode_unmanaged(tree: Any) -> KnownUnmanaged | None:
    return None if tree is None else KnownUnmanaged(tuple(map(str, tree["ids"])), tuple(map(str, tree["unseen"])))


def _parse_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return time
