"""Decides what a run would do: pure functions from desired, live and remembered to a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import assert_never

from reconciler.core.decisions import (
    Adopt,
    Blocked,
    Changed,
    Create,
    Decision,
    Drifted,
    InSync,
    Lost,
    Plan,
    Settling,
    Update,
)
from reconciler.core.diff import compare
from reconciler.core.journal import Bound, Intended, Journal, Record
from reconciler.core.lives import Lives
from reconciler.core.model import (
    Integration,
    Live,
    Manifest,
    Mode,
    NaturalKey,
    Observation,
    Spec,
    Unobserved,
    natural_key,
)
from reconciler.core.request import resolved
from reconciler.core.token import client_token

MISSING = "no such association"
"""Why most associations are created: neither the journal nor AWS knows one."""

MAX_ATTEMPTS = 5
"""How often a Create whose answer was lost is sent, the first time included."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a run may do, and when it runs. `settle` is how long List may lag behind a Create."""

    mode: Mode
    now: datetime
    settle: timedelta


@dataclass(frozen=True, slots=True)
class _Case:
    """One manifest with all that is known of it. `holder` is the other manifest that has what this one asks for."""

    manifest: Manifest
    request: Spec
    record: Record | None
    lives: tuple[Live, ...]
    holder: str | None
    rules: Rules

    def matches(self, key: NaturalKey) -> tuple[Live, ...]:
        return tuple(live for live in self.lives if natural_key(live.spec) == key)

    @property
    def replaces(self) -> str | None:
        """The name that the record still bears, where the manifest was renamed."""
        return self.record.name if self.record and self.record.name != self.manifest.name else None


def plan(manifests: Sequence[Manifest], observed: Observation, journal: Journal, rules: Rules) -> Plan:
    """Return one decision for each manifest, and the live associations that none of them covers."""
    requests = [
        resolved(manifest.spec, integration.arn) if integration else None
        for manifest in manifests
        for integration in (_find(manifest.integration, observed.integrations),)
    ]
    twins: dict[NaturalKey, list[Manifest]] = {}
    for manifest, request in zip(manifests, requests, strict=True):
        if request:
            twins.setdefault(natural_key(request), []).append(manifest)
    names = {manifest.name for manifest in manifests}
    orphans = _orphans(journal, names)
    lives = Lives(manifests, observed, journal)

    decisions: list[Decision] = []
    for manifest, request in zip(manifests, requests, strict=True):
        if request is None:
            decisions.append(Blocked(manifest, _missing(manifest.integration, observed.integrations)))
            continue
        key = natural_key(request)
        record = journal.records.get(manifest.name) or orphans.get(key)
        if reason := _unseen(request, record, observed.associations) or _twins(manifest, twins[key]):
            decisions.append(Blocked(manifest, reason))
        else:
            seen = lives.of(manifest, key, record)
            case = _Case(manifest, request, record, seen, lives.holder(manifest, key), rules)
            decisions.append(_adopt_wanted(case, manifest.policy.adopt) if manifest.policy.adopt else _decide(case))
    return Plan(tuple(decisions), lives.unmanaged(decisions))


def _decide(case: _Case) -> Decision:
    """Return the first row of the decision table that fits."""
    if case.record is None:
        return _decide_unknown(case)
    match case.record.state:
        case Bound() as bound:
            return _decide_bound(case, case.record, bound)
        case Intended() as intended:
            return _decide_intended(case, case.record, intended)
        case other:
            assert_never(other)


def _adopt_wanted(case: _Case, arn: str) -> Decision:
    """A person said which association is meant: that one or none, and never a Create."""
    record, live = case.record, next((live for live in case.lives if live.arn == arn), None)
    if record and isinstance(record.state, Bound) and record.state.association_id == arn.rpartition("/")[2]:
        return _decide_bound(case, record, record.state)
    if live is None:
        return Blocked(case.manifest, f"policy.adopt names {arn}, which List does not show or another manifest holds")
    ours = record if record and isinstance(record.state, Intended) else None
    request, token = (ours.request, ours.token) if ours else (case.request, None)
    adopted = Record(case.manifest.name, request, token, 0, Bound(live.id, case.rules.now))
    return _adopt(case, live, adopted, "named by policy.adopt")


def _decide_unknown(case: _Case) -> Decision:
    """Nothing is remembered: adopt what matches, create what is missing."""
    match case.matches(natural_key(case.request)):
        case ():
            intended = Intended(1, case.rules.now, case.rules.now)
            record = Record(case.manifest.name, case.request, client_token(case.request, 0), 0, intended)
            return _create(case, record, MISSING)
        case (live,):
            adopted = Record(case.manifest.name, case.request, None, 0, Bound(live.id, case.rules.now))
            return _adopt(case, live, adopted, "live and not yet in the journal")
        case matches:
            return Blocked(case.manifest, _ambiguous(matches))


def _create(case: _Case, record: Record, reason: str) -> Decision:
    """Create, unless another manifest has, or waits for, just such an association."""
    if case.holder:
        return Blocked(
            case.manifest,
            f"the manifest {case.holder!r} has, or waits for, the association that this one asks for: "
            "restore that manifest's request, or remove it and keep this one",
        )
    return Create(case.manifest, record, reason, case.replaces)


def _decide_intended(case: _Case, record: Record, intended: Intended) -> Decision:
    """A Create was sent and its answer never came: List tells, or time does."""
    matches = case.matches(record.key)
    if len(matches) > 1:
        return Blocked(case.manifest, _ambiguous(matches))
    if matches:
        live = matches[0]
        bound = replace(record, name=case.manifest.name, state=Bound(live.id, case.rules.now))
        return _adopt(case, live, bound, "a Create whose answer was lost had arrived")
    age = case.rules.now - intended.first_attempt
    if intended.attempts >= MAX_ATTEMPTS or age > case.rules.settle * 2**MAX_ATTEMPTS:
        return Blocked(
            case.manifest,
            f"given up: {intended.attempts} Creates were sent without an answer since {_time(intended.first_attempt)}, "
            "and List shows none of them: look in AWS for an export to this destination, and name it in policy.adopt",
        )
    until = intended.last_attempt + case.rules.settle * 2 ** (intended.attempts - 1)
    if case.rules.now < until:
        return Settling(
            case.manifest,
            record,
            until,
            f"a Create was sent at {_time(intended.last_attempt)} and its answer is unknown; "
            f"nothing is sent before {_time(until)}",
        )
    if case.request != record.request:
        return Blocked(
            case.manifest,
            f"git changed it while the answer to a Create for {' '.join(filter(None, record.key[1:]))} is unknown, and "
            "what git no longer asks for is not sent again: look in AWS, and name what is there in policy.adopt, or "
            "restore the request",
        )
    state = Intended(intended.attempts + 1, intended.first_attempt, case.rules.now)
    reason = f"attempt {state.attempts}: the last one had no answer, and List does not show it"
    return _create(case, replace(record, name=case.manifest.name, state=state), reason)


def _decide_bound(case: _Case, record: Record, bound: Bound) -> Decision:
    """The association is known: compare it, or say that it is gone."""
    manifest, rules = case.manifest, case.rules
    live = next((live for live in case.lives if live.id == bound.association_id), None)
    if live:
        return _compare(case, record, live)
    matches = () if manifest.policy.adopt else case.matches(record.key)
    if len(matches) > 1:
        return Blocked(manifest, _ambiguous(matches))
    if matches:
        rebound = replace(record, name=manifest.name, state=Bound(matches[0].id, rules.now))
        return _adopt(case, matches[0], rebound, f"{bound.association_id} is gone, and this one matches")
    if rules.now < bound.since + rules.settle:
        return Settling(manifest, record, bound.since + rules.settle, "just bound, and List does not show it yet")
    return Lost(manifest, record, f"List no longer shows {bound.association_id}; nothing is created in its place")


def _compare(case: _Case, record: Record, live: Live) -> Decision:
    """Tell drift from change where the association is there."""
    manifest = case.manifest
    differences = compare(case.request, record.request, live.spec, manifest.policy.ignore)
    changed = tuple(difference for difference in differences if difference.changed)
    if case.replaces:
        return _adopt(case, live, replace(record, name=manifest.name), f"renamed from {case.replaces}")
    if not differences:
        return InSync(manifest, live, record)
    if not changed:
        return Drifted(manifest, live, record, differences)
    if all(difference.readable and difference.desired == difference.live for difference in differences):
        return _adopt(case, live, replace(record, request=case.request), "live already is what git now asks for")
    if not all(difference.updatable for difference in changed):
        fields = ", ".join(difference.path for difference in changed if not difference.updatable)
        reason = f"{fields} cannot be changed once created: put the new request under a new name"
        return Changed(manifest, live, record, differences, reason)
    if case.rules.mode.stricter(manifest.policy.mode) is Mode.CREATE_AND_UPDATE:
        reason = "git changed it: an update, which REPEATS the export"
        return Update(manifest, live, case.request, differences, reason)
    reason = "git changed it; an update would REPEAT the export, and needs mode create-and-update"
    return Changed(manifest, live, record, differences, reason)


def _adopt(case: _Case, live: Live, record: Record, reason: str) -> Adopt:
    differences = compare(case.request, record.request, live.spec, case.manifest.policy.ignore)
    return Adopt(case.manifest, live, record, differences, reason, case.replaces)


def _find(identifier: str, integrations: Sequence[Integration]) -> Integration | None:
    """Return the integration of an ARN, a UUID or a name, tried in this order."""
    for spelling in ("arn", "uuid", "name"):
        for integration in integrations:
            if getattr(integration, spelling) == identifier:
                return integration
    return None


def _missing(identifier: str, integrations: Sequence[Integration]) -> str:
    names = [integration.name for integration in integrations]
    near = get_close_matches(identifier, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "create it, or correct DataIntegrationIdentifier"
    return f"data integration {identifier!r} does not exist in this account and Region: {hint}"


def _unseen(
    request: Spec, record: Record | None, associations: Mapping[str, tuple[Live, ...] | Unobserved]
) -> str | None:
    """Return why nothing can be said, where an integration that matters could not be listed whole."""
    arns = [str(request["DataIntegrationIdentifier"])]
    if record:
        arns.append(str(record.request["DataIntegrationIdentifier"]))
    for arn in arns:
        seen = associations.get(arn, ())
        if isinstance(seen, Unobserved):
            return f"the associations of {arn} could not be listed: {seen.reason}"
    return None


def _twins(manifest: Manifest, same: Sequence[Manifest]) -> str | None:
    """Return which other manifests ask for the same association, unless each of them says which one it means."""
    if len(same) == 1 or all(twin.policy.adopt for twin in same):
        return None
    others = ", ".join(f"{twin.name!r} ({twin.origin})" for twin in same if twin is not manifest)
    return f"has the data integration, ClientId and DestinationURI of {others}: remove one, or give each policy.adopt"


def _orphans(journal: Journal, names: set[str]) -> dict[NaturalKey, Record]:
    """Return the records whose manifests are gone, by natural key; of several the one that is still waited for."""
    orphans = (record for record in journal.records.values() if record.name not in names)
    return {record.key: record for record in sorted(orphans, key=lambda each: isinstance(each.state, Intended))}


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%SZ}"


def _ambiguous(matches: Sequence[Live]) -> str:
    arns = ", ".join(sorted(live.arn for live in matches))
    return f"{len(matches)} live associations match: choose one of them with policy.adopt: {arns}"
