"""Filter the associations of the page by words, state and target. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass

ATTENTION = "attention"
"""The value of `decision` that selects every error and warning."""
GRAVE_LEVELS = frozenset({"error", "warning"})
"""The severities that need attention."""
WAITING, IN_ORDER = "waiting", "in-order"
"""The values of `decision` that select what waits or was just done, and what is in order."""
_LEVELS = {ATTENTION: GRAVE_LEVELS, WAITING: frozenset({"note"}), IN_ORDER: frozenset({"none"})}
_MAX_LENGTH = 300
"""The maximum number of characters of a value. A name has at most 253."""
_MAX_VALUES = 1000
"""The maximum number of values of one filter."""
NAME = "name:"
"""The start of a word of `q` that is the whole name of a manifest. Longer names that contain it do not match."""


@dataclass(frozen=True, slots=True)
class Filters:
    """The values of the filter form.

    An association must match every field, and in a field with several values one of them. An empty field matches
    everything.
    """

    q: str = ""
    decisions: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()

    @classmethod
    def from_parameters(cls, parameters: Iterable[tuple[str, str]]) -> Filters:
        """Return the filters in the query parameters of a URL, in which a name may occur several times."""
        values: dict[str, list[str]] = {"q": [""], "decision": [], "target": []}
        for name, value in parameters:
            text = value.strip()[:_MAX_LENGTH]
            if text and name in values:
                values[name].append(text)
        decisions, targets = (tuple(dict.fromkeys(values[name]))[:_MAX_VALUES] for name in ("decision", "target"))
        return cls(values["q"][-1], decisions, targets)

    @property
    def has_any(self) -> bool:
        """True if at least one field is set."""
        return self != Filters()

    def matches(self, kinds: Container[str], level: str, target: str, name: str, *texts: str) -> bool:
        """Tell whether an entry matches the filters.

        Each word of `q` must occur in the target, the name or one of the other `texts`. The word `name:NAME` matches
        only the whole name. An unmanaged association has the name "", which no such word matches.
        """
        if self.targets and target not in self.targets:
            return False
        if self.decisions and not any(
            level in _LEVELS[each] if each in _LEVELS else each in kinds for each in self.decisions
        ):
            return False
        if not self.q:
            return True
        name, text = name.casefold(), "\n".join((target, name, *texts)).casefold()
        return all(
            word.removeprefix(NAME) == name != "" if word.startswith(NAME) else word in text
            for word in self.q.casefold().split()
        )
