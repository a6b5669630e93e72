"""Tests for webhooks over HTTP: the sender is verified before the body is parsed, and the response is immediate."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from support.sites import SECRET, Site
from web.test_webhook_senders import BODY, sign

from reconciler.web.webhooks import MAX_BODY_SIZE

PUSH = {"X-Hub-Signature-256": sign(BODY, SECRET), "X-GitHub-Event": "push"}


def test_push_triggers_a_source_check(site: Site) -> None:
    """A push returns 202 and triggers one poll of git."""
    response = site.post("/hooks/github", BODY, PUSH)
    assert (response.status, response.json, site.actions) == (202, {"message": "accepted: git is polled now"}, ["poll"])
    gitlab = {"X-Gitlab-Token": SECRET.decode(), "X-Gitlab-Event": "Push Hook"}
    assert site.post("/hooks/gitlab", BODY, gitlab).status == 202
    assert site.webhook_results == [("github", "accepted"), ("gitlab", "accepted")]


def test_generic_webhook_runs_all_targets(site: Site) -> None:
    """A generic webhook with a valid signature runs every target."""
    response = site.post("/hooks/generic", b"", {"X-Signature-256": sign(b"", SECRET)})
    assert (response.status, site.actions) == (202, ["run all"])


@pytest.mark.parametrize("sender", ["github", "gitlab", "generic"])
def test_webhook_without_proof_is_unauthorized(site: Site, sender: str) -> None:
    """A webhook without proof returns 401 for any body, because the body is not parsed."""
    for body in (BODY, b"{", b""):
        response = site.post(f"/hooks/{sender}", body, {"X-GitHub-Event": "push"})
        assert response.status == 401
        assert SECRET.decode() not in response.body.decode()
    assert site.actions == []
    assert set(site.webhook_results) == {(sender, "unauthorized")}


def test_push_to_another_ref_is_accepted_and_ignored(site: Site) -> None:
    """A push to another ref returns 202 and triggers nothing. Senders disable webhooks that return errors."""
    body = b'{"ref": "refs/heads/topic"}'
    response = site.post("/hooks/github", body, PUSH | {"X-Hub-Signature-256": sign(body, SECRET)})
    assert (response.status, site.actions, site.webhook_results) == (202, [], [("github", "ignored")])


def test_webhooks_are_disabled_without_a_secret(site: Site) -> None:
    """Without a secret, every webhook returns 404, even one signed with an empty secret."""
    site.secret = None
    headers = PUSH | {"X-Hub-Signature-256": sign(BODY, b""), "X-Gitlab-Token": ""}
    for sender in ("github", "gitlab", "generic"):
        response = site.post(f"/hooks/{sender}", BODY, headers)
        assert response.status == 404
        assert "set RECONCILER_WEBHOOK_SECRET or RECONCILER_WEBHOOK_SECRET_FILE" in response.body.decode()
    assert site.actions == []


@pytest.mark.parametrize("path", ["/hooks/", "/hooks/bitbucket", "/hooks/github/x"])
def test_unknown_webhook_paths_are_not_found(site: Site, path: str) -> None:
    """A webhook path of an unknown sender returns 404."""
    response = site.post(path, BODY, PUSH)
    assert response.status == 404
    if path == "/hooks/bitbucket":
        assert "use one of /hooks/github, /hooks/gitlab, /hooks/generic" in response.body.decode()
    assert site.get("/hooks/github").status == 405


def test_oversized_body_is_rejected_before_it_is_read(site: Site) -> None:
    """A body with too large a declared length returns 413 before the body arrives."""
    with site.connect() as connection:
        head = f"POST /hooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: {MAX_BODY_SIZE + 1}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(64).startswith(b"HTTP/1.1 413 ")
    assert site.webhook_results == [("github", "too-large")]


def test_oversized_body_without_a_length_is_rejected(site: Site) -> None:
    """A body without a declared length returns 413 once it exceeds the limit, and a body at the limit is read."""
    with site.connect() as connection:
        connection.sendall(b"POST /hooks/github HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        part = b"%x\r\n%s\r\n" % (MAX_BODY_SIZE // 2, b" " * (MAX_BODY_SIZE // 2))
        connection.sendall(part * 2 + b"1\r\n \r\n")
        assert connection.recv(64).startswith(b"HTTP/1.1 413 ")
    body = b" " * (MAX_BODY_SIZE - 2) + b"{}"
    headers = PUSH | {"X-Hub-Signature-256": sign(body, SECRET)}
    assert site.post("/hooks/github", body, headers).status == 202


def test_interrupted_body_is_counted_separately(site: Site) -> None:
    """An interrupted body is counted as broken-off and triggers nothing."""
    with site.connect() as connection:
        head = f"POST /hooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\n\r\n"
        connection.sendall(head.encode() + BODY[:-1])
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(64) == b""
    assert site.get("/healthz").status == 200  # a later request, so the result of the connection is recorded
    assert (site.webhook_results, site.actions) == ([("github", "broken-off")], [])


def test_unreadable_body_is_a_bad_request(site: Site) -> None:
    """An unreadable body with a valid signature returns 400 with a message."""
    headers = {"X-Hub-Signature-256": sign(b"{", SECRET), "Content-Type": "application/json"}
    response = site.post("/hooks/github", b"{", PUSH | headers)
    assert (response.status, response.json, site.actions) == (400, {"message": "the body is not JSON"}, [])


def test_form_signature_covers_the_raw_body(site: Site) -> None:
    """The signature of a form from GitHub covers the raw form, and not the JSON in it."""
    body = urlencode({"payload": BODY.decode()}).encode()
    headers = {"X-GitHub-Event": "push", "Content-Type": "application/x-www-form-urlencoded"}
    assert site.post("/hooks/github", body, headers | {"X-Hub-Signature-256": sign(BODY, SECRET)}).status == 401
    assert site.post("/hooks/github", body, headers | {"X-Hub-Signature-256": sign(body, SECRET)}).status == 202
    assert site.actions == ["poll"]


def test_burst_of_webhooks_gets_responses(site: Site) -> None:
    """A thousand webhooks on eight connections are all answered, and each triggers a poll."""
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: site.post("/hooks/github", BODY, PUSH).status, range(1000)))
    assert set(statuses) == {202}
    assert site.actions == ["poll"] * 1000
