"""The result of a validation has the problems, the warnings, the numbers of manifests and Targets, and the commit."""

from __future__ import annotations

from support.builders import manifest

from reconciler.core.errors import InvalidManifests, Problem
from reconciler.core.manifests.validation import ValidationResult
from reconciler.core.model import Desired, Target

PROBLEM = Problem("a.yaml", 3, 1, "/spec", "is wrong")


def test_problems_are_reported_with_their_commit() -> None:
    """The result and the text of the error name the commit. The result has problems only."""
    invalid = InvalidManifests((PROBLEM,), "1f0c5f7")
    assert ValidationResult.from_error(invalid) == ValidationResult(
        problems=(PROBLEM,), revision="1f0c5f7", problem_count=1
    )
    assert str(invalid) == "1 problem in the manifests of commit 1f0c5f7"
    assert str(InvalidManifests((PROBLEM, PROBLEM))) == "2 problems in the manifests"


def test_omitted_problems_are_counted() -> None:
    """A last problem gives the number of the omitted ones, and the text of the error counts every problem."""
    invalid = InvalidManifests((PROBLEM,), omitted_count=2)
    (first, last), result = invalid.problems, ValidationResult.from_error(invalid.with_revision("1f0c5f7"))
    assert (first, str(last).partition(" not listed")[0]) == (PROBLEM, "manifests: 2 more problems")
    assert (result.problems, result.problem_count, result.revision) == (invalid.problems, 3, "1f0c5f7")
    assert str(invalid) == "3 problems in the manifests"
    assert str(InvalidManifests((PROBLEM,), omitted_count=1).problems[1]).startswith(
        "manifests: 1 more problem not listed"
    )


def test_valid_manifests_and_targets_are_counted() -> None:
    """The result counts the manifests and the declared Targets of a valid revision."""
    desired = Desired((Target("a", account="123456789012"), Target("b")), {"a": (manifest(),), "b": ()}, (PROBLEM,))
    assert ValidationResult.from_desired(desired, "1f0c5f7") == ValidationResult(
        1, 1, warnings=(PROBLEM,), revision="1f0c5f7"
    )
