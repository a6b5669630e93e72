"""Send messages with apprise: each URL is a receiver. URLs contain secrets and are never logged or shown.

Apprise's text configuration puts tags and an equals sign before a URL. The tags are the kinds of notifications.
"""

from __future__ import annotations

import logging
import re
import threading
import warnings
from typing import Any

from reconciler.core.notifications.kinds import ALL_KINDS, Kind

_TAGS = re.compile(r"([A-Za-z0-9,_:-]*)=(?=[A-Za-z])")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,19})://")

_OVERFLOW_MODE = "split"
"""Mode that splits a message that is longer than a service accepts. Truncating the message would lose changes.

By default apprise sends the whole message, and Discord and Telegram reject it each time.
"""
_TIMEOUT_SECONDS = 30.0
"""Timeout of a delivery, in seconds."""
_UNKNOWN_SERVICE = (
    "is not a valid URL for apprise: write one such as jsons://HOST/PATH (see docs/how-to/alerts-in-slack.md)"
)
_UNKNOWN_TAG = (
    f"has an unknown kind before its equals sign: write some of {', '.join(Kind)}, separated by commas without blanks"
)
_PART_OF_KINDS = (
    "is a kind, or several: write commas without blanks between the kinds, and an equals sign without blanks before "
    "the URL, such as problems,unmanaged=jsons://HOST/PATH"
)


class AppriseMissing(Exception):
    """Apprise is not installed."""


class InvalidReceiver(ValueError):
    """A URL does not describe exactly one receiver. The message identifies the URL by its number and scheme."""


class AppriseReceiver:
    """The receiver of one apprise URL.

    The timeout covers the whole delivery. The timeout of apprise restarts with each byte, and a slow answer could
    block forever. `kinds` are the kinds of notifications that it gets.
    """

    def __init__(
        self,
        name: str,
        service: Any,
        kinds: frozenset[Kind] = ALL_KINDS,
        timeout_seconds: float = _TIMEOUT_SECONDS,
    ) -> None:
        self.name, self.kinds = name, kinds
        self._service, self._timeout_seconds = service, timeout_seconds
        self._thread: threading.Thread | None = None

    def send(self, title: str, body: str, severity: str) -> bool:
        """Send a message once. After a timeout, return False for every message until that delivery has ended."""
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
        except Exception:  # noqa: BLE001 - plugins raise many errors, and their texts may contain the URL
            return False


def parse_receivers(text: str) -> tuple[AppriseReceiver, ...]:
    """Return a receiver for each URL in a whitespace-separated text. Raises AppriseMissing and InvalidReceiver."""
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
    for number, entry in enumerate(text.split(), 1):
        tags = _TAGS.match(entry)
        url = entry[tags.end() :] if tags else entry
        scheme = match[1].lower() if (match := _SCHEME.match(url)) else ""
        counts[scheme] = counts.get(scheme, 0) + 1
        service, kinds = apprise.Apprise(asset=asset), _parse_kinds(tags[1]) if tags else ALL_KINDS
        problem = _add_url(service, url) if scheme else _UNKNOWN_SERVICE if tags else _describe_no_url(entry)
        if problem := problem or (None if kinds else _UNKNOWN_TAG):
            raise InvalidReceiver(f"URL {number} ({f'{scheme}://…' if scheme else 'without a scheme'}) {problem}")
        receivers.append(AppriseReceiver(f"{scheme} {counts[scheme]}", service, kinds))
    return tuple(receivers)


def _parse_kinds(tags: str) -> frozenset[Kind]:
    """Return the kinds that the tags of a URL name. An unknown tag leaves none."""
    names = [name for name in tags.lower().split(",") if name]
    return frozenset(map(Kind, names)) if set(names) <= set(Kind) else frozenset()


def _describe_no_url(entry: str) -> str:
    """Return the problem with an entry without a scheme, which may be a part of the kinds before a blank."""
    return _PART_OF_KINDS if _parse_kinds(entry.removesuffix("=")) else _UNKNOWN_SERVICE


def _add_url(service: Any, url: str) -> str | None:
    """Add a URL to a service, and return the problem with the URL, or None.

    A URL with several recipients is rejected: if one recipient failed, a retry would send the message to the others
    again.
    """
    try:
        if not service.add(url) or len(service) != 1:
            return _UNKNOWN_SERVICE
        has_several = any(len(plugin) > 1 for plugin in service)
    except Exception:  # noqa: BLE001 - plugins raise many errors, and their texts may contain the URL
        return _UNKNOWN_SERVICE
    if has_several:
        return "has several recipients: write a separate URL for each recipient"
    for plugin in service:
        if "overflow_mode" not in vars(plugin):  # the URL does not set it
            plugin.overflow_mode = _OVERFLOW_MODE
    return None


def _silence_loggers() -> None:
    """Keep URLs out of the log: drop apprise's records and urllib3's warnings that name them."""
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.handlers = [logging.NullHandler()]
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message="Unverified HTTPS request is being made to host")
