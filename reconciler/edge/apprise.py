"""Reaches people, by apprise: each URL is a receiver. The URLs hold secrets, so nothing here logs or names them."""

from __future__ import annotations

import logging
import re
import threading
import warnings
from typing import Any, Protocol

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,19})://")

_OVERFLOW = "split"
"""What becomes of a message that is longer than a service takes: parts, since what is cut off would never be told.

By itself apprise sends it whole, and Discord or Telegram refuses it each time.
"""
_LONGEST = 30.0
"""Seconds that a delivery may take."""
_FOREIGN = "is none that apprise understands"


class NotInstalled(Exception):
    """Apprise is not there."""


class WrongReceiver(ValueError):
    """A URL that leads to no receiver, or to several; the text says which, by its number and scheme."""


class Receiver(Protocol):
    """Somewhere that people look."""

    @property
    def name(self) -> str:
        """What to call it: a scheme, and the how manieth of those it is. Holds no secret."""

    def send(self, title: str, body: str, severity: str) -> bool:
        """Send a message (info, success, warning or failure) and tell whether it was taken. Never raises."""


class AppriseReceiver:
    """One URL of apprise. A `Receiver`.

    Apprise bounds each wait for an answer's next byte, not the whole: one that comes byte by byte may take for ever.
    """

    def __init__(self, name: str, service: Any, longest: float = _LONGEST) -> None:
        self.name = name
        self._service, self._longest = service, longest
        self._sending: threading.Thread | None = None

    def send(self, title: str, body: str, severity: str) -> bool:
        """Send a message, once. What takes too long counts as not taken, and while it lasts nothing more is sent."""
        if self._sending and self._sending.is_alive():
            return False
        taken: list[bool] = []
        self._sending = threading.Thread(
            target=lambda: taken.append(self._notify(title, body, severity)), name=self.name, daemon=True
        )
        self._sending.start()
        self._sending.join(self._longest)
        return taken == [True]

    def _notify(self, title: str, body: str, severity: str) -> bool:
        try:
            return bool(self._service.notify(body, title=title, notify_type=severity, body_format="text"))
        except Exception:  # noqa: BLE001 - a hundred plugins, and what they raise may hold the URL
            return False


def receivers(text: str) -> tuple[AppriseReceiver, ...]:
    """Return what the URLs in a text, between blanks, lead to. Raises NotInstalled and WrongReceiver."""
    try:
        import apprise  # noqa: PLC0415 - costs some 50 MB, and few want it
    except ImportError as error:
        raise NotInstalled("notifications need apprise") from error
    _silence()
    asset = apprise.AppriseAsset(
        app_id="reconcile",
        app_desc="GitOps for Amazon AppIntegrations",
        app_url="",
        image_url_mask="",  # messages load no pictures from elsewhere
        image_url_logo="",
        storage_mode="memory",
        secure_logging=True,
    )
    found: list[AppriseReceiver] = []
    counts: dict[str, int] = {}
    for number, url in enumerate(text.split(), 1):
        scheme = match[1].lower() if (match := _SCHEME.match(url)) else ""
        counts[scheme] = counts.get(scheme, 0) + 1
        service = apprise.Apprise(asset=asset)
        if complaint := _complaint(service, url) if scheme else _FOREIGN:
            raise WrongReceiver(f"URL {number} ({f'{scheme}://…' if scheme else 'without a scheme'}) {complaint}")
        found.append(AppriseReceiver(f"{scheme} {counts[scheme]}", service))
    return tuple(found)


def _complaint(service: Any, url: str) -> str | None:
    """Add a URL, and return what is wrong with it, if anything is.

    A delivery to one of several recipients is none, so that one who fails would have it repeated to the others.
    """
    try:
        if not service.add(url) or len(service) != 1:
            return _FOREIGN
        several = any(len(plugin) > 1 for plugin in service)
    except Exception:  # noqa: BLE001 - as in send
        return _FOREIGN
    if several:
        return "has several recipients: give each a URL of its own"
    for plugin in service:
        if "overflow_mode" not in vars(plugin):  # the URL does not say
            plugin.overflow_mode = _OVERFLOW
    return None


def _silence() -> None:
    """Keep from the log what may hold a URL: all that apprise says, and what urllib3 names in warnings."""
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.handlers = [logging.NullHandler()]
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message="Unverified HTTPS request is being made to host")
