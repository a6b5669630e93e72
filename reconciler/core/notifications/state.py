"""What people were last told: kept beside the journal, so that a restart repeats nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

FORMAT = "reconciler/notices/v1"
_APART = timedelta(minutes=1)
"""How far the clocks of two controllers may be apart."""
_NOT_KNOWN = datetime.fromtimestamp(0, UTC)
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
    def wrong(self) -> bool:
        """Whether people want to know."""
        return self not in {Condition.WELL, Condition.UNCLEAR}


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What a condition is about: an association of a target, or the target itself where `association` is empty.

    An association and its `export` go wrong independently.
    """

    association: str = ""
    export: bool = False


@dataclass(frozen=True, slots=True)
class Open:
    """Something that people were told is wrong, and not yet that it ended. `mark` tells it from others of its kind."""

    condition: Condition
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What people were told of one target. `at` is when the run ended that the newest of it comes from."""

    at: datetime
    open: Mapping[Subject, Open]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What one receiver was told, by target (the source of the manifests is the empty name), and the last summary."""

    targets: Mapping[str, Remembered] = field(default_factory=dict)
    summarised: datetime | None = None

    def believed(self, now: datetime) -> Ledger:
        """Return it with every time that is still to come not known: whoever wrote that had a clock that was ahead.

        Else nothing newer would be told, nor another summary, until the time has come.
        """
        latest = now + _APART
        targets = {
            name: replace(each, at=_NOT_KNOWN) if each.at > latest else each for name, each in self.targets.items()
        }
        return Ledger(targets, self.summarised if self.summarised and self.summarised <= latest else None)

    def merged(self, other: Ledger) -> Ledger:
        """Return what is newest of both, of each target: of two controllers, neither undoes what the other told."""
        targets = dict(self.targets)
        for name, remembered in other.targets.items():
            if name not in targets or targets[name].at < remembered.at:
                targets[name] = remembered
        times = [each for each in (self.summarised, other.summarised) if each]
        return Ledger(targets, max(times, default=None))


def encode(ledgers: Mapping[str, Ledger]) -> dict[str, Any]:
    """Return ledgers, by receiver, as a JSON document."""
    return {"format": FORMAT, "receivers": {name: _encode(ledgers[name]) for name in sorted(ledgers)}}


def decode(document: Any) -> dict[str, Ledger]:
    """Return the ledgers in a JSON document. Raises ValueError where it holds none that this version understands."""
    try:
        if document["format"] == FORMAT:
            return {name: _decode(each) for name, each in document["receivers"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a member is missing or of the wrong type ({error})") from None
    raise ValueError(f"this version reads {FORMAT!r}")


def _encode(ledger: Ledger) -> dict[str, Any]:
    return {
        "summarised": ledger.summarised and ledger.summarised.isoformat(),
        "targets": {
            name: {
                "at": remembered.at.isoformat(),
                "open": [
                    {
                        "association": subject.association,
                        "export": subject.export,
                        "condition": open_.condition.value,
                        "mark": open_.mark,
                    }
                    for subject, open_ in sorted(remembered.open.items(), key=lambda each: each[0])
                ],
            }
            for name, remembered in sorted(ledger.targets.items())
        },
    }


def _decode(tree: Any) -> Ledger:
    targets = {
        name: Remembered(
            _time(each["at"]),
            {
                Subject(str(one["association"]), one["export"] is True): Open(
                    Condition(one["condition"]), str(one["mark"])
                )
                for one in each["open"]
            },
        )
        for name, each in tree["targets"].items()
    }
    return Ledger(targets, _time(tree["summarised"]) if tree["summarised"] else None)


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text!r} has no zone")
    return time
