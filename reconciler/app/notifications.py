"""Notifications of a running controller: its receivers, their stored state, and the log of each delivery."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.app.config import RunConfig
from reconciler.app.receivers import ReceiverList
from reconciler.app.shutdown import exit_after
from reconciler.app.state import Journals
from reconciler.core.controller.controller_status import ControllerStatus
from reconciler.core.errors import EXIT_FAILED
from reconciler.edge import logs
from reconciler.edge.metrics import Metrics
from reconciler.notifications.thread import NotificationThread

if TYPE_CHECKING:
    from reconciler.edge.apprise import AppriseReceiver
    from reconciler.render.notification import Message


_CLOSE_TIMEOUT = 1.0
"""Seconds that the process may take to end if a delivery hangs."""


@contextmanager
def notify_while_running(
    config: RunConfig, places: tuple[str, ...], summary_interval: timedelta, metrics: Metrics
) -> Iterator[NotificationThread]:
    """Notify the configured receivers while the block runs. Raises UsageError and SetupError."""
    receivers = ReceiverList(config.settings)
    notification_thread = NotificationThread(
        _build_dispatch_factory(config, places, summary_interval, metrics, receivers)
        if receivers.is_configured
        else None,
        log_error,
    )
    code = EXIT_FAILED
    try:
        yield notification_thread
        code = 0
    finally:
        if not notification_thread.stop():
            exit_after(_CLOSE_TIMEOUT, code)


def _build_dispatch_factory(
    config: RunConfig, places: tuple[str, ...], summary_interval: timedelta, metrics: Metrics, receivers: ReceiverList
) -> Callable[[Callable[[], ControllerStatus]], Callable[[], None]]:
    from reconciler.notifications.dispatcher import DispatchContext, Dispatcher
    from reconciler.notifications.store import NotificationStore

    scope = compute_scope(config, places)
    document = f"notifications-{scope}.json" if config.shard else "notifications.json"
    store = None if config.dry_run else Journals.from_config(config).location.open_store(document)
    events, clock = _DeliveryRecorder(metrics), config.create_clock()

    def create_dispatch(get_status: Callable[[], ControllerStatus]) -> Callable[[], None]:
        def get_named_receivers() -> list[tuple[str, AppriseReceiver]]:
            return [(f"{scope} {each.name}", each) for each in receivers()]

        return Dispatcher(
            DispatchContext(get_status, get_named_receivers, summary_interval, clock, config.shard),
            NotificationStore(store, events.on_store_error, clock.now),
            events,
        ).dispatch

    return create_dispatch


def log_error(error: Exception) -> None:
    """Log the type of an unexpected error, without its message, which may hold the URL of a receiver."""
    logs.get_logger().error(logs.events.UNEXPECTED_ERROR, what="notifications", error=type(error).__name__)


def compute_scope(config: RunConfig, places: tuple[str, ...]) -> str:
    """Return a hash of the source, targets and shard, which separates the controllers that share a place for state."""
    shard = [str(config.shard)] if config.shard else []
    return hashlib.sha256(json.dumps([places, sorted(config.targets), *shard]).encode()).hexdigest()[:8]


class _DeliveryRecorder:
    """A recorder that logs and counts deliveries."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def on_delivered(self, receiver: str, message: Message) -> None:
        """Log and count a delivered message."""
        self._metrics.count_notification("delivered")
        logs.get_logger().info(logs.events.NOTIFICATION_DELIVERED, receiver=receiver, title=message.title)

    def on_delivery_failed(self, receiver: str, failures: int, delay: float) -> None:
        """Log and count a failed delivery."""
        self._metrics.count_notification("failed")
        logs.get_logger().warning(
            logs.events.NOTIFICATION_NOT_DELIVERED, receiver=receiver, failures=failures, retrySeconds=delay
        )

    def on_store_error(self, message: str) -> None:
        """Log why the notification state was not saved. Receivers may then get a notification twice."""
        logs.get_logger().warning(logs.events.NOTIFICATION_STATE_NOT_SAVED, error=message)
