"""Reject locations that may be something other than the path of a folder, such as a mistyped S3 URL."""

from __future__ import annotations

import re

_QUOTES = "\"'`\u2018\u2019\u201c\u201d"
# Texts, because only a run with --state compiles these patterns.
_PLACEHOLDER = r"[$<>{}*?]|%[A-Z{(]|\A%|@\w+@|\A__[A-Z_]+__\Z|\A(?:null|none|nil|undefined)\Z"
_URL_LIKE = r"(?:\A|/)(?:s3|arn|file|https?):|://|\A[^/]*//|[;\\\uff1a]|%[0-9a-f]{2}|\.amazonaws\.com"


def find_path_problem(path: str) -> str | None:
    """Return the problem with a path and its remedy, or None if the text is clearly the path of a folder.

    Without this check, a mistyped S3 URL would become a new folder with a new, empty journal.
    """
    remedy = "write s3://bucket/prefix, or the path of a folder"
    if not path.strip():
        return f"is empty: {remedy}"
    if path != path.strip() or not path.isprintable():
        return f"begins or ends with a blank, or contains invisible characters: {remedy}"
    if path[0] in _QUOTES or path[-1] in _QUOTES:
        return f"begins or ends with a quote, which counts as part of the value: {remedy}, without quotes"
    if path[0] == "~":
        return "begins with '~', which is not expanded here: write the full path"
    if path[0] == "-":
        return f"is an option instead of a value: {remedy}"
    if re.search(_PLACEHOLDER, path, re.IGNORECASE):
        return f"contains a variable or a pattern, which is not expanded here: {remedy}"
    is_odd = not (path[0].isalnum() or path[0] in "./_") or (":" in path and not path.startswith("/"))
    if is_odd or re.search(_URL_LIKE, path, re.IGNORECASE):
        return f"is neither an S3 URL nor clearly a path: {remedy}"
    return None
