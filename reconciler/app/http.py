"""Serve the controller over HTTP: its address, its webhook secret, and its server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler import redaction
from reconciler.app.setting_file import read_setting_file, require_single_source
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
        if self._file and not self():
            reason = "the file is unreadable, empty, or not one line of UTF-8 text: write only the secret, in one line"
            raise UsageError(f"RECONCILER_WEBHOOK_SECRET_FILE {self._file}: {reason}")

    def __call__(self) -> bytes | None:
        """Return the current secret, or None if there is no valid secret."""
        value = read_setting_file(self._file) if self._file else self._value
        if self._file and value:
            redaction.add_secrets("RECONCILER_WEBHOOK_SECRET_FILE", Secrets.from_values(value))
        return value.encode() if value and value.isprintable() else None


@contextmanager
def serve_http(application: Starlette, address: Address) -> Iterator[None]:
    """Serve an application while the block runs. Raises SetupError if the address is not free."""
    from reconciler.web.server import ListenError, serve

    try:
        with serve(application, address.host, address.port) as url:
            logs.get_logger().info(logs.LISTENING, url=url)
            yield
    except ListenError as error:
        raise SetupError(str(error)) from error
