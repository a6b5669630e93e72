"""Fixtures: a sandbox over HTTP, and repositories with hooks to push to."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

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


ACCOUNTS = {"manifests/target.yaml": TARGET, "manifests/accounts.yaml": MANIFEST.format(name="accounts")}
INVALID = MANIFEST.format(name="orders").replace("DestinationURI", "DestinationUri")


@dataclass(frozen=True, slots=True)
class Place:
    """A test's folder, and the environment of its processes: that of a CI job, without a user's settings."""

    folder: Path
    environment: dict[str, str]
    program: Path
    """What scripts start as `reconcile`: the program, forked off a process that has imported it."""

    def git(self, folder: Path, *arguments: str) -> str:
        """Run git in a folder, and return its output. Raises CalledProcessError."""
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=self.environment, check=True, capture_output=True, text=True
        )
        return done.stdout


@dataclass(frozen=True, slots=True)
class Repository:
    """A bare repository with hooks, and a clone to push from."""

    place: Place
    bare: Path
    clone: Path

    def install(self, *hooks: str) -> None:
        """Install hooks, as docs/jobs.md describes."""
        for hook in hooks:
            shutil.copy(DEPLOY / "git" / hook, self.bare / "hooks" / hook)

    def configure(self, name: str, value: str) -> None:
        """Set an option of the hooks."""
        self.place.git(self.bare, "config", f"reconciler.{name}", value)

    def add_options(self, more: str) -> None:
        """Append to the options of the program."""
        self.configure("options", f"{self.place.git(self.bare, 'config', 'reconciler.options').strip()} {more}")

    def refs(self) -> str:
        """Return the refs of the bare repository with their commits."""
        return self.place.git(self.bare, "for-each-ref", "--format=%(refname) %(objectname)")

    def commit(self, files: dict[str, str]) -> str:
        """Commit files, given by name, and return the revision."""
        return commit(self.place, self.clone, files)

    def start_push(self, *refspecs: str) -> subprocess.Popen[str]:
        """Start a push. The server's output goes to its standard error."""
        return subprocess.Popen(
            ["git", "push", "--quiet", "origin", *(refspecs or ("HEAD:refs/heads/main",))],
            cwd=self.clone,
            env=self.place.environment,
            stderr=subprocess.PIPE,
            text=True,
        )

    def push(self, *refspecs: str) -> str:
        """Push, and return the server's output as the pusher reads it."""
        with self.start_push(*refspecs) as pushing:
            return told(pushing)

    def refused(self, *refspecs: str) -> str:
        """Push, assert that the push is refused and changes no ref, and return what the pusher reads."""
        before = self.refs()
        with self.start_push(*refspecs) as pushing:
            _, answer = pushing.communicate(timeout=60)
        assert pushing.returncode == 1, answer
        assert self.refs() == before
        assert "pre-receive hook declined" in answer
        return remote(answer)


def new_repository(place: Place, name: str) -> Path:
    """Create a repository with a work tree, and return its folder."""
    place.git(place.folder, "init", "--quiet", "--initial-branch=main", name)
    return place.folder / name


def commit(place: Place, folder: Path, files: dict[str, str]) -> str:
    """Commit files, given by name, with every other change of the work tree, and return the revision."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    place.git(folder, "add", "--all")
    place.git(folder, "commit", "--quiet", "--allow-empty", "--message", "Change manifests")
    return place.git(folder, "rev-parse", "HEAD").strip()


def downloads() -> dict[str, str]:
    """Return the variables that lead package managers to the registries and caches of this machine.

    pip compiles no module that it installs, because each installed program runs only once.
    """
    cache = subprocess.run([sys.executable, "-m", "pip", "cache", "dir"], check=False, capture_output=True, text=True)
    names = ("PIP_", "UV_", "NPM_CONFIG_", "npm_config_", "SSL_CERT_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    found = {name: value for name, value in os.environ.items() if name.upper().startswith(names)}  # noqa: TID251 - the settings of this machine
    return {"PIP_COMPILE": "no"} | ({"PIP_CACHE_DIR": cache.stdout.strip()} if cache.returncode == 0 else {}) | found


def shared_dependencies() -> dict[str, str]:
    """Return the variables with which pip installs the program alone and uses the dependencies of these tests."""
    folder = str(distribution("boto3").locate_file(""))
    return {"PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PYTHONPATH": folder}


def told(pushing: subprocess.Popen[str]) -> str:
    """Wait for a push, assert that it is accepted, and return the server's output without `remote: `."""
    _, answer = pushing.communicate(timeout=60)
    assert pushing.returncode == 0, answer
    return remote(answer)


def landed(pushing: subprocess.Popen[str], revision: str) -> None:
    """Read the output of a push until the push is accepted and the post-receive hook starts its run."""
    assert pushing.stderr
    assert any(f"reconciling refs/heads/main at {revision}" in line for line in pushing.stderr)


def remote(answer: str) -> str:
    """Return the server's part of git's output, without `remote: ` and alignment."""
    lines = [line.removeprefix("remote: ") for line in answer.splitlines() if line.startswith("remote: ")]
    return "\n".join(" ".join(line.split()) for line in lines)


@pytest.fixture
def place(tmp_path: Path) -> Place:
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
    return Place(tmp_path, environment, write_launcher(tmp_path / "bin" / "reconcile"))


@pytest.fixture
def sandbox() -> Iterator[str]:
    """Yield the URL of a running sandbox."""
    with SandboxServer() as running:
        yield running.url


@pytest.fixture
def client(sandbox: str) -> Iterator[AppIntegrationsServiceClient]:
    """Yield a client of the sandbox, to verify its state independently of the program."""
    session = boto3.Session("testing", "testing", region_name="us-east-1")
    with closing(session.client("appintegrations", endpoint_url=sandbox)) as client:
        yield client


@pytest.fixture
def repository(place: Place, sandbox: str) -> Repository:
    """Return a repository whose post-receive hook reconciles with the sandbox."""
    return make_repository(place, "exports", sandbox)


def make_repository(place: Place, name: str, sandbox: str, *hooks: str) -> Repository:
    """Create a bare repository with hooks (by default, post-receive) and a clone of it."""
    bare, clone = place.folder / f"{name}.git", place.folder / name
    place.git(place.folder, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    place.git(place.folder, "clone", "--quiet", str(bare), str(clone))
    made = Repository(place, bare, clone)
    made.install(*hooks or ("post-receive",))
    made.configure("program", str(place.program))
    made.configure("options", f"--endpoint-url {sandbox} --region us-east-1")
    made.configure("newState", "*")
    return made


def destinations(client: AppIntegrationsServiceClient) -> list[str]:
    """Return the destinations of the associations of the tests' data integration, sorted."""
    answer = client.list_data_integration_associations(DataIntegrationIdentifier="crm-accounts")
    return sorted(each["DestinationURI"] for each in answer["DataIntegrationAssociations"])


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
