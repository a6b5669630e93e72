"""Choose the names of exported manifests."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from unicodedata import normalize

from reconciler.core.apply.preview import Preview
from reconciler.core.journal.records import Bound
from reconciler.core.model import Integration, Live, Manifest

_MAX_SLUG_LENGTH = 54
"""Maximum number of characters from the name of a data integration. With those of an id they fit a DNS label."""

_MAX_NAME_LENGTH = 200
"""Maximum length of a name that is reused from a manifest. The name of the file contains it, with at most 255 bytes."""


def choose_names(
    associations: Sequence[tuple[Integration, Live]], preview: Preview, managers: Mapping[str, Manifest]
) -> Mapping[str, str]:
    """Return a name for each association, by ARN. The name stays the same unless a similar association appears.

    An association that a manifest covers gets the name of that manifest, because its journal record has this name.
    """
    manifests = {decision.manifest.name: decision.manifest for decision in preview.plan.decisions}
    records = {record.name: record for record in preview.journal.records.values()}
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
    """Yield names, the shortest first: the name of the data integration with more and more of the association's id."""
    ascii_name = normalize("NFKD", integration.name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:_MAX_SLUG_LENGTH].strip("-") or "association"
    id_ = re.sub(r"[^a-z0-9]", "", live.id.lower())
    if id_:
        yield from (f"{slug}-{id_[:length]}" for length in (8, 12, 16, 24, 32))
    yield f"{slug}-{sha256(live.arn.encode(errors='replace')).hexdigest()}"
