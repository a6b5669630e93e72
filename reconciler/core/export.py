"""Export live associations as manifests that adopt them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from unicodedata import normalize

from reconciler.core.apply.preview import Preview
from reconciler.core.journal.records import Bound, Journal, Record
from reconciler.core.model import (
    UNREADABLE,
    Integration,
    Json,
    Live,
    Manifest,
    NaturalKey,
    Observation,
    Spec,
    Target,
    Unobserved,
    natural_key,
    uuid_of,
)
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.decision import Adopt, Blocked, get_live
from reconciler.core.plan.inputs import RunRules
from reconciler.core.plan.integrations import find_integration
from reconciler.core.request.normalise import resolve_request
from reconciler.core.request.times import format_millis, to_epoch_millis

_MAX_SLUG_LENGTH = 54
"""Characters of a data integration's name in that of a manifest: with those of an id, a DNS label."""

_MAX_NAME_LENGTH = 200
"""Characters of a name that is taken over from a manifest: a file is named by it, and may have 255 bytes."""

_MEMBER_ORDER = (
    "DataIntegrationIdentifier", "ClientId", "ObjectConfiguration", "DestinationURI", "ClientAssociationMetadata",
    "ExecutionConfiguration", "ExecutionMode", "OnDemandConfiguration", "ScheduleConfiguration",
    "StartTime", "EndTime", "FirstExecutionFrom", "Object", "ScheduleExpression",
)  # fmt: skip
_TIME_MEMBERS = frozenset(("StartTime", "EndTime", "FirstExecutionFrom"))


def describe_second_create(name: str, other: str) -> str:
    """Return what an exported manifest would bring about where another one may ask for the same association."""
    return (
        f"{name} may be the association that {other} asks for: if it is, put its ARN into policy.adopt there, and "
        "do not keep the exported manifest; if that is kept, the next run creates a second one for the other"
    )


@dataclass(frozen=True, slots=True)
class DuplicateManifest:
    """A manifest of git that asks for what an exported one stands for, and cannot stay beside it as it is.

    `arn` is the association that it has now; None where nobody can tell.
    """

    manifest: Manifest
    arn: str | None

    @property
    def advice(self) -> str:
        """The remedy for the duplicate."""
        name = repr(self.manifest.name)
        if self.arn:
            return f"give {name} policy.adopt: {self.arn}"
        return f"remove {name}, or name in its policy.adopt which one it means, and leave out what is exported for that"


@dataclass(frozen=True, slots=True)
class ExportedManifest:
    """Exported manifest of one live association, with comments for its reader.

    `managed_by` already covers the association. `blocked_manifests` are blocked because it may be theirs.
    """

    name: str
    live: Live
    document: Mapping[str, Json]
    comments: tuple[str, ...]
    managed_by: Manifest | None
    duplicates: tuple[DuplicateManifest, ...]
    blocked_manifests: tuple[Manifest, ...] = ()


def export_associations(target: Target, preview: Preview) -> tuple[ExportedManifest, ...]:
    """Return all that is live in a target as manifests, in order of data integration and ARN.

    Each names its association in policy.adopt, so that it never leads to a Create. What a manifest covers is there
    under that manifest's name: it may stand in its place, and not beside it.
    """
    observation, managers = preview.observation, _index_managers(preview)
    records_by_id = {
        record.state.association_id: record for record in _get_records(preview) if isinstance(record.state, Bound)
    }
    associations = list(_list_associations(observation))
    names, duplicates = _choose_names(associations, preview, managers), _index_duplicates(preview, managers)
    exported_manifests = []
    for integration, live in associations:
        record, manager = records_by_id.get(live.id), managers.get(live.id)
        own_duplicates = () if manager else duplicates.get(natural_key(live.spec), ())
        document: dict[str, Json] = {
            "apiVersion": "appintegrations.reconciler/v1",
            "kind": "DataIntegrationAssociation",
            "metadata": {"name": names[live.arn]},
            **({"target": target.name} if target.account else {}),  # the ambient one is not declared, and has no name
            "policy": {"adopt": live.arn},
            "spec": _build_spec(integration, live, record, observation.integrations),
        }
        blocked_manifests = _find_blocked_manifests(live, preview)
        warnings = (*map(_describe_duplicate, own_duplicates), *map(_describe_blocked_manifest, blocked_manifests))
        comments = (*_build_comments(names[live.arn], integration, record, manager), *warnings)
        exported_manifests.append(
            ExportedManifest(names[live.arn], live, document, comments, manager, own_duplicates, blocked_manifests)
        )
    return tuple(exported_manifests)


def check_roundtrip(manifest: Manifest, live: Live, observation: Observation, rules: RunRules) -> str | None:
    """Return why a manifest would not take its association over just as that is, where no journal knows of it."""
    single_observation = Observation(observation.integrations, {str(live.spec["DataIntegrationIdentifier"]): (live,)})
    (decision,) = compute_plan([manifest], single_observation, Journal("", "", ""), rules).decisions
    if not isinstance(decision, Adopt):
        return f"its manifest would be {decision.kind}"
    if decision.differences:
        return f"its manifest would not say the same of {', '.join(each.path for each in decision.differences)}"
    return None


def _list_associations(observation: Observation) -> Iterator[tuple[Integration, Live]]:
    for integration in sorted(observation.integrations, key=lambda each: (each.name, each.arn)):
        associations = observation.associations.get(integration.arn, ())
        if not isinstance(associations, Unobserved):
            yield from ((integration, live) for live in sorted(associations, key=lambda each: each.arn))


def _get_records(preview: Preview) -> tuple[Record, ...]:
    return tuple(preview.journal.records.values())


def _index_managers(preview: Preview) -> dict[str, Manifest]:
    """Return the manifest of each association, by the association's id."""
    managers: dict[str, Manifest] = {}
    for decision in preview.plan.decisions:
        live, record = get_live(decision), decision.record or preview.journal.records.get(decision.manifest.name)
        if record and isinstance(record.state, Bound):
            managers[record.state.association_id] = decision.manifest
        if live:
            managers[live.id] = decision.manifest
    for manifest in (decision.manifest for decision in preview.plan.decisions):
        if manifest.policy.adopt:  # also where something else is wrong with it
            managers.setdefault(uuid_of(manifest.policy.adopt), manifest)
    return managers


def _find_blocked_manifests(live: Live, preview: Preview) -> tuple[Manifest, ...]:
    """Return the manifests that are blocked because a live association may be theirs."""
    return tuple(
        decision.manifest
        for decision in preview.plan.decisions
        if isinstance(decision, Blocked) and live in decision.suspects
    )


def _index_duplicates(
    preview: Preview, managers: Mapping[str, Manifest]
) -> Mapping[NaturalKey, tuple[DuplicateManifest, ...]]:
    """Return the manifests that do not say in policy.adopt which association they mean, by natural key."""
    arns = {
        managers[live.id].name: live.arn for _, live in _list_associations(preview.observation) if live.id in managers
    }
    duplicates: dict[NaturalKey, tuple[DuplicateManifest, ...]] = {}
    for manifest in (decision.manifest for decision in preview.plan.decisions):
        integration = find_integration(manifest.integration, preview.observation.integrations)
        if integration and not manifest.policy.adopt:
            key = natural_key(resolve_request(manifest.spec, integration.arn))
            duplicates[key] = (*duplicates.get(key, ()), DuplicateManifest(manifest, arns.get(manifest.name)))
    return duplicates


def _choose_names(
    associations: Sequence[tuple[Integration, Live]], preview: Preview, managers: Mapping[str, Manifest]
) -> Mapping[str, str]:
    """Return a name for each association by its ARN: the same one each time, as long as no other is so much alike.

    An association that a manifest covers has that manifest's name, by which the journal knows it.
    """
    manifests = {decision.manifest.name: decision.manifest for decision in preview.plan.decisions}
    records = {record.name: record for record in _get_records(preview)}
    candidates = {live.arn: tuple(_propose_names(integration, live)) for integration, live in associations}
    frequencies = Counter(name for names in candidates.values() for name in set(names))
    association_counts = Counter(managers[live.id].name for _, live in associations if live.id in managers)

    def may_use(name: str, live: Live) -> bool:
        record = records.get(name)
        return record is None or (isinstance(record.state, Bound) and record.state.association_id == live.id)

    def choose_name(live: Live) -> str:
        manager = managers.get(live.id)
        if (
            manager
            and association_counts[manager.name] == 1
            and len(manager.name) <= _MAX_NAME_LENGTH
            and may_use(manager.name, live)
        ):
            return manager.name
        free_names = (
            name
            for name in candidates[live.arn]
            if frequencies[name] == 1 and name not in manifests and may_use(name, live)
        )
        return next(free_names, candidates[live.arn][-1])

    return {live.arn: choose_name(live) for _, live in associations}


def _propose_names(integration: Integration, live: Live) -> Iterator[str]:
    """Yield names from the shortest on: the data integration's, and ever more of the association's id."""
    ascii_name = normalize("NFKD", integration.name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:_MAX_SLUG_LENGTH].strip("-") or "association"
    id_ = re.sub(r"[^a-z0-9]", "", live.id.lower())
    if id_:
        yield from (f"{slug}-{id_[:length]}" for length in (8, 12, 16, 24, 32))
    yield f"{slug}-{sha256(live.arn.encode(errors='replace')).hexdigest()}"


def _build_spec(
    integration: Integration, live: Live, record: Record | None, integrations: Collection[Integration]
) -> dict[str, Json]:
    """Return the spec of a manifest: what List shows, and what the journal knows of the rest."""
    recorded_request: Spec = record.request if record else {}
    unreadable_members = {member: recorded_request[member] for member in UNREADABLE if member in recorded_request}
    identifier = _spell_integration(integration, tuple(integrations))
    return _sort_members({**live.spec, **unreadable_members, "DataIntegrationIdentifier": identifier})


def _spell_integration(integration: Integration, integrations: Sequence[Integration]) -> str:
    """Return the name of a data integration where it means this one and the schema takes it, else its ARN."""
    name = integration.name
    is_usable = 0 < len(name) <= 255 and name.strip("\ufeff").strip()  # noqa: PLR2004 - the schema's limit
    is_encodable = not re.search("[\ud800-\udfff]", name)  # half a surrogate pair, which no file can hold
    return (
        name if is_usable and is_encodable and find_integration(name, integrations) is integration else integration.arn
    )


def _sort_members(members: Mapping[str, Json]) -> dict[str, Json]:
    """Return members in the order of the reference, strangers last, with times that people can read."""
    known_members = sorted((key for key in members if key in _MEMBER_ORDER), key=_MEMBER_ORDER.index)
    sorted_members: dict[str, Json] = {}
    for key in (*known_members, *sorted(members.keys() - set(known_members))):
        value = members[key]
        if isinstance(value, Mapping) and key not in UNREADABLE:
            value = _sort_members(value)
        sorted_members[key] = _format_time(value) if key in _TIME_MEMBERS and isinstance(value, str) else value
    return sorted_members


def _format_time(millis: str) -> str:
    """Return a time as ISO 8601 where that means exactly the same, else as it is."""
    text = format_millis(millis)
    try:
        return text if to_epoch_millis(text) == millis else millis
    except ValueError:
        return millis


def _build_comments(
    name: str, integration: Integration, record: Record | None, manager: Manifest | None
) -> Iterator[str]:
    yield f"Data integration {integration.name!r}, {integration.arn}"
    if manager and not (manager.name == name and manager.policy.adopt):  # an exported one stays as it was
        yield f"Managed already, by {manager.name!r} ({manager.origin}): this may stand in its place, not beside it."
    members = " and ".join(UNREADABLE)
    if record and (record.token or any(member in record.request for member in UNREADABLE)):
        yield f"AWS does not show {members}: they are as the journal has them."
    else:
        yield f"AWS does not show {members}: where it has them, add them before the first run."
    yield "With policy.adopt, this stands for that association or none: nothing is ever created for it."


def _describe_duplicate(other: DuplicateManifest) -> str:
    return f"Refused beside {other.manifest.name!r} ({other.manifest.origin}), which asks for the same: {other.advice}"


def _describe_blocked_manifest(manifest: Manifest) -> str:
    return describe_second_create("This", f"{manifest.name!r} ({manifest.origin})")
