"""Read time zones from the package tzdata, in its pinned version, and never from the machine."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # few manifests need it, and its import would delay every run
    from zoneinfo import ZoneInfo


@cache
def list_zone_names() -> frozenset[str]:
    """Return the IANA names of all time zones."""
    return frozenset((files("tzdata") / "zones").read_text(encoding="utf-8").split())


@cache
def read_zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name, which must be in `list_zone_names`."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - see TYPE_CHECKING above

    path = files("tzdata.zoneinfo").joinpath(*name.split("/"))
    with path.open("rb") as stream:
        return ZoneInfo.from_file(stream, key=name)
