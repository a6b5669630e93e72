"""Tells what is plainly the path of a folder from what was meant to be something else."""

from __future__ import annotations

import re

_QUOTES = "\"'`\u2018\u2019\u201c\u201d"
_PLACEHOLDER = re.compile(
    r"[$<>{}*?]|%[A-Z{(]|\A%|@\w+@|\A__[A-Z_]+__\Z|\A(?:null|none|nil|undefined)\Z", re.IGNORECASE
)
_URL_LIKE = re.compile(
    r"(?:\A|/)(?:s3|arn|file|https?):|://|\A[^/]*//|[;\\\uff1a]|%[0-9a-f]{2}|\.amazonaws\.com", re.IGNORECASE
)


def find_path_problem(path: str) -> str | None:
    """Return what is wrong with a path and what would be right, None where it is plainly one.

    A place in S3 that is mistyped would be a folder of its own otherwise, and so a journal that begins anew.
    """
    remedy = "write s3://bucket/prefix, or the path of a folder"
    if not path.strip():
        return f"is empty: {remedy}"
    if path != path.strip() or not path.isprintable():
        return f"has blanks at an end, or characters that cannot be seen: {remedy}"
    if path[0] in _QUOTES or path[-1] in _QUOTES:
        return f"has quotes around it, which are taken as part of it here: {remedy} without them"
    if path[0] == "~":
        return "is no place here, since nothing replaces '~': write the full path"
    if path[0] == "-":
        return f"is an option, and the value is missing: {remedy}"
    if _PLACEHOLDER.search(path):
        return f"has a variable or a pattern in it, which nothing replaces here: {remedy}"
    is_odd = not (path[0].isalnum() or path[0] in "./_") or (":" in path and not path.startswith("/"))
    if is_odd or _URL_LIKE.search(path):
        return f"is neither a place in S3 nor plainly a path: {remedy}"
    return None
