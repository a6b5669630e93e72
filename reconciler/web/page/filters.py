"""Filter the associations of the page by words, state and target. Pure."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

ATTENTION = "attention"
"""The value of `decision` that selects every error and warning."""
GRAVE_LEVELS = frozenset({"error", "warning"})
"""The severities that need attention."""
WAITING, IN_ORDER = "waiting", "in-order"
"""The values of `decision` that select what waits or was just done, and what is in order."""
_LEVELS = {ATTENTION: GRAVE_LEVELS, WAITING: frozenset({"note"}), IN_ORDER: frozenset({"none"})}
_MAX_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Filters:
    """The values of the filter form. An empty field matches everything, and an association must match every field."""

    q: str = ""
    decision: str = ""
    target: str = ""

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str]) -> Filters:
        """Return the filters in the query parameters of a URL."""
        return cls(*(parameters.get(name, "").strip()[:_MAX_LENGTH] for name in ("q", "decision", "target")))

    @property
    def has_any(self) -> bool:
        """True if at least one field is set."""
        return self != Filters()

    def matches(self, kinds: Container[str], level: str, target: str, *texts: str) -> bool:
        """Tell whether an entry matches the filters. Each word of `q` must occur in at least one of `texts`."""
        if self.target and target != self.target:
            return False
        if self.decision in _LEVELS:
            if level not in _LEVELS[self.decision]:
                return False
        elif self.decision and self.decision not in kinds:
            return False
        text = "\n".join(texts).casefold() if self.q else ""
        return all(word in text for word in self.q.casefold().split())
