"""What people were last told: kept beside the journal, so that a restart repeats nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

FORMAT = "reconciler/notices/v1"
_MAX_CLOCK_DIFFERENCE = timedelta(minutes=1)
"""How far the clocks of two controllers may be apart."""
_UNKNOWN_TIME = datetime.fromtimestamp(0, UTC)
"""A time before any run."""


class Condition(StrEnum):
    """How one thing stands. What is UNCLEAR neither begins nor ends anything."""

    WELL = "well"
    UNCLEAR = "unclear"
    REFUSED = "revision rejected"
    TARGET_FAILED = "target failed"
    UNLISTED = "not listed"
    FAILED = "failed"
    BLOCKED = "blocked"
    LOST = "lost"
    DRIFTED = "drifted"
    EXPORT_FAILED = "export failed"

    @property
    def is_wrong(self) -> bool:
        """Whether people want to know."""
        return self not in {Condition.WELL, Condition.UNCLEAR}


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What a condition is about: an association of a target, or the target itself where `association` is empty.

    An association and its `export` go wrong independently.
    """

    association: str = ""
    is_export: bool = False


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """Something that people were told is wrong, and not yet that it ended. `mark` tells it from others of its kind."""

    condition: Condition
    mark: str = ""


@dataclass(frozen=True, slots=True)
class TargetAlerts:
    """What people were told of one target. `at` is when the run ended that the newest of it comes from."""

    at: datetime
    alerts: Mapping[Subject, OpenAlert]


@dataclass(frozen=True, slots=True)
class NotificationState:
    """What one receiver was told, by target (the source of the manifests is the empty name), and the last summary."""

    targets: Mapping[str, TargetAlerts] = field(default_factory=dict)
    last_summary: datetime | None = None

    def without_future_times(self, now: datetime) -> NotificationState:
        """Return it with every time that is still to come not known: whoever wrote that had a clock that was ahead.

        Else nothing newer would be told, nor another summary, until the time has come.
        """
        latest = now + _MAX_CLOCK_DIFFERENCE
        targets = {
            name: replace(each, at=_UNKNOWN_TIME) if each.at > latest else each for name, each in self.targets.items()
        }
        return NotificationState(
            targets, self.last_summary if self.last_summary and self.last_summary <= latest else None
        )

    def merge(self, other: NotificationState) -> NotificationState:
        """Return what is newest of both, of each target: of two controllers, neither undoes what the other told."""
        targets = dict(self.targets)
        for name, alerts in other.targets.items():
            if name not in targets or targets[name].at < alerts.at:
                targets[name] = alerts
        times = [each for each in (self.last_summary, other.last_summary) if each]
        return NotificationState(targets, max(times, default=None))


def encode(states: Mapping[str, NotificationState]) -> dict[str, Any]:
    """Return ledgers, by receiver, as a JSON document."""
    return {"format": FORMAT, "receivers": {name: _encode(states[name]) for name in sorted(states)}}


def decode(document: Any) -> dict[str, NotificationState]:
    """Return the ledgers in a JSON document. Raises ValueError where it holds none that this version understands."""
    try:
        if document["format"] == FORMAT:
            return {name: _decode(each) for name, each in document["receivers"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a member is missing or of the wrong type ({error})") from None
    raise ValueError(f"this version reads {FORMAT!r}")


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
        )
        for name, each in tree["targets"].items()
    }
    return NotificationState(targets, _parse_time(tree["summarised"]) if tree["summarised"] else None)


def _parse_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text!r} has no zone")
    return time
