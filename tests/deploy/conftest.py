"""A sandbox in a process of its own, and repositories to push to, with the hook in them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient

HOOK = Path(__file__).parents[2] / "deploy" / "git" / "post-receive"
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


@dataclass(frozen=True, slots=True)
class Place:
    """Where a test works, and the environment of all that it starts: that of a CI job, without a user's settings."""

    folder: Path
    environment: dict[str, str]

    def git(self, folder: Path, *arguments: str) -> str:
        """Run git in a folder and give its output; what it says otherwise stands in the error, should it fail."""
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=self.environment, check=True, capture_output=True, text=True
        )
        return done.stdout


@dataclass(frozen=True, slots=True)
class Repository:
    """A bare repository with the hook in it, and a clone to push from."""

    place: Place
    bare: Path
    clone: Path

    def configure(self, name: str, value: str) -> None:
        """Set an option of the hook."""
        self.place.git(self.bare, "config", f"reconciler.{name}", value)

    def commit(self, files: dict[str, str]) -> str:
        """Commit files by their names, and give the revision."""
        for name, content in files.items():
            path = self.clone / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return self.commit_all()

    def commit_all(self) -> str:
        """Commit what is in the clone, and give the revision."""
        self.place.git(self.clone, "add", "--all")
        self.place.git(self.clone, "commit", "--quiet", "--message", "Change manifests")
        return self.place.git(self.clone, "rev-parse", "HEAD").strip()

    def start_push(self, *refspecs: str) -> subprocess.Popen[str]:
        """Start to push; what the server says goes to its standard error."""
        return subprocess.Popen(
            ["git", "push", "--quiet", "origin", *(refspecs or ("HEAD:refs/heads/main",))],
            cwd=self.clone,
            env=self.place.environment,
            stderr=subprocess.PIPE,
            text=True,
        )

    def push(self, *refspecs: str) -> str:
        """Push, and give what the pusher reads of what the server said."""
        with self.start_push(*refspecs) as pushing:
            return told(pushing)


def told(pushing: subprocess.Popen[str]) -> str:
    """Wait for a push, see it accepted, and give what the server said, without `remote: ` and columns."""
    _, answer = pushing.communicate(timeout=60)
    assert pushing.returncode == 0, answer
    lines = [line.removeprefix("remote: ") for line in answer.splitlines() if line.startswith("remote: ")]
    return "\n".join(" ".join(line.split()) for line in lines)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Give an environment in which nothing of the user's counts."""
    git = shutil.which("git")
    assert git
    for name in ("home", "temporary"):
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
    return Place(tmp_path, environment)


@pytest.fixture
def sandbox(place: Place) -> Iterator[str]:
    """Give the address of a sandbox that runs meanwhile."""
    command: list[str | Path] = [RECONCILE, "sandbox", "--port", "0", "--data", place.folder / "sandbox.json"]
    with subprocess.Popen(command, env=place.environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            announced = process.stdout.readline()
            assert announced.startswith("AppIntegrations sandbox at http://127.0.0.1:")
            yield announced.split()[3]
        finally:
            process.send_signal(signal.SIGTERM)


@pytest.fixture
def client(sandbox: str) -> Iterator[AppIntegrationsServiceClient]:
    """Give a client of the sandbox, to see with other eyes what is there."""
    session = boto3.Session("testing", "testing", region_name="us-east-1")
    with closing(session.client("appintegrations", endpoint_url=sandbox)) as client:
        yield client


@pytest.fixture
def repository(place: Place, sandbox: str) -> Repository:
    """Give a repository whose hook reconciles with the sandbox."""
    return make_repository(place, "exports", sandbox)


def make_repository(place: Place, name: str, sandbox: str) -> Repository:
    """Make a bare repository as deploy/git/README.md says, and clone it."""
    bare, clone = place.folder / f"{name}.git", place.folder / name
    place.git(place.folder, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    shutil.copy(HOOK, bare / "hooks" / "post-receive")
    place.git(place.folder, "clone", "--quiet", str(bare), str(clone))
    made = Repository(place, bare, clone)
    made.configure("program", str(RECONCILE))
    made.configure("options", f"--endpoint-url {sandbox} --lock-timeout 60s")
    return made


def destinations(client: AppIntegrationsServiceClient) -> list[str]:
    """List where the associations of the tests' data integration export to, in order of name."""
    answer = client.list_data_integration_associations(DataIntegrationIdentifier="crm-accounts")
    return sorted(each["DestinationURI"] for each in answer["DataIntegrationAssociations"])
