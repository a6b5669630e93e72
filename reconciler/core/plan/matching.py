"""The live associations of an account, found by what a manifest or a record knows of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.core.journal.records import Bound, Intended, Journal, Record
from reconciler.core.model import Live, Manifest, NaturalKey, Observation, Unobserved, natural_key, uuid_of
from reconciler.core.plan.decision import Decision, live_of


class Lives:
    """An index of one observation, and of who has what: by a record, or by the manifest's own policy.adopt."""

    def __init__(self, manifests: Sequence[Manifest], observed: Observation, journal: Journal) -> None:
        self._all = tuple(
            live for lives in observed.associations.values() if not isinstance(lives, Unobserved) for live in lives
        )
        self._by_key: dict[NaturalKey, list[Live]] = {}
        by_integration: dict[str, list[Live]] = {}
        for live in self._all:
            self._by_key.setdefault(natural_key(live.spec), []).append(live)
            by_integration.setdefault(str(live.spec["DataIntegrationIdentifier"]), []).append(live)
        self._by_id = {live.id: live for live in self._all}
        self.ids = frozenset(self._by_id)
        self._names = names = {manifest.name for manifest in manifests}
        self._known = journal.records
        self._records = tuple(journal.records.values())
        wanted = {uuid_of(manifest.policy.adopt): manifest.name for manifest in manifests if manifest.policy.adopt}
        bound = {
            each.state.association_id: each.name
            for each in sorted(self._records, key=lambda each: each.name, reverse=True)
            if isinstance(each.state, Bound) and each.name in names
        }
        self._owner = wanted | bound
        surely = wanted.keys() | {
            each.state.association_id for each in self._records if isinstance(each.state, Bound) and each.token
        }
        awaited = {each.key for each in self._records if isinstance(each.state, Intended)}
        adopted = {each.state.association_id for each in self._records if isinstance(each.state, Bound)} - surely
        self._listed = {arn: tuple(sorted(live.id for live in lives)) for arn, lives in by_integration.items()}
        doubtful = {
            arn: [live for live in lives if live.id not in surely and natural_key(live.spec) not in awaited]
            for arn, lives in by_integration.items()
        }
        self._loose = {arn: tuple(live for live in lives if live.id not in adopted) for arn, lives in doubtful.items()}
        self._adopted = {arn: tuple(live for live in lives if live.id in adopted) for arn, lives in doubtful.items()}

    def of(self, manifest: Manifest, key: NaturalKey, record: Record | None) -> tuple[Live, ...]:
        """Return what a manifest may mean: by natural key, record or policy.adopt, less what others have."""
        found = list(self._by_key.get(key, ()))
        ids = [uuid_of(manifest.policy.adopt)] if manifest.policy.adopt else []
        if record:
            found += self._by_key.get(record.key, ())
            ids += [record.state.association_id] if isinstance(record.state, Bound) else []
        found += [self._by_id[id_] for id_ in ids if id_ in self._by_id]
        mine = {live.arn: live for live in found if self._owner.get(live.id, manifest.name) == manifest.name}
        return tuple(mine.values())

    def rival(self, manifest: Manifest, record: Record) -> str | None:
        """Return the other manifest that has the very association which a record is bound to, where List shows it.

        There is none where the manifest names another association in policy.adopt.
        """
        id_ = record.state.association_id if isinstance(record.state, Bound) else ""
        if id_ not in self._by_id or (manifest.policy.adopt and uuid_of(manifest.policy.adopt) != id_):
            return None
        owner = self._owner.get(id_, manifest.name)
        return owner if owner != manifest.name else None

    def holder(self, manifest: Manifest, key: NaturalKey, record: Record | None) -> str | None:
        """Return another name under which there is an association of this natural key, or one is waited for.

        That is another manifest, or a record whose manifest is gone. `record` is the manifest's own: where that is of
        the same key, only others that are still waited for count.
        """
        owners = [self._owner.get(live.id) for live in self._by_key.get(key, ())]
        owners += [
            each.name
            for each in self._records
            if each.key == key
            and each is not record
            and (each.name in self._names or not record or record.key != key or isinstance(each.state, Intended))
        ]
        return next((owner for owner in owners if owner and owner != manifest.name), None)

    def listed(self, integration: str) -> tuple[str, ...]:
        """Return the ids of all that is live of a data integration, sorted."""
        return self._listed.get(integration, ())

    def unexplained(self, integration: str, record: Record | None) -> tuple[Live, ...]:
        """Return what is live of a data integration, and accounted for by no record and no manifest's policy.adopt.

        `record` is the one that is decided on. Where its Create has no answer, what another manifest took over since by
        its natural key alone is not accounted for either: it may be what came of the Create. What has exactly the key
        of another Create without an answer came of that one.
        """
        loose = self._loose.get(integration, ())
        if record is None or not isinstance(record.state, Intended):
            return loose
        seen = record.state.seen
        return (*loose, *(live for live in self._adopted.get(integration, ()) if live.id not in seen))

    def unmanaged(self, decisions: Sequence[Decision]) -> tuple[Live, ...]:
        """Return what no manifest decides on or is bound to from now on, sorted by ARN: a second of a kind as well."""
        decided = {live.id for decision in decisions for live in (live_of(decision),) if live}
        records = [decision.record or self._known.get(decision.manifest.name) for decision in decisions]
        bound = {each.state.association_id for each in records if each and isinstance(each.state, Bound)}
        loose = (live for live in self._all if live.id not in decided | bound)
        return tuple(sorted(loose, key=lambda live: live.arn))


def by_id(listed: Mapping[str, tuple[Live, ...] | Unobserved]) -> dict[str, Live]:
    """Return what was listed, by the association's id."""
    return {live.id: live for lives in listed.values() if not isinstance(lives, Unobserved) for live in lives}
