"""What reading manifests brought to light: a value that every renderer shows."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core.errors import InvalidManifests, Problem
from reconciler.core.model import Desired


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """How many manifests and declared targets there are, what is wrong with them, and what is only unwise.

    Where anything is wrong nothing counts, and `warnings` are not looked for. `revision` is the commit, from git.
    `total` counts the problems, those too that are not told one by one.
    """

    manifest_count: int = 0
    target_count: int = 0
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    revision: str | None = None
    problem_count: int = 0

    @classmethod
    def from_desired(cls, desired: Desired, revision: str | None) -> ValidationResult:
        """Return the findings of a valid revision."""
        target_count = sum(bool(target.account) for target in desired.targets)
        manifest_count = sum(len(target_manifests) for target_manifests in desired.manifests.values())
        return cls(manifest_count, target_count, warnings=desired.all_warnings, revision=revision)

    @classmethod
    def from_error(cls, error: InvalidManifests) -> ValidationResult:
        """Return the findings of an invalid revision."""
        return cls(problems=error.problems, revision=error.revision, problem_count=error.total)
