"""What a controller listens on: where, and with which secret."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler import redaction, settings
from reconciler.cli.address import Address
from reconciler.core.redaction.secrets import Secrets
from reconciler.edge import logs

if TYPE_CHECKING:
    from starlette.applications import Starlette

_NONE = "is empty, or is no line of text in UTF-8: write the secret alone, in one line"


class Secret:
    """What webhooks prove themselves by: a variable, or a file that is read anew each time, so that it can change.

    Raises click.UsageError where that says nothing.
    """

    def __init__(self) -> None:
        here = settings.read()
        if here.webhook_secret and here.webhook_secret_file:
            raise click.UsageError("RECONCILER_WEBHOOK_SECRET and RECONCILER_WEBHOOK_SECRET_FILE: set one of them")
        self._value = here.webhook_secret
        self._file = Path(here.webhook_secret_file) if here.webhook_secret_file else None
        if self._file and not self():
            raise click.UsageError(f"RECONCILER_WEBHOOK_SECRET_FILE {self._file}: cannot be read, or {_NONE}")

    def __call__(self) -> bytes | None:
        """Return the secret, None where there is none."""
        try:
            value = _alone(self._file.read_text(encoding="utf-8")) if self._file else self._value
        except (OSError, UnicodeDecodeError):
            return None
        if self._file and value:
            redaction.know("RECONCILER_WEBHOOK_SECRET_FILE", Secrets.of(value))
        return value.encode() if value and value.isprintable() else None


def _alone(text: str) -> str:
    """Return the secret in a file without what editors put before and behind it: byte order mark, blanks, line end."""
    return text.removeprefix("\ufeff").strip()


@contextmanager
def listening(application: Starlette, address: Address) -> Iterator[None]:
    """Listen while the block runs. Raises click.ClickException."""
    from reconciler.web.server import NotListening, served

    try:
        with served(application, address.host, address.port) as url:
            logs.logger().info(logs.LISTENING, url=url)
            yield
    except NotListening as error:
        raise click.ClickException(str(error)) from error
