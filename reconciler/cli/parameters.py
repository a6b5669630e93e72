"""Where to listen, and where a browser shows a manifest, as options."""

from __future__ import annotations

import re

import click

from reconciler.app.http import Address


class ListenAddress(click.ParamType[Address]):
    """HOST:PORT, [IPv6]:PORT or :PORT, which is every address of this machine."""

    name = "address"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        """Return the address."""
        match = re.fullmatch(r"(?:\[([0-9a-fA-F:.%]+)\]|([^:\[\]]*)):([0-9]{1,5})", str(value))
        if match is None or int(match[3]) > 65535:  # noqa: PLR2004 - the highest port
            self.fail(f"{value!r} is no address: write HOST:PORT, or :PORT for all of this machine", param, ctx)
        return Address(match[1] or match[2], int(match[3]))


class ManifestUrlTemplate(click.ParamType[str]):
    """The address of a manifest with {revision}, {file} and {line} in it."""

    name = "template"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it as it is."""
        from reconciler.web.page.links import validate_template

        if problem := validate_template(str(value)):
            self.fail(f"{value!r} is no address of manifests: {problem}", param, ctx)
        return str(value)
