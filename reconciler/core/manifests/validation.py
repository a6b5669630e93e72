"""Result of validating a revision, as a value that every renderer shows."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core.errors import InvalidManifests, Problem
from reconciler.core.model import Desired


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """The result of validating a revision: the numbers of manifests and declared Targets, problems and warnings.

    If the revision is invalid, both numbers are 0 and there are no warnings. `revision` is the commit if the manifests
    come from git. `problem_count` includes the problems that `problems` does not list.
    """

    manifest_count: int = 0
    target_count: int = 0
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    revision: str | None = None
    problem_count: int = 0

    @classmethod
    def from_desired(cls, desired: Desired, revision: str | None) -> ValidationResult:
        """Return the result for a valid revision."""
        target_count = sum(bool(target.account) for target in desired.targets)
        return cls(desired.manifest_count, target_count, warnings=desired.all_warnings, revision=revision)

    @classmethod
    def from_error(cls, error: InvalidManifests) -> ValidationResult:
        """Return the result for an invalid revision."""
        return cls(problems=error.problems, revision=error.revision, problem_count=error.total)
