"""Match the wildcards of policies: * stands for any characters, and ? for one character."""

from __future__ import annotations

from enum import IntEnum

from reconciler.core.globs import matches_glob

VARIABLE = "${"
"""The start of a policy variable, whose value only AWS knows."""


class Truth(IntEnum):
    """Answer to a question about a policy. The minimum of two answers is their "and", the maximum their "or"."""

    NO = 0
    UNCLEAR = 1
    YES = 2

    def negate(self) -> Truth:
        """Return the opposite answer. The opposite of an unclear answer is unclear."""
        return Truth(2 - self)

    @classmethod
    def from_bool(cls, value: bool) -> Truth:  # noqa: FBT001 - the only parameter of a conversion
        """Return yes or no."""
        return cls.YES if value else cls.NO


def match_text(glob: str, text: str) -> Truth:
    """Tell whether a glob matches a text."""
    return Truth.UNCLEAR if VARIABLE in glob else Truth.from_bool(matches_glob(text, glob))


def match_beginning(glob: str, beginning: str) -> Truth:
    """Tell whether a glob matches each text with a beginning (yes), or none (no)."""
    if VARIABLE in glob:
        return Truth.UNCLEAR
    positions = _skip_stars(glob, {0})
    for char in beginning:
        next_positions = {each for each in positions if glob[each : each + 1] == "*"}
        next_positions |= {each + 1 for each in positions if glob[each : each + 1] in {"?", char}}
        positions = _skip_stars(glob, next_positions)
    if any(set(glob[each:]) == {"*"} for each in positions):
        return Truth.YES
    return Truth.UNCLEAR if positions else Truth.NO


def _skip_stars(glob: str, positions: set[int]) -> set[int]:
    """Return positions in a glob, and those after their stars, because a star may match nothing."""
    reached = set(positions)
    for position in positions:
        after = position
        while glob[after : after + 1] == "*":
            after += 1
            reached.add(after)
    return reached
