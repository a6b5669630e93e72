"""Whether a webhook comes from who knows the secret, and whether it is about the branch that is watched. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

HEADS, TAGS = "refs/heads/", "refs/tags/"
_FORM, _FIELD, _MOST_FIELDS = "application/x-www-form-urlencoded", b"payload=", 10


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


class Unreadable(ValueError):
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
    payload = _payload(headers, body)
    pushed = payload.get("ref")
    if watched is None or (pushed is None and sender.event is None):
        return True
    names = _names(watched, payload)
    return any(name in names for name in _spelt(pushed)) or (not names and sender.event is None)


def _payload(headers: Mapping[str, str], body: bytes) -> Mapping[str, Any]:
    """Return what a body says: JSON, or a form with it in `payload`, as GitHub sends unless told otherwise.

    The content type alone proves nothing: curl says of all data that it is a form. Raises Unreadable.
    """
    is_form = headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM
    hint = ": send it as application/json" if is_form else ""
    try:
        if is_form and body.startswith(_FIELD):
            body = parse_qs(body, keep_blank_values=True, max_num_fields=_MOST_FIELDS)[b"payload"][0]
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"the body is no JSON{hint}") from error
    if not isinstance(payload, dict):
        raise Unreadable(f"the body is no JSON object{hint}")
    return payload


def _spelt(pushed: object) -> tuple[str, ...]:
    """Return what a ref may be called in full: as git does, a short name may be that of a branch or of a tag."""
    if not isinstance(pushed, str):
        return ()
    return (pushed,) if pushed.startswith("refs/") else (f"{HEADS}{pushed}", f"{TAGS}{pushed}", f"refs/{pushed}")


def _names(watched: str, payload: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the full names of refs that count."""
    if watched == "HEAD":
        repository = payload.get("repository")
        project = payload.get("project")
        branches = [each.get("default_branch") for each in (repository, project) if isinstance(each, dict)]
        return tuple(f"{HEADS}{branch}" for branch in branches if branch)
    if watched.startswith("refs/"):
        return (watched,)
    return (f"{HEADS}{watched}", f"{TAGS}{watched}", f"refs/{watched}")
