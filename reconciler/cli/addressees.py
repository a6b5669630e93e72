"""Who is to be told, as the environment names them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler import redaction
from reconciler.core.redaction.secrets import Secrets
from reconciler.edge import logs
from reconciler.settings import Settings

if TYPE_CHECKING:
    from reconciler.edge.apprise import AppriseReceiver


class Addressees:
    """Who is to be told: a variable, or a file that is looked at anew each time, so that it can change.

    Raises click.UsageError and click.ClickException where that names nobody who can be reached.
    """

    def __init__(self, here: Settings) -> None:
        if here.notify_urls and here.notify_urls_file:
            raise click.UsageError("RECONCILER_NOTIFY_URLS and RECONCILER_NOTIFY_URLS_FILE: set one of them")
        self._file = Path(here.notify_urls_file) if here.notify_urls_file else None
        self.any = bool(here.notify_urls or self._file)
        self._text: str | None = here.notify_urls and here.notify_urls.removeprefix("\ufeff")
        self._receivers: tuple[AppriseReceiver, ...] = ()
        if self.any:
            self._begin()

    def __call__(self) -> tuple[AppriseReceiver, ...]:
        """Return them as they are now; where what is new is wrong, as they were."""
        if self._file is None:
            return self._receivers
        try:
            text = _text(self._file)
        except (OSError, UnicodeDecodeError):
            return self._receivers  # as while it is replaced
        if text != self._text:
            self._text = text
            self._take(text)
        return self._receivers

    def _begin(self) -> None:
        from reconciler.edge.apprise import NotInstalled, WrongReceiver, receivers

        name = "RECONCILER_NOTIFY_URLS"
        if self._file:
            name = f"RECONCILER_NOTIFY_URLS_FILE {self._file}"
            try:
                self._text = _text(self._file)
            except (OSError, UnicodeDecodeError) as error:
                raise click.UsageError(f"{name}: cannot be read, or is no text in UTF-8") from error
        try:
            self._receivers = receivers(self._text or "")
        except NotInstalled as error:
            said = "notifications are not installed: pip install 'appintegrations-reconciler[notify]'"
            raise click.ClickException(said) from error
        except WrongReceiver as error:
            raise click.UsageError(f"{name}: {error}") from error
        if not self._receivers:
            raise click.UsageError(f"{name}: names nobody; write URLs of apprise, between blanks or on lines")

    def _take(self, text: str) -> None:
        from reconciler.edge.apprise import WrongReceiver, receivers

        try:
            self._receivers = receivers(text)
        except WrongReceiver as error:
            logs.logger().error(logs.RECEIVERS_REFUSED, error=str(error))
        else:
            logs.logger().info(logs.RECEIVERS_TAKEN, receivers=[each.name for each in self._receivers])


def _text(file: Path) -> str:
    text = file.read_text(encoding="utf-8-sig").strip()
    redaction.know("RECONCILER_NOTIFY_URLS_FILE", Secrets.of_receivers(text))
    return text
