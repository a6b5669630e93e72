"""Types of options: the address to listen on, and the template of links to manifests."""

from __future__ import annotations

import re

import click

from reconciler.app.http import Address


class ListenAddress(click.ParamType[Address]):
    """An address as HOST:PORT, [IPv6]:PORT, or :PORT for every address of this machine."""

    name = "address"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        """Return the address. Fails if the text is not an address."""
        match = re.fullmatch(r"(?:\[([0-9a-fA-F:.%]+)\]|([^:\[\]]*)):([0-9]{1,5})", str(value))
        if match is None or int(match[3]) > 65535:  # noqa: PLR2004 - the highest port
            self.fail(
                f"{value!r} is not an address: write HOST:PORT, or :PORT for every address of this machine", param, ctx
            )
        return Address(match[1] or match[2], int(match[3]))


class ManifestUrlTemplate(click.ParamType[str]):
    """A URL of a manifest with the placeholders {revision}, {file} and {line}."""

    name = "template"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the template unchanged. Fails if it is invalid."""
        from reconciler.web.page.links import validate_template

        if problem := validate_template(str(value)):
            self.fail(f"{value!r} is not a URL template for manifests: {problem}", param, ctx)
        return str(value)
