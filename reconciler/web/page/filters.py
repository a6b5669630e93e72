"""What a reader of the page asks for: words, a state and a target; all of them have to fit."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

ATTENTION = "attention"
"""Asks for all that is an error or a warning."""
GRAVE_LEVELS = frozenset({"error", "warning"})
"""The levels that need attention."""
_MAX_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Filters:
    """The form's fields; an empty one asks for nothing."""

    q: str = ""
    decision: str = ""
    target: str = ""

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str]) -> Filters:
        """Return what the parameters of an address ask for."""
        return cls(*(parameters.get(name, "").strip()[:_MAX_LENGTH] for name in ("q", "decision", "target")))

    @property
    def has_any(self) -> bool:
        """Whether anything is asked for."""
        return self != Filters()

    def matches(self, kinds: Container[str], level: str, target: str, *texts: str) -> bool:
        """Tell whether something of some kinds, a level and a target is asked for; each word has to be in some text."""
        if self.target and target != self.target:
            return False
        if self.decision == ATTENTION and level not in GRAVE_LEVELS:
            return False
        if self.decision not in {"", ATTENTION} and self.decision not in kinds:
            return False
        text = "\n".join(texts).casefold() if self.q else ""
        return all(word in text for word in self.q.casefold().split())
