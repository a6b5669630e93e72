"""The pre-receive hook refuses a push that could not be applied, and accepts every other push."""

from __future__ import annotations

import fcntl
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from support.hook_repository import (
    HookRepository,
    create_bare_repository,
    list_destinations,
    wait_for_push,
    wait_for_run,
)
from support.hosts import Host, check_shell
from support.manifests import ACCOUNTS, INVALID, MANIFEST, TARGET
from support.paths import DEPLOY

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient as Client


@pytest.fixture
def repository(host: Host, sandbox: str) -> HookRepository:
    """Return a repository with only the pre-receive hook."""
    return create_bare_repository(host, "checked", sandbox, "pre-receive")


def test_a_valid_push_passes_and_nothing_is_written(repository: HookRepository, client: Client) -> None:
    """The hook reads manifests in quarantine, and writes no association, journal or lease."""
    revision = repository.commit(ACCOUNTS)
    assert repository.push() == f"reconciler: accepted {revision} for refs/heads/main (plan)"
    assert list_destinations(client) == []
    assert not (repository.bare / "reconciler-state").exists()
    assert repository.host.temporary_files == []


def test_both_hooks_together_check_and_create(repository: HookRepository, client: Client) -> None:
    """With both hooks, an accepted push is created, and a refused push reaches neither the repository nor AWS."""
    repository.install("post-receive")
    repository.commit(ACCOUNTS)
    assert "created accounts" in repository.push()
    repository.commit({"manifests/orders.yaml": INVALID})
    repository.expect_rejection()
    assert list_destinations(client) == ["s3://corp-exports/accounts"]
    repository.commit({"manifests/orders.yaml": MANIFEST.format(name="orders")})
    assert "created orders" in repository.push()
    assert list_destinations(client) == ["s3://corp-exports/accounts", "s3://corp-exports/orders"]


def test_invalid_manifests_are_rejected_with_their_position(repository: HookRepository) -> None:
    """The pusher reads the position of the problem, and that the push is refused."""
    revision = repository.commit(ACCOUNTS | {"manifests/team/orders.yaml": INVALID})
    output = repository.expect_rejection()
    assert "manifests/team/orders.yaml:7:3: /spec/DestinationUri: " in output
    assert f"exit code 3: the manifests of {revision} are invalid or missing; the push is refused" in output
    assert repository.host.temporary_files == []


@pytest.mark.parametrize(
    ("guardrail", "reason"),
    [("AllowedDestinations: [s3://elsewhere/*]", "AllowedDestinations"), ("MaxCreates: 0", "MaxCreates")],
)
def test_blocked_plan_rejects_the_push(repository: HookRepository, guardrail: str, reason: str) -> None:
    """A plan that a guardrail blocks refuses the push, with the reason and the setting that skips the plan."""
    repository.commit(ACCOUNTS | {"manifests/target.yaml": f"{TARGET}  {guardrail}\n"})
    output = repository.expect_rejection()
    assert "blocked accounts" in output
    assert reason in output
    assert "exit code 1: the plan of " in output
    assert "set reconciler.check to validate" in output


def test_push_to_an_unwatched_branch_is_not_checked(repository: HookRepository) -> None:
    """Another branch is not checked, but is refused together with an invalid watched branch."""
    repository.commit(ACCOUNTS | {"manifests/orders.yaml": INVALID})
    repository.expect_rejection("HEAD:refs/heads/topic", "HEAD:refs/heads/main")
    assert repository.push("HEAD:refs/heads/topic", "HEAD:refs/tags/main") == ""


def test_the_branch_may_be_deleted(repository: HookRepository) -> None:
    """The branch can be deleted, without a check and without output."""
    repository.host.run_git(repository.bare, "config", "receive.denyDeleteCurrent", "ignore")
    repository.commit(ACCOUNTS)
    repository.push()
    assert repository.push("--delete", "main") == ""
    assert repository.read_refs() == ""


def test_unreachable_aws_rejects_the_push_unless_only_validating(repository: HookRepository) -> None:
    """If AWS is unreachable, the push is refused, unless `reconciler.check` is `validate`."""
    repository.configure("options", "--endpoint-url http://127.0.0.1:9")
    revision = repository.commit(ACCOUNTS)
    assert "(set reconciler.check to validate to skip the plan); the push is refused" in repository.expect_rejection()
    repository.configure("check", "validate")
    assert f"accepted {revision} for refs/heads/main (validate)" in repository.push()
    repository.commit({"manifests/orders.yaml": INVALID})
    assert "/spec/DestinationUri: " in repository.expect_rejection()


def test_strict_check_rejects_manifest_warnings(repository: HookRepository) -> None:
    """With `reconciler.checkOptions --strict`, both kinds of check refuse warnings. The later run does not."""
    repository.install("post-receive")
    manifest = MANIFEST.format(name="orders").replace("SCHEDULED", "ON_DEMAND")
    manifest = manifest.partition("    ScheduleConfiguration")[0]
    repository.commit(ACCOUNTS | {"manifests/orders.yaml": manifest})
    repository.configure("checkOptions", "--strict")
    assert "manifests/orders.yaml" in repository.expect_rejection()
    repository.configure("check", "validate")
    assert "manifests/orders.yaml" in repository.expect_rejection()
    repository.configure("checkOptions", "")
    assert "created orders" in repository.push()


def test_plan_with_differences_is_accepted(repository: HookRepository) -> None:
    """With `--detailed-exitcode`, a plan with writes exits with 2, and the push is accepted."""
    repository.add_options("--detailed-exitcode")
    repository.commit(ACCOUNTS)
    assert "accepted " in repository.push()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("program", "/nowhere/reconcile", "program not found: set reconciler.program to its path"),
        ("check", "off", "reconciler.check is 'off': set it to plan or validate"),
        ("options", "--nothing", "exit code 64"),
    ],
)
def test_invalid_hook_setting_rejects_the_push(repository: HookRepository, name: str, value: str, message: str) -> None:
    """A push is refused if a setting is invalid, and the message says what to set."""
    repository.configure(name, value)
    repository.commit(ACCOUNTS)
    output = repository.expect_rejection()
    assert message in output
    assert "the push is refused" in output


def test_a_revision_without_manifests_is_refused(repository: HookRepository) -> None:
    """A revision without the folder of manifests is refused. An empty folder with a kept file is accepted."""
    revision = repository.commit({"README.md": "exports\n"})
    for check in ("plan", "validate"):
        repository.configure("check", check)
        output = repository.expect_rejection()
        assert "has no such file or folder in the commit" in output
        assert output.endswith(f"exit code 3: the manifests of {revision} are invalid or missing; the push is refused")
    revision = repository.commit({"manifests/.gitkeep": ""})
    assert f"accepted {revision}" in repository.push()
    repository.configure("check", "plan")
    revision = repository.commit({})
    assert f"accepted {revision}" in repository.push()


def test_push_to_a_symbolic_ref_of_the_branch_is_checked(repository: HookRepository) -> None:
    """A push to a symbolic ref of the branch is checked."""
    repository.host.run_git(repository.bare, "symbolic-ref", "refs/heads/alias", "refs/heads/main")
    repository.commit(ACCOUNTS | {"manifests/orders.yaml": INVALID})
    assert "exit code 3" in repository.expect_rejection("HEAD:refs/heads/alias")


def test_child_processes_get_only_the_quarantine_variables(repository: HookRepository) -> None:
    """Of the git variables, only those of the quarantine reach the program."""
    repository.replace_program("env\ncd / && git rev-parse --git-dir 2>&1\nexit 1")
    repository.commit(ACCOUNTS)
    output = repository.expect_rejection()
    names = {line.partition("=")[0] for line in output.splitlines()}
    quarantine = {"GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"}
    assert names >= quarantine
    git_names = set(repository.host.run_git(repository.bare, "rev-parse", "--local-env-vars").split())
    assert names & git_names <= quarantine
    assert "not a git repository" in output


HOSTILE_TEXT = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"


@pytest.mark.parametrize("field", ["spec", "name", "file", "plan"])
def test_manifests_cannot_inject_terminal_escapes(repository: HookRepository, field: str) -> None:
    """Both hooks escape terminal sequences in values, names and file names."""
    repository.install("post-receive")
    escaped = HOSTILE_TEXT.encode("unicode_escape").decode()  # an escape sequence for YAML's double quotes
    manifest, file, target = MANIFEST.format(name="orders"), "manifests/orders.yaml", TARGET
    match field:
        case "spec":
            manifest = manifest.replace("rate(1 hour)", f'"{escaped}"')
        case "name":
            manifest = manifest.replace("name: orders", f'name: "{escaped}"')
        case "file":
            file, manifest = f"manifests/{HOSTILE_TEXT}.yaml", INVALID
        case _:
            target += f'  AllowedDestinations: ["{escaped}*"]\n'
    repository.commit(ACCOUNTS | {file: manifest, "manifests/target.yaml": target})
    outputs = []
    for _ in range(2):  # pre-receive refuses the push, and then post-receive reports it
        result = subprocess.run(
            ["git", "push", "--quiet", "origin", "HEAD:refs/heads/main"],
            cwd=repository.clone,
            env=repository.host.environment,
            check=False,
            capture_output=True,
        )
        outputs.append(result.stderr.decode().replace("\x1b[K", ""))  # git itself clears the rest of a line
        (repository.bare / "hooks" / "pre-receive").unlink(missing_ok=True)
    for output in outputs:
        assert "reconciler: " in output
        assert all(char.isprintable() or char in "\n\t" for char in output), output
        assert re.search(r"\\(x|u00)1b", output), output


def test_concurrent_pushes_are_both_accepted_and_created(repository: HookRepository, client: Client) -> None:
    """Two pushes are accepted while another run holds the lease. Each association is created once afterwards."""
    repository.install("post-receive")
    repository.commit(ACCOUNTS)
    repository.push()
    with repository.hold_lease() as lease:
        revision = repository.commit({"manifests/orders.yaml": MANIFEST.format(name="orders")})
        with repository.start_push() as first:
            wait_for_run(first, revision)
            later = repository.clone_again(repository.bare)
            revision = later.commit({"manifests/bills.yaml": MANIFEST.format(name="bills")})
            with later.start_push() as second:
                wait_for_run(second, revision)
                assert list_destinations(client) == ["s3://corp-exports/accounts"]
                fcntl.flock(lease, fcntl.LOCK_UN)
                outputs = wait_for_push(first) + wait_for_push(second)
    assert outputs.count("created orders") == 1
    assert outputs.count("created bills") == 1
    assert [name.rpartition("/")[2] for name in list_destinations(client)] == ["accounts", "bills", "orders"]


def test_the_hook_is_executable_and_portable() -> None:
    """The hook is an executable POSIX shell script without findings of shellcheck."""
    check_shell(DEPLOY / "git" / "pre-receive")
