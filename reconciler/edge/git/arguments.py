"""Validate the repository, revision and path from the user before git receives them."""

from __future__ import annotations

import os
import re

from reconciler import redaction
from reconciler.core.errors import InvalidReference
from reconciler.core.text import sanitize

PROTOCOLS = ("file", "git", "http", "https", "ssh")
"""Git's own protocols. Any other scheme starts a program (`ext::`, or a git-remote-… on PATH)."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_MAX_LENGTH = 2000
_MEANINGS = {
    "--git-url": "the folder or URL of a repository",
    "--git-ref": "a branch, a tag or a commit",
    "--git-path": "a file or folder in the repository",
}
# https://git-scm.com/docs/git-check-ref-format. A leading dash is invalid too, because git reads it as an option.
_INVALID_REF = re.compile(r"-|/|@$|.*([\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|[/.]$)", re.DOTALL)


def redact_url(url: str) -> str:
    """Return a repository's URL or folder for display, sanitized and without credentials.

    The text before the last @ is removed, because users paste passwords into URLs without encoding them.
    """
    scheme = _SCHEME.match(url)
    start, last = scheme.end() if scheme else 0, url.rfind("@")
    if scheme and "?" in url[start : last + 1]:  # the @ may end a login or belong to the query
        return sanitize(f"{url[:start]}***")
    if last >= start and (scheme or ":" in url[:last]):
        url = f"{url[:start]}***{url[last:]}"
    path, separator, _ = url.partition("?")
    return sanitize(f"{path}?***" if separator and "://" in path else url)


def sanitize_output(text: str) -> str:
    """Return git's output for display: shortened, sanitized and without secrets."""
    message = redaction.redact(text)
    if len(message) > _MAX_LENGTH:
        message = f"{message[:_MAX_LENGTH].rpartition(' ')[0]} …"
    return sanitize(message)


def is_remote(url: str) -> bool:
    """Return whether git treats a repository as a URL instead of a folder. Raises InvalidReference if it is neither."""
    _check_argument(url, "repository", "--git-url")
    if url.startswith("-"):
        raise InvalidReference(
            f"the repository '{redact_url(url)}' begins with a dash: if it is a folder, write ./ before its name in "
            "--git-url"
        )
    helper = re.match(r"([A-Za-z0-9+.-]*)::", url)
    if helper:
        raise InvalidReference(
            f"repository '{redact_url(url)}': '{helper[1]}::' is not a protocol, but a program that git would start: "
            f"give --git-url a folder or a URL ({', '.join(PROTOCOLS)})"
        )
    scheme, separator, _ = url.partition("://")
    if separator and "/" not in scheme:
        if scheme not in PROTOCOLS:
            raise InvalidReference(
                f"the repository '{redact_url(url)}' has an unknown protocol: use one of {', '.join(PROTOCOLS)} in "
                "--git-url"
            )
        return True
    return ":" in url.partition("/")[0]  # host:path for ssh


def check_ref(ref: str) -> None:
    """Raise InvalidReference for text that is not a branch, tag or commit, such as git's patterns and ranges."""
    _check_argument(ref, "revision", "--git-ref")
    if _INVALID_REF.match(ref):
        raise InvalidReference(
            f"--git-ref '{sanitize(ref)}' is not a valid name: use a branch, a tag or the id of a commit"
        )


def normalise_path(path: str) -> str:
    """Return a path in a repository without dot parts and without a trailing slash. Raises InvalidReference."""
    _check_argument(path, "path", "--git-path")
    parts = path.removesuffix("/").split("/")
    if path.startswith(("/", ":")) or "" in parts or ".." in parts:
        raise InvalidReference(
            f"--git-path '{sanitize(path)}' must be relative to the top folder of the repository, such as "
            "manifests/team, without '..', empty parts or a leading colon; '.' is the whole repository"
        )
    return "/".join(part for part in parts if part != ".")


def _check_argument(text: str, what: str, option: str) -> None:
    """Raise InvalidReference for text that cannot be an argument of a program."""
    try:
        if text and b"\0" not in os.fsencode(text):
            return
    except UnicodeEncodeError:
        pass
    if not text:
        raise InvalidReference(f"{option} is empty: give it {_MEANINGS[option]}, or leave it out")
    raise InvalidReference(
        f"the {what} '{redact_url(text)}' contains a character that cannot be passed to a program: correct {option}"
    )
