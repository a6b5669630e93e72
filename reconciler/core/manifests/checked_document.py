"""Document of a revision after its validation against the schema."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from reconciler.core.errors import Problem
from reconciler.core.manifests.document import Document, ValuePath
from reconciler.core.model import ensure_mapping
from reconciler.core.text import sanitize

_MAX_KEY_LENGTH = 300  # characters: AWS accepts keys of at most 255


@dataclass(frozen=True, slots=True)
class CheckedDocument:
    """A mapping in a manifest file, or a part of it. `rejected_paths` are the paths with problems.

    `placeholders` has the position of each `${name}` in it, by the path of its string and its text. `target` is the
    name of the Target for which a manifest was expanded; without any Target it is None. `member` is the index of a
    Target in its TargetSet.
    """

    file: str
    document: Document
    value: Mapping[str, Any]
    rejected_paths: AbstractSet[ValuePath]
    placeholders: Mapping[tuple[ValuePath, str], tuple[int, int]] = field(default_factory=dict)
    target: str | None = None
    member: int | None = None

    @property
    def is_valid(self) -> bool:
        """True if the validation of the document found no problem."""
        return not self.rejected_paths

    @property
    def kind(self) -> object:
        """The value of `kind`, which may have any type."""
        return self.value.get("kind")

    @property
    def name(self) -> str | None:
        """The name, or None if it is missing or not a string."""
        name = ensure_mapping(self.value.get("metadata")).get("name")
        return name if isinstance(name, str) else None

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels, which are known only if the document is valid."""
        return self.value.get("metadata", {}).get("labels", {}) if self.is_valid else {}

    @property
    def adopted_arn(self) -> str | None:
        """The ARN in policy.adopt, or None if it is missing or the document is invalid."""
        return self.value.get("policy", {}).get("adopt") if self.is_valid else None

    def build_problem(self, path: ValuePath, message: str, placeholder: str = "") -> Problem:
        """Return a problem at a path in this document, or at a placeholder in the string at this path."""
        path = self._find_source_path(path)
        position = self.placeholders.get((path, placeholder)) or self.document.find_position(path)
        return Problem(self.file, *position, format_pointer(path), message)

    def locate(self, path: ValuePath = ()) -> str:
        """Return `file:line` of a path in this document."""
        return f"{self.file}:{self.document.find_position(self._find_source_path(path))[0]}"

    def _find_source_path(self, path: ValuePath) -> ValuePath:
        """Return the path in the file. A member of a TargetSet inherits what it lacks from the template."""
        if self.member is None:
            return path
        member = ("spec", "members", self.member)
        candidates = ((*member, *path[1:]), ("spec", "template", *path[1:])) if path[1:] else ()
        return next((each for each in candidates if _has_value(self.document.value, each)), member)


def _has_value(tree: Any, path: ValuePath) -> bool:
    for step in path:
        if isinstance(tree, Mapping) and step not in tree:
            return False
        tree = tree[step]
    return True


def format_pointer(path: ValuePath) -> str:
    """Return a path as a JSON Pointer (RFC 6901) on one line, with control characters escaped and long keys cut."""
    return sanitize("".join("/" + _format_step(step) for step in path))


def _format_step(step: str | int) -> str:
    text = str(step)
    short_text = text if len(text) <= _MAX_KEY_LENGTH else f"{text[:_MAX_KEY_LENGTH]}…"
    return short_text.replace("~", "~0").replace("/", "~1")
