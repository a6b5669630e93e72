"""The loop's one turn: the newest valid revision, one pass over its targets, and word of both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.core.errors import InvalidManifests
from reconciler.core.model import Desired
from reconciler.core.report import Report


@dataclass(slots=True)
class Controller:
    """Reconciles the last good revision; one that is invalid is reported and never used.

    `load` raises InvalidManifests. `refused` is told of that, and of whether an earlier revision is in force.
    """

    load: Callable[[], Desired]
    reconcile: Callable[[Desired], Report]
    reported: Callable[[Report], None]
    refused: Callable[[InvalidManifests, bool], None]
    _good: Desired | None = field(default=None, init=False)

    def turn(self) -> None:
        """Make one pass, unless there never was a valid revision."""
        try:
            self._good = self.load()
        except InvalidManifests as error:
            self.refused(error, self._good is not None)
        if self._good is not None:
            self.reported(self.reconcile(self._good))
