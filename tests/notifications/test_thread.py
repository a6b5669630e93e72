"""The thread of notifications outlives errors."""

from __future__ import annotations

import pytest

from reconciler.app.notifications import log_error
from reconciler.notifications.thread import NotificationThread


def test_notification_thread_survives_an_unexpected_error(capsys: pytest.CaptureFixture[str]) -> None:
    """An unexpected error is logged by its type, without its message."""
    calls: list[int] = []

    def fail() -> None:
        calls.append(1)
        raise RuntimeError("hunter2")

    thread = NotificationThread(lambda _: fail, log_error)
    thread.start(lambda: pytest.fail("nobody looks"))
    thread.stop()
    assert calls
    output = capsys.readouterr()
    assert "RuntimeError" in output.out + output.err
    assert "hunter2" not in output.out + output.err
