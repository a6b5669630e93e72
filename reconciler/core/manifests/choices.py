"""Values that a manifest may give for each target: a map by the name of the Target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.core.manifests.document import ValuePath
from reconciler.core.model import ensure_mapping

CHOICES: tuple[tuple[str, str], ...] = (("policy", "generation"), ("window", "continueFrom"), ("window", "skip"))
"""The members that may be maps by target name: the word of a person about one association."""


def choose_values(value: Mapping[str, Any], target: str) -> Mapping[str, Any]:
    """Return a manifest with the values for one target. A target that a map does not name gets the default."""
    for member, name in CHOICES:
        part: Mapping[str, Any] = ensure_mapping(value.get(member))
        if isinstance(choice := part.get(name), Mapping):
            rest = {key: each for key, each in part.items() if key != name}
            value = {**value, member: {**rest, name: choice[target]} if target in choice else rest}
    return value


def find_chosen_names(value: Mapping[str, Any]) -> Iterator[tuple[ValuePath, str]]:
    """Yield (path, name of a target) for each target that a map of a manifest names."""
    for member, name in CHOICES:
        choice = ensure_mapping(value.get(member)).get(name)
        for target in choice if isinstance(choice, Mapping) else ():
            yield (member, name, target), str(target)
