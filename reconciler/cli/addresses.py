"""Types of options with addresses: the address to listen on, and links to manifests."""

from __future__ import annotations

import re

import click

from reconciler.app.http import Address

_MAX_PORT = 65535


class ListenAddress(click.ParamType[Address]):
    """An address as HOST:PORT, [IPv6]:PORT, or :PORT for every address of this machine."""

    name = "address"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        """Return the address. Fails if the text is not an address."""
        match = re.fullmatch(r"(?:\[([0-9a-fA-F:.%]+)\]|([^:\[\]]*)):([0-9]{1,20})", str(value))
        if match is None:
            self.fail(
                f"{value!r} is not an address: write HOST:PORT, or :PORT for every address of this machine", param, ctx
            )
        if int(match[3]) > _MAX_PORT:
            self.fail(f"the port {match[3]} is out of range: it must be from 0 to {_MAX_PORT}", param, ctx)
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
