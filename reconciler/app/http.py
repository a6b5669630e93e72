"""Serve the controller over HTTP: its address, its webhook secret, and its server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler import redaction
from reconciler.app.setting_file import UnusableFile, read_setting_file, require_single_source
from reconciler.app.settings import Settings
from reconciler.core.errors import SetupError, UsageError
from reconciler.core.redaction.secrets import Secrets
from reconciler.edge import logs

if TYPE_CHECKING:
    from starlette.applications import Starlette


@dataclass(frozen=True, slots=True)
class Address:
    """An address to listen on. An empty host means every address of this machine."""

    host: str
    port: int


class WebhookSecret:
    """The secret that authenticates webhooks, from a variable or a file. The file is read for each webhook.

    Raises UsageError if both are set, or if the file holds no secret.
    """

    def __init__(self, settings: Settings) -> None:
        require_single_source("RECONCILER_WEBHOOK_SECRET", settings.webhook_secret, settings.webhook_secret_file)
        self._value, self._file = settings.webhook_secret, settings.webhook_secret_file
        if self._file:
            try:
                self._read(self._file)
            except UnusableFile as error:
                raise UsageError(f"RECONCILER_WEBHOOK_SECRET_FILE {self._file}: {error}") from error

    def __call__(self) -> bytes | None:
        """Return the current secret, or None if there is no valid secret."""
        if self._file is None:
            return self._value.encode() if self._value and self._value.isprintable() else None
        try:
            return self._read(self._file)
        except UnusableFile:
            return None

    @staticmethod
    def _read(path: str) -> bytes:
        """Return the secret in a file. Raises UnusableFile."""
        value = read_setting_file(path)
        if not value:
            raise UnusableFile("the file is empty: write the secret of the webhook into it")
        redaction.add_secrets("RECONCILER_WEBHOOK_SECRET_FILE", Secrets.from_values(value))
        if not value.isprintable():
            raise UnusableFile("the file has several lines, or a control character: write only the secret, in one line")
        return value.encode()


@contextmanager
def serve_http(application: Starlette, address: Address) -> Iterator[None]:
    """Serve an application while the block runs. Raises SetupError if the address is not free."""
    from reconciler.web.server import ListenError, serve

    try:
        with serve(application, address.host, address.port) as url:
            logs.get_logger().info(logs.events.LISTENING, url=url)
            yield
    except ListenError as error:
        raise SetupError(str(error)) from error
