"""The progress of a few targets is shown for each, and that of many as a whole."""

from __future__ import annotations

from threading import Lock

from reconciler.core.fleet_progress import FleetProgress

Steps = list[tuple[str, int, int]]


def test_few_targets_are_shown_one_by_one() -> None:
    """Up to eight targets have a stage of their own, and the finished ones are counted from the beginning."""
    steps: Steps = []
    progress = FleetProgress(lambda *step: steps.append(step), 2, Lock())
    progress.create_target_progress("a")("observing", 1, 20)
    progress.create_target_progress("b")("observing", 2, 20)
    progress.finish_target(has_failed=False)
    assert steps == [("targets", 0, 2), ("a: observing", 1, 20), ("b: observing", 2, 20), ("targets", 1, 2)]


def test_only_target_is_not_counted() -> None:
    """A run of one target has no count of targets."""
    steps: Steps = []
    progress = FleetProgress(lambda *step: steps.append(step), 1, Lock())
    progress.create_target_progress("a")("observing", 1, 20)
    progress.finish_target(has_failed=True)
    assert steps == [("a: observing", 1, 20)]


def test_many_targets_are_added_up() -> None:
    """The steps of more than eight targets are added up for each stage, and failed targets are counted."""
    steps: Steps = []
    progress = FleetProgress(lambda *step: steps.append(step), 9, Lock())
    first, second = progress.create_target_progress("a"), progress.create_target_progress("b")
    first("observing", 0, 20)
    second("observing", 3, 10)
    first("observing", 20, 20)
    first("sending", 1, 1)
    first("observing", 1, 5)
    progress.finish_target(has_failed=True)
    assert steps == [
        ("targets", 0, 9),
        ("observing", 0, 20),
        ("observing", 3, 30),
        ("observing", 23, 30),
        ("sending", 1, 1),
        ("observing", 4, 15),
        ("targets", 1, 9),
        ("failed targets", 1, 9),
    ]
