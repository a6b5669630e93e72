"""Show the progress of a run: each target by itself, or a fleet as a whole."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeAlias

_MAX_SHOWN = 8
"""Number of targets up to which the progress of each is shown."""

_TARGETS = "targets"

Progress: TypeAlias = Callable[[str, int, int], None]


class FleetProgress:
    """The progress of some targets, as stages with the number done and the total. Threads share it under a lock."""

    def __init__(self, show: Progress, target_count: int, lock: AbstractContextManager[object]) -> None:
        self._show, self._target_count = show, target_count
        self._lock = lock
        self._finished_count = self._failed_count = 0
        self._stages: dict[str, tuple[int, int]] = {}
        if target_count > 1:
            show(_TARGETS, 0, target_count)

    def create_target_progress(self, target: str) -> Progress:
        """Return the progress callback of a target."""

        def show_target(stage: str, done: int, total: int) -> None:
            self._show(f"{target}: {stage}", done, total)

        last_counts: dict[str, tuple[int, int]] = {}

        def add_to_stage(stage: str, done: int, total: int) -> None:
            last_done, last_total = last_counts.get(stage, (0, 0))
            last_counts[stage] = done, total
            with self._lock:
                all_done, all_total = self._stages.get(stage, (0, 0))
                all_done, all_total = all_done + done - last_done, all_total + total - last_total
                self._stages[stage] = all_done, all_total
            self._show(stage, all_done, all_total)

        return show_target if self._target_count <= _MAX_SHOWN else add_to_stage

    def finish_target(self, *, has_failed: bool) -> None:
        """Count a finished target, and a failed one also by itself."""
        with self._lock:
            self._finished_count += 1
            self._failed_count += has_failed
        if self._target_count > 1:
            self._show(_TARGETS, self._finished_count, self._target_count)
            if has_failed:
                self._show("failed targets", self._failed_count, self._target_count)
