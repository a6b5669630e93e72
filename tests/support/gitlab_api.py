"""Simulate GitLab's REST API over HTTP on this machine: the notes of a merge request."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.http_servers import QuietHandler, create_server, serve

TOKEN = "project-access-token"
OWN_ID, OTHER_ID = 5, 6
MAX_BODY_LENGTH = 1_000_000
_NOTES = "/api/v4/projects/42/merge_requests/7/notes"


@dataclass(slots=True)
class Notes:
    """The notes of merge request 7 of project 42.

    `is_read_only` refuses writes. `invalid_response` replaces every response.
    """

    url: str
    items: list[dict[str, Any]] = field(default_factory=list)
    is_read_only: bool = False
    invalid_response: bytes | None = None

    def add(self, author_id: int, body: str) -> int:
        """Add a note, and return its number."""
        self.items.append({"id": len(self.items) + 1, "author": {"id": author_id}, "body": body})
        return len(self.items)

    def respond(self, method: str, path: str, token: str | None, content: Any) -> tuple[int, Any]:
        """Return the status and the content of a response."""
        address = urlsplit(path)
        note = re.fullmatch(rf"{_NOTES}/(\d+)", address.path)
        if token != TOKEN:
            return 401, {"message": "401 Unauthorized"}
        if method == "GET" and address.path == "/api/v4/user":
            return 200, {"id": OWN_ID}
        if method == "GET" and address.path == _NOTES:
            query = parse_qs(address.query)
            size, page = int(query.get("per_page", ["20"])[0]), int(query.get("page", ["1"])[0])
            return 200, self.items[(page - 1) * size : page * size]
        if self.is_read_only:
            return 403, {"message": "403 Forbidden"}
        if len(content["body"]) > MAX_BODY_LENGTH:
            return 400, {"message": "Note is too long (maximum is 1000000 characters)"}
        if method == "POST" and address.path == _NOTES:
            return 201, self.items[self.add(OWN_ID, content["body"]) - 1]
        if method == "PUT" and note and self.items[int(note[1]) - 1]["author"]["id"] == OWN_ID:
            self.items[int(note[1]) - 1]["body"] = content["body"]
            return 200, self.items[int(note[1]) - 1]
        return 404, {"message": "404 Not found"}


@contextmanager
def serve_notes() -> Iterator[Notes]:
    """Serve notes during the `with` block."""

    class NotesHandler(QuietHandler):
        def respond(self) -> None:
            content = json.loads(self.read_body() or "null")
            status, document = notes.respond(self.command, self.path, self.headers.get("PRIVATE-TOKEN"), content)
            body = json.dumps(document).encode() if notes.invalid_response is None else notes.invalid_response
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = respond  # noqa: N815 - http.server requires these names

    server = create_server(NotesHandler)
    notes = Notes(f"http://127.0.0.1:{server.server_port}/api/v4")
    with serve(server):
        yield notes
