"""One document of a revision after the schema has checked it alone, with what it says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from reconciler.core.errors import Problem
from reconciler.core.manifests.document import Document, ValuePath
from reconciler.core.text import sanitize

_MAX_KEY_LENGTH = 300  # characters: AWS takes no key of more than 255


@dataclass(frozen=True, slots=True)
class CheckedDocument:
    """One mapping of a file. `rejected_paths` are the paths at which the document alone has a problem."""

    file: str
    document: Document
    value: Mapping[str, Any]
    rejected_paths: AbstractSet[ValuePath]

    @property
    def is_valid(self) -> bool:
        """Whether the document alone has no problem."""
        return not self.rejected_paths

    @property
    def kind(self) -> object:
        """The kind, of whatever type it is."""
        return self.value.get("kind")

    @property
    def name(self) -> str | None:
        """The name; None if it is missing or no string."""
        metadata = self.value.get("metadata")
        name = metadata.get("name") if isinstance(metadata, Mapping) else None
        return name if isinstance(name, str) else None

    @property
    def adopted_arn(self) -> str | None:
        """The ARN in policy.adopt of a valid document."""
        return self.value.get("policy", {}).get("adopt") if self.is_valid else None

    def build_problem(self, path: ValuePath, message: str) -> Problem:
        """Return a problem at a path of this document."""
        return Problem(self.file, *self.document.find_position(path), format_pointer(path), message)

    def locate(self, path: ValuePath = ()) -> str:
        """Return `file:line` of a path."""
        return f"{self.file}:{self.document.find_position(path)[0]}"


def format_pointer(path: ValuePath) -> str:
    """Return a path as a JSON Pointer (RFC 6901) on one line: control characters escaped, long keys cut."""
    return sanitize("".join("/" + _format_step(step) for step in path))


def _format_step(step: str | int) -> str:
    text = str(step)
    short_text = text if len(text) <= _MAX_KEY_LENGTH else f"{text[:_MAX_KEY_LENGTH]}…"
    return short_text.replace("~", "~0").replace("/", "~1")
