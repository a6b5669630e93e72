"""The journal as people ask for it: what is known of each association, and who may write."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from reconciler.core.journal.records import Bound, Intended, Journal, Lease, Record, Written
from reconciler.core.model import Execution
from reconciler.core.text import timestamp


@dataclass(frozen=True, slots=True)
class Remembered:
    """One association as the last run left it. `since` is since when the decision holds; None where none was noted.

    `state` says in a few words what the journal knows. `orphaned` is an association whose manifest is gone.
    """

    name: str
    decision: str | None
    since: datetime | None
    state: str
    arn: str | None
    association_id: str | None
    last_execution: Execution | None
    orphaned: bool


@dataclass(frozen=True, slots=True)
class Status:
    """The journal of one target. `written` is None where there is no journal yet, `error` why it is not known."""

    name: str
    account: str | None
    region: str | None
    place: str | None
    error: str | None = None
    serial: int = 0
    written: Written | None = None
    lease: Lease | None = None
    lease_expired: bool = False
    associations: tuple[Remembered, ...] = ()


def remembered(journal: Journal, manifests: Collection[str]) -> tuple[Remembered, ...]:
    """Return what a journal knows, by name; `manifests` are the names that git has."""
    return tuple(
        _remembered(name, journal, orphaned=name not in manifests)
        for name in sorted(journal.records.keys() | journal.standings.keys())
    )


def _remembered(name: str, journal: Journal, *, orphaned: bool) -> Remembered:
    record, standing = journal.records.get(name), journal.standings.get(name)
    bound = record.state if record and isinstance(record.state, Bound) else None
    return Remembered(
        name=name,
        decision=standing.decision if standing else None,
        since=standing.since if standing else None,
        state=_state(record),
        arn=bound.arn if bound else None,
        association_id=bound.association_id if bound else None,
        last_execution=standing.last_execution if standing else None,
        orphaned=orphaned,
    )


def _state(record: Record | None) -> str:
    if record is None:
        return "nothing was ever sent or found"
    match record.state:
        case Intended(attempts, _, last):
            return f"the answer to a Create is unknown; attempt {attempts} at {timestamp(last)}"
        case Bound(missing_since=gone) if gone:
            return f"List has left it out since {timestamp(gone)}"
        case Bound(update=sent) if sent:
            became = "was refused" if sent.refused else "does not show yet"
            return f"the Update of {timestamp(sent.at)} {became}"
        case Bound(arn=None):
            return "created, and no later run has seen it yet"
        case _:
            return "live"
