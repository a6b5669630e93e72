"""Puts the documents of a revision together: what each may not say because of another, and the desired state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciler.core.errors import Problem
from reconciler.core.harmless import harmless
from reconciler.core.model import Desired, Manifest, NaturalKey, Origin, Target, natural_key
from reconciler.core.names import closest, listed
from reconciler.core.unwise import ON_LOSS, REGIONS, REPEATED, unwise
from reconciler.edge.manifests import build
from reconciler.edge.manifests.document import Document, Path
from reconciler.edge.manifests.schema import short

AMBIENT = "default"
"""The name of the target that the environment's credentials and Region make, where no Target is declared."""

_HINTED = 100
_LONGEST = 300  # characters: AWS takes no key of more than 255


@dataclass(frozen=True, slots=True)
class Accepted:
    """One mapping of a file. `refused` are the paths in which something is wrong with it, taken alone."""

    file: str
    document: Document
    value: Mapping[str, Any]
    refused: AbstractSet[Path]

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong with it, taken alone."""
        return not self.refused

    @property
    def kind(self) -> object:
        """The kind, whatever it is."""
        return self.value.get("kind")

    @property
    def name(self) -> str | None:
        """The name, where there is one."""
        metadata = self.value.get("metadata")
        name = metadata.get("name") if isinstance(metadata, Mapping) else None
        return name if isinstance(name, str) else None

    @property
    def adopts(self) -> str | None:
        """The ARN in policy.adopt, where nothing is wrong with the document."""
        return self.value.get("policy", {}).get("adopt") if self.whole else None

    def problem(self, path: Path, message: str) -> Problem:
        """Return a problem at a path of this document."""
        return Problem(self.file, *self.document.position(path), pointer(path), message)

    def where(self, path: Path = ()) -> str:
        """Return `file:line` of a path."""
        return f"{self.file}:{self.document.position(path)[0]}"


def pointer(path: Path) -> str:
    """Return a path as a JSON Pointer (RFC 6901), on one line: control characters as escapes, endless keys cut."""
    return harmless("".join("/" + _step(step) for step in path))


def _step(step: str | int) -> str:
    text = str(step)
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return cut.replace("~", "~0").replace("/", "~1")


def problems(documents: Sequence[Accepted]) -> Iterator[Problem]:
    """Yield what is wrong between documents: names, natural keys and targets."""
    targets = [document for document in documents if document.kind == "Target"]
    manifests = [document for document in documents if document.kind == "DataIntegrationAssociation"]
    names = tuple(dict.fromkeys(target.name for target in targets if target.name))
    hints: dict[str, str | None] = {}
    declared, shown = frozenset(names), listed([*map(short, names)])
    for target, first in _repeated([(target.name, target) for target in targets if target.name]):
        yield target.problem(
            ("metadata", "name"), f"the name {short(target.name)} is taken by the Target at {first.where()}"
        )
    places = [
        ((target.value["spec"]["AccountId"], target.value["spec"]["Region"]), target)
        for target in targets
        if target.whole
    ]
    for target, first in _repeated(places):
        said = f"the Target at {first.where()} is the same account and Region, which has one journal: keep one of them"
        yield target.problem(("spec",), said)
    for manifest in manifests:
        yield from _target_problem(manifest, names, declared, shown, hints)
    named = [((_target_of(manifest, names), manifest.name), manifest) for manifest in manifests if manifest.name]
    for manifest, first in _repeated(named):
        said = (
            f"the name {short(manifest.name)} is taken by the manifest at {first.where()}: names are unique per target"
        )
        yield manifest.problem(("metadata", "name"), said)
    keyed = [
        ((_target_of(manifest, names), _key(manifest.value["spec"])), manifest)
        for manifest in manifests
        if manifest.whole
    ]
    adopting = [((_target_of(manifest, names), manifest.adopts), manifest) for manifest in manifests if manifest.adopts]
    for manifest, first in _repeated(adopting):
        said = f"the manifest {first.name!r} at {first.where()} adopts this association already"
        yield manifest.problem(("policy", "adopt"), said)
    for manifest, first in _repeated(keyed):
        if manifest.adopts and first.adopts:
            continue
        said = (
            f"the manifest {first.name!r} at {first.where()} has the same DataIntegrationIdentifier, ClientId and "
            "DestinationURI: remove one, or give each policy.adopt"
        )
        yield manifest.problem(("spec",), said)


def desired(documents: Sequence[Accepted], now: datetime) -> Desired:
    """Return the desired state of documents without problems, manifests in order of name, and what is unwise in it."""
    declared = [document for document in documents if document.kind == "Target"]
    names = tuple(str(document.name) for document in declared)
    policies = {str(document.name): document.value["spec"].get("Policy", {}) for document in declared}
    targets = tuple(build.target(document.value) for document in declared) or (Target(AMBIENT),)
    manifests: dict[str, list[Manifest]] = {target.name: [] for target in targets}
    warnings = [_nowhere(document) for document in declared if document.value["spec"]["Region"] not in REGIONS]
    first: dict[tuple[str, str], Accepted] = {}
    meant: dict[str, Accepted] = {}  # the first manifest for which what its Target's Policy says is unwise
    for document in documents:
        if document.kind == "DataIntegrationAssociation":
            target = _target_of(document, names) or AMBIENT
            origin = Origin(document.file, *document.document.position(()))
            manifest = build.manifest(document.value, origin, policies.get(target, {}))
            manifests[target].append(manifest)
            for at, said in unwise(manifest, now):
                if at == ON_LOSS and "onLoss" not in document.value.get("policy", {}):
                    meant.setdefault(target, document)
                else:
                    warnings.append(document.problem(_path(at), said))
            earlier = first.setdefault((target, _integration(manifest.integration)), document)
            if earlier is not document and not manifest.policy.adopt:
                warnings.append(_shared(document, earlier))
    warnings += [_repeats(document, meant[str(document.name)]) for document in declared if document.name in meant]
    return Desired(
        targets,
        {name: tuple(sorted(found, key=lambda each: each.name)) for name, found in manifests.items()},
        tuple(sorted(warnings)),
    )


def _nowhere(target: Accepted) -> Problem:
    region = target.value["spec"]["Region"]
    said = f"AppIntegrations is not known to be in {region}: it is in {', '.join(sorted(REGIONS))}"
    return target.problem(("spec", "Region"), said)


def _repeats(target: Accepted, manifest: Accepted) -> Problem:
    said = (
        f"an ON_DEMAND export, such as {manifest.name!r} at {manifest.where()}, {REPEATED}: leave it out here, since "
        "recreate is the default for SCHEDULED"
    )
    return target.problem(("spec", "Policy", "onLoss"), said)


def _shared(manifest: Accepted, earlier: Accepted) -> Problem:
    said = (
        f"the manifest {earlier.name!r} at {earlier.where()} is on this data integration too, and AWS may refuse a "
        "second association of one: give each its own"
    )
    return manifest.problem(("spec", "DataIntegrationIdentifier"), said)


def _key(spec: Mapping[str, Any]) -> NaturalKey:
    """Return the natural key of a request, as far as a manifest alone tells which data integration is meant."""
    integration, client, destination = natural_key(spec)
    return _integration(integration), client, destination


def _integration(identifier: str) -> str:
    """Return the UUID of an ARN, so that both mean the same; a name or a UUID as it is."""
    return identifier.rpartition("/")[2] if identifier.startswith("arn:") else identifier


def _path(pointer: str) -> Path:
    return tuple(pointer[1:].split("/"))


def _target_of(manifest: Accepted, names: Sequence[str]) -> str | None:
    """Return the target that a manifest names or means."""
    named = manifest.value.get("target")
    return named if isinstance(named, str) else names[0] if len(names) == 1 else None


def _target_problem(
    manifest: Accepted,
    names: Sequence[str],
    declared: AbstractSet[str],
    shown: str,
    hints: dict[str, str | None],
) -> Iterator[Problem]:
    """Yield what is wrong with the target that a manifest names; one that the schema refused is not looked for.

    `shown` are the names that are declared, as a message lists them; `hints` what was meant by others, of which a few
    are looked for: it takes long where names are alike.
    """
    named = manifest.value.get("target")
    if isinstance(named, str) and named not in declared and ("target",) not in manifest.refused:
        if named not in hints:
            hints[named] = closest(named, names) if len(hints) < _HINTED else None
        near = hints[named]
        known = f"did you mean {near!r}?" if near else f"declare it, or name one of {shown}"
        known = known if names else "declare it, or leave 'target' out"
        yield manifest.problem(("target",), f"no Target {short(named)} is declared: {known}")
    elif "target" not in manifest.value and len(names) > 1:
        yield manifest.problem((), f"'target' is missing, and several are declared: {shown}")


def _repeated(keyed: Sequence[tuple[object, Accepted]]) -> Iterator[tuple[Accepted, Accepted]]:
    """Yield (document, the first document with the same key) for every repetition."""
    first: dict[object, Accepted] = {}
    for key, document in keyed:
        if first.setdefault(key, document) is not document:
            yield document, first[key]
