"""Puts a plan and what became of it into the lines of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from reconciler.core.apply.outcome import Created, Outcome, Skipped
from reconciler.core.apply.result import Result
from reconciler.core.journal.records import Standing
from reconciler.core.model import Live, Manifest, Spec
from reconciler.core.plan.decision import (
    Adopt,
    Blocked,
    Create,
    Decision,
    Drifted,
    Held,
    InSync,
    Lost,
    Plan,
    Update,
    agreed,
    live_of,
)
from reconciler.core.report.report import Association, TargetReport
from reconciler.core.request.normalise import unverifiable

_NOT_ADOPTED = Skipped("not adopted, as far as this run knows: the journal was not written")
_DRIFTED = "AWS no longer matches the last {} configuration; drift is reported, not repaired"


def reported(name: str, account: str | None, region: str | None, result: Result) -> TargetReport:
    """Return a target's report from what was decided and what became of it."""
    plan, outcomes = result.plan, result.outcomes
    if result.unwritten:
        outcomes = {each.manifest.name: _NOT_ADOPTED for each in plan.decisions if isinstance(each, Adopt)}
    made = {outcome.association_id for outcome in outcomes.values() if isinstance(outcome, Created)}
    return TargetReport(
        name=name,
        account=account,
        region=region,
        error=result.error,
        associations=tuple(
            replace(each, since=_since(each, result.standings.get(each.name)))
            for each in describe(plan, outcomes, result.refreshed)
        ),
        unmanaged=plan.unmanaged,
        orphaned=plan.orphaned,
        unlisted=plan.unlisted,
        live=len(plan.seen | made),
        names=plan.names,
    )


def _since(association: Association, standing: Standing | None) -> datetime | None:
    """Return since when it is decided so; None where that is not known, or another decision is remembered."""
    return standing.since if standing and standing.decision == association.decision else None


def describe(plan: Plan, outcomes: Mapping[str, Outcome], refreshed: Mapping[str, Live]) -> tuple[Association, ...]:
    """Return a line for each decision, with outcomes by manifest name and what List showed afterwards by id."""
    return tuple(
        _association(decision, outcome, refreshed.get(_changed_id(decision, outcome)))
        for decision in plan.decisions
        for outcome in (outcomes.get(decision.manifest.name),)
    )


def _changed_id(decision: Decision, outcome: Outcome | None) -> str:
    """Return which association a call made or changed; nothing where there was no such call."""
    if isinstance(outcome, Created):
        return outcome.association_id
    return decision.association_id if isinstance(decision, Update) and outcome else ""


def undecided(manifests: Sequence[Manifest], reason: str) -> tuple[Association, ...]:
    """Return a blocked line for each manifest of a target that could not be reconciled at all."""
    return tuple(_association(Blocked(manifest, reason), None, None) for manifest in manifests)


def _association(decision: Decision, outcome: Outcome | None, refreshed: Live | None) -> Association:
    manifest, live = decision.manifest, refreshed or live_of(decision)
    write = decision.instead if isinstance(decision, Held | Blocked) else decision
    request: Spec = write.request if isinstance(write, Create | Update) else manifest.spec
    return Association(
        name=manifest.name,
        origin=manifest.origin,
        decision=decision.kind,
        reason=_reason(decision),
        integration=manifest.integration,
        destination=str(request.get("DestinationURI", "")),
        arn=live.arn if live else None,
        client_token=_token(write),
        differences=() if write is None or isinstance(write, Create | InSync | Lost | Blocked) else write.differences,
        unverifiable=unverifiable(request) if live or isinstance(decision, Create) else (),
        last_execution=live.last_execution if live else None,
        outcome=outcome,
        write=agreed(decision),
    )


def _token(decision: Decision | None) -> str | None:
    return decision.record.token if decision and decision.record is not None else None


def _reason(decision: Decision) -> str:
    match decision:
        case InSync():
            return ""
        case Drifted(record=record):
            return _DRIFTED.format("applied" if record.token else "adopted or applied")
        case Adopt() if any(each.drifted for each in decision.differences):
            return f"{decision.reason}; {_DRIFTED.format('applied')}"
        case Held(instead=Create()):
            return f"creating waits: {decision.reason}"
        case Held():
            return f"updating waits: {decision.reason}"
        case _:
            return decision.reason
