"""Verify the sender of a webhook, and decide whether the webhook is a push to the watched ref. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

HEADS, TAGS = "refs/heads/", "refs/tags/"
_FORM_TYPE, _PAYLOAD_FIELD, _MAX_FIELDS = "application/x-www-form-urlencoded", b"payload=", 10


@dataclass(frozen=True, slots=True)
class Push:
    """A push in the payload of a webhook: the pushed refs, and the default branches of the repository, if known."""

    refs: tuple[str, ...]
    default_branches: tuple[str, ...]


def _read_push(payload: Mapping[str, Any]) -> Push:
    """Return the push in a payload of GitHub or GitLab: one ref, and the default branch of the repository."""
    ref, places = payload.get("ref"), (payload.get("repository"), payload.get("project"))
    branches = [place.get("default_branch") for place in places if isinstance(place, dict)]
    return Push((ref,) if isinstance(ref, str) else (), tuple(str(branch) for branch in branches if branch))


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """A kind of webhook sender.

    `verify` takes headers, body and secret, and tells whether the sender knows the secret. `event_header` names the
    header with the event, and `push_events` lists the events that are pushes. `read_push` returns the push in a
    payload. A webhook of a sender that `may_omit_details` needs neither event, body, ref nor default branch, and
    starts a run of every target.
    """

    verify: Callable[[Mapping[str, str], bytes, bytes], bool]
    event_header: str | None = None
    push_events: tuple[str, ...] = ()
    read_push: Callable[[Mapping[str, Any]], Push] = _read_push
    may_omit_details: bool = False


def _build_hmac_check(header: str) -> Callable[[Mapping[str, str], bytes, bytes], bool]:
    """Return a check of a header with `sha256=` and the hexadecimal HMAC of the body (RFC 2104), in constant time."""

    def verify(headers: Mapping[str, str], body: bytes, secret: bytes) -> bool:
        expected = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(headers.get(header, "").encode(), expected.encode())

    return verify


def _verify_token(headers: Mapping[str, str], _: bytes, secret: bytes) -> bool:
    """Compare the token header with the secret in constant time. Starlette decodes header bytes as Latin-1."""
    return hmac.compare_digest(headers.get("x-gitlab-token", "").encode("latin-1", "backslashreplace"), secret)


SENDERS: Mapping[str, WebhookSender] = {
    # docs.github.com, "Validating webhook deliveries"; docs.gitlab.com, "Webhooks"
    "github": WebhookSender(_build_hmac_check("x-hub-signature-256"), "x-github-event", ("push",)),
    "gitlab": WebhookSender(_verify_token, "x-gitlab-event", ("Push Hook", "Tag Push Hook")),
    "generic": WebhookSender(_build_hmac_check("x-signature-256"), may_omit_details=True),
}


class UnreadableBody(ValueError):
    """The body of a webhook is not a JSON object."""


def matches_push(sender: WebhookSender, headers: Mapping[str, str], body: bytes, watched_ref: str | None) -> bool:
    """Tell whether a webhook is a push to the watched ref. Raises UnreadableBody.

    `watched_ref` is a branch, a tag, a full name in `refs/`, HEAD for the default branch of the repository, or None for
    every ref. If the sender may omit details:

    - A webhook without a body or a ref matches every watched ref.
    - A webhook without the default branch matches HEAD.
    """
    if sender.event_header and headers.get(sender.event_header) not in sender.push_events:
        return False
    if not body.strip() and sender.may_omit_details:
        return True
    payload = _parse_payload(headers, body)
    push = sender.read_push(payload)
    if watched_ref is None or (payload.get("ref") is None and sender.may_omit_details):
        return True
    names = _list_watched_names(watched_ref, push)
    pushed_names = (name for ref in push.refs for name in _list_full_names(ref))
    return any(name in names for name in pushed_names) or (not names and sender.may_omit_details)


def _parse_payload(headers: Mapping[str, str], body: bytes) -> Mapping[str, Any]:
    """Return the JSON object in a body, or in the `payload` field of a form. Raises UnreadableBody.

    GitHub sends a form by default. The content type is not enough to recognise a form, because curl labels every body
    as a form by default.
    """
    is_form = headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM_TYPE
    hint = ": send it as application/json" if is_form else ""
    try:
        if is_form and body.startswith(_PAYLOAD_FIELD):
            body = parse_qs(body, keep_blank_values=True, max_num_fields=_MAX_FIELDS)[b"payload"][0]
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableBody(f"the body is not JSON{hint}") from error
    if not isinstance(payload, dict):
        raise UnreadableBody(f"the body is not a JSON object{hint}")
    return payload


def _list_full_names(ref: str) -> tuple[str, ...]:
    """Return the possible full names of a ref. As in git, a short name may mean a branch or a tag."""
    return (ref,) if ref.startswith("refs/") else (f"{HEADS}{ref}", f"{TAGS}{ref}", f"refs/{ref}")


def _list_watched_names(watched_ref: str, push: Push) -> tuple[str, ...]:
    """Return the possible full names of the watched ref. HEAD stands for the default branch."""
    if watched_ref == "HEAD":
        return tuple(f"{HEADS}{branch}" for branch in push.default_branches)
    return _list_full_names(watched_ref)
