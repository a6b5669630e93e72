"""Globs in manifests, in which * matches any characters and ? matches one character."""

from __future__ import annotations

from fnmatch import fnmatchcase


def matches_glob(text: str, glob: str) -> bool:
    """Tell whether a text matches a glob of * and ?. A bracket is an ordinary character."""
    return fnmatchcase(text, glob.replace("[", "[[]"))
