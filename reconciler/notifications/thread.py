"""A thread that tells people, so that nothing waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from reconciler.core.controller.status import ControllerStatus
from reconciler.edge import logs

_GLANCE = 15.0
"""Seconds from one look to the next where nothing happens: some news is that nothing happened."""
_GATHER = 2.0
"""Seconds for which a message waits for what happens at the same time."""
_LEAVE = 3.0
"""Seconds that a last delivery is given when the process ends; what is left is told after the next start."""


class Tidings:
    """Has a thread that tells people, once it is begun; where nobody is to be told, nothing happens."""

    def __init__(self, begin: Callable[[Callable[[], ControllerStatus]], Callable[[], None]] | None) -> None:
        self._begin = begin
        self._news, self._ending = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def poke(self) -> None:
        """Say that there may be news."""
        self._news.set()

    def begin(self, board: Callable[[], ControllerStatus]) -> None:
        """Tell, from now on, how all stands on a board."""
        if self._begin:
            tell = self._begin(board)
            self._thread = threading.Thread(target=self._tell, args=(tell,), name="notifications", daemon=True)
            self._thread.start()

    def end(self, leave: float = _LEAVE) -> bool:
        """Deliver what is pending, and return whether that was done within `leave` seconds.

        If it was not, a delivery hangs in a thread of apprise, and Python would wait for it when the process ends.
        """
        self._ending.set()
        self._news.set()
        if self._thread:
            self._thread.join(leave)
            return not self._thread.is_alive()
        return True

    def _tell(self, tell: Callable[[], None]) -> None:
        last = False
        while not last:
            if self._news.wait(_GLANCE):
                self._ending.wait(_GATHER)
            self._news.clear()
            last = self._ending.is_set()
            try:
                tell()
            except Exception as error:  # noqa: BLE001 - a thread that ends by an error tells nothing ever after
                logs.get_logger().error(logs.UNEXPECTED_ERROR, what="notifications", error=f"{type(error).__name__}")
