"""What reading manifests brought to light: a value that every renderer shows."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core.errors import InvalidManifests, Problem
from reconciler.core.model import Desired


@dataclass(frozen=True, slots=True)
class Findings:
    """How many manifests and declared targets there are, what is wrong with them, and what is only unwise.

    Where anything is wrong nothing counts, and `warnings` are not looked for. `revision` is the commit, from git.
    `total` counts the problems, those too that are not told one by one.
    """

    manifests: int = 0
    targets: int = 0
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    revision: str | None = None
    total: int = 0

    @classmethod
    def of(cls, desired: Desired, revision: str | None) -> Findings:
        """Return the findings of a valid revision."""
        declared = sum(bool(target.account) for target in desired.targets)
        manifests = sum(len(found) for found in desired.manifests.values())
        return cls(manifests, declared, warnings=desired.all_warnings, revision=revision)

    @classmethod
    def wrong(cls, invalid: InvalidManifests) -> Findings:
        """Return the findings of an invalid revision."""
        return cls(problems=invalid.problems, revision=invalid.revision, total=invalid.total)
