"""Validate names of Regions. Each Region has one valid spelling, because the name of a journal contains it."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PATTERN = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-[1-9][0-9]*")
_MAX_LENGTH = 63
"""Maximum length in characters, because a Region is a label in host names (RFC 1035, 2.3.4)."""


def find_region_problem(name: str, patterns: Iterable[str]) -> str | None:
    """Return the problem with the name of a Region and its correction, or None if the name is valid.

    `patterns` are the regular expressions of the AWS partitions. They also match other spellings of a Region, with
    capitals or leading zeros. These spellings and the names of FIPS endpoints are invalid here.
    """
    patterns = tuple(patterns)
    if _is_region(name, patterns):
        return None
    message = f"{name[:_MAX_LENGTH]!r} is not a Region"
    lower_name = name.strip().strip("\"'").lower()
    name_without_fips = re.sub(r"fips-|-fips", "", lower_name)
    if name_without_fips != lower_name:
        region = name_without_fips if _is_region(name_without_fips, patterns) else "its Region"
        return f"{message}: write {region}, and set AWS_USE_FIPS_ENDPOINT=true to use FIPS endpoints"
    return f"{message}: write {lower_name if _is_region(lower_name, patterns) else 'a code such as us-east-1'}"


def _is_region(name: str, patterns: tuple[str, ...]) -> bool:
    if len(name) > _MAX_LENGTH or "fips" in name or not _PATTERN.fullmatch(name):
        return False
    return any(re.match(pattern, name) for pattern in patterns)
