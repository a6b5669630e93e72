"""Keys and tokens from files reach only the server of the URL, through git's own settings."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.repository import RejectingHandler, Repository, fetch_manifests, serve, serve_with_login
from support.signers import create_ssh_signer

from reconciler.core.errors import GitError, InvalidReference
from reconciler.edge.git import Credentials, RepositoryAccess, resolve_remote

TOKEN = "ghp_hunter2 %/:@\"'$HOME\\né`id`"


def expect_failure(url: str, environment: Mapping[str, str], **credentials: Any) -> str:
    """Return the one-line error of reading a revision."""
    with pytest.raises(GitError) as error:
        fetch_manifests(url, "main", "manifests", environment, credentials=Credentials(**credentials))
    assert str(error.value).isprintable()
    return str(error.value)


def write_file(file: Path, content: str, mode: int = 0o600) -> str:
    """Write a file, and return its path."""
    file.write_text(content, encoding="utf-8")
    file.chmod(mode)
    return str(file)


@pytest.mark.parametrize("name", [None, "oauth2"])
def test_token_is_sent_only_to_the_server(repository: Repository, tmp_path: Path, name: str | None) -> None:
    """The token is in no argument, trace or repr, and no other credential helper is called."""
    helper = write_file(
        tmp_path / "keeper", f"#!/bin/sh\ntouch {tmp_path}/pwned\necho username=a\necho password=b\n", 0o755
    )
    trace, token = tmp_path / "trace", write_file(tmp_path / "a token's file", f"{TOKEN}\nmore\n")
    variables = repository.environment | {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "credential.helper",
        "GIT_CONFIG_VALUE_0": helper,
        "GIT_TRACE": str(trace),
    }
    credentials = Credentials(token_file=token, username=name)
    with serve_with_login(tmp_path, repository.environment, f"{name or 'x-access-token'}:{TOKEN}") as server:
        url = f"http://{server.host}/repository"
        assert fetch_manifests(url, "main", "manifests", variables, credentials=credentials) == repository.read()
        Path(token).write_text("wrong")
        assert "rejected the credentials" in expect_failure(url, variables, token_file=token, username=name)
    assert b"git-remote-http" in server.arguments
    for output in (
        server.arguments,
        trace.read_bytes(),
        repr(RepositoryAccess(url, "main", variables, credentials)).encode(),
    ):
        assert b"hunter2" not in output
    assert not (tmp_path / "pwned").exists()


def test_replaced_token_takes_effect_at_once(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replaced token file takes effect at the next request; its path may be relative to the current folder."""
    monkeypatch.chdir(tmp_path)
    for token in ("first", "second"):
        (tmp_path / "token").write_text(token)
        credentials = Credentials(token_file="token")
        with serve_with_login(tmp_path, repository.environment, f"x-access-token:{token}") as server:
            access = RepositoryAccess(f"http://{server.host}/repository", "main", repository.environment, credentials)
            assert resolve_remote(access) == repository.read()[0]


@pytest.mark.parametrize("template", ["{}\r\n", "{}\r\nmore\r\n", "{}", " \t{} \r\n", "\ufeff{}\r\n", "\ufeff {}"])
def test_token_is_its_line_without_surrounding_space(repository: Repository, tmp_path: Path, template: str) -> None:
    """The token is the first line without surrounding space, byte order mark and line break."""
    token = tmp_path / "token"
    token.write_bytes(template.format(TOKEN).encode())
    credentials = Credentials(token_file=str(token))
    with serve_with_login(tmp_path, repository.environment, f"x-access-token:{TOKEN}") as server:
        access = RepositoryAccess(f"http://{server.host}/repository", "main", repository.environment, credentials)
        assert resolve_remote(access) == repository.read()[0]


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf\r\n", b"\ntoken", "token".encode("utf-16"), b"to\0ken", b"\xffx"])
def test_a_file_without_a_token_is_refused(tmp_path: Path, content: bytes) -> None:
    """A file without a token is rejected before a server is called."""
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(InvalidReference, match="has no token in its first line: write the token there, in UTF-8"):
        Credentials(token_file=str(tmp_path / "token")).check("https", None)


def test_token_is_not_sent_to_a_redirect_target(repository: Repository, tmp_path: Path) -> None:
    """A redirect to another host does not send the token there."""
    headers: list[str | None] = []

    class HeaderHandler(RejectingHandler):
        """A server that requires a login and records the Authorization header."""

        def do_GET(self) -> None:  # noqa: N802 - the name is http.server's
            """Record the header and reject the request."""
            headers.append(self.headers.get("Authorization"))
            super().do_GET()

    token = write_file(tmp_path / "token", "hunter2")
    with serve(HeaderHandler) as other:

        class RedirectingHandler(RejectingHandler):
            """A server that redirects each request to the other server."""

            def do_GET(self) -> None:  # noqa: N802 - the name is http.server's
                """Answer with a redirect."""
                self.send_response(302)
                self.send_header("Location", f"http://{other}{self.path}")
                self.end_headers()

        with serve(RedirectingHandler) as server:
            message = expect_failure(f"http://{server}/x", repository.environment, token_file=token)
    assert "rejected the credentials" in message
    assert headers
    assert set(headers) == {None}


@pytest.fixture
def ssh_arguments(repository: Repository, tmp_path: Path) -> Path:
    """Put an ssh on PATH that runs the command locally, and return the file in which it logs its arguments."""
    folder = tmp_path / "programs"
    folder.mkdir()
    arguments_file = tmp_path / "arguments"
    script = f'#!/bin/sh\nfor each do printf "%s\\n" "$each" >>{arguments_file}; last=$each; done\neval "$last"\n'
    write_file(folder / "ssh", script, 0o755)
    repository.environment["PATH"] = f"{folder}{os.pathsep}{repository.environment['PATH']}"
    return arguments_file


def read_ssh_configuration(arguments_file: Path) -> dict[str, str]:
    """Return the configuration that the real ssh derives from the options, from ssh -G."""
    arguments = arguments_file.read_text().splitlines()
    options = [each for pair in pairwise(arguments) if pair[0] == "-o" for each in pair]
    configuration = subprocess.run(
        ["ssh", "-G", *options, "host.invalid"], check=True, capture_output=True, text=True
    ).stdout
    return dict(line.partition(" ")[::2] for line in configuration.splitlines())


@pytest.mark.parametrize("form", ["ssh://git@host.invalid{}", "git@host.invalid:{}"])
def test_ssh_uses_the_given_key_and_known_hosts(
    repository: Repository, ssh_arguments: Path, tmp_path: Path, form: str
) -> None:
    """Ssh uses only the given key and known hosts, without prompts, for any path and despite GIT_SSH_COMMAND."""
    folder = tmp_path / "a 'path'; touch pwned $HOME"
    folder.mkdir()
    create_ssh_signer(folder, "key")
    hosts = write_file(folder / "hosts", "host.invalid ssh-ed25519 AAAA\n", 0o644)
    credentials = Credentials(ssh_key=str(folder / "key"), known_hosts=hosts)
    variables = repository.environment | {"GIT_SSH_COMMAND": "false", "GIT_SSH_VARIANT": "plink"}
    url = form.format(repository.folder)
    assert fetch_manifests(url, "main", "manifests", variables, credentials=credentials) == repository.read()
    assert resolve_remote(RepositoryAccess(url, "main", variables, credentials)) == repository.read()[0]
    configuration = read_ssh_configuration(ssh_arguments)
    assert (configuration["identityfile"], configuration["identitiesonly"]) == (str(folder / "key"), "yes")
    assert (configuration["userknownhostsfile"], configuration["globalknownhostsfile"]) == (hosts, "/dev/null")
    assert (configuration["batchmode"], configuration["stricthostkeychecking"]) == ("yes", "true")
    assert not list(tmp_path.rglob("pwned"))


def test_child_processes_get_no_secrets_of_the_program(
    repository: Repository, ssh_arguments: Path, tmp_path: Path
) -> None:
    """Git and its children get no variable of this program, except those that the token helper needs."""
    environment_file, programs = tmp_path / "environments", tmp_path / "within"
    programs.mkdir()
    for name in ("git", "ssh"):
        program = shutil.which(name, path=repository.environment["PATH"])
        write_file(programs / name, f'#!/bin/sh\nenv >>{environment_file}\nexec {program} "$@"\n', 0o755)
    path = f"{programs}{os.pathsep}{repository.environment['PATH']}"
    variables = repository.environment | {
        "PATH": path,
        "RECONCILER_WEBHOOK_SECRET": "hunter2",
        "RECONCILER_NOTIFY_URLS": "json://hunter2@host.invalid",
        "RECONCILER_TOKEN_FILE": "of nobody",
    }
    assert fetch_manifests(f"git@host.invalid:{repository.folder}", "main", "manifests", variables) == repository.read()
    assert ssh_arguments.exists()
    environments = environment_file.read_text()
    assert f"PATH={path}" in environments
    assert "RECONCILER_" not in environments


def test_key_or_known_hosts_alone_leaves_the_other_to_ssh(
    repository: Repository, ssh_arguments: Path, tmp_path: Path
) -> None:
    """Known hosts alone keep the user's agent, a key alone keeps the user's hosts; unknown hosts are never accepted."""
    create_ssh_signer(tmp_path, "key")
    url = f"git@host.invalid:{repository.folder}"
    fetch_manifests(
        url, "main", "manifests", repository.environment, credentials=Credentials(ssh_key=str(tmp_path / "key"))
    )
    with_key = read_ssh_configuration(ssh_arguments)
    assert (with_key["stricthostkeychecking"], Path(with_key["userknownhostsfile"].split()[0]).name) == (
        "true",
        "known_hosts",
    )
    ssh_arguments.unlink()
    hosts = write_file(tmp_path / "hosts", "")
    fetch_manifests(url, "main", "manifests", repository.environment, credentials=Credentials(known_hosts=hosts))
    with_hosts = read_ssh_configuration(ssh_arguments)
    assert (with_hosts["stricthostkeychecking"], with_hosts["identitiesonly"]) == ("true", "no")


def test_ssh_configuration_of_the_user_is_used_without_options(repository: Repository, ssh_arguments: Path) -> None:
    """Without credential options, ssh gets no additional option."""
    fetch_manifests(f"git@host.invalid:{repository.folder}", "main", "manifests", repository.environment)
    assert "-o\nBatchMode=yes" not in ssh_arguments.read_text()
    assert "StrictHostKeyChecking" not in ssh_arguments.read_text()


@pytest.mark.parametrize(
    ("url", "files", "expected"),
    [
        (
            "https://host.invalid/x",
            {"ssh_key": "key"},
            "--git-ssh-key needs the protocol ssh, but this repository uses https",
        ),
        ("https://host.invalid/x", {"known_hosts": "key"}, "--git-known-hosts needs the protocol ssh"),
        ("git@host.invalid:x", {"token_file": "key"}, "--git-token-file needs the protocol https"),
        (".", {"token_file": "key"}, "--git-token-file needs the protocol https, but this repository is a folder"),
        ("file:///x", {"ssh_key": "key"}, "--git-ssh-key needs the protocol ssh, but this repository uses file"),
        (
            "https://host.invalid/x",
            {"username": "bot"},
            "--git-username needs --git-token-file, the file with the token of this user",
        ),
        (
            "https://host.invalid/x",
            {"username": "a\nb", "token_file": "key"},
            "--git-username contains a line break or another control character: remove it",
        ),
        ("https://a:b@host.invalid/x", {"token_file": "key"}, "--git-token-file: the URL also contains a login"),
        ("https://host.invalid/x", {"token_file": "gone"}, "--git-token-file 'gone' cannot be read: No such file"),
        ("https://host.invalid/x", {"token_file": "empty"}, "--git-token-file 'empty' has no token in its first line"),
        ("https://host.invalid/x", {"token_file": "."}, "--git-token-file '.' cannot be read: Is a directory"),
        ("git@host.invalid:x", {"ssh_key": "gone"}, "--git-ssh-key 'gone' cannot be read: No such file"),
        ("git@host.invalid:x", {"known_hosts": "a\0b"}, "--git-known-hosts 'a\\u0000b' cannot be read"),
        (
            "git@host.invalid:x",
            {"ssh_key": "open"},
            "other users may access it (mode 0644), and ssh rejects such a key: run",
        ),
        ("git@host.invalid:x", {"ssh_key": "${HOME}"}, "ssh does not accept a path with"),
    ],
)
def test_unusable_credential_file_is_rejected(
    environment: dict[str, str], url: str, files: dict[str, str], expected: str
) -> None:
    """An unusable credential file is rejected in one line that names the file and shows none of its content."""
    for name in ("key", "${HOME}"):
        write_file(Path(name), "hunter2")
    write_file(Path("open"), "hunter2", 0o644)
    write_file(Path("empty"), "\nhunter2\n")
    with pytest.raises(InvalidReference):
        fetch_manifests(url, "main", "manifests", environment, credentials=Credentials(**files))
    message = expect_failure(url, environment, **files)
    assert expected in message
    assert "hunter2" not in message
