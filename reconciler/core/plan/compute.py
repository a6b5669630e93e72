"""Decides what a run would do: pure functions from desired, live and remembered to a plan."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from reconciler.core.journal.records import Bound, Intended, Journal, Record
from reconciler.core.model import Manifest, NaturalKey, Observation, Spec, Unobserved, natural_key, uuid_of
from reconciler.core.plan.decide import decide
from reconciler.core.plan.decision import Blocked, Decision, Plan
from reconciler.core.plan.inputs import Case, RunRules
from reconciler.core.plan.integrations import find, missing
from reconciler.core.plan.matching import Lives
from reconciler.core.request.normalise import resolved


def plan(manifests: Sequence[Manifest], observed: Observation, journal: Journal, rules: RunRules) -> Plan:
    """Return one decision for each manifest, and the live associations that none of them covers."""
    requests = [
        resolved(manifest.spec, integration.arn) if integration else None
        for manifest in manifests
        for integration in (find(manifest.integration, observed.integrations),)
    ]
    twins: dict[NaturalKey, list[Manifest]] = {}
    for manifest, request in zip(manifests, requests, strict=True):
        if request:
            twins.setdefault(natural_key(request), []).append(manifest)
    orphans = _Orphans(journal, manifests)
    lives, arns = Lives(manifests, observed, journal), {integration.arn for integration in observed.integrations}

    decisions: list[Decision] = []
    renamed: set[str] = set()
    for manifest, request in zip(manifests, requests, strict=True):
        if request is None:
            decisions.append(Blocked(manifest, missing(manifest.integration, observed.integrations)))
            continue
        key = natural_key(request)
        record = journal.records.get(manifest.name) or orphans.of(manifest, key)
        if reason := _unseen(manifest, request, record, observed):
            decisions.append(Blocked(manifest, reason, unseen=True))
            continue
        if reason := _twins(manifest, twins[key]):
            decisions.append(Blocked(manifest, reason))
            continue
        former = record.name if record and record.name != manifest.name else None
        own = replace(record, name=manifest.name) if record else None
        if own and (rival := lives.rival(manifest, own)):
            reason = (
                f"its association is that of the manifest {rival!r} too: remove one of them, or name the right one in "
                "policy.adopt of either"
            )
            decisions.append(Blocked(manifest, reason))
            continue
        seen, holder = lives.of(manifest, key, own), lives.holder(manifest, key, record)
        arn = str(request["DataIntegrationIdentifier"])
        listed, unexplained = lives.listed(arn), lives.unexplained(arn, own)
        decision = decide(Case(manifest, request, own, seen, holder, former, rules, arns, listed, unexplained))
        decisions.append(decision)
        if former and decision.record:
            renamed.add(former)
    return Plan(
        tuple(decisions),
        lives.unmanaged(decisions),
        frozenset(renamed),
        lives.ids,
        orphans.left(renamed),
        tuple((arn, seen.reason) for arn, seen in observed.associations.items() if isinstance(seen, Unobserved)),
        {integration.arn: integration.name for integration in observed.integrations},
    )


def _unseen(manifest: Manifest, request: Spec, record: Record | None, observed: Observation) -> str | None:
    """Return why nothing can be said, where an integration that matters could not be listed whole."""
    known = {integration.arn: integration.name for integration in observed.integrations}
    called = {str(request["DataIntegrationIdentifier"]): manifest.integration}
    if record:
        arn = str(record.request["DataIntegrationIdentifier"])
        called.setdefault(arn, known.get(arn, arn))
    for arn, name in called.items():
        seen = observed.associations.get(arn, ())
        if isinstance(seen, Unobserved):
            return f"the associations of {name} could not be listed: {seen.reason}"
    return None


def _twins(manifest: Manifest, same: Sequence[Manifest]) -> str | None:
    """Return which other manifests ask for the same association, unless each of them says which one it means."""
    if len(same) == 1 or all(twin.policy.adopt for twin in same):
        return None
    others = ", ".join(f"{twin.name!r} ({twin.origin})" for twin in same if twin is not manifest)
    return f"has the data integration, ClientId and DestinationURI of {others}: remove one, or give each policy.adopt"


class _Orphans:
    """The records whose manifests are gone: a renamed manifest takes its own over."""

    def __init__(self, journal: Journal, manifests: Sequence[Manifest]) -> None:
        names = {manifest.name for manifest in manifests}
        named = {uuid_of(manifest.policy.adopt) for manifest in manifests if manifest.policy.adopt}
        orphans = [record for record in journal.records.values() if record.name not in names]
        orphans.sort(key=lambda each: isinstance(each.state, Intended))  # what is still waited for goes before others
        self._all = orphans
        self._by_id = {each.state.association_id: each for each in orphans if isinstance(each.state, Bound)}
        spoken_for = {self._by_id[id_].name for id_ in named & self._by_id.keys()}
        self._by_key = {record.key: record for record in orphans if record.name not in spoken_for}

    def of(self, manifest: Manifest, key: NaturalKey) -> Record | None:
        """Return the record of the association that a manifest names in policy.adopt, else that of its natural key.

        Each is given to one manifest only.
        """
        named = self._by_id.get(uuid_of(manifest.policy.adopt)) if manifest.policy.adopt else None
        record = named or self._by_key.get(key)
        if record is None or (manifest.policy.adopt and not named and not isinstance(record.state, Intended)):
            return None
        self._by_key.pop(record.key, None)
        return record

    def left(self, renamed: Collection[str]) -> tuple[Record, ...]:
        """Return those that no manifest takes over, by name."""
        return tuple(sorted((each for each in self._all if each.name not in renamed), key=lambda each: each.name))
