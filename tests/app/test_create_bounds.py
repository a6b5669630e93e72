"""Each revision of a controller has one bound of creates, also while runs of the previous one are active."""

from __future__ import annotations

from support.builders import manifest

from reconciler.app.create_bounds import RevisionBounds
from reconciler.core.model import Desired, Target


def build_desired() -> Desired:
    """Return a revision with two targets and more manifests than the limit."""
    return Desired((Target("a"), Target("b")), dict.fromkeys("ab", (manifest(), manifest("b"))))


def test_each_revision_has_one_bound() -> None:
    """Runs of a revision share its bound, also after a push, until the push after that."""
    bounds = RevisionBounds(2)
    old, new, newest = build_desired(), build_desired(), build_desired()
    first = bounds.get_bound(old)
    assert first is not None
    assert bounds.get_bound(new) is not first
    assert bounds.get_bound(old) is first
    bounds.get_bound(newest)
    assert bounds.get_bound(old) is not first


def test_small_revision_has_no_bound() -> None:
    """Targets that cannot exceed the limit together need no bound."""
    assert RevisionBounds(4).get_bound(build_desired()) is None


def test_waiting_targets_are_resumed_once() -> None:
    """After every target was looked at, those whose creates waited are run once more."""
    bounds = RevisionBounds(2)
    resumed: list[list[str]] = []
    bounds.request_runs = lambda names: resumed.append(list(names))
    desired = build_desired()
    bound = bounds.get_bound(desired)
    assert bound is not None
    bound.record_count("a", 1)
    bound.compute_grant("a")
    bounds.resume_waiting(desired)
    bound.record_count("b", 1)
    bounds.resume_waiting(desired)
    bounds.resume_waiting(desired)
    assert resumed == [["a"]]
