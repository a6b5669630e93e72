"""The decision table: from one manifest and all that is known of it to one decision, the first row that fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from reconciler.core.journal.records import Bound, Intended, Record
from reconciler.core.model import Live, OnLoss, natural_key, resembles, uuid_of
from reconciler.core.plan.decide_bound import NOT_KNOWN, decide_present
from reconciler.core.plan.decision import Adopt, Blocked, Create, Decision, Lost, Settling
from reconciler.core.plan.difference import as_live, compare
from reconciler.core.plan.inputs import Case, ambiguous
from reconciler.core.request.token import client_token
from reconciler.core.text import timestamp

MISSING = "no such association"
"""Why most associations are created: neither the journal nor AWS knows one."""

OLD = timedelta(hours=8)
"""For how long a Create whose answer was lost is sent again: later, AWS may have forgotten token and job alike."""

MAX_ATTEMPTS = 5
"""How often a Create whose answer was lost is sent, the first time included."""

_EXECUTION = "ExecutionConfiguration"


def decide(case: Case) -> Decision:
    """Return the decision for one manifest."""
    if case.manifest.policy.adopt:
        return _adopt_wanted(case, case.manifest.policy.adopt)
    if case.record is None:
        return _create(case, 0, MISSING)
    match case.record.state:
        case Bound() as bound:
            return _decide_bound(case, case.record, bound)
        case Intended() as intended:
            return _decide_intended(case, case.record, intended)
        case other:
            assert_never(other)


def _adopt_wanted(case: Case, arn: str) -> Decision:
    """A person said which association is meant: that one or none, and never a Create."""
    record, live = case.record, next((live for live in case.lives if live.arn == arn), None)
    if record and isinstance(record.state, Bound) and record.state.association_id == uuid_of(arn):
        return _decide_bound(case, record, record.state)
    if live is None:
        return Blocked(case.manifest, f"policy.adopt names {arn}, which List does not show, or another manifest has")
    if record and isinstance(record.state, Bound) and natural_key(live.spec) != record.key:
        return Blocked(
            case.manifest,
            f"policy.adopt names an association of another data integration, ClientId or DestinationURI than "
            f"{record.state.association_id}, which this manifest stands for: give it a manifest of its own name",
        )
    known = replace(record, token=None) if record and isinstance(record.state, Bound) else record
    return _adopt(case, live, known, "named by policy.adopt")


def _decide_intended(case: Case, record: Record, intended: Intended) -> Decision:
    """A Create was sent and its answer never came: List tells, or time does."""
    matches = case.matches(record.key)
    if len(matches) > 1:
        return Blocked(case.manifest, ambiguous(matches))
    if matches:
        return _adopt(case, matches[0], record, "a Create whose answer was lost had arrived")
    now, settle, attempts = case.rules.now, case.rules.options.settle_time, intended.attempts
    until = intended.last_attempt + settle * 2 ** (min(attempts, MAX_ATTEMPTS) - 1)
    if now < until:
        why = (
            f"a Create was sent at {timestamp(intended.last_attempt)} and its answer is unknown; "
            f"nothing is sent before {timestamp(until)}"
        )
        return Settling(case.manifest, case.heard(record), until, why)
    if attempts >= MAX_ATTEMPTS or now > intended.first_attempt + max(OLD, settle * 2**MAX_ATTEMPTS):
        return _give_up(
            case,
            record,
            f"given up: {_creates(attempts)} sent without an answer since {timestamp(intended.first_attempt)}, "
            "and List shows none: look in AWS for an export to this destination, and name it in policy.adopt; one is "
            f"created regardless once {case.way_out(record)}",
        )
    if case.request != record.request:
        return _give_up(
            case,
            record,
            f"git changed it while the answer to a Create for {' '.join(filter(None, record.key[1:]))} is unknown, and "
            "what git no longer asks for is not sent again: look in AWS, and name what is there in policy.adopt, "
            f"or restore the request; the new one is created regardless once {case.way_out(record)}",
        )
    if strangers := [
        live for live in case.unexplained if live.id not in intended.seen or resembles(record.request, live.spec)
    ]:
        since = f"the answer to the Create of {timestamp(intended.last_attempt)} is unknown, and no record explains"
        return Blocked(case.manifest, _maybe_this_one(since, strangers), suspects=tuple(strangers))
    state = Intended(attempts + 1, intended.first_attempt, now, intended.seen)
    reason = f"attempt {state.attempts}: the last one had no answer, and List does not show it"
    return _unless_held(case, Create(case.manifest, replace(case.heard(record), state=state), record, reason))


def _creates(count: int) -> str:
    return "a Create was" if count == 1 else f"{count} Creates were"


def _give_up(case: Case, record: Record, reason: str) -> Decision:
    """Leave it to a person, whose word is policy.generation."""
    if case.raised(record):
        return _create(case, record.incarnation + 1, "given up, and policy.generation was raised")
    return Blocked(case.manifest, reason)


def _decide_bound(case: Case, record: Record, bound: Bound) -> Decision:
    """The association is known: compare it, or say that it is gone."""
    manifest, now, settle = case.manifest, case.rules.now, case.rules.options.settle_time
    live = next((live for live in case.lives if live.id == bound.association_id), None)
    if live:
        return decide_present(case, record, bound, live)
    matches = () if manifest.policy.adopt else case.matches(record.key)
    if len(matches) > 1:
        return Blocked(manifest, ambiguous(matches))
    if matches:
        return _adopt(case, matches[0], record, f"{bound.association_id} is gone, and this one matches")
    if now < bound.since + settle:
        why = "just bound, and List does not show it yet"
        return Settling(manifest, case.heard(record), bound.since + settle, why)
    if bound.missing_since is None or now < bound.missing_since + settle:
        missing = replace(bound, missing_since=bound.missing_since or now)
        until = (bound.missing_since or now) + settle
        reason = f"List left it out; it counts as lost where a run after {timestamp(until)} does not see it either"
        return Settling(manifest, replace(case.heard(record), state=missing), until, reason)
    return _decide_lost(case, record, bound)


def _decide_lost(case: Case, record: Record, bound: Bound) -> Decision:
    """List no longer shows it: create it again where git says so, and report it otherwise."""
    policy, gone = case.manifest.policy, f"List no longer shows {bound.association_id}"
    if policy.adopt:
        return Lost(case.manifest, record, f"{gone}, which policy.adopt names: correct or remove policy.adopt")
    if case.raised(record):
        return _create(case, record.incarnation + 1, f"{gone}, and policy.generation was raised")
    if policy.on_loss is OnLoss.REPORT:
        return Lost(case.manifest, record, f"{gone}; it is created again once {case.way_out(record)}")
    if bound.arn is None:
        why = f"no run ever saw it in List, so it may be there: it is created again once {case.way_out(record)}"
        return Lost(case.manifest, record, f"{bound.association_id} is not created again by policy.onLoss, since {why}")
    return _create(case, record.incarnation + 1, f"{gone}, and policy.onLoss is recreate")


def _create(case: Case, incarnation: int, reason: str) -> Decision:
    """Create what git asks for now; adopt it where it is there."""
    now, manifest, there = case.rules.now, case.manifest, case.matches(natural_key(case.request))
    if len(there) > 1:
        return Blocked(manifest, ambiguous(there))
    record = case.record
    if record and natural_key(case.request) != record.key and record.key[0] in case.integrations:
        return Blocked(
            manifest,
            f"this manifest stands for another association ({' '.join(filter(None, record.key[1:]))}), which is lost "
            "or given up: put the new request under a new name, or restore the old one",
        )
    if there:
        return _adopt(case, there[0], None, "live, and new to the journal")
    if alike := [live for live in case.unexplained if resembles(case.request, live.spec)]:
        return Blocked(manifest, _maybe_this_one("no record explains", alike), suspects=tuple(alike))
    token, former = client_token(case.request, incarnation), record.former if record else ()
    state = Intended(1, now, now, case.listed)
    intent = Record(manifest.name, case.request, token, incarnation, manifest.policy.generation, state, former)
    return _unless_held(case, Create(manifest, intent, record, reason))


def _maybe_this_one(why: str, lives: Sequence[Live]) -> str:
    """Return the reason where List shows what may be this manifest's association, spelt otherwise than git has it."""
    shown = ", ".join(sorted(map(_described, lives)))
    return (
        f"{why} what List shows, and it may be this one: {shown}; if it is, name it in policy.adopt here; if it is "
        "another one, name it in policy.adopt of a manifest of its own"
    )


def _described(live: Live) -> str:
    return f"{live.arn} ({' '.join(filter(None, natural_key(live.spec)[1:])) or 'no DestinationURI'})"


def _unless_held(case: Case, create: Create) -> Decision:
    """Create, unless the journal has, or waits for, just such an association under another name."""
    if not case.holder:
        return create
    return Blocked(
        case.manifest,
        f"the journal has, or waits for, the association that this one asks for under the name {case.holder!r}: "
        f"where {case.holder!r} asks for something else now, put that under a new name, and restore it there",
        create,
    )


def _adopt(case: Case, live: Live, record: Record | None, reason: str) -> Adopt:
    """Bind the manifest to a live association.

    What was sent for it before counts as applied. Where nothing was, what List shows does.
    """
    manifest, bound = case.manifest, Bound(live.id, case.rules.now, live.arn)
    if record is None:
        incarnation = case.record.incarnation if case.record else 0
        record = Record(manifest.name, case.request, None, incarnation, manifest.policy.generation, bound)
    if isinstance(record.state, Bound):
        record, reason = _as_shown(case, record, live, reason)
    record = replace(case.heard(record), state=bound)
    differences = compare(case.request, record.request, live.spec, manifest.policy.ignore)
    return Adopt(manifest, live, record, differences, reason)


def _as_shown(case: Case, record: Record, live: Live, reason: str) -> tuple[Record, str]:
    """Return the record with what List shows as applied, and why git's difference from that is not sent.

    Nothing that is known was applied to this association, so nobody knows whether git or AWS changed. What git asks
    for now therefore counts as what was asked for before, and is not sent by itself.
    """
    differences = compare(record.request, record.request, live.spec, case.manifest.policy.ignore)
    if not differences:
        return record, reason
    shown = as_live(record.request, differences)
    former = list(record.former)
    for asked in (record.request.get(_EXECUTION), case.request.get(_EXECUTION)):
        if asked not in (None, shown.get(_EXECUTION), *former):
            former.append(asked)
    return replace(record, request=shown, token=None, former=tuple(former)), f"{reason}; {NOT_KNOWN}: nothing is sent"
