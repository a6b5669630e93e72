"""Simulate GitHub's REST API over HTTP on this machine: comments of a pull request, and heads of branches."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from support.http_servers import QuietHandler, create_server, serve

TOKEN = "ghs_of-this-job"
MAX_BODY_LENGTH = 65_536


@dataclass(slots=True)
class Comments:
    """The comments of pull request 7 of corp/exports.

    `is_read_only` refuses writes. `get_head` returns the commit of a branch, or "". `invalid_response` replaces every
    response: it is a body and the value of Content-Length.
    """

    url: str
    items: list[dict[str, Any]] = field(default_factory=list)
    is_read_only: bool = False
    is_broken: bool = False
    get_head: Callable[[str], str] = lambda _: ""
    invalid_response: tuple[bytes, int] | None = None

    def add(self, author: str, body: str) -> int:
        """Add a comment, and return its number."""
        kind = "Bot" if author.endswith("[bot]") else "User"
        self.items.append({"id": len(self.items) + 1, "user": {"login": author, "type": kind}, "body": body})
        return len(self.items)

    def respond(self, method: str, path: str, token: str | None, content: Any) -> tuple[int, Any]:
        """Return the status and the content of a response."""
        address = urlsplit(path)
        is_collection = address.path == "/repos/corp/exports/issues/7/comments"
        branch = address.path.partition("/repos/corp/exports/git/ref/heads/")[2]
        item = re.fullmatch(r"/repos/corp/exports/issues/comments/(\d+)", address.path)
        if self.is_broken or token != f"Bearer {TOKEN}":
            return (502, {"message": "Server Error"}) if self.is_broken else (401, {"message": "Bad credentials"})
        if method == "GET" and branch:
            return self._get_ref(unquote(branch))
        if method == "GET" and is_collection:
            query = parse_qs(address.query)
            size, page = int(query.get("per_page", ["30"])[0]), int(query.get("page", ["1"])[0])
            return 200, self.items[(page - 1) * size : page * size]
        if self.is_read_only:
            return 403, {"message": "Resource not accessible by integration"}
        if len(content["body"]) > MAX_BODY_LENGTH:
            return 422, {"message": "body is too long (maximum is 65536 characters)"}
        if method == "POST" and is_collection:
            return 201, self.items[self.add("github-actions[bot]", content["body"]) - 1]
        if method == "PATCH" and item:
            self.items[int(item[1]) - 1]["body"] = content["body"]
            return 200, self.items[int(item[1]) - 1]
        return 404, {"message": "Not Found"}

    def _get_ref(self, branch: str) -> tuple[int, Any]:
        sha = self.get_head(branch)
        return (200, {"object": {"type": "commit", "sha": sha}}) if sha else (404, {"message": "Not Found"})


@contextmanager
def serve_comments() -> Iterator[Comments]:
    """Serve comments during the `with` block."""

    class CommentsHandler(QuietHandler):
        def respond(self) -> None:
            content = json.loads(self.read_body() or "null")
            status, document = comments.respond(self.command, self.path, self.headers.get("Authorization"), content)
            body = json.dumps(document).encode()
            body, length = comments.invalid_response or (body, len(body))
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = respond  # noqa: N815 - http.server requires these names

    server = create_server(CommentsHandler)
    comments = Comments(f"http://127.0.0.1:{server.server_port}")
    with serve(server):
        yield comments
