"""Validate the repository, revision and path that a user gave, before git receives them."""

from __future__ import annotations

import os
import re

from reconciler import redaction
from reconciler.core.errors import InvalidReference
from reconciler.core.text import sanitize

PROTOCOLS = ("file", "git", "http", "https", "ssh")
"""Git's own protocols. Its other schemes start programs (`ext::`, and each git-remote-… on PATH)."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_MAX_LENGTH = 2000
# https://git-scm.com/docs/git-check-ref-format, and no leading dash
_INVALID_REF = re.compile(r"-|/|@$|.*([\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|[/.]$)", re.DOTALL)


def redact_url(url: str) -> str:
    """Return a repository's URL or folder for display, sanitized and without credentials.

    The text before the last @ is removed, because users paste passwords into URLs without encoding them.
    """
    scheme = _SCHEME.match(url)
    start, last = scheme.end() if scheme else 0, url.rfind("@")
    if scheme and "?" in url[start : last + 1]:  # the @ may end a login or be part of the query
        return sanitize(f"{url[:start]}***")
    if last >= start and (scheme or ":" in url[:last]):
        url = f"{url[:start]}***{url[last:]}"
    path, separator, _ = url.partition("?")
    return sanitize(f"{path}?***" if separator and "://" in path else url)


def sanitize_output(text: str) -> str:
    """Return git's output for display, sanitized, without secrets, and shortened."""
    message = redaction.redact(text)
    if len(message) > _MAX_LENGTH:
        message = f"{message[:_MAX_LENGTH].rpartition(' ')[0]} …"
    return sanitize(message)


def is_remote(url: str) -> bool:
    """Return whether git would treat a repository as a URL, not a folder. Raises InvalidReference if it is neither."""
    _check_argument(url, "repository")
    if url.startswith("-"):
        raise InvalidReference(
            f"repository '{redact_url(url)}': begins with a dash: write ./ before the name of a folder"
        )
    helper = re.match(r"([A-Za-z0-9+.-]*)::", url)
    if helper:
        raise InvalidReference(
            f"repository '{redact_url(url)}': '{helper[1]}::' is a program that git would start, not a protocol: "
            f"use a folder or a URL ({', '.join(PROTOCOLS)})"
        )
    scheme, separator, _ = url.partition("://")
    if separator and "/" not in scheme:
        if scheme not in PROTOCOLS:
            raise InvalidReference(
                f"repository '{redact_url(url)}': unknown protocol: use one of {', '.join(PROTOCOLS)}"
            )
        return True
    return ":" in url.partition("/")[0]  # host:path, to ssh


def check_ref(ref: str) -> None:
    """Reject text that is not a branch, tag or commit, such as git's patterns and ranges. Raises InvalidReference."""
    _check_argument(ref, "revision")
    if _INVALID_REF.match(ref):
        raise InvalidReference(f"revision '{sanitize(ref)}': is no name of a branch or a tag, and no id of a commit")


def normalise_path(path: str) -> str:
    """Return a path in a repository without dot parts and trailing slash. Raises InvalidReference."""
    _check_argument(path, "path")
    parts = path.removesuffix("/").split("/")
    if path.startswith(("/", ":")) or "" in parts or ".." in parts:
        raise InvalidReference(
            f"path '{sanitize(path)}': write it as from the top folder of the repository (manifests/team), "
            "without .., empty parts and a colon in front; a dot alone is all of it"
        )
    return "/".join(part for part in parts if part != ".")


def _check_argument(text: str, what: str) -> None:
    """Reject text that cannot be a program's argument. Raises InvalidReference."""
    try:
        if text and b"\0" not in os.fsencode(text):
            return
    except UnicodeEncodeError:
        pass
    raise InvalidReference(
        f"{what} '{redact_url(text)}': is {'no text that a program can be given' if text else 'empty'}"
    )
