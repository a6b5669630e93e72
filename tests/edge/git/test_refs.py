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


def at(repository: Repository, ref: str, url: str = "") -> str:
    """Return the id of a ref, resolved at a URL."""
    return resolve_remote(RepositoryAccess(url or repository.url, ref, repository.environment))


def refused(url: str, ref: str, environment: Mapping[str, str], **others: Any) -> str:
    """Return the one-line error of resolving a ref."""
    with pytest.raises(GitError) as error:
        resolve_remote(RepositoryAccess(url, ref, environment, **others))
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
            assert at(repository, ref, url) == first == repository.read(ref, url=url)[0], ref
        for ref in ("main", "HEAD"):
            assert at(repository, ref, url) == second, ref


def test_annotated_tag_resolves_anew_when_its_message_changes(repository: Repository) -> None:
    """A URL resolves an annotated tag to the id of the tag, a folder to its commit; a new message changes the tag."""
    seen = set()
    for message in ("One", "Two"):
        repository.run_git("tag", "--force", "--annotate", "--message", message, "v1")
        seen.add(at(repository, "v1"))
        assert at(repository, "v1") == repository.run_git("rev-parse", "v1")
        assert at(repository, "v1", str(repository.folder)) == repository.run_git("rev-parse", "HEAD")
    assert len(seen) == 2


def test_branch_is_not_confused_with_one_of_the_same_suffix(repository: Repository) -> None:
    """`main` does not resolve to `topic/main`, although a server lists both, and a tag `main` takes precedence."""
    main = repository.run_git("rev-parse", "HEAD")
    repository.run_git("branch", "-m", "main", "other")
    repository.commit({"manifests/later.yaml": ""})
    repository.run_git("branch", "a/main")
    repository.run_git("branch", "topic/main")
    assert "did you mean" in refused(repository.url, "main", repository.environment)
    repository.run_git("branch", "main", main)
    assert at(repository, "main") == main
    repository.run_git("tag", "main", "other")
    assert at(repository, "main") == repository.run_git("rev-parse", "other") == repository.read("main")[0]


def test_commit_id_is_resolved_without_a_server(repository: Repository) -> None:
    """A full commit id resolves to itself, even if no server answers."""
    for oid in ("a" * 40, "0" * 64):
        assert at(repository, oid, "http://127.0.0.1:1/x") == oid


def test_missing_ref_suggests_similar_names(repository: Repository) -> None:
    """A missing branch is reported with similar names, from a URL and in place."""
    for url in (repository.url, str(repository.folder)):
        said = refused(url, "mian", repository.environment)
        assert said == f"repository '{url}': has no branch, tag or commit 'mian': did you mean 'main'?"


def test_empty_repository_is_reported(empty: Repository) -> None:
    """A repository without commits is reported as empty; a controller may start before the first push."""
    assert refused(empty.url, "main", empty.environment).endswith("is empty: push a commit first")


def test_unreachable_or_invalid_source_is_an_error(environment: dict[str, str], tmp_path: Path) -> None:
    """An unreachable server, a folder without a repository and malformed arguments are errors."""
    assert "cannot be reached" in refused("http://127.0.0.1:1/x", "main", environment)
    assert "is not a git repository" in refused(f"file://{tmp_path}", "main", environment)
    assert "is not a git repository" in refused(str(tmp_path), "main", environment)
    for url, ref in (("--upload-pack=touch pwned", "main"), ("ext::sh -c x", "main"), ("file:///x", "--all")):
        with pytest.raises(InvalidReference):
            resolve_remote(RepositoryAccess(url, ref, environment))
    assert not list(tmp_path.rglob("pwned"))


def test_stop_ends_a_pending_resolution(environment: dict[str, str]) -> None:
    """A stop request ends the resolution at once while the server does not answer."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        held = []

        def ask() -> None:
            held.append(silent.accept()[0])
            stop.set()

        asking = threading.Thread(target=ask)
        asking.start()
        with pytest.raises(StopRequested):
            resolve_remote(
                RepositoryAccess(f"git://127.0.0.1:{silent.getsockname()[1]}/x", "main", environment, stop=stop)
            )
        asking.join()
        held[0].close()


def test_silent_server_times_out(environment: dict[str, str]) -> None:
    """A server that does not answer causes a timeout."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"git://127.0.0.1:{silent.getsockname()[1]}/x"
        assert refused(url, "main", environment, timeout_seconds=0.5) == "git ls-remote timed out after 0.5 s"


def test_programs_of_a_repository_do_not_run(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Resolving starts no program from the configuration of the remote repository or of the current one."""
    here = create_repository(tmp_path / "other", repository.environment)
    command = f"touch {tmp_path}/pwned; #"
    for each in (here, repository):
        for name in ("core.sshCommand", "core.fsmonitor", "core.pager", "core.askPass", "uploadpack.packObjectsHook"):
            each.run_git("config", name, command)
    here.run_git("config", f"url.{here.url}.insteadOf", repository.url)
    monkeypatch.chdir(here.folder)
    assert at(repository, "main") == repository.read(url=repository.url)[0]
    assert "cannot be" in refused("git@127.0.0.1:x", "main", repository.environment | {"GIT_SSH_VARIANT": "simple"})
    assert not list(tmp_path.rglob("pwned"))


def test_resolution_uses_the_same_credentials_as_a_fetch(repository: Repository, tmp_path: Path) -> None:
    """A token file and a login in the URL give access for resolving a ref, as for a fetch."""
    (tmp_path / "token").write_text("hunter2")
    with serve_with_login(tmp_path, repository.environment, "x-access-token:hunter2") as server:
        url, within = (f"http://{login}{server.host}/repository" for login in ("", "x-access-token:hunter2@"))
        token = Credentials(token_file=str(tmp_path / "token"))
        commit = repository.run_git("rev-parse", "HEAD")
        assert resolve_remote(RepositoryAccess(url, "main", repository.environment, token)) == commit
        assert resolve_remote(RepositoryAccess(within, "main", repository.environment)) == commit
        assert "rejected the credentials" in refused(url, "main", repository.environment)
    assert b"hunter2" not in server.arguments
