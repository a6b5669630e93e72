"""Compare the desired, applied and live requests member by member."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.core.model import UNREADABLE, Json, Spec


@dataclass(frozen=True, slots=True)
class Difference:
    """Difference in one member of a request. A value is None if the member is absent.

    `live` is also None if AWS never shows the member (`is_readable` is False).
    """

    path: str
    desired: Json
    applied: Json
    live: Json

    @property
    def is_readable(self) -> bool:
        """True if AWS shows this member."""
        return self.path.split("/")[1] not in UNREADABLE

    @property
    def is_changed(self) -> bool:
        """True if git differs from the applied request."""
        return self.desired != self.applied

    @property
    def is_drifted(self) -> bool:
        """True if AWS shows a value that differs from the applied request."""
        return self.is_readable and self.live != self.applied

    @property
    def is_updatable(self) -> bool:
        """True if UpdateDataIntegrationAssociation can change this member (botocore model, 2020-07-29)."""
        return self.path.startswith("/ExecutionConfiguration/")


def compare(desired: Spec, applied: Spec, live: Spec, ignore: tuple[str, ...] = ()) -> tuple[Difference, ...]:
    """Return the members in which three normalised requests differ, sorted by path.

    `ignore` holds JSON Pointers. Drift in these members, and in those below them, is left out. Changes in git are
    always returned.
    """
    desired_values, applied_values, live_values = dict(flatten(desired)), dict(flatten(applied)), dict(flatten(live))
    differences = []
    for path in sorted({*desired_values, *applied_values, *live_values}):
        difference = Difference(path, desired_values.get(path), applied_values.get(path), live_values.get(path))
        is_ignored = any(path == pointer or path.startswith(f"{pointer}/") for pointer in ignore)
        if difference.is_changed or (difference.is_drifted and not is_ignored):
            differences.append(difference)
    return tuple(differences)


def with_live_values(request: Spec, differences: Iterable[Difference]) -> Spec:
    """Return the request with the live value in every drifted member."""
    members = dict(flatten(request))
    for each in differences:
        members.pop(each.path, None)
        members |= {} if each.live is None else {each.path: each.live}
    tree: dict[str, Json] = {}
    for path, value in members.items():
        *parents, last = (key.replace("~1", "/").replace("~0", "~") for key in path.split("/")[1:])
        node: Any = tree
        for key in parents:
            node = node.setdefault(key, {})
        node[last] = {} if isinstance(value, Mapping) else value
    return tree


def flatten(tree: Mapping[str, Json], prefix: str = "") -> Iterator[tuple[str, Json]]:
    """Yield (JSON Pointer, value) for every leaf: a scalar, a list or an empty map. Pointers follow RFC 6901."""
    for key, value in tree.items():
        pointer = f"{prefix}/{key.replace('~', '~0').replace('/', '~1')}"
        if isinstance(value, Mapping) and value:
            yield from flatten(value, pointer)
        else:
            yield pointer, value
