"""A bare repository with the hooks of this project, and a clone to push from."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from support.hosts import Host, commit
from support.paths import DEPLOY

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient


@dataclass(frozen=True, slots=True)
class HookRepository:
    """A bare repository with hooks, and a clone to push from."""

    host: Host
    bare: Path
    clone: Path

    def install(self, *hooks: str) -> None:
        """Install hooks, as docs/how-to/use-git-hooks.md describes."""
        for hook in hooks:
            shutil.copy(DEPLOY / "git" / hook, self.bare / "hooks" / hook)

    def configure(self, name: str, value: str) -> None:
        """Set an option of the hooks."""
        self.host.run_git(self.bare, "config", f"reconciler.{name}", value)

    def replace_program(self, script: str) -> None:
        """Configure a shell script in place of the program."""
        program = self.host.folder / "program"
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
        self.configure("program", str(program))

    def clone_again(self, source: Path) -> HookRepository:
        """Return the same repository with another clone, made from the bare repository or from a clone."""
        clone = self.host.folder / "later"
        self.host.run_git(self.host.folder, "clone", "--quiet", str(source), str(clone))
        self.host.run_git(clone, "remote", "set-url", "origin", str(self.bare))
        return HookRepository(self.host, self.bare, clone)

    @contextmanager
    def hold_lease(self) -> Iterator[IO[bytes]]:
        """Hold the lease of the journal during the block, unless the block unlocks the file."""
        (lock,) = (self.bare / "reconciler-state").rglob("*.lock")
        with lock.open("r+b") as lease:
            fcntl.flock(lease, fcntl.LOCK_EX)
            yield lease

    def add_options(self, options: str) -> None:
        """Append to the options of the program."""
        self.configure("options", f"{self.host.run_git(self.bare, 'config', 'reconciler.options').strip()} {options}")

    def read_refs(self) -> str:
        """Return the refs of the bare repository with their commits."""
        return self.host.run_git(self.bare, "for-each-ref", "--format=%(refname) %(objectname)")

    def commit(self, files: dict[str, str]) -> str:
        """Commit files, given by name, and return the revision."""
        return commit(self.host, self.clone, files)

    def start_push(self, *refspecs: str) -> subprocess.Popen[str]:
        """Start a push. The server's output goes to its standard error."""
        return subprocess.Popen(
            ["git", "push", "--quiet", "origin", *(refspecs or ("HEAD:refs/heads/main",))],
            cwd=self.clone,
            env=self.host.environment,
            stderr=subprocess.PIPE,
            text=True,
        )

    def push(self, *refspecs: str) -> str:
        """Push, and return the server's output as the pusher reads it."""
        with self.start_push(*refspecs) as process:
            return wait_for_push(process)

    def expect_rejection(self, *refspecs: str) -> str:
        """Push, assert that the push is refused and changes no ref, and return what the pusher reads."""
        before = self.read_refs()
        with self.start_push(*refspecs) as process:
            _, output = process.communicate(timeout=60)
        assert process.returncode == 1, output
        assert self.read_refs() == before
        assert "pre-receive hook declined" in output
        return read_server_output(output)


def create_bare_repository(host: Host, name: str, sandbox: str, *hooks: str) -> HookRepository:
    """Create a bare repository with hooks (by default, post-receive) and a clone of it."""
    bare, clone = host.folder / f"{name}.git", host.folder / name
    host.run_git(host.folder, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    host.run_git(host.folder, "clone", "--quiet", str(bare), str(clone))
    repository = HookRepository(host, bare, clone)
    repository.install(*hooks or ("post-receive",))
    repository.configure("program", str(host.program))
    repository.configure("options", f"--endpoint-url {sandbox} --region us-east-1")
    repository.configure("newState", "*")
    return repository


def wait_for_push(process: subprocess.Popen[str]) -> str:
    """Wait for a push, assert that it is accepted, and return the server's output without `remote: `."""
    _, output = process.communicate(timeout=60)
    assert process.returncode == 0, output
    return read_server_output(output)


def wait_for_run(process: subprocess.Popen[str], revision: str) -> None:
    """Read the output of a push until the push is accepted and the post-receive hook starts its run."""
    assert process.stderr
    assert any(f"reconciling refs/heads/main at {revision}" in line for line in process.stderr)


def read_server_output(output: str) -> str:
    """Return the server's part of git's output, without `remote: ` and alignment."""
    lines = [line.removeprefix("remote: ") for line in output.splitlines() if line.startswith("remote: ")]
    return "\n".join(" ".join(line.split()) for line in lines)


def list_destinations(client: AppIntegrationsServiceClient) -> list[str]:
    """Return the destinations of the associations of the tests' data integration, sorted."""
    response = client.list_data_integration_associations(DataIntegrationIdentifier="crm-accounts")
    return sorted(association["DestinationURI"] for association in response["DataIntegrationAssociations"])
