"""The policies that the README lists for a command are sufficient, and each of them is needed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from deploy.test_iam import IAM, collect_actions
from support.bucket import Bucket
from support.export_place import ExportPlace
from support.program import Program
from support.proxy import FaultProxy, Request, build_error

from reconciler.sandbox import SandboxServer

FIRST_RUN = ("run", "--state", Bucket.url, "--new-state")
NO_RETRIES = {"AWS_MAX_ATTEMPTS": "1"}
DENIED = (
    b"HTTP/1.1 403 X\r\nContent-Type: text/xml\r\nContent-Length: 40\r\nConnection: close\r\n\r\n"
    b"<Error><Code>AccessDenied</Code></Error>"
)


def read_rows() -> list[tuple[str, tuple[str, ...]]]:
    """Return the commands in the README, each with its policies."""
    text = (IAM / "README.md").read_text(encoding="utf-8").partition("| what runs | its policies |\n|---|---|\n")[2]
    lines = [line.split("|")[1:3] for line in text.partition("\n\n")[0].splitlines()]
    return [
        (command, tuple(re.findall(r"`([\w-]+)\.json`", policies)))
        for commands, policies in lines
        for command in re.findall(r"`([^`]+)`", commands)
    ]


def find_action(request: Request) -> str:
    """Return the IAM action that a request needs, or "" if the request needs no permission."""
    if request.operation == "STS":
        return ""
    if "/s3/aws4_request" in request.headers["Authorization"]:
        query = urlsplit(request.path).query
        operations = {
            "location": "GetBucketLocation",
            "encryption": "GetEncryptionConfiguration",
            "policy": "GetBucketPolicy",
            "ownershipControls": "GetBucketOwnershipControls",
        }
        return f"s3:{operations.get(query.partition('=')[0], request.operation)}"
    if "/kms/aws4_request" in request.headers["Authorization"]:
        return f"kms:{request.operation}"
    is_list = request.operation == "ListDataIntegrationAssociation"
    return f"app-integrations:{request.operation}{'s' if is_list else ''}"


class PolicyProxy(FaultProxy):
    """A proxy that denies actions that are not allowed, like IAM."""

    def __init__(self, upstream: str, allowed: set[str]) -> None:
        super().__init__(upstream, before_request=self._check)
        self.allowed, self.actions = allowed | {""}, {""}

    def _check(self, request: Request) -> bytes | None:
        action = find_action(request)
        self.actions.add(action)
        if action in self.allowed:
            return None
        return DENIED if action.startswith("s3:") else build_error(403, "AccessDeniedException")


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    """Yield a running sandbox."""
    with SandboxServer() as server:
        yield server


@pytest.fixture
def program(server: SandboxServer, tmp_path: Path) -> Program:
    """Return the program with one association that exists, and one that is still to be created."""
    bucket = Bucket(server.url)
    ExportPlace(server.url)
    program = Program(tmp_path, server.url)
    program.add("october")
    assert program.run(*FIRST_RUN).code == 0
    assert bucket.keys == [bucket.key]
    program.add("november")
    return program


def leave_lease(program: Program) -> None:
    """Run the program so that it takes the lease and cannot release it."""
    with FaultProxy(str(program.endpoint)) as proxy:
        puts = iter([None])
        proxy.before_request = lambda request: next(puts, DENIED) if request.operation == "PutObject" else None
        assert Program(program.folder, proxy.url).run("run", "--state", Bucket.url, env=NO_RETRIES).code == 1


@pytest.mark.parametrize(("command", "policies"), read_rows())
def test_documented_policies_of_a_command_are_sufficient_and_needed(
    program: Program, command: str, policies: tuple[str, ...]
) -> None:
    """The command succeeds with its policies, and uses at least one action of each. The doctor uses each action."""
    if command.startswith("unlock"):
        leave_lease(program)
    words = command.replace("TARGET", "default --yes").replace("NAME", "october")
    name, *arguments = words.replace("init", "init new --export live").split()
    state = () if name == "init" else ("--state", Bucket.url)
    with PolicyProxy(str(program.endpoint), collect_actions(*policies)) as proxy:
        result = Program(program.folder, proxy.url).run(name, *state, *arguments, env=NO_RETRIES)
    assert result.code == 0, result.out
    assert proxy.actions <= proxy.allowed
    for policy in policies:
        assert proxy.actions & collect_actions(policy), f"{policy} is not needed"
    if name == "doctor":
        assert proxy.actions - {""} == proxy.allowed - {"", "s3:ListBucket"}


def test_permissions_table_lists_every_command_that_calls_aws() -> None:
    """The table lists every command that calls AWS, and uses every policy except those of assumed roles."""
    rows = read_rows()
    assert {command.split()[0] for command, _ in rows} == {
        "doctor", "explain", "export", "init", "run", "status", "unlock",
    }  # fmt: skip
    assert {policy for _, policies in rows for policy in policies} == {
        "apply", "doctor", "observe", "state-s3-read", "state-s3-write",
    }  # fmt: skip
