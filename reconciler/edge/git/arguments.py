"""Checks what a person gave, a repository, a revision and a path, before git sees any of it."""

from __future__ import annotations

import os
import re

from reconciler import redaction
from reconciler.core.errors import InvalidReference
from reconciler.core.text import sanitize

PROTOCOLS = ("file", "git", "http", "https", "ssh")
"""Those that git itself speaks; its others are programs that a URL starts (`ext::`, and any git-remote-… on PATH)."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_MAX_LENGTH = 2000
# https://git-scm.com/docs/git-check-ref-format, and no dash in front
_INVALID_REF = re.compile(r"-|/|@$|.*([\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|[/.]$)", re.DOTALL)


def redact_url(url: str) -> str:
    """Return the repository that was given fit to be shown: harmless, and without credentials.

    All up to the last @ is left out, whatever it is: passwords are pasted into URLs as they are.
    """
    scheme = _SCHEME.match(url)
    start, last = scheme.end() if scheme else 0, url.rfind("@")
    if scheme and "?" in url[start : last + 1]:  # nobody knows whether the @ ends a login, or is part of the query
        return sanitize(f"{url[:start]}***")
    if last >= start and (scheme or ":" in url[:last]):
        url = f"{url[:start]}***{url[last:]}"
    path, separator, _ = url.partition("?")
    return sanitize(f"{path}?***" if separator and "://" in path else url)


def sanitize_output(text: str) -> str:
    """Return what git says fit to be shown: harmless, without secrets, and not without end."""
    message = redaction.redact(text)
    if len(message) > _MAX_LENGTH:
        message = f"{message[:_MAX_LENGTH].rpartition(' ')[0]} …"
    return sanitize(message)


def is_remote(url: str) -> bool:
    """Tell a repository behind a URL from one in a folder, as git does. Raises InvalidReference for what is neither."""
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
    """Refuse what is not the name of a branch, a tag or a commit, patterns and pairs of git's above all."""
    _check_argument(ref, "revision")
    if _INVALID_REF.match(ref):
        raise InvalidReference(f"revision '{sanitize(ref)}': is no name of a branch or a tag, and no id of a commit")


def normalise_path(path: str) -> str:
    """Return a path within a repository without dots and slashes at its ends. Raises InvalidReference."""
    _check_argument(path, "path")
    parts = path.removesuffix("/").split("/")
    if path.startswith(("/", ":")) or "" in parts or ".." in parts:
        raise InvalidReference(
            f"path '{sanitize(path)}': write it as from the top folder of the repository (manifests/team), "
            "without .., empty parts and a colon in front; a dot alone is all of it"
        )
    return "/".join(part for part in parts if part != ".")


def _check_argument(text: str, what: str) -> None:
    """Refuse what cannot be an argument of any program."""
    try:
        if text and b"\0" not in os.fsencode(text):
            return
    except UnicodeEncodeError:
        pass
    raise InvalidReference(
        f"{what} '{redact_url(text)}': is {'no text that a program can be given' if text else 'empty'}"
    )
