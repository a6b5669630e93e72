"""What reading manifests brought to light: a value that every renderer shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.core.errors import Problem
from reconciler.core.model import Desired


@dataclass(frozen=True, slots=True)
class Findings:
    """How many manifests and declared targets there are, what is wrong with them, and what is only unwise.

    Where anything is wrong nothing counts, and `warnings` are not looked for.
    """

    manifests: int = 0
    targets: int = 0
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()

    @classmethod
    def of(cls, desired: Desired) -> Findings:
        """Return the findings of a valid revision."""
        declared = sum(bool(target.account) for target in desired.targets)
        return cls(sum(len(found) for found in desired.manifests.values()), declared, warnings=desired.noted)

    @classmethod
    def wrong(cls, problems: Sequence[Problem]) -> Findings:
        """Return the findings of an invalid revision."""
        return cls(problems=tuple(problems))
