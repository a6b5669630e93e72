"""Send messages with apprise: each URL is a receiver. URLs hold secrets and are never logged or shown."""

from __future__ import annotations

import logging
import re
import threading
import warnings
from typing import Any, Protocol

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,19})://")

_OVERFLOW_MODE = "split"
"""What becomes of a message that is longer than a service takes: parts, since what is cut off would never be told.

By itself apprise sends it whole, and Discord or Telegram refuses it each time.
"""
_TIMEOUT_SECONDS = 30.0
"""Timeout of a delivery, in seconds."""
_UNKNOWN_SERVICE = "is none that apprise understands"


class AppriseMissing(Exception):
    """Apprise is not installed."""


class InvalidReceiver(ValueError):
    """A URL that is not exactly one receiver. The message names it by its number and scheme."""


class Receiver(Protocol):
    """A service that delivers messages to people."""

    @property
    def name(self) -> str:
        """A display name: the URL scheme and an ordinal. Never contains a secret."""

    def send(self, title: str, body: str, severity: str) -> bool:
        """Send a message (info, success, warning or failure) and return whether it was accepted. Never raises."""


class AppriseReceiver:
    """One URL of apprise. A `Receiver`.

    Apprise bounds each wait for an answer's next byte, not the whole: one that comes byte by byte may take for ever.
    """

    def __init__(self, name: str, service: Any, timeout_seconds: float = _TIMEOUT_SECONDS) -> None:
        self.name = name
        self._service, self._timeout_seconds = service, timeout_seconds
        self._thread: threading.Thread | None = None

    def send(self, title: str, body: str, severity: str) -> bool:
        """Send a message once. A timeout counts as a failure, and blocks further messages until the delivery ends."""
        if self._thread and self._thread.is_alive():
            return False
        results: list[bool] = []
        self._thread = threading.Thread(
            target=lambda: results.append(self._notify(title, body, severity)), name=self.name, daemon=True
        )
        self._thread.start()
        self._thread.join(self._timeout_seconds)
        return results == [True]

    def _notify(self, title: str, body: str, severity: str) -> bool:
        try:
            return bool(self._service.notify(body, title=title, notify_type=severity, body_format="text"))
        except Exception:  # noqa: BLE001 - plugins raise many errors, and their texts may hold the URL
            return False


def parse_receivers(text: str) -> tuple[AppriseReceiver, ...]:
    """Return what the URLs in a text, between blanks, lead to. Raises NotInstalled and WrongReceiver."""
    try:
        import apprise  # noqa: PLC0415 - needs about 50 MB, and is optional
    except ImportError as error:
        raise AppriseMissing("notifications need apprise") from error
    _silence_loggers()
    asset = apprise.AppriseAsset(
        app_id="reconcile",
        app_desc="GitOps for Amazon AppIntegrations",
        app_url="",
        image_url_mask="",  # messages load no external images
        image_url_logo="",
        storage_mode="memory",
        secure_logging=True,
    )
    receivers: list[AppriseReceiver] = []
    counts: dict[str, int] = {}
    for number, url in enumerate(text.split(), 1):
        scheme = match[1].lower() if (match := _SCHEME.match(url)) else ""
        counts[scheme] = counts.get(scheme, 0) + 1
        service = apprise.Apprise(asset=asset)
        if problem := _add_url(service, url) if scheme else _UNKNOWN_SERVICE:
            raise InvalidReceiver(f"URL {number} ({f'{scheme}://…' if scheme else 'without a scheme'}) {problem}")
        receivers.append(AppriseReceiver(f"{scheme} {counts[scheme]}", service))
    return tuple(receivers)


def _add_url(service: Any, url: str) -> str | None:
    """Add a URL, and return what is wrong with it, or None.

    A delivery to one of several recipients is none, so that one who fails would have it repeated to the others.
    """
    try:
        if not service.add(url) or len(service) != 1:
            return _UNKNOWN_SERVICE
        has_several = any(len(plugin) > 1 for plugin in service)
    except Exception:  # noqa: BLE001 - as in send
        return _UNKNOWN_SERVICE
    if has_several:
        return "has several recipients: give each a URL of its own"
    for plugin in service:
        if "overflow_mode" not in vars(plugin):  # the URL does not say
            plugin.overflow_mode = _OVERFLOW_MODE
    return None


def _silence_loggers() -> None:
    """Keep URLs out of the log: drop apprise's records and urllib3's warnings that name them."""
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.handlers = [logging.NullHandler()]
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message="Unverified HTTPS request is being made to host")
