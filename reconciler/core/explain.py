"""Gathers all that is known of one association, and which row of the decision table its decision comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.core.decisions import Blocked, Create, Decision, Held, Update, Write, live_of
from reconciler.core.describe import describe
from reconciler.core.integrations import find
from reconciler.core.journal import Bound, Intended, Journal, Record, Standing
from reconciler.core.lives import by_id
from reconciler.core.model import Integration, Live, Manifest, Spec, Unobserved, natural_key
from reconciler.core.preview import Preview
from reconciler.core.report import Association
from reconciler.core.request import resolved
from reconciler.core.token import client_token


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the decision table: what the journal has, what List shows, and what follows; a rail may change that."""

    record: str
    live: str
    decision: str
    rail: str | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known of one association.

    `request` is what git asks for, normalised and with the integration's ARN; None where that is not known. `token` is
    what a Create of it would carry now. `record` is under the manifest's name or the one that it had before. `alike`
    are the live associations of the same natural key.
    """

    manifest: Manifest
    integration: Integration | None
    request: Spec | None
    token: str | None
    record: Record | None
    standing: Standing | None
    journal: Journal
    live: Live | None
    alike: tuple[Live, ...]
    unlisted: str | None
    association: Association
    row: Row


def explain(name: str, preview: Preview) -> Explanation:
    """Return all that is known of the manifest of a name, which the preview has."""
    seen, journal = preview.seen, preview.recorded
    decision = next(each for each in preview.plan.decisions if each.manifest.name == name)
    manifest = decision.manifest
    integration = find(manifest.integration, seen.integrations)
    request = resolved(manifest.spec, integration.arn) if integration else None
    record = _recorded(decision, journal)
    listed = seen.associations.get(integration.arn, ()) if integration else ()
    lives = by_id(seen.associations)
    alike = tuple(live for live in lives.values() if request and natural_key(live.spec) == natural_key(request))
    bound = record.state if record and isinstance(record.state, Bound) else None
    live = live_of(decision) or (lives.get(bound.association_id) if bound else None)
    unlisted = listed.reason if isinstance(listed, Unobserved) else None
    (association,) = (each for each in describe(preview.plan, {}, {}) if each.name == name)
    return Explanation(
        manifest=manifest,
        integration=integration,
        request=request,
        token=_token(decision, request, record),
        record=record,
        standing=journal.standings.get(record.name if record else name),
        journal=journal,
        live=live,
        alike=alike,
        unlisted=unlisted,
        association=association,
        row=_row(decision, record, live, alike, unlisted),
    )


def _recorded(decision: Decision, journal: Journal) -> Record | None:
    """Return the record as the journal has it, under an earlier name of the manifest too."""
    if decision.manifest.name in journal.records:
        return journal.records[decision.manifest.name]
    state = decision.record.state if decision.record else None
    if isinstance(state, Bound):
        same = (each for each in journal.records.values() if isinstance(each.state, Bound))
        return next((each for each in same if _id(each) == state.association_id), None)
    return None


def _id(record: Record) -> str:
    assert isinstance(record.state, Bound)
    return record.state.association_id


def _token(decision: Decision, request: Spec | None, record: Record | None) -> str | None:
    write = _write(decision)
    if isinstance(write, Create):
        return write.token
    return client_token(request, record.incarnation if record else 0) if request else None


def _write(decision: Decision) -> Write | None:
    match decision:
        case Create() | Update():
            return decision
        case Held() | Blocked():
            return decision.instead
        case _:
            return None


def _row(
    decision: Decision, record: Record | None, live: Live | None, alike: Sequence[Live], unlisted: str | None
) -> Row:
    write = _write(decision)
    rail = decision.reason if isinstance(decision, Held | Blocked) and write else None
    return Row(
        record=", ".join(_known(record)),
        live=_shown(record, live, alike, unlisted),
        decision=write.word if write and rail else decision.word,
        rail=rail,
    )


def _known(record: Record | None) -> Iterator[str]:
    """Say what the journal knows, in the words of the table."""
    match record.state if record else None:
        case None:
            yield "none"
        case Intended(attempts):
            yield f"a Create was sent and its answer is unknown (attempt {attempts})"
        case Bound(association_id, missing_since=gone, update=update):
            yield f"bound to {association_id}"
            if gone:
                yield "which List has left out"
            if update:
                yield "an update was refused" if update.refused else "an update was sent and does not show yet"


def _shown(record: Record | None, live: Live | None, alike: Sequence[Live], unlisted: str | None) -> str:
    """Say what List shows, in the words of the table."""
    if unlisted is not None:
        return "its data integration could not be listed"
    if record and isinstance(record.state, Bound) and live and live.id == record.state.association_id:
        return "that association"
    return {0: "none", 1: "one with its natural key"}.get(len(alike), f"{len(alike)} with its natural key")
