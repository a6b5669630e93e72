"""Keep the bound of creates of each active revision, for the runs of a controller."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock

from reconciler.core.model import Desired
from reconciler.core.plan.create_bound import CreateBound
from reconciler.fleet import build_create_bound


class RevisionBounds:
    """The bounds of the last two revisions: runs of an older revision may still be active after a push.

    `request_runs` starts a run of each of some targets.
    """

    def __init__(self, limit: int) -> None:
        self.request_runs: Callable[[Iterable[str]], None] = lambda _: None
        self._limit = limit
        self._lock = Lock()
        self._entries: tuple[tuple[Desired, CreateBound | None], ...] = ()

    def get_bound(self, desired: Desired) -> CreateBound | None:
        """Return the bound that all runs of a revision share, or None if the revision needs none."""
        with self._lock:
            for known, bound in self._entries:
                if known is desired:
                    return bound
            bound = build_create_bound(desired, self._limit)
            self._entries = (*self._entries[-1:], (desired, bound))
            return bound

    def resume_waiting(self, desired: Desired) -> None:
        """Request a run of each target whose creates waited, if every target of its revision was looked at."""
        if (bound := self.get_bound(desired)) and (waiting := bound.take_waiting()):
            self.request_runs(waiting)
