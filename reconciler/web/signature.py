"""Whether a webhook comes from who knows the secret, and whether it is about the branch that is watched. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

HEADS, TAGS = "refs/heads/", "refs/tags/"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends webhooks: how they prove that they know the secret, and what they call a push."""

    proves: Callable[[Mapping[str, str], bytes, bytes], bool]
    event: str | None = None
    pushes: tuple[str, ...] = ()


def _signed(header: str) -> Callable[[Mapping[str, str], bytes, bytes], bool]:
    """Return the check of `sha256=` and the HMAC of the body in hexadecimal (RFC 2104), in constant time."""

    def proves(headers: Mapping[str, str], body: bytes, secret: bytes) -> bool:
        wanted = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(headers.get(header, "").encode(), wanted.encode())

    return proves


def _token(headers: Mapping[str, str], _: bytes, secret: bytes) -> bool:
    """Compare a header with the secret itself, in constant time. Headers are bytes that were read as Latin-1."""
    return hmac.compare_digest(headers.get("x-gitlab-token", "").encode("latin-1", "backslashreplace"), secret)


SENDERS: Mapping[str, Sender] = {
    # docs.github.com, "Validating webhook deliveries"; docs.gitlab.com, "Webhooks"
    "github": Sender(_signed("x-hub-signature-256"), "x-github-event", ("push",)),
    "gitlab": Sender(_token, "x-gitlab-event", ("Push Hook", "Tag Push Hook")),
    "generic": Sender(_signed("x-signature-256")),
}


class Unreadable(ValueError):  # noqa: N818 - named for what it found
    """The body is no JSON object."""


def concerns(sender: Sender, headers: Mapping[str, str], body: bytes, watched: str | None) -> bool:
    """Tell whether a webhook is a push to what is watched. Raises Unreadable.

    `watched` is a branch, a tag, `refs/…`, HEAD for the repository's default branch, or None for all. A body without a
    ref, which only the generic sender may send, is about all. So is one of its with a ref where only the default branch
    counts and the body does not name it.
    """
    if sender.event and headers.get(sender.event) not in sender.pushes:
        return False
    if not body.strip() and sender.event is None:
        return True
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable("the body is no JSON") from error
    if not isinstance(payload, dict):
        raise Unreadable("the body is no JSON object")
    pushed = payload.get("ref")
    if watched is None or (pushed is None and sender.event is None):
        return True
    names = _names(watched, payload)
    return pushed in names or (not names and sender.event is None)


def _names(watched: str, payload: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the full names of refs that count."""
    if watched == "HEAD":
        repository = payload.get("repository")
        project = payload.get("project")
        branches = [each.get("default_branch") for each in (repository, project) if isinstance(each, dict)]
        return tuple(f"{HEADS}{branch}" for branch in branches if branch)
    if watched.startswith("refs/"):
        return (watched,)
    return (f"{HEADS}{watched}", f"{TAGS}{watched}", f"refs/{watched}", watched)
