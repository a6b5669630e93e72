"""Validate names of Regions. Each has one spelling, because it is part of a journal's name."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PATTERN = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-[1-9][0-9]*")
_MAX_LENGTH = 63
"""Maximum length in characters: a Region is a label of host names (RFC 1035, 2.3.4)."""


def find_problem(name: str, patterns: Iterable[str]) -> str | None:
    """Return what is wrong with the name of a Region and what would be right, None where nothing is.

    `patterns` are the regular expressions of all partitions. They take other cases and leading zeros too, which are
    second names of one Region; so are the names of FIPS endpoints.
    """
    patterns = tuple(patterns)
    if _is_region(name, patterns):
        return None
    message = f"{name[:_MAX_LENGTH]!r} is no Region"
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
