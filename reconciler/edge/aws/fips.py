"""Explain failures to reach a FIPS endpoint: botocore builds its name in every Region, and most have no such host."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ConnectionError as BotocoreConnectionError


def explain_fips_failures(client: Any) -> None:
    """Add a note to each connection error of a client that uses a FIPS endpoint.

    The note names the setting, because the error itself names only the host, or only the proxy.
    """
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    if not host.partition(".")[0].endswith("-fips"):
        return

    def add_note(caught_exception: BaseException | None, **_: object) -> None:
        if isinstance(caught_exception, BotocoreConnectionError):
            caught_exception.add_note(
                f"{host} is a FIPS endpoint, and AWS has FIPS endpoints only for some services and Regions: unset "
                "AWS_USE_FIPS_ENDPOINT (or use_fips_endpoint of the profile), or use a Region that has this endpoint"
            )

    client.meta.events.register("needs-retry", add_note)
