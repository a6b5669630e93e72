"""Match live associations to manifests and records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.core.journal.records import Bound, CreatePending, Journal, Record
from reconciler.core.model import Live, Manifest, NaturalKey, Observation, Unobserved, build_natural_key, extract_uuid
from reconciler.core.plan.decision import Decision, get_live


class LiveIndex:
    """Index of the live associations of one observation, and of their owners by record or policy.adopt."""

    def __init__(self, manifests: Sequence[Manifest], observation: Observation, journal: Journal) -> None:
        self._associations = tuple(
            live for items in observation.associations.values() if not isinstance(items, Unobserved) for live in items
        )
        self._by_key: dict[NaturalKey, list[Live]] = {}
        by_integration: dict[str, list[Live]] = {}
        for live in self._associations:
            self._by_key.setdefault(build_natural_key(live.spec), []).append(live)
            by_integration.setdefault(str(live.spec["DataIntegrationIdentifier"]), []).append(live)
        self._by_id = {live.id: live for live in self._associations}
        self.ids = frozenset(self._by_id)
        self._names = names = {manifest.name for manifest in manifests}
        self._records_by_name = journal.records
        records = tuple(journal.records.values())
        self._records_by_key: dict[NaturalKey, list[Record]] = {}
        for record in records:
            self._records_by_key.setdefault(record.key, []).append(record)
        owners_by_adopt = {
            extract_uuid(manifest.policy.adopt): manifest.name for manifest in manifests if manifest.policy.adopt
        }
        owners_by_record = {
            each.state.association_id: each.name
            for each in sorted(records, key=lambda each: each.name, reverse=True)
            if isinstance(each.state, Bound) and each.name in names
        }
        self._owners = owners_by_adopt | owners_by_record
        certain_ids = owners_by_adopt.keys() | {
            each.state.association_id for each in records if isinstance(each.state, Bound) and each.token
        }
        pending_keys = {each.key for each in records if isinstance(each.state, CreatePending)}
        adopted_ids = {each.state.association_id for each in records if isinstance(each.state, Bound)} - certain_ids
        self._ids_by_integration = {
            arn: tuple(sorted(live.id for live in items)) for arn, items in by_integration.items()
        }
        uncertain = {
            arn: [
                live
                for live in items
                if live.id not in certain_ids and build_natural_key(live.spec) not in pending_keys
            ]
            for arn, items in by_integration.items()
        }
        self._unexplained = {
            arn: tuple(live for live in items if live.id not in adopted_ids) for arn, items in uncertain.items()
        }
        self._adopted_by_integration = {
            arn: tuple(live for live in items if live.id in adopted_ids) for arn, items in uncertain.items()
        }

    def find_candidates(self, manifest: Manifest, key: NaturalKey, record: Record | None) -> tuple[Live, ...]:
        """Return the matches by natural key, record or policy.adopt, without associations of other manifests."""
        associations = list(self._by_key.get(key, ()))
        ids = [extract_uuid(manifest.policy.adopt)] if manifest.policy.adopt else []
        if record:
            associations += self._by_key.get(record.key, ())
            ids += [record.state.association_id] if isinstance(record.state, Bound) else []
        associations += [self._by_id[id_] for id_ in ids if id_ in self._by_id]
        own_associations = {
            live.arn: live for live in associations if self._owners.get(live.id, manifest.name) == manifest.name
        }
        return tuple(own_associations.values())

    def find_rival(self, manifest: Manifest, record: Record) -> str | None:
        """Return the other manifest that owns the association of the record, if List shows that association.

        Return None if policy.adopt of the manifest names a different association.
        """
        id_ = record.state.association_id if isinstance(record.state, Bound) else ""
        if id_ not in self._by_id or (manifest.policy.adopt and extract_uuid(manifest.policy.adopt) != id_):
            return None
        owner = self._owners.get(id_, manifest.name)
        return owner if owner != manifest.name else None

    def find_adoption_owner(self, manifest: Manifest) -> str | None:
        """Return the other manifest that owns the association in policy.adopt, if List shows that association."""
        id_ = extract_uuid(manifest.policy.adopt) if manifest.policy.adopt else ""
        owner = self._owners.get(id_) if id_ in self._by_id else None
        return owner if owner != manifest.name else None

    def find_holder(self, manifest: Manifest, key: NaturalKey, record: Record | None) -> str | None:
        """Return another name that has an association, or an unanswered Create, with this natural key.

        The name belongs to another manifest or to an orphaned record. `record` is the record of `manifest`. If `record`
        has the same natural key, orphaned records count only with an unanswered Create.
        """
        owners = [self._owners.get(live.id) for live in self._by_key.get(key, ())]
        owners += [
            each.name
            for each in self._records_by_key.get(key, ())
            if each is not record
            and (each.name in self._names or not record or record.key != key or isinstance(each.state, CreatePending))
        ]
        return next((owner for owner in owners if owner and owner != manifest.name), None)

    def list_ids(self, integration: str) -> tuple[str, ...]:
        """Return the sorted ids of the live associations of a data integration."""
        return self._ids_by_integration.get(integration, ())

    def find_unexplained(self, integration: str, record: Record | None) -> tuple[Live, ...]:
        """Return the live associations of a data integration that no record and no policy.adopt explains.

        `record` is the record of the decision. If its Create is unanswered, the result also has the associations that
        another manifest adopted since then by natural key alone: one of them may come from this Create. An association
        with the natural key of another unanswered Create counts as the result of that Create.
        """
        unexplained = self._unexplained.get(integration, ())
        if record is None or not isinstance(record.state, CreatePending):
            return unexplained
        known_ids = record.state.live_ids
        return (
            *unexplained,
            *(live for live in self._adopted_by_integration.get(integration, ()) if live.id not in known_ids),
        )

    def find_unmanaged(self, decisions: Sequence[Decision]) -> tuple[Live, ...]:
        """Return the live associations that no manifest covers, with duplicates of a natural key, sorted by ARN."""
        decided_ids = {live.id for decision in decisions for live in (get_live(decision),) if live}
        records = [decision.record or self._records_by_name.get(decision.manifest.name) for decision in decisions]
        managed_ids = decided_ids | {
            each.state.association_id for each in records if each and isinstance(each.state, Bound)
        }
        unmanaged = (live for live in self._associations if live.id not in managed_ids)
        return tuple(sorted(unmanaged, key=lambda live: live.arn))


def index_by_id(associations: Mapping[str, tuple[Live, ...] | Unobserved]) -> dict[str, Live]:
    """Return the live associations by id, without data integrations that could not be listed."""
    return {live.id: live for items in associations.values() if not isinstance(items, Unobserved) for live in items}
