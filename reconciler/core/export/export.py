"""Export live associations as manifests that adopt them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.core.apply.preview import Preview
from reconciler.core.export.names import choose_names
from reconciler.core.export.spec import build_spec
from reconciler.core.journal.records import Bound, Journal, Record
from reconciler.core.manifests.placeholders import escape
from reconciler.core.model import (
    UNREADABLE,
    Integration,
    Json,
    Live,
    Manifest,
    NaturalKey,
    Observation,
    Target,
    Unobserved,
    build_natural_key,
    extract_uuid,
)
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.decision import Adopt, Blocked, get_live
from reconciler.core.plan.inputs import RunRules
from reconciler.core.plan.integrations import index_integrations
from reconciler.core.request.normalise import resolve_request


def describe_second_create(name: str, other: str) -> str:
    """Return a warning about an exported manifest whose association may belong to another manifest."""
    return (
        f"{name} may be the association of {other}: if it is, set policy.adopt of {other} to its ARN, and delete the "
        f"exported manifest; if you keep the exported manifest, the next run creates a second association for {other}"
    )


@dataclass(frozen=True, slots=True)
class DuplicateManifest:
    """Manifest in git with the natural key of an exported manifest. Unchanged, it makes the revision invalid.

    `arn` is the association of this manifest, or None if it is unknown.
    """

    manifest: Manifest
    arn: str | None

    @property
    def advice(self) -> str:
        """The remedy for the duplicate."""
        name = repr(self.manifest.name)
        if self.arn:
            return f"give {name} policy.adopt: {self.arn}"
        return (
            f"remove {name}; or set its policy.adopt to the ARN of its association, and delete the manifest that was "
            "exported for that association"
        )


@dataclass(frozen=True, slots=True)
class ExportedManifest:
    """Exported manifest of one live association, with comments for its reader.

    `managed_by` is the manifest that already covers the association. `blocked_manifests` are blocked because the
    association may be theirs.
    """

    name: str
    live: Live
    document: Mapping[str, Json]
    comments: tuple[str, ...]
    managed_by: Manifest | None
    duplicates: tuple[DuplicateManifest, ...]
    blocked_manifests: tuple[Manifest, ...] = ()


def export_associations(target: Target, preview: Preview) -> tuple[ExportedManifest, ...]:
    """Return a manifest for each live association of a target, in order of data integration and ARN.

    Each manifest names its association in policy.adopt, and therefore never causes a Create. If a manifest in git
    already covers the association, the exported one has the same name: it can replace that manifest, but must not be
    used beside it.
    """
    observation, managers = preview.observation, _index_managers(preview)
    records_by_id = {
        record.state.association_id: record
        for record in preview.journal.records.values()
        if isinstance(record.state, Bound)
    }
    associations = list(_list_associations(observation))
    names, duplicates = choose_names(associations, preview, managers), _index_duplicates(preview, managers)
    exported_manifests = []
    for integration, live in associations:
        record, manager = records_by_id.get(live.id), managers.get(live.id)
        own_duplicates = () if manager else duplicates.get(build_natural_key(live.spec), ())
        document: dict[str, Json] = {
            "apiVersion": "appintegrations.reconciler/v1",
            "kind": "DataIntegrationAssociation",
            "metadata": {"name": names[live.arn]},
            **({"target": target.name} if target.account else {}),  # manifests do not name an ambient target
            "policy": {"adopt": live.arn},
            "spec": escape(build_spec(integration, live, record, observation.integrations)),
        }
        blocked_manifests = _find_blocked_manifests(live, preview)
        warnings = (*map(_describe_duplicate, own_duplicates), *map(_describe_blocked_manifest, blocked_manifests))
        comments = (*_build_comments(names[live.arn], integration, record, manager), *warnings)
        exported_manifests.append(
            ExportedManifest(names[live.arn], live, document, comments, manager, own_duplicates, blocked_manifests)
        )
    return tuple(exported_manifests)


def check_roundtrip(manifest: Manifest, live: Live, observation: Observation, rules: RunRules) -> str | None:
    """Return the reason that a manifest would not adopt `live` unchanged in a run without a journal, or None."""
    single_observation = Observation(observation.integrations, {str(live.spec["DataIntegrationIdentifier"]): (live,)})
    (decision,) = compute_plan([manifest], single_observation, Journal("", "", ""), rules).decisions
    if not isinstance(decision, Adopt):
        return f"the exported manifest would be {decision.kind}"
    if decision.differences:
        return f"the exported manifest would differ from AWS at {', '.join(each.path for each in decision.differences)}"
    return None


def _list_associations(observation: Observation) -> Iterator[tuple[Integration, Live]]:
    for integration in sorted(observation.integrations, key=lambda each: (each.name, each.arn)):
        associations = observation.associations.get(integration.arn, ())
        if not isinstance(associations, Unobserved):
            yield from ((integration, live) for live in sorted(associations, key=lambda each: each.arn))


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
        if manifest.policy.adopt:  # also counts for a blocked manifest
            managers.setdefault(extract_uuid(manifest.policy.adopt), manifest)
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
    """Return the manifests without policy.adopt, by natural key."""
    arns = {
        managers[live.id].name: live.arn for _, live in _list_associations(preview.observation) if live.id in managers
    }
    integrations = index_integrations(preview.observation.integrations)
    duplicates: dict[NaturalKey, tuple[DuplicateManifest, ...]] = {}
    for manifest in (decision.manifest for decision in preview.plan.decisions):
        integration = integrations.get(manifest.integration)
        if integration and not manifest.policy.adopt:
            key = build_natural_key(resolve_request(manifest.spec, integration.arn))
            duplicates[key] = (*duplicates.get(key, ()), DuplicateManifest(manifest, arns.get(manifest.name)))
    return duplicates


def _build_comments(
    name: str, integration: Integration, record: Record | None, manager: Manifest | None
) -> Iterator[str]:
    yield f"Data integration {integration.name!r}, {integration.arn}"
    if manager and not (manager.name == name and manager.policy.adopt):  # an exported manifest needs no note
        use = "lacks its recurring windows, and" if manager.window else "can replace that one, but"
        yield f"Already managed by {manager.name!r} ({manager.origin}): this manifest {use} must not be used beside it."
    members = " and ".join(UNREADABLE)
    if record and (record.token or any(member in record.request for member in UNREADABLE)):
        yield f"AWS does not show {members}: their values come from the journal."
    else:
        yield f"AWS does not show {members}: if the association has them, add them before the first run."
    yield "Because of policy.adopt, this manifest is bound to this association only, and never creates one."


def _describe_duplicate(other: DuplicateManifest) -> str:
    name, origin = other.manifest.name, other.manifest.origin
    return f"Invalid beside {name!r} ({origin}), which describes the same association: {other.advice}"


def _describe_blocked_manifest(manifest: Manifest) -> str:
    return describe_second_create("This association", f"{manifest.name!r} ({manifest.origin})")
