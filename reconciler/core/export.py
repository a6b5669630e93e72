"""Turns live associations into manifests that take them over: the way from AWS into git."""

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
from reconciler.core.plan.compute import plan
from reconciler.core.plan.decision import Adopt, Blocked, live_of
from reconciler.core.plan.inputs import RunRules
from reconciler.core.plan.integrations import find
from reconciler.core.request.normalise import resolved
from reconciler.core.request.times import epoch_millis, readable

_SLUG = 54
"""Characters of a data integration's name in that of a manifest: with those of an id, a DNS label."""

_FILE = 200
"""Characters of a name that is taken over from a manifest: a file is named by it, and may have 255 bytes."""

_ORDER = (
    "DataIntegrationIdentifier", "ClientId", "ObjectConfiguration", "DestinationURI", "ClientAssociationMetadata",
    "ExecutionConfiguration", "ExecutionMode", "OnDemandConfiguration", "ScheduleConfiguration",
    "StartTime", "EndTime", "FirstExecutionFrom", "Object", "ScheduleExpression",
)  # fmt: skip
_TIMES = frozenset(("StartTime", "EndTime", "FirstExecutionFrom"))


def frees(exported: str, asking: str) -> str:
    """Return what an exported manifest would bring about where another one may ask for the same association."""
    return (
        f"{exported} may be the association that {asking} asks for: if it is, put its ARN into policy.adopt there, and "
        "do not keep the exported manifest; if that is kept, the next run creates a second one for the other"
    )


@dataclass(frozen=True, slots=True)
class Twin:
    """A manifest of git that asks for what an exported one stands for, and cannot stay beside it as it is.

    `arn` is the association that it has now; None where nobody can tell.
    """

    manifest: Manifest
    arn: str | None

    @property
    def advice(self) -> str:
        """What a person does about it."""
        name = repr(self.manifest.name)
        if self.arn:
            return f"give {name} policy.adopt: {self.arn}"
        return f"remove {name}, or name in its policy.adopt which one it means, and leave out what is exported for that"


@dataclass(frozen=True, slots=True)
class Exported:
    """One live association as the value of a manifest, and what a person should know of it.

    `covering` is the manifest that covers it already, `suspecting` are those that are blocked since it may be theirs.
    """

    name: str
    live: Live
    document: Mapping[str, Json]
    comments: tuple[str, ...]
    covering: Manifest | None
    twins: tuple[Twin, ...]
    suspecting: tuple[Manifest, ...] = ()


def exported(target: Target, preview: Preview) -> tuple[Exported, ...]:
    """Return all that is live in a target as manifests, in order of data integration and ARN.

    Each names its association in policy.adopt, so that it never leads to a Create. What a manifest covers is there
    under that manifest's name: it may stand in its place, and not beside it.
    """
    seen, covering = preview.seen, _covering(preview)
    bound = {record.state.association_id: record for record in _records(preview) if isinstance(record.state, Bound)}
    found = list(_listed(seen))
    names, twins = _names(found, preview, covering), _twins(preview, covering)
    made = []
    for integration, live in found:
        record, covered = bound.get(live.id), covering.get(live.id)
        others = () if covered else twins.get(natural_key(live.spec), ())
        document: dict[str, Json] = {
            "apiVersion": "appintegrations.reconciler/v1",
            "kind": "DataIntegrationAssociation",
            "metadata": {"name": names[live.arn]},
            **({"target": target.name} if target.account else {}),  # the ambient one is not declared, and has no name
            "policy": {"adopt": live.arn},
            "spec": _spec(integration, live, record, seen.integrations),
        }
        suspecting = _suspecting(live, preview)
        warned = (*map(_beside, others), *map(_freed, suspecting))
        comments = (*_comments(names[live.arn], integration, record, covered), *warned)
        made.append(Exported(names[live.arn], live, document, comments, covered, others, suspecting))
    return tuple(made)


def doubt(manifest: Manifest, live: Live, seen: Observation, rules: RunRules) -> str | None:
    """Return why a manifest would not take its association over just as that is, where no journal knows of it."""
    near = Observation(seen.integrations, {str(live.spec["DataIntegrationIdentifier"]): (live,)})
    (decision,) = plan([manifest], near, Journal("", "", ""), rules).decisions
    if not isinstance(decision, Adopt):
        return f"its manifest would be {decision.kind}"
    if decision.differences:
        return f"its manifest would not say the same of {', '.join(each.path for each in decision.differences)}"
    return None


def _listed(seen: Observation) -> Iterator[tuple[Integration, Live]]:
    for integration in sorted(seen.integrations, key=lambda each: (each.name, each.arn)):
        lives = seen.associations.get(integration.arn, ())
        if not isinstance(lives, Unobserved):
            yield from ((integration, live) for live in sorted(lives, key=lambda each: each.arn))


def _records(preview: Preview) -> tuple[Record, ...]:
    return tuple(preview.recorded.records.values())


def _covering(preview: Preview) -> dict[str, Manifest]:
    """Return the manifest that has each association, by the association's id."""
    covering: dict[str, Manifest] = {}
    for decision in preview.plan.decisions:
        live, record = live_of(decision), decision.record or preview.recorded.records.get(decision.manifest.name)
        if record and isinstance(record.state, Bound):
            covering[record.state.association_id] = decision.manifest
        if live:
            covering[live.id] = decision.manifest
    for manifest in (decision.manifest for decision in preview.plan.decisions):
        if manifest.policy.adopt:  # also where something else is wrong with it
            covering.setdefault(uuid_of(manifest.policy.adopt), manifest)
    return covering


def _suspecting(live: Live, preview: Preview) -> tuple[Manifest, ...]:
    """Return the manifests that create nothing since a live association may be theirs."""
    return tuple(
        decision.manifest
        for decision in preview.plan.decisions
        if isinstance(decision, Blocked) and live in decision.suspects
    )


def _twins(preview: Preview, covering: Mapping[str, Manifest]) -> Mapping[NaturalKey, tuple[Twin, ...]]:
    """Return the manifests that do not say in policy.adopt which association they mean, by natural key."""
    arns = {covering[live.id].name: live.arn for _, live in _listed(preview.seen) if live.id in covering}
    twins: dict[NaturalKey, tuple[Twin, ...]] = {}
    for manifest in (decision.manifest for decision in preview.plan.decisions):
        integration = find(manifest.integration, preview.seen.integrations)
        if integration and not manifest.policy.adopt:
            key = natural_key(resolved(manifest.spec, integration.arn))
            twins[key] = (*twins.get(key, ()), Twin(manifest, arns.get(manifest.name)))
    return twins


def _names(
    found: Sequence[tuple[Integration, Live]], preview: Preview, covering: Mapping[str, Manifest]
) -> Mapping[str, str]:
    """Return a name for each association by its ARN: the same one each time, as long as no other is so much alike.

    An association that a manifest covers has that manifest's name, by which the journal knows it.
    """
    taken = {decision.manifest.name: decision.manifest for decision in preview.plan.decisions}
    known = {record.name: record for record in _records(preview)}
    candidates = {live.arn: tuple(_candidates(integration, live)) for integration, live in found}
    often = Counter(name for names in candidates.values() for name in set(names))
    covers = Counter(covering[live.id].name for _, live in found if live.id in covering)

    def remembers(name: str, live: Live) -> bool:
        record = known.get(name)
        return record is None or (isinstance(record.state, Bound) and record.state.association_id == live.id)

    def name_of(live: Live) -> str:
        covered = covering.get(live.id)
        if covered and covers[covered.name] == 1 and len(covered.name) <= _FILE and remembers(covered.name, live):
            return covered.name
        free = (
            name for name in candidates[live.arn] if often[name] == 1 and name not in taken and remembers(name, live)
        )
        return next(free, candidates[live.arn][-1])

    return {live.arn: name_of(live) for _, live in found}


def _candidates(integration: Integration, live: Live) -> Iterator[str]:
    """Yield names from the shortest on: the data integration's, and ever more of the association's id."""
    plain = normalize("NFKD", integration.name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_SLUG].strip("-") or "association"
    id_ = re.sub(r"[^a-z0-9]", "", live.id.lower())
    if id_:
        yield from (f"{slug}-{id_[:length]}" for length in (8, 12, 16, 24, 32))
    yield f"{slug}-{sha256(live.arn.encode(errors='replace')).hexdigest()}"


def _spec(
    integration: Integration, live: Live, record: Record | None, integrations: Collection[Integration]
) -> dict[str, Json]:
    """Return the spec of a manifest: what List shows, and what the journal knows of the rest."""
    remembered: Spec = record.request if record else {}
    unread = {member: remembered[member] for member in UNREADABLE if member in remembered}
    spelled = _spelled(integration, tuple(integrations))
    return _ordered({**live.spec, **unread, "DataIntegrationIdentifier": spelled})


def _spelled(integration: Integration, integrations: Sequence[Integration]) -> str:
    """Return the name of a data integration where it means this one and the schema takes it, else its ARN."""
    name = integration.name
    usable = 0 < len(name) <= 255 and name.strip("\ufeff").strip()  # noqa: PLR2004 - the schema's limit
    whole = not re.search("[\ud800-\udfff]", name)  # half a surrogate pair, which no file can hold
    return name if usable and whole and find(name, integrations) is integration else integration.arn


def _ordered(members: Mapping[str, Json]) -> dict[str, Json]:
    """Return members in the order of the reference, strangers last, with times that people can read."""
    known = sorted((key for key in members if key in _ORDER), key=_ORDER.index)
    ordered: dict[str, Json] = {}
    for key in (*known, *sorted(members.keys() - set(known))):
        value = members[key]
        if isinstance(value, Mapping) and key not in UNREADABLE:
            value = _ordered(value)
        ordered[key] = _time(value) if key in _TIMES and isinstance(value, str) else value
    return ordered


def _time(millis: str) -> str:
    """Return a time as ISO 8601 where that means exactly the same, else as it is."""
    text = readable(millis)
    try:
        return text if epoch_millis(text) == millis else millis
    except ValueError:
        return millis


def _comments(name: str, integration: Integration, record: Record | None, covered: Manifest | None) -> Iterator[str]:
    yield f"Data integration {integration.name!r}, {integration.arn}"
    if covered and not (covered.name == name and covered.policy.adopt):  # an exported one stays as it was
        yield f"Managed already, by {covered.name!r} ({covered.origin}): this may stand in its place, not beside it."
    hidden = " and ".join(UNREADABLE)
    if record and (record.token or any(member in record.request for member in UNREADABLE)):
        yield f"AWS does not show {hidden}: they are as the journal has them."
    else:
        yield f"AWS does not show {hidden}: where it has them, add them before the first run."
    yield "With policy.adopt, this stands for that association or none: nothing is ever created for it."


def _beside(twin: Twin) -> str:
    return f"Refused beside {twin.manifest.name!r} ({twin.manifest.origin}), which asks for the same: {twin.advice}"


def _freed(manifest: Manifest) -> str:
    return frees("This", f"{manifest.name!r} ({manifest.origin})")
