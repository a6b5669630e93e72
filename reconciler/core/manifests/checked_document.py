"""Document of a revision after its validation against the schema."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from reconciler.core.errors import Problem
from reconciler.core.manifests.document import Document, ValuePath
from reconciler.core.text import sanitize

_MAX_KEY_LENGTH = 300  # characters: AWS accepts keys of at most 255


@dataclass(frozen=True, slots=True)
class CheckedDocument:
    """A mapping in a manifest file. `rejected_paths` are the paths at which its validation found problems."""

    file: str
    document: Document
    value: Mapping[str, Any]
    rejected_paths: AbstractSet[ValuePath]

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
        metadata = self.value.get("metadata")
        name = metadata.get("name") if isinstance(metadata, Mapping) else None
        return name if isinstance(name, str) else None

    @property
    def adopted_arn(self) -> str | None:
        """The ARN in policy.adopt, or None if it is missing or the document is invalid."""
        return self.value.get("policy", {}).get("adopt") if self.is_valid else None

    def build_problem(self, path: ValuePath, message: str) -> Problem:
        """Return a problem at a path in this document."""
        return Problem(self.file, *self.document.find_position(path), format_pointer(path), message)

    def locate(self, path: ValuePath = ()) -> str:
        """Return `file:line` of a path in this document."""
        return f"{self.file}:{self.document.find_position(path)[0]}"


def format_pointer(path: ValuePath) -> str:
    """Return a path as a JSON Pointer (RFC 6901) on one line, with control characters escaped and long keys cut."""
    return sanitize("".join("/" + _format_step(step) for step in path))


def _format_step(step: str | int) -> str:
    text = str(step)
    short_text = text if len(text) <= _MAX_KEY_LENGTH else f"{text[:_MAX_KEY_LENGTH]}…"
    return short_text.replace("~", "~0").replace("/", "~1")
