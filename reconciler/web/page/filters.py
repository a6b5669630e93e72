"""What a reader of the page asks for: words, a state and a target; all of them have to fit."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

ATTENTION = "attention"
"""Asks for all that is an error or a warning."""
GRAVE = frozenset({"error", "warning"})
"""The levels that need attention."""
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """The form's fields; an empty one asks for nothing."""

    q: str = ""
    decision: str = ""
    target: str = ""

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> Asked:
        """Return what the parameters of an address ask for."""
        return cls(*(parameters.get(name, "").strip()[:_LONGEST] for name in ("q", "decision", "target")))

    @property
    def anything(self) -> bool:
        """Whether anything is asked for."""
        return self != Asked()

    def fits(self, kinds: Container[str], level: str, target: str, *texts: str) -> bool:
        """Tell whether something of some kinds, a level and a target is asked for; each word has to be in some text."""
        if self.target and target != self.target:
            return False
        if self.decision == ATTENTION and level not in GRAVE:
            return False
        if self.decision not in {"", ATTENTION} and self.decision not in kinds:
            return False
        text = "\n".join(texts).casefold() if self.q else ""
        return all(word in text for word in self.q.casefold().split())
