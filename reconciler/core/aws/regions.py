"""Names of Regions: one spelling for each, since a journal is known by it."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SHAPE = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-[1-9][0-9]*")
_LONGEST = 63
"""Characters: a Region is a label of host names (RFC 1035, 2.3.4)."""


def complaint(name: str, patterns: Iterable[str]) -> str | None:
    """Return what is wrong with the name of a Region and what would be right, None where nothing is.

    `patterns` are the regular expressions of all partitions. They take other cases and leading zeros too, which are
    second names of one Region; so are the names of FIPS endpoints.
    """
    patterns = tuple(patterns)
    if _is_region(name, patterns):
        return None
    said = f"{name[:_LONGEST]!r} is no Region"
    plain = name.strip().strip("\"'").lower()
    bare = re.sub(r"fips-|-fips", "", plain)
    if bare != plain:
        region = bare if _is_region(bare, patterns) else "its Region"
        return f"{said}: write {region}, and set AWS_USE_FIPS_ENDPOINT=true to use FIPS endpoints"
    return f"{said}: write {plain if _is_region(plain, patterns) else 'a code such as us-east-1'}"


def _is_region(name: str, patterns: tuple[str, ...]) -> bool:
    if len(name) > _LONGEST or "fips" in name or not _SHAPE.fullmatch(name):
        return False
    return any(re.match(pattern, name) for pattern in patterns)
