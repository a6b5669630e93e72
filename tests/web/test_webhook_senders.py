"""Tests for webhook senders: a webhook counts only if its sender knows the secret and it is about the watched ref."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.web.webhook_senders import SENDERS, Push, UnreadableBody, matches_push

SECRET = b"of this controller"
BODY = b'{"ref": "refs/heads/main"}'


def sign(body: bytes, secret: bytes = SECRET) -> str:
    """Return the signature that GitHub sends with a body."""
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


PROOFS = {
    "github": {"x-hub-signature-256": sign(BODY)},
    "gitlab": {"x-gitlab-token": SECRET.decode()},
    "generic": {"x-signature-256": sign(BODY)},
}


@pytest.mark.parametrize("sender", SENDERS)
def test_valid_proof_is_accepted(sender: str) -> None:
    """Each sender accepts its kind of proof."""
    assert SENDERS[sender].verify(PROOFS[sender], BODY, SECRET)


@pytest.mark.parametrize("sender", SENDERS)
def test_invalid_proof_is_rejected(sender: str) -> None:
    """A sender rejects a missing proof, and one of another secret, body or sender."""
    verify = SENDERS[sender].verify
    assert not verify({}, BODY, SECRET)
    assert not verify(PROOFS[sender], BODY, b"another")
    assert not verify(dict.fromkeys(PROOFS[sender], ""), BODY, SECRET)
    for other in SENDERS.keys() - {sender}:
        assert not verify(PROOFS[other], BODY, SECRET)
    if sender != "gitlab":
        assert not verify(PROOFS[sender], BODY + b" ", SECRET)


@given(st.text(), st.binary())
@pytest.mark.parametrize("sender", SENDERS)
def test_any_header_value_can_be_compared(sender: str, header: str, body: bytes) -> None:
    """Any text in a header can be compared with the secret without an error."""
    value = header.encode("utf-8", "replace").decode()
    assert not SENDERS[sender].verify(dict.fromkeys(PROOFS[sender], value), body, SECRET)


def build_github_event(event: str, **payload: Any) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of an event from GitHub."""
    return {"x-github-event": event}, json.dumps(payload).encode()


@pytest.mark.parametrize(
    ("watched_ref", "ref", "is_match"),
    [
        ("main", "refs/heads/main", True),
        ("main", "refs/heads/topic/main", False),
        ("main", "refs/heads/mainly", False),
        ("v1", "refs/tags/v1", True),
        ("heads/main", "refs/heads/main", True),
        ("tags/v1", "refs/tags/v1", True),
        ("tags/v1", "refs/heads/v1", False),
        ("refs/heads/main", "refs/heads/main", True),
        ("refs/heads/main", "refs/tags/main", False),
        ("HEAD", "refs/heads/trunk", True),
        ("HEAD", "refs/heads/main", False),
        (None, "refs/heads/anything", True),
    ],
)
def test_only_pushes_to_the_watched_ref_match(watched_ref: str | None, ref: str, is_match: bool) -> None:
    """A push matches if it is to the watched branch, tag, full name or default branch, for GitHub and GitLab."""
    headers, body = build_github_event("push", ref=ref, repository={"default_branch": "trunk"})
    assert matches_push(SENDERS["github"], headers, body, watched_ref) is is_match
    payload = {"ref": ref, "project": {"default_branch": "trunk"}}
    for event in ("Push Hook", "Tag Push Hook"):
        gitlab_headers = {"x-gitlab-event": event}
        assert matches_push(SENDERS["gitlab"], gitlab_headers, json.dumps(payload).encode(), watched_ref) is is_match


def test_other_events_do_not_match() -> None:
    """Events that are not pushes do not match, such as the ping of GitHub and the comments of GitLab."""
    assert not matches_push(SENDERS["github"], *build_github_event("ping", zen="x"), None)
    assert not matches_push(SENDERS["gitlab"], {"x-gitlab-event": "Note Hook"}, b"{}", None)
    assert not matches_push(SENDERS["github"], {}, b"{}", None)


def test_generic_sender_may_omit_the_ref() -> None:
    """A generic webhook without a body or a ref matches, and one with a ref matches only the watched ref."""
    generic = SENDERS["generic"]
    assert matches_push(generic, {}, b"", "main")
    assert matches_push(generic, {}, b"{}", "main")
    assert matches_push(generic, {}, b'{"ref": "refs/heads/main"}', "main")
    assert not matches_push(generic, {}, b'{"ref": "refs/heads/other"}', "main")


def test_generic_sender_may_omit_the_default_branch() -> None:
    """If the default branch is watched, a generic webhook without it matches, because an extra poll costs little."""
    generic = SENDERS["generic"]
    assert matches_push(generic, {}, b'{"ref": "refs/heads/main"}', "HEAD")
    for branch, is_match in (("main", True), ("trunk", False)):
        body = json.dumps({"ref": "refs/heads/main", "repository": {"default_branch": branch}}).encode()
        assert matches_push(generic, {}, body, "HEAD") is is_match


def test_sender_may_read_another_payload() -> None:
    """A sender with its own payload, such as Bitbucket's, reads the push from it, and must not omit details."""

    def read_push(payload: Mapping[str, Any]) -> Push:
        return Push(tuple(f"refs/heads/{change['new']['name']}" for change in payload["push"]["changes"]), ())

    sender = replace(SENDERS["github"], event_header="x-event-key", push_events=("repo:push",), read_push=read_push)
    headers, body = {"x-event-key": "repo:push"}, b'{"push": {"changes": [{"new": {"name": "main"}}]}}'
    assert matches_push(sender, headers, body, "main")
    assert not matches_push(sender, headers, body, "other")
    assert not matches_push(sender, {"x-event-key": "repo:fork"}, body, "main")
    assert not matches_push(sender, headers, body, "HEAD")


def test_token_may_contain_non_ascii_characters() -> None:
    """A token with non-ASCII characters is compared by its bytes."""
    secret = "pässwort".encode()
    assert SENDERS["gitlab"].verify({"x-gitlab-token": secret.decode("latin-1")}, BODY, secret)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"main"', b"\xff", b"[" * 100_000])
def test_unreadable_body_raises_unreadable_body(body: bytes) -> None:
    """A body that is not a JSON object raises UnreadableBody, and no other error."""
    with pytest.raises(UnreadableBody):
        matches_push(SENDERS["github"], {"x-github-event": "push"}, body, "main")


@pytest.mark.parametrize(
    "payload", [{}, {"ref": None}, {"ref": ["refs/heads/main"]}, {"ref": {}}, {"ref": "x", "repository": []}]
)
@pytest.mark.parametrize("watched_ref", ["main", "HEAD"])
def test_push_with_a_malformed_payload_does_not_match(payload: dict[str, Any], watched_ref: str) -> None:
    """A push whose ref or repository has the wrong type does not match."""
    assert not matches_push(SENDERS["github"], *build_github_event("push", **payload), watched_ref)


@pytest.mark.parametrize(
    ("watched_ref", "ref", "is_match"),
    [
        ("main", "main", True), ("refs/heads/main", "main", True), ("HEAD", "main", True), ("v1", "v1", True),
        ("refs/tags/v1", "v1", True), ("refs/heads/main", "heads/main", True), ("refs/heads/a/b", "a/b", True),
        ("main", "topic", False), ("refs/heads/main", "mainly", False), ("refs/heads/main", "tags/main", False),
        ("refs/heads/main", "", False), ("main", "refs/heads/heads/main", False), ("a/b", "b", False),
    ],
)  # fmt: skip
def test_short_pushed_ref_matches_a_branch_or_a_tag(watched_ref: str, ref: str, is_match: bool) -> None:
    """As in git, a short name of a pushed ref matches a branch or a tag, for any form of the watched ref."""
    body = json.dumps({"ref": ref, "repository": {"default_branch": "main"}}).encode()
    assert matches_push(SENDERS["generic"], {}, body, watched_ref) is is_match


FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8", "x-github-event": "push"}


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/heads/other & more + ü"])
def test_github_form_is_read_from_its_payload_field(ref: str) -> None:
    """A form from GitHub, its default content type, is read from the `payload` field."""
    body = urlencode({"payload": json.dumps({"ref": ref})}).encode()
    assert matches_push(SENDERS["github"], FORM, body, "main") is (ref == "refs/heads/main")


def test_json_with_a_form_content_type_is_read() -> None:
    """JSON with the content type of a form is read, because curl sends it by default."""
    headers = {"content-type": FORM["content-type"]}
    assert matches_push(SENDERS["generic"], headers, b'{"ref": "main"}', "main")
    assert matches_push(SENDERS["generic"], headers, b"", "main")


@pytest.mark.parametrize(
    "body",
    [
        b"payload=",
        b"payload=%7B",
        b"payload=[]",
        b"payload={}&" + b"a=b&" * 20,
        b"payload=%ff",
        b"ref=main",
        b"other=1",
    ],
)
def test_unreadable_form_advises_the_json_content_type(body: bytes) -> None:
    """The error of an unreadable form advises to send the body as application/json."""
    with pytest.raises(UnreadableBody, match="send it as application/json"):
        matches_push(SENDERS["github"], FORM, body, "main")
