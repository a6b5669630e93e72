"""The journal as people ask for it: what is known of each association, and who may write."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from reconciler.core.journal.records import Bound, CreatePending, Journal, LastWrite, Lease, Record
from reconciler.core.model import Execution
from reconciler.core.text import timestamp


@dataclass(frozen=True, slots=True)
class RecordedAssociation:
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
    is_orphaned: bool


@dataclass(frozen=True, slots=True)
class JournalStatus:
    """The journal of one target. `written` is None where there is no journal yet, `error` why it is not known."""

    name: str
    account: str | None
    region: str | None
    place: str | None
    error: str | None = None
    serial: int = 0
    last_write: LastWrite | None = None
    lease: Lease | None = None
    is_lease_expired: bool = False
    associations: tuple[RecordedAssociation, ...] = ()


def list_recorded_associations(journal: Journal, manifests: Collection[str]) -> tuple[RecordedAssociation, ...]:
    """Return what a journal knows, by name; `manifests` are the names that git has."""
    return tuple(
        _build_recorded_association(name, journal, is_orphaned=name not in manifests)
        for name in sorted(journal.records.keys() | journal.last_decisions.keys())
    )


def _build_recorded_association(name: str, journal: Journal, *, is_orphaned: bool) -> RecordedAssociation:
    record, last_decision = journal.records.get(name), journal.last_decisions.get(name)
    bound = record.state if record and isinstance(record.state, Bound) else None
    return RecordedAssociation(
        name=name,
        decision=last_decision.decision if last_decision else None,
        since=last_decision.since if last_decision else None,
        state=_describe_state(record),
        arn=bound.arn if bound else None,
        association_id=bound.association_id if bound else None,
        last_execution=last_decision.last_execution if last_decision else None,
        is_orphaned=is_orphaned,
    )


def _describe_state(record: Record | None) -> str:
    if record is None:
        return "nothing was ever sent or found"
    match record.state:
        case CreatePending(attempts, _, last_attempt):
            return f"the answer to a Create is unknown; attempt {attempts} at {timestamp(last_attempt)}"
        case Bound(missing_since=missing_since) if missing_since:
            return f"List has left it out since {timestamp(missing_since)}"
        case Bound(update=update) if update:
            result = "was refused" if update.refusal else "does not show yet"
            return f"the Update of {timestamp(update.at)} {result}"
        case Bound(arn=None):
            return "created, and no later run has seen it yet"
        case _:
            return "live"
