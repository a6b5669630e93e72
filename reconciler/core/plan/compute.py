"""Compute the plan from the manifests, the observation and the journal, with pure functions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from reconciler.core.journal.records import Bound, CreatePending, Journal, Record
from reconciler.core.model import Manifest, NaturalKey, Observation, Spec, Unobserved, build_natural_key, extract_uuid
from reconciler.core.plan.decide import decide
from reconciler.core.plan.decide_retired import describe_retirement
from reconciler.core.plan.decision import Blocked, Decision, Retired
from reconciler.core.plan.inputs import DecisionInput, RunRules
from reconciler.core.plan.integrations import describe_missing_integration, index_integrations
from reconciler.core.plan.matching import LiveIndex
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.recurring.recurrence import complete_request
from reconciler.core.request.normalise import resolve_request
from reconciler.core.suggestions import LimitedSuggestions

_MAX_SUGGESTIONS = 100


def compute_plan(manifests: Sequence[Manifest], observation: Observation, journal: Journal, rules: RunRules) -> Plan:
    """Return the plan: one decision for each manifest, and the unmanaged associations."""
    planner = _Planner(manifests, observation, journal, rules)
    decisions = tuple(map(planner.decide, manifests, planner.requests))
    return Plan(
        decisions,
        unmanaged=planner.index.find_unmanaged(decisions),
        old_names=frozenset(planner.old_names),
        live_ids=planner.index.ids,
        orphaned=planner.orphans.list_unclaimed(planner.old_names),
        unlisted=tuple(
            (arn, each.reason) for arn, each in observation.associations.items() if isinstance(each, Unobserved)
        ),
        integration_names=planner.integration_names,
        records=planner.records,
        now=min(rules.now, observation.aws_time or rules.now),
        settle_time=rules.options.settle_time,
    )


class _Planner:
    """Decides on one manifest after another. A record that one of them claims is not left for the next ones.

    `requests` are the resolved requests of the manifests, or None without their data integration. `records` are the
    records of the manifests so far, by name of the manifest. `old_names` are the names that renamed manifests had.
    `integration_names` are the names of the data integrations, by ARN.
    """

    def __init__(
        self, manifests: Sequence[Manifest], observation: Observation, journal: Journal, rules: RunRules
    ) -> None:
        self._observation, self._journal, self._rules = observation, journal, rules
        self.index, self.orphans = LiveIndex(manifests, observation, journal), _OrphanIndex(journal, manifests)
        integrations = index_integrations(observation.integrations)
        self.requests = tuple(
            resolve_request(manifest.spec, integration.arn) if integration else None
            for manifest in manifests
            for integration in (integrations.get(manifest.integration),)
        )
        self.integration_names = {integration.arn: integration.name for integration in observation.integrations}
        self._suggestions = LimitedSuggestions(_MAX_SUGGESTIONS)
        self._manifests_by_key: dict[NaturalKey, list[Manifest]] = {}
        for manifest, request in zip(manifests, self.requests, strict=True):
            if request:
                self._manifests_by_key.setdefault(build_natural_key(request), []).append(manifest)
        names = {manifest.name for manifest in manifests}
        self.records = {name: record for name, record in journal.records.items() if name in names}
        self.old_names: set[str] = set()

    def decide(self, manifest: Manifest, request: Spec | None) -> Decision:
        """Return the decision on a manifest."""
        if request is None:
            return self._decide_without_integration(manifest)
        key = build_natural_key(request)
        record = self._journal.records.get(manifest.name) or self.orphans.claim(manifest, key)
        if record:
            self.records[manifest.name] = record
        if reason := self._find_listing_problem(manifest, request, record):
            return Blocked(manifest, reason, is_unobserved=True)
        if reason := _find_duplicates(manifest, self._manifests_by_key[key]):
            return Blocked(manifest, reason)
        own_record = replace(record, name=manifest.name) if record else None
        if own_record and (rival := self.index.find_rival(manifest, own_record)):
            reason = (
                f"the manifest {rival!r} has the same association: remove one of the two manifests, or name the right "
                "association in policy.adopt of one of them"
            )
            return Blocked(manifest, reason)
        inputs = self._build_input(manifest, request, record, own_record)
        decision = decide(inputs)
        if inputs.old_name and decision.record:
            self.old_names.add(inputs.old_name)
        return decision

    def _build_input(
        self, manifest: Manifest, request: Spec, record: Record | None, own_record: Record | None
    ) -> DecisionInput:
        key, arn = build_natural_key(request), str(request["DataIntegrationIdentifier"])
        return DecisionInput(
            manifest=manifest,
            request=complete_request(manifest, request, own_record),
            record=own_record,
            candidates=self.index.find_candidates(manifest, key, own_record),
            holder=self.index.find_holder(manifest, key, record),
            old_name=record.name if record and record.name != manifest.name else None,
            rules=self._rules,
            integration_arns=self.integration_names.keys(),
            live_ids=self.index.list_ids(arn),
            unexplained=self.index.find_unexplained(arn, own_record),
            adoption_owner=self.index.find_adoption_owner(manifest),
            aws_time=self._observation.aws_time,
        )

    def _decide_without_integration(self, manifest: Manifest) -> Decision:
        """Return the decision on a manifest whose data integration does not exist."""
        if manifest.policy.retired:
            reason = describe_retirement(manifest.policy.retired, "its data integration does not exist")
            return Retired(manifest, None, self._journal.records.get(manifest.name), reason)
        integrations, suggest = self._observation.integrations, self._suggestions.find_closest
        return Blocked(manifest, describe_missing_integration(manifest.integration, integrations, suggest))

    def _find_listing_problem(self, manifest: Manifest, request: Spec, record: Record | None) -> str | None:
        """Return the error of List for the integrations of the manifest and its record; None without an error."""
        names = {str(request["DataIntegrationIdentifier"]): manifest.integration}
        if record:
            arn = str(record.request["DataIntegrationIdentifier"])
            names.setdefault(arn, self.integration_names.get(arn, arn))
        for arn, name in names.items():
            associations = self._observation.associations.get(arn, ())
            if isinstance(associations, Unobserved):
                return f"the associations of {name} could not be listed: {associations.reason}: {associations.remedy}"
        return None


def _find_duplicates(manifest: Manifest, manifests: Sequence[Manifest]) -> str | None:
    """Return the conflict with other manifests of the same natural key; None if each of them has policy.adopt."""
    if len(manifests) == 1 or all(twin.policy.adopt for twin in manifests):
        return None
    others = ", ".join(f"{twin.name!r} ({twin.origin})" for twin in manifests if twin is not manifest)
    return (
        f"the data integration, ClientId and DestinationURI are the same as in {others}: remove one of the manifests, "
        "or give each of them policy.adopt"
    )


class _OrphanIndex:
    """Index of the orphaned records. A renamed manifest takes over its record from here."""

    def __init__(self, journal: Journal, manifests: Sequence[Manifest]) -> None:
        names = {manifest.name for manifest in manifests}
        adopted_ids = {extract_uuid(manifest.policy.adopt) for manifest in manifests if manifest.policy.adopt}
        orphans = [record for record in journal.records.values() if record.name not in names]
        # Records without an answer come last: in `_by_key` they replace other records of the same natural key.
        orphans.sort(key=lambda each: isinstance(each.state, CreatePending))
        self._records = orphans
        self._by_id = {each.state.association_id: each for each in orphans if isinstance(each.state, Bound)}
        reserved_names = {self._by_id[id_].name for id_ in adopted_ids & self._by_id.keys()}
        self._by_key = {record.key: record for record in orphans if record.name not in reserved_names}

    def claim(self, manifest: Manifest, key: NaturalKey) -> Record | None:
        """Return the record of the association in policy.adopt, otherwise the record of the natural key.

        Each record of a natural key goes to one manifest only.
        """
        record_to_adopt = self._by_id.get(extract_uuid(manifest.policy.adopt)) if manifest.policy.adopt else None
        record = record_to_adopt or self._by_key.get(key)
        if record is None or (
            manifest.policy.adopt and not record_to_adopt and not isinstance(record.state, CreatePending)
        ):
            return None
        self._by_key.pop(record.key, None)
        return record

    def list_unclaimed(self, old_names: Collection[str]) -> tuple[Record, ...]:
        """Return the records that no manifest takes over, sorted by name."""
        return tuple(sorted((each for each in self._records if each.name not in old_names), key=lambda each: each.name))
