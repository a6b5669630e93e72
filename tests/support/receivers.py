"""Receivers of notifications on this machine: a chat that accepts JSON over HTTP, and a mail server."""

from __future__ import annotations

import json
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from queue import Queue
from typing import Any, ClassVar

from support.http_servers import QuietHandler, create_server, serve


class ChatServer:
    """Receiver of the messages that apprise posts to `json://`. While `is_down`, it rejects them."""

    def __init__(self) -> None:
        self.messages: Queue[Any] = Queue()
        self.rejected_messages: Queue[Any] = Queue()
        self.is_down = False
        chat = self

        class ChatHandler(QuietHandler):
            def do_POST(self) -> None:  # noqa: N802 - the name is http.server's
                posted = self.read_body()
                (chat.rejected_messages if chat.is_down else chat.messages).put(json.loads(posted))
                self.send_response(503 if chat.is_down else 200)
                self.end_headers()

        self._server = create_server(ChatHandler)

    @property
    def port(self) -> int:
        """The port of the server."""
        return self._server.server_port

    @property
    def url(self) -> str:
        """The URL for apprise, with a secret in it."""
        return f"json://user:hunter2@127.0.0.1:{self.port}/s3cret"

    def wait_for_message(self) -> Any:
        """Wait for the next accepted message, and return it."""
        return self.messages.get(timeout=60)

    @contextmanager
    def serve(self) -> Iterator[ChatServer]:
        """Accept messages during the block."""
        with serve(self._server):
            yield self


class _SmtpHandler(socketserver.StreamRequestHandler):
    """The part of SMTP for a client without a login (RFC 5321)."""

    ANSWERS: ClassVar = {b"EHLO": b"250 here", b"DATA": b"354 go on", b"QUIT": b"221 bye"}

    def handle(self) -> None:
        """Accept mails until the client quits."""
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            verb = line[:4].upper()
            self.wfile.write(self.ANSWERS.get(verb, b"250 ok") + b"\r\n")
            if verb == b"DATA":
                lines = iter(self.rfile.readline, b".\r\n")
                mail = b"".join(each[1:] if each.startswith(b".") else each for each in lines)
                message = message_from_bytes(mail, policy=policy.default)
                assert isinstance(message, EmailMessage)
                self.server.mails.put(message)  # type: ignore[attr-defined]
                self.wfile.write(b"250 taken\r\n")
            if verb == b"QUIT":
                return


class MailServer(socketserver.ThreadingTCPServer):
    """Mail server."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _SmtpHandler)
        self.mails: Queue[EmailMessage] = Queue()

    @property
    def url(self) -> str:
        """The URL for apprise."""
        return (
            f"mailto://127.0.0.1:{self.server_address[1]}/?mode=insecure&from=reconcile@example.com&to=team@example.com"
        )

    def wait_for_mail(self) -> EmailMessage:
        """Wait for the next mail, and return it."""
        return self.mails.get(timeout=60)

    @contextmanager
    def serve(self) -> Iterator[MailServer]:
        """Accept mails during the block."""
        with serve(self):
            yield self
