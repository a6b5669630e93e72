"""A thread that tells people, so that nothing waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from reconciler.core.controller.status import ControllerStatus
from reconciler.edge import logs

_DISPATCH_INTERVAL = 15.0
"""Seconds from one look to the next where nothing happens: some news is that nothing happened."""
_BATCH_DELAY = 2.0
"""Seconds for which a message waits for what happens at the same time."""
_STOP_TIMEOUT = 3.0
"""Seconds that a last delivery is given when the process ends; what is left is told after the next start."""


class NotificationThread:
    """Has a thread that tells people, once it is begun; where nobody is to be told, nothing happens."""

    def __init__(self, create_dispatch: Callable[[Callable[[], ControllerStatus]], Callable[[], None]] | None) -> None:
        self._create_dispatch = create_dispatch
        self._wakeup, self._stop_event = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def notify(self) -> None:
        """Say that there may be news."""
        self._wakeup.set()

    def start(self, get_status: Callable[[], ControllerStatus]) -> None:
        """Tell, from now on, how all stands on a board."""
        if self._create_dispatch:
            dispatch = self._create_dispatch(get_status)
            self._thread = threading.Thread(target=self._run, args=(dispatch,), name="notifications", daemon=True)
            self._thread.start()

    def stop(self, timeout: float = _STOP_TIMEOUT) -> bool:
        """Deliver what is pending, and return whether that was done within `leave` seconds.

        If it was not, a delivery hangs in a thread of apprise, and Python would wait for it when the process ends.
        """
        self._stop_event.set()
        self._wakeup.set()
        if self._thread:
            self._thread.join(timeout)
            return not self._thread.is_alive()
        return True

    def _run(self, dispatch: Callable[[], None]) -> None:
        is_last = False
        while not is_last:
            if self._wakeup.wait(_DISPATCH_INTERVAL):
                self._stop_event.wait(_BATCH_DELAY)
            self._wakeup.clear()
            is_last = self._stop_event.is_set()
            try:
                dispatch()
            except Exception as error:  # noqa: BLE001 - a thread that ends by an error tells nothing ever after
                logs.get_logger().error(logs.UNEXPECTED_ERROR, what="notifications", error=f"{type(error).__name__}")
