"""A branch or tag is resolved to its id without a fetch, and a fetch would read the same revision."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.repository import Repository, create_repository, serve_with_login

from reconciler.core.errors import GitError, InvalidReference, StopRequested
from reconciler.edge.git import Credentials, RepositoryAccess, resolve_remote


def resolve(repository: Repository, ref: str, url: str = "") -> str:
    """Return the id of a ref, resolved at a URL."""
    return resolve_remote(RepositoryAccess(url or repository.url, ref, repository.environment))


def expect_failure(url: str, ref: str, environment: Mapping[str, str], **settings: Any) -> str:
    """Return the one-line error of resolving a ref."""
    with pytest.raises(GitError) as error:
        resolve_remote(RepositoryAccess(url, ref, environment, **settings))
    assert str(error.value).isprintable()
    return str(error.value)


def test_resolved_ref_is_what_a_fetch_would_read(repository: Repository) -> None:
    """A branch, tag, full name or HEAD resolves to the commit that a fetch reads, from a URL and in place."""
    first = repository.run_git("rev-parse", "HEAD")
    repository.run_git("tag", "light")
    repository.run_git("branch", "team/prod")
    repository.run_git("update-ref", "refs/pull/7/head", first)
    second = repository.commit({"manifests/later.yaml": ""})
    for url in (repository.url, str(repository.folder)):
        for ref in ("light", "team/prod", "heads/team/prod", "refs/heads/team/prod", "refs/pull/7/head", first):
            assert resolve(repository, ref, url) == first == repository.read(ref, url=url)[0], ref
        for ref in ("main", "HEAD"):
            assert resolve(repository, ref, url) == second, ref


def test_annotated_tag_resolves_anew_when_its_message_changes(repository: Repository) -> None:
    """A URL resolves an annotated tag to the id of the tag, a folder to its commit; a new message changes the tag."""
    ids = set()
    for message in ("One", "Two"):
        repository.run_git("tag", "--force", "--annotate", "--message", message, "v1")
        ids.add(resolve(repository, "v1"))
        assert resolve(repository, "v1") == repository.run_git("rev-parse", "v1")
        assert resolve(repository, "v1", str(repository.folder)) == repository.run_git("rev-parse", "HEAD")
    assert len(ids) == 2


def test_branch_is_not_confused_with_one_of_the_same_suffix(repository: Repository) -> None:
    """`main` does not resolve to `topic/main`, although a server lists both, and a tag `main` takes precedence."""
    main_commit = repository.run_git("rev-parse", "HEAD")
    repository.run_git("branch", "-m", "main", "other")
    repository.commit({"manifests/later.yaml": ""})
    repository.run_git("branch", "a/main")
    repository.run_git("branch", "topic/main")
    assert "did you mean" in expect_failure(repository.url, "main", repository.environment)
    repository.run_git("branch", "main", main_commit)
    assert resolve(repository, "main") == main_commit
    repository.run_git("tag", "main", "other")
    assert resolve(repository, "main") == repository.run_git("rev-parse", "other") == repository.read("main")[0]


def test_commit_id_is_resolved_without_a_server(repository: Repository) -> None:
    """A full commit id resolves to itself, even if no server answers."""
    for oid in ("a" * 40, "0" * 64):
        assert resolve(repository, oid, "http://127.0.0.1:1/x") == oid


def test_missing_ref_suggests_similar_names(repository: Repository) -> None:
    """A missing branch is reported with similar names, from a URL and in place."""
    for url in (repository.url, str(repository.folder)):
        message = expect_failure(url, "mian", repository.environment)
        assert message == f"the repository '{url}' has no branch, tag or commit 'mian': did you mean 'main'?"


def test_empty_repository_is_reported(empty_repository: Repository) -> None:
    """A repository without commits is reported as empty; a controller may start before the first push."""
    assert expect_failure(empty_repository.url, "main", empty_repository.environment).endswith(
        "is empty: push a commit first"
    )


def test_unreachable_or_invalid_source_is_an_error(environment: dict[str, str], tmp_path: Path) -> None:
    """An unreachable server, a folder without a repository and malformed arguments are errors."""
    assert "cannot be reached" in expect_failure("http://127.0.0.1:1/x", "main", environment)
    assert "is not a git repository" in expect_failure(f"file://{tmp_path}", "main", environment)
    assert "is not a git repository" in expect_failure(str(tmp_path), "main", environment)
    for url, ref in (("--upload-pack=touch pwned", "main"), ("ext::sh -c x", "main"), ("file:///x", "--all")):
        with pytest.raises(InvalidReference):
            resolve_remote(RepositoryAccess(url, ref, environment))
    assert not list(tmp_path.rglob("pwned"))


def test_stop_ends_a_pending_resolution(environment: dict[str, str]) -> None:
    """A stop request ends the resolution at once while the server does not answer."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connections = []

        def accept_and_stop() -> None:
            connections.append(listener.accept()[0])
            stop.set()

        server_thread = threading.Thread(target=accept_and_stop)
        server_thread.start()
        with pytest.raises(StopRequested):
            resolve_remote(
                RepositoryAccess(f"git://127.0.0.1:{listener.getsockname()[1]}/x", "main", environment, stop=stop)
            )
        server_thread.join()
        connections[0].close()


def test_silent_server_times_out(environment: dict[str, str]) -> None:
    """A server that does not answer causes a timeout."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"git://127.0.0.1:{listener.getsockname()[1]}/x"
        assert expect_failure(url, "main", environment, timeout_seconds=0.5) == "git ls-remote timed out after 0.5 s"


def test_programs_of_a_repository_do_not_run(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Resolving starts no program from the configuration of the remote repository or of the current one."""
    current = create_repository(tmp_path / "other", repository.environment)
    command = f"touch {tmp_path}/pwned; #"
    for each in (current, repository):
        for name in ("core.sshCommand", "core.fsmonitor", "core.pager", "core.askPass", "uploadpack.packObjectsHook"):
            each.run_git("config", name, command)
    current.run_git("config", f"url.{current.url}.insteadOf", repository.url)
    monkeypatch.chdir(current.folder)
    assert resolve(repository, "main") == repository.read(url=repository.url)[0]
    assert "cannot be" in expect_failure(
        "git@127.0.0.1:x", "main", repository.environment | {"GIT_SSH_VARIANT": "simple"}
    )
    assert not list(tmp_path.rglob("pwned"))


def test_resolution_uses_the_same_credentials_as_a_fetch(repository: Repository, tmp_path: Path) -> None:
    """A token file and a login in the URL give access for resolving a ref, as for a fetch."""
    (tmp_path / "token").write_text("hunter2")
    with serve_with_login(tmp_path, repository.environment, "x-access-token:hunter2") as server:
        url, url_with_login = (f"http://{login}{server.host}/repository" for login in ("", "x-access-token:hunter2@"))
        token = Credentials(token_file=str(tmp_path / "token"))
        commit = repository.run_git("rev-parse", "HEAD")
        assert resolve_remote(RepositoryAccess(url, "main", repository.environment, token)) == commit
        assert resolve_remote(RepositoryAccess(url_with_login, "main", repository.environment)) == commit
        assert "rejected the credentials" in expect_failure(url, "main", repository.environment)
    assert b"hunter2" not in server.arguments
