"""`reconcile controller` on a git repository as a process: it follows pushes, and keeps the last valid revision."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.controller import ControllerProcess, run_controller
from support.program import EXPORT, Program
from support.repository import GIT, Repository, create_repository, serve_with_login
from support.signers import Signer, create_ssh_signer

from reconciler.sandbox import SandboxServer


@dataclass(frozen=True, slots=True)
class Remote:
    """A bare repository that receives pushes, and the clone of a developer."""

    clone: Repository
    bare: Path

    @property
    def url(self) -> str:
        """Return the URL of the bare repository."""
        return f"file://{self.bare}"

    def push(self, name: str, text: str = EXPORT, signer: Signer | None = None) -> str:
        """Push a commit with a manifest, and return its id."""
        file = self.clone.folder / "manifests" / f"{name}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text.replace("NAME", name))
        self.clone.run_git("add", "--all")
        options, sign = (signer.options, ("-S",)) if signer else ((), ())
        self.clone.run_git(*options, "commit", "--quiet", *sign, "--message", name)
        self.clone.run_git("push", "--quiet", str(self.bare), "HEAD:refs/heads/main")
        return self.clone.run_git("rev-parse", "HEAD")


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    """Return a repository without commits."""
    clone = create_repository(tmp_path / "clone", GIT)
    clone.run_git("init", "--quiet", "--bare", "--initial-branch=main", "../bare.git")
    return Remote(clone, tmp_path / "bare.git")


def run_git_controller(
    program: Program, url: str, *arguments: str, env: Mapping[str, str] = GIT
) -> AbstractContextManager[ControllerProcess]:
    """Run a controller on the branch `main` of a repository."""
    return run_controller(program, "--git-url", url, "--git-ref", "main", *arguments, env=env)


def test_controller_activates_each_push(program: Program, server: SandboxServer, remote: Remote) -> None:
    """Each pushed commit becomes active, and appears in the log of its run and in the journal."""
    october = remote.push("october")
    with run_git_controller(program, remote.url) as controller:
        assert controller.wait_for_event("revision activated")["revision"] == october
        assert controller.wait_for_event("run finished", revision=october)["create"] == 1
        november = remote.push("november")
        assert controller.wait_for_event("revision activated")["revision"] == november
        assert controller.wait_for_event("run finished", revision=november, create=1)["inSync"] == 1
    status = program.run("status", "--git-url", remote.url, "-o", "json", env=GIT)
    assert json.loads(status.out)["targets"][0]["written"]["revision"] == november
    assert len(server.sandbox.executed_writes) == 2


def test_controller_waits_for_the_first_push(program: Program, remote: Remote) -> None:
    """A controller on an empty repository rejects the revision, and runs after the first push."""
    with run_git_controller(program, remote.url) as controller:
        rejection = controller.wait_for_event("revision rejected")
        assert rejection["previousRevisionActive"] is False
        assert "is empty: push a commit first" in rejection["error"]
        october = remote.push("october")
        assert controller.wait_for_event("run finished", revision=october)["create"] == 1


def test_commit_not_signed_by_a_listed_key_is_rejected(
    program: Program, server: SandboxServer, remote: Remote, tmp_path: Path
) -> None:
    """A commit without a listed key is rejected, and becomes active once its key is listed."""
    first_signer, second_signer = create_ssh_signer(tmp_path, "one"), create_ssh_signer(tmp_path, "two")
    keys_file = tmp_path / "listed"
    keys_file.write_text(first_signer.entry)
    october = remote.push("october", signer=first_signer)
    with run_git_controller(program, remote.url, "--git-verify-key", str(keys_file)) as controller:
        assert controller.wait_for_event("run finished", revision=october)["create"] == 1
        unsigned_commit = remote.push("november")
        rejection = controller.wait_for_event("revision rejected")
        assert (rejection["previousRevisionActive"], rejection["activeRevision"]) == (True, october)
        assert f"the commit {unsigned_commit} is not signed: sign it (git commit -S)" in rejection["error"]
        assert controller.wait_for_event("run finished")["revision"] == october
        assert len(server.sandbox.executed_writes) == 1
        other_commit = remote.push("december", signer=second_signer)
        rejection = controller.wait_for_event("revision rejected")["error"]
        assert f"the commit {other_commit} is signed by the key {second_signer.id}, which is not listed" in rejection
        assert controller.wait_for_event("run finished")["revision"] == october
        keys_file.write_text(first_signer.entry + second_signer.entry)
        assert controller.wait_for_event("revision activated")["revision"] == other_commit
        assert controller.wait_for_event("run finished", revision=other_commit, create=2)["inSync"] == 1
        keys_file.unlink()
        assert "cannot be read: No such file" in controller.wait_for_event("revision rejected")["error"]
        assert controller.wait_for_event("run finished")["revision"] == other_commit


def test_failed_signature_check_is_retried(program: Program, remote: Remote, tmp_path: Path) -> None:
    """A failed check of a signature is logged once, and succeeds later without a new push."""
    first_signer = create_ssh_signer(tmp_path, "one")
    (tmp_path / "listed").write_text(first_signer.entry)
    october = remote.push("october", signer=first_signer)
    fake_keygen = tmp_path / "bin" / "ssh-keygen"
    fake_keygen.parent.mkdir()
    fake_keygen.write_text(
        f'#!/bin/sh\ntest -e {fake_keygen}.well || exit 255\nexec {shutil.which("ssh-keygen")} "$@"\n'
    )
    fake_keygen.chmod(0o755)
    env = GIT | {"PATH": f"{fake_keygen.parent}:{GIT['PATH']}"}
    with run_git_controller(program, remote.url, "--git-verify-key", str(tmp_path / "listed"), env=env) as controller:
        rejection = controller.wait_for_event("revision rejected")["error"]
        assert (
            f"the signature of the commit {october} could not be verified, so the commit is not used yet" in rejection
        )
        fake_keygen.with_name("ssh-keygen.well").touch()
        assert controller.wait_for_event("run finished", revision=october)["create"] == 1
    assert controller.events.count("revision rejected") == 1


def test_unreachable_remote_leaves_the_last_revision_active(program: Program, remote: Remote, tmp_path: Path) -> None:
    """An unreachable repository leaves the last revision active, and the token is in no log line and no argument."""
    october = remote.push("october")
    token = tmp_path / "token"
    token.write_text("hunter2\n")
    login = "x-access-token:hunter2"
    with ExitStack() as stack:
        first_server = stack.enter_context(serve_with_login(tmp_path, GIT, login))
        url = f"http://{first_server.host}/bare.git"
        with run_git_controller(
            program, url, "--git-token-file", str(token), env=GIT | {"GIT_TRACE": "1"}
        ) as controller:
            assert controller.wait_for_event("run finished", revision=october)["create"] == 1
            stack.close()
            rejection = controller.wait_for_event("revision rejected")
            while "cannot be reached" not in rejection["error"]:  # the server may have ended during a response
                rejection = controller.wait_for_event("revision rejected")
            assert (rejection["previousRevisionActive"], rejection["activeRevision"]) == (True, october)
            assert controller.wait_for_event("run finished")["revision"] == october
            november = remote.push("november")
            with serve_with_login(tmp_path, GIT, login, int(first_server.host.rpartition(":")[2])) as second_server:
                assert controller.wait_for_event("revision activated")["revision"] == november
                assert controller.wait_for_event("run finished", revision=november, create=1)["inSync"] == 1
                token.write_text("wrong")
                assert "rejected the credentials" in controller.wait_for_event("revision rejected")["error"]
    arguments = first_server.arguments + second_server.arguments
    assert b"git-remote-http" in arguments
    assert "hunter2" not in json.dumps(controller.log)
    assert b"hunter2" not in arguments
