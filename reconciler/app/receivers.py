"""Receivers of notifications, from a variable or a file."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from reconciler import redaction
from reconciler.app.setting_file import UnusableFile, read_setting_file, require_single_source
from reconciler.app.settings import Settings
from reconciler.core.errors import SetupError, UsageError
from reconciler.core.redaction.secrets import Secrets
from reconciler.edge import logs

if TYPE_CHECKING:
    from reconciler.edge.apprise import AppriseReceiver


class ReceiverList:
    """The receivers in a variable or in a file. The file is read each time, because it may change.

    Raises UsageError for missing or invalid receivers, and SetupError if Apprise is not installed.
    """

    def __init__(self, settings: Settings) -> None:
        require_single_source("RECONCILER_NOTIFY_URLS", settings.notify_urls, settings.notify_urls_file)
        self._file = settings.notify_urls_file
        self.is_configured = bool(settings.notify_urls or self._file)
        self._text: str | None = settings.notify_urls and settings.notify_urls.removeprefix("\ufeff")
        self._receivers: tuple[AppriseReceiver, ...] = ()
        if self.is_configured:
            self._load_first()

    def __call__(self) -> tuple[AppriseReceiver, ...]:
        """Return the current receivers, or the previous receivers while the file is unreadable or invalid."""
        if self._file is None:
            return self._receivers
        with suppress(UnusableFile):
            text = self._read(self._file)
            if text == self._text:
                return self._receivers
            self._text = text
            self._reload(text)
        return self._receivers

    def _load_first(self) -> None:
        from reconciler.edge.apprise import AppriseMissing, InvalidReceiver, parse_receivers

        name = "RECONCILER_NOTIFY_URLS"
        if self._file:
            name = f"RECONCILER_NOTIFY_URLS_FILE {self._file}"
            try:
                self._text = self._read(self._file)
            except UnusableFile as error:
                raise UsageError(f"{name}: {error}") from error
        try:
            self._receivers = parse_receivers(self._text or "")
        except AppriseMissing as error:
            message = "notifications are not installed: run pip install '.[notify]' in a checkout of this program"
            raise SetupError(message) from error
        except InvalidReceiver as error:
            raise UsageError(f"{name}: {error}") from error
        if not self._receivers:
            raise UsageError(f"{name} has no receivers: write Apprise URLs, separated by blanks or line breaks")

    def _reload(self, text: str) -> None:
        from reconciler.edge.apprise import InvalidReceiver, parse_receivers

        try:
            self._receivers = parse_receivers(text)
        except InvalidReceiver as error:
            logs.get_logger().error(logs.events.RECEIVERS_REJECTED, error=str(error))
        else:
            logs.get_logger().info(logs.events.RECEIVERS_LOADED, receivers=[each.name for each in self._receivers])

    @staticmethod
    def _read(path: str) -> str:
        text = read_setting_file(path)
        redaction.add_secrets("RECONCILER_NOTIFY_URLS_FILE", Secrets.from_receiver_urls(text))
        return text
