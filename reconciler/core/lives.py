"""The live associations of an account, found by what a manifest or a record knows of them."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.decisions import Adopt, Decision
from reconciler.core.journal import Bound, Journal, Record
from reconciler.core.model import Live, Manifest, NaturalKey, Observation, Unobserved, natural_key


class Lives:
    """An index of one observation. `names` are those of the manifests: a record of another name is orphaned."""

    def __init__(self, observed: Observation, journal: Journal, names: set[str]) -> None:
        self._all = tuple(
            live for lives in observed.associations.values() if not isinstance(lives, Unobserved) for live in lives
        )
        self._by_key: dict[NaturalKey, list[Live]] = {}
        for live in self._all:
            self._by_key.setdefault(natural_key(live.spec), []).append(live)
        self._by_id = {live.id: live for live in self._all}
        self._owner = {
            record.state.association_id: record.name
            for record in journal.records.values()
            if isinstance(record.state, Bound) and record.name in names
        }

    def of(self, manifest: Manifest, key: NaturalKey, record: Record | None) -> tuple[Live, ...]:
        """Return what a manifest may mean: by natural key, record or policy.adopt, less what others are bound to."""
        found = list(self._by_key.get(key, ()))
        ids = [manifest.policy.adopt.rpartition("/")[2]] if manifest.policy.adopt else []
        if record:
            found += self._by_key.get(record.key, ())
            ids += [record.state.association_id] if isinstance(record.state, Bound) else []
        found += [self._by_id[id_] for id_ in ids if id_ in self._by_id]
        mine = {live.arn: live for live in found if self._owner.get(live.id, manifest.name) == manifest.name}
        return tuple(mine.values())

    def unmanaged(self, wanted: set[NaturalKey], decisions: Sequence[Decision]) -> tuple[Live, ...]:
        """Return what no manifest wants, is bound to or adopts, sorted by ARN."""
        adopted = {decision.live.id for decision in decisions if isinstance(decision, Adopt)}
        known = adopted | self._owner.keys()
        loose = (live for live in self._all if live.id not in known and natural_key(live.spec) not in wanted)
        return tuple(sorted(loose, key=lambda live: live.arn))
