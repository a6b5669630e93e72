"""Send notifications in a separate thread, so that no run waits for a delivery."""

from __future__ import annotations

import threading
from collections.abc import Callable

from reconciler.core.controller.controller_status import ControllerStatus

_DISPATCH_INTERVAL = 15.0
"""Seconds between two dispatches without a wake-up. Some changes, such as an overdue run, happen without one."""
_BATCH_DELAY = 2.0
"""Seconds between a wake-up and the dispatch, so that simultaneous changes share one message."""
_STOP_TIMEOUT = 3.0
"""Timeout in seconds of the last delivery at the end of the process. The next start sends the rest."""


class NotificationThread:
    """The thread that sends notifications. If `create_dispatch` is None, no thread is started.

    `on_error` receives an unexpected error of a dispatch.
    """

    def __init__(
        self,
        create_dispatch: Callable[[Callable[[], ControllerStatus]], Callable[[], None]] | None,
        on_error: Callable[[Exception], None],
    ) -> None:
        self._create_dispatch, self._on_error = create_dispatch, on_error
        self._wakeup, self._stop_event = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def notify(self) -> None:
        """Wake the thread, because something may have changed."""
        self._wakeup.set()

    def start(self, get_status: Callable[[], ControllerStatus]) -> None:
        """Start the thread. It reads the controller's status from `get_status`."""
        if self._create_dispatch:
            dispatch = self._create_dispatch(get_status)
            self._thread = threading.Thread(target=self._run, args=(dispatch,), name="notifications", daemon=True)
            self._thread.start()

    def stop(self, timeout: float = _STOP_TIMEOUT) -> bool:
        """Deliver the pending notifications, and return whether the thread ended within `timeout` seconds.

        If it did not, a delivery hangs in a thread of apprise. Python would wait for that thread at the end of the
        process.
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
            except Exception as error:  # noqa: BLE001 - after an error, the thread must still send later notifications
                self._on_error(error)
