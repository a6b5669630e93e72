"""Real git repositories, and a server for them on loopback that accepts one login."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support import http_servers
from support.http_servers import QuietHandler, create_server

from reconciler.core.errors import GitError, InvalidReference, Problem
from reconciler.core.manifests.files import File
from reconciler.edge import git as edge
from reconciler.edge.git import RepositoryAccess

GIT = {
    "PATH": os.pathsep.join((str(Path(shutil.which("git") or "/usr/bin/git").parent), os.defpath)),
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Author",
    "GIT_AUTHOR_EMAIL": "author@example.com",
    "GIT_COMMITTER_NAME": "Author",
    "GIT_COMMITTER_EMAIL": "author@example.com",
}
FILES = {"manifests/b.yaml": "b", "manifests/a/a.json": "a", "manifests/a.yml": "{}", "README.md": "r"}


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository with a work tree, and the environment of its git processes, without the user's configuration."""

    folder: Path
    environment: dict[str, str]

    @property
    def url(self) -> str:
        """The URL from which git fetches."""
        return f"file://{self.folder}"

    def run_git(self, *arguments: str, stdin: str | bytes = "") -> str:
        """Run git in the repository, and return its output."""
        stdin_bytes = stdin.encode() if isinstance(stdin, str) else stdin
        process = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=self.environment,
            check=True,
            capture_output=True,
            input=stdin_bytes,
        )
        return process.stdout.decode().strip()

    def commit(self, files: Mapping[str, str]) -> str:
        """Commit files by name, and return the id of the commit."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        self.run_git("add", "--all")
        return self.commit_index()

    def commit_index(self) -> str:
        """Commit the index, and return the id of the commit."""
        self.run_git("commit", "--quiet", "--allow-empty", "--message", "Change manifests")
        return self.run_git("rev-parse", "HEAD")

    def store_blob(self, content: str | bytes) -> str:
        """Store a blob, and return its id."""
        return self.run_git("hash-object", "-w", "--stdin", stdin=content)

    def commit_entries(self, *entries: tuple[str, str, str | bytes]) -> str:
        """Commit entries (mode, id, path), even those that no work tree can hold. Return the id of the commit."""
        lines = (b"%s %s\t%s" % (mode.encode(), oid.encode(), os.fsencode(path)) for mode, oid, path in entries)
        self.run_git("update-index", "-z", "--index-info", stdin=b"\0".join(lines) + b"\0")
        return self.commit_index()

    def read(self, ref: str = "HEAD", path: str = "manifests", url: str = "") -> tuple[str, tuple[File | Problem, ...]]:
        """Read the manifests of a revision, in place or from a URL."""
        return fetch_manifests(url or str(self.folder), ref, path, self.environment)

    def read_names(self, ref: str = "HEAD", path: str = "manifests", url: str = "") -> list[str]:
        """Return the names of the files in a revision."""
        return [file.name for file in self.read(ref, path, url)[1] if isinstance(file, File)]

    def read_problems(self, path: str = "manifests") -> dict[str, str]:
        """Return the problems of a revision, by file."""
        return {problem.file: problem.message for problem in self.read(path=path)[1] if isinstance(problem, Problem)}

    def expect_failure(self, ref: str = "HEAD", path: str = "manifests", url: str = "") -> str:
        """Return the message, on one line, of a read that fails."""
        return expect_read_failure(url or str(self.folder), ref, path, self.environment)

    def expect_invalid_reference(self, ref: str = "HEAD", path: str = "manifests", url: str = "") -> str:
        """Return the message, on one line, of a read that fails because of an invalid reference."""
        with pytest.raises(InvalidReference):
            self.read(ref, path, url)
        return self.expect_failure(ref, path, url)


def fetch_manifests(
    url: str, ref: str, path: str, environment: Mapping[str, str], **settings: Any
) -> tuple[str, tuple[File | Problem, ...]]:
    """Read the manifests of a revision."""
    return edge.read_revision(RepositoryAccess(url, ref, environment, **settings), path)


def expect_read_failure(url: str, ref: str, path: str, environment: Mapping[str, str], seconds: float = 60) -> str:
    """Return the message, on one line, of a read that fails."""
    with pytest.raises(GitError) as error:
        fetch_manifests(url, ref, path, environment, timeout_seconds=seconds)
    text = str(error.value)
    assert text.isprintable(), text
    return text


def create_repository(folder: Path, environment: dict[str, str], *options: str) -> Repository:
    """Create a repository in a folder."""
    folder.mkdir(parents=True)
    repository = Repository(folder, environment)
    repository.run_git("init", "--quiet", "--initial-branch=main", *options)
    return repository


class RejectingHandler(QuietHandler):
    """Handler that rejects every request."""

    def do_GET(self) -> None:  # noqa: N802 - the name is http.server's
        """Request credentials."""
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="x"')
        self.end_headers()


@contextmanager
def serve(handler: type[RejectingHandler] = RejectingHandler, port: int = 0) -> Iterator[str]:
    """Serve on loopback with a handler, by default one that rejects every request. Yield host and port."""
    server = create_server(handler, port)
    with http_servers.serve(server):
        yield f"127.0.0.1:{server.server_port}"


@dataclass(slots=True)
class LoginServer:
    """Server of repositories over HTTP for one login. It records the arguments of the running processes."""

    folder: Path
    environment: Mapping[str, str]
    login: bytes
    host: str = ""
    headers: list[dict[str, str]] = field(default_factory=list)
    arguments: bytes = b""

    def check_login(self, headers: Mapping[str, str]) -> bool:
        """Record the arguments of the processes while git waits, and return whether the login is correct."""
        self.headers.append(dict(headers))
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):  # the process has ended
                self.arguments += process.read_bytes()
        return headers.get("Authorization") == f"Basic {base64.b64encode(self.login).decode()}"

    def run_http_backend(self, path: str, headers: Mapping[str, str], method: str, body: bytes) -> bytes:
        """Return the answer of git http-backend, a CGI program."""
        path, _, query = path.partition("?")
        variables = {
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_PROTOCOL": headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": headers.get("Content-Encoding", ""),
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": headers.get("Content-Type", ""),
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": method,
        }
        process = subprocess.run(
            ["git", "http-backend"], env={**self.environment, **variables}, input=body, capture_output=True, check=True
        )
        return process.stdout


@contextmanager
def serve_with_login(folder: Path, environment: Mapping[str, str], login: str, port: int = 0) -> Iterator[LoginServer]:
    """Serve the repositories of a folder on loopback for one login. Port 0 selects a free port."""
    server = LoginServer(folder, environment, login.encode())

    class LoginHandler(RejectingHandler):
        """Handler that accepts one login."""

        def do_GET(self) -> None:  # noqa: N802 - the name is http.server's
            """Answer the request, or request the login."""
            body = self.read_body()
            if not server.check_login(dict(self.headers)):
                super().do_GET()
                return
            head, _, content = server.run_http_backend(self.path, dict(self.headers), self.command, body).partition(
                b"\r\n\r\n"
            )
            self.wfile.write(b"HTTP/1.0 200 OK\r\n" + head + b"\r\n\r\n" + content)

        do_POST = do_GET  # noqa: N815 - the name is http.server's

    with serve(LoginHandler, port) as host:
        server.host = host
        yield server
