"""Fixtures: a sandbox over HTTP, and repositories with hooks to push to."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import IO, TYPE_CHECKING

import boto3
import pytest
from support.forking import write_launcher
from support.paths import REPOSITORY

from reconciler.sandbox import SandboxServer

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient

DEPLOY = REPOSITORY / "deploy"
RECONCILE = Path(sys.executable).with_name("reconcile")
TARGET = """\
apiVersion: appintegrations.reconciler/v1
kind: Target
metadata:
  name: sandbox
spec:
  Region: us-east-1
  AccountId: "123456789012"
  RequestsPerSecond: 100
  Burst: 100
"""
MANIFEST = """\
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata:
  name: {name}
spec:
  DataIntegrationIdentifier: crm-accounts
  DestinationURI: s3://corp-exports/{name}
  ExecutionConfiguration:
    ExecutionMode: SCHEDULED
    ScheduleConfiguration:
      ScheduleExpression: rate(1 hour)
"""
LATER_EXPORT = """\
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata:
  name: october
spec:
  DataIntegrationIdentifier: crm-accounts
  DestinationURI: s3://corp-exports/october
  ExecutionConfiguration:
    ExecutionMode: ON_DEMAND
    OnDemandConfiguration:
      StartTime: 2026-10-01T00:00:00Z
      EndTime: 2126-11-01T00:00:00Z
"""


ACCOUNTS = {"manifests/target.yaml": TARGET, "manifests/accounts.yaml": MANIFEST.format(name="accounts")}
INVALID = MANIFEST.format(name="orders").replace("DestinationURI", "DestinationUri")


@dataclass(frozen=True, slots=True)
class Host:
    """A test's folder, and the environment of its processes: that of a CI job, without a user's settings."""

    folder: Path
    environment: dict[str, str]
    program: Path
    """What scripts start as `reconcile`: the program, forked off a process that has imported it."""

    @property
    def temporary_files(self) -> list[Path]:
        """The files that processes left in the folder for temporary files."""
        return list((self.folder / "temporary").iterdir())

    def run_git(self, folder: Path, *arguments: str) -> str:
        """Run git in a folder, and return its output. Raises CalledProcessError."""
        process = subprocess.run(
            ["git", *arguments], cwd=folder, env=self.environment, check=True, capture_output=True, text=True
        )
        return process.stdout


@dataclass(frozen=True, slots=True)
class HookRepository:
    """A bare repository with hooks, and a clone to push from."""

    host: Host
    bare: Path
    clone: Path

    def install(self, *hooks: str) -> None:
        """Install hooks, as docs/jobs.md describes."""
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


def create_repository(host: Host, name: str) -> Path:
    """Create a repository with a work tree, and return its folder."""
    host.run_git(host.folder, "init", "--quiet", "--initial-branch=main", name)
    return host.folder / name


def commit(host: Host, folder: Path, files: dict[str, str]) -> str:
    """Commit files, given by name, with every other change of the work tree, and return the revision."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    host.run_git(folder, "add", "--all")
    host.run_git(folder, "commit", "--quiet", "--allow-empty", "--message", "Change manifests")
    return host.run_git(folder, "rev-parse", "HEAD").strip()


def find_registry_variables() -> dict[str, str]:
    """Return the variables that lead package managers to the registries and caches of this machine.

    pip compiles no module that it installs, because each installed program runs only once.
    """
    cache = subprocess.run([sys.executable, "-m", "pip", "cache", "dir"], check=False, capture_output=True, text=True)
    names = ("PIP_", "UV_", "NPM_CONFIG_", "npm_config_", "SSL_CERT_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    variables = {name: value for name, value in os.environ.items() if name.upper().startswith(names)}  # noqa: TID251 - the settings of this machine
    return (
        {"PIP_COMPILE": "no"} | ({"PIP_CACHE_DIR": cache.stdout.strip()} if cache.returncode == 0 else {}) | variables
    )


def build_pip_variables() -> dict[str, str]:
    """Return the variables with which pip installs the program alone and uses the dependencies of these tests."""
    folder = str(distribution("boto3").locate_file(""))
    return {"PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PYTHONPATH": folder}


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


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Return an environment without settings of the user."""
    git = shutil.which("git")
    assert git
    for name in ("home", "temporary", "bin"):
        (tmp_path / name).mkdir()
    environment = {
        "CI": "true",
        "GIT_AUTHOR_EMAIL": "author@example.com",
        "GIT_AUTHOR_NAME": "Author",
        "GIT_COMMITTER_EMAIL": "author@example.com",
        "GIT_COMMITTER_NAME": "Author",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "HOME": str(tmp_path / "home"),
        "LC_ALL": "C",
        "PATH": os.pathsep.join((str(Path(git).parent), os.defpath)),
        "TMPDIR": str(tmp_path / "temporary"),
    }
    return Host(tmp_path, environment, write_launcher(tmp_path / "bin" / "reconcile"))


@pytest.fixture
def sandbox() -> Iterator[str]:
    """Yield the URL of a running sandbox."""
    with SandboxServer() as server:
        yield server.url


@pytest.fixture
def client(sandbox: str) -> Iterator[AppIntegrationsServiceClient]:
    """Yield a client of the sandbox, to verify its state independently of the program."""
    session = boto3.Session("testing", "testing", region_name="us-east-1")
    with closing(session.client("appintegrations", endpoint_url=sandbox)) as client:
        yield client


@pytest.fixture
def repository(host: Host, sandbox: str) -> HookRepository:
    """Return a repository whose post-receive hook reconciles with the sandbox."""
    return create_bare_repository(host, "exports", sandbox)


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


def list_destinations(client: AppIntegrationsServiceClient) -> list[str]:
    """Return the destinations of the associations of the tests' data integration, sorted."""
    response = client.list_data_integration_associations(DataIntegrationIdentifier="crm-accounts")
    return sorted(association["DestinationURI"] for association in response["DataIntegrationAssociations"])


def check_shell(*scripts: Path) -> None:
    """Assert that scripts are executable and valid, and have no finding of shellcheck if that is installed."""
    for script in scripts:
        assert script.stat().st_mode & 0o111 == 0o111, script
        shell = re.match(r"#!(/bin/sh|/usr/bin/env bash)\n", script.read_text(encoding="utf-8"))
        assert shell, script
        subprocess.run([shell[1].split("/")[-1].split()[-1], "-n", script], check=True)
    shellcheck = shutil.which("shellcheck")
    if shellcheck:
        subprocess.run([shellcheck, *scripts], check=True)
