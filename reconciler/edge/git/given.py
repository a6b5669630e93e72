"""Checks what a person gave, a repository, a revision and a path, before git sees any of it."""

from __future__ import annotations

import os
import re

from reconciler.core.errors import GitError
from reconciler.core.harmless import harmless

PROTOCOLS = ("file", "git", "http", "https", "ssh")
"""Those that git itself speaks; its others are programs that a URL starts (`ext::`, and any git-remote-… on PATH)."""

_CREDENTIALS = re.compile(r"(?<=://)\S*@|(?<![^\s'\"])[^\s'\":/@]+:[^\s/@]+@")
_QUERY = re.compile(r"(://[^\s?]*)\?[^\s']*")
# https://git-scm.com/docs/git-check-ref-format, and no dash in front
_NO_REF = re.compile(r"-|/|@$|.*([\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|[/.]$)", re.DOTALL)


def shown(text: str) -> str:
    """Return a URL, or what git says of one, fit to be shown: harmless, and without credentials.

    All up to the last @ is left out: passwords with a slash in them are pasted into URLs as they are.
    """
    return harmless(_QUERY.sub(r"\1?***", _CREDENTIALS.sub("***@", text)))


def is_remote(url: str) -> bool:
    """Tell a repository behind a URL from one in a folder, as git does. Raises GitError for what is neither."""
    _check(url, "repository")
    if url.startswith("-"):
        raise GitError(f"repository '{shown(url)}': begins with a dash: write ./ before the name of a folder")
    helper = re.match(r"([A-Za-z0-9+.-]*)::", url)
    if helper:
        raise GitError(
            f"repository '{shown(url)}': '{helper[1]}::' is a program that git would start, not a protocol: "
            f"use a folder or a URL ({', '.join(PROTOCOLS)})"
        )
    scheme, separator, _ = url.partition("://")
    if separator and "/" not in scheme:
        if scheme not in PROTOCOLS:
            raise GitError(f"repository '{shown(url)}': unknown protocol: use one of {', '.join(PROTOCOLS)}")
        return True
    return ":" in url.partition("/")[0]  # host:path, to ssh


def check_ref(ref: str) -> None:
    """Refuse what is not the name of a branch, a tag or a commit, patterns and pairs of git's above all."""
    _check(ref, "revision")
    if _NO_REF.match(ref):
        raise GitError(f"revision '{harmless(ref)}': is no name of a branch or a tag, and no id of a commit")


def folder(path: str) -> str:
    """Return a path within a repository without dots and slashes at its ends, "" for all of it. Raises GitError."""
    _check(path, "path")
    parts = path.removesuffix("/").split("/")
    if path.startswith(("/", ":")) or "" in parts or ".." in parts:
        raise GitError(
            f"path '{harmless(path)}': write it as from the top folder of the repository (manifests/team), "
            "without .., empty parts and a colon in front; a dot alone is all of it"
        )
    return "/".join(part for part in parts if part != ".")


def _check(text: str, what: str) -> None:
    """Refuse what cannot be an argument of any program."""
    try:
        if text and b"\0" not in os.fsencode(text):
            return
    except UnicodeEncodeError:
        pass
    raise GitError(f"{what} '{shown(text)}': is {'no text that a program can be given' if text else 'empty'}")
