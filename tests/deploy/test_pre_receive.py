"""The pre-receive hook refuses a push that could not be applied, and accepts every other push."""

from __future__ import annotations

import fcntl
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from deploy.conftest import (
    ACCOUNTS,
    DEPLOY,
    INVALID,
    MANIFEST,
    TARGET,
    Place,
    Repository,
    check_shell,
    destinations,
    landed,
    make_repository,
    told,
)

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient as Client


@pytest.fixture
def checked(place: Place, sandbox: str) -> Repository:
    """Return a repository with only the pre-receive hook."""
    return make_repository(place, "checked", sandbox, "pre-receive")


def test_a_valid_push_passes_and_nothing_is_written(checked: Repository, client: Client) -> None:
    """The hook reads manifests in quarantine, and writes no association, journal or lease."""
    revision = checked.commit(ACCOUNTS)
    assert checked.push() == f"reconciler: accepted {revision} for refs/heads/main (plan)"
    assert destinations(client) == []
    assert not (checked.bare / "reconciler-state").exists()
    assert list((checked.place.folder / "temporary").iterdir()) == []


def test_both_hooks_together_check_and_create(checked: Repository, client: Client) -> None:
    """With both hooks, an accepted push is created, and a refused push reaches neither the repository nor AWS."""
    checked.install("post-receive")
    checked.commit(ACCOUNTS)
    assert "created accounts" in checked.push()
    checked.commit({"manifests/orders.yaml": INVALID})
    checked.refused()
    assert destinations(client) == ["s3://corp-exports/accounts"]
    checked.commit({"manifests/orders.yaml": MANIFEST.format(name="orders")})
    assert "created orders" in checked.push()
    assert destinations(client) == ["s3://corp-exports/accounts", "s3://corp-exports/orders"]


def test_invalid_manifests_are_rejected_with_their_position(checked: Repository) -> None:
    """The pusher reads the position of the problem, and that the push is refused."""
    revision = checked.commit(ACCOUNTS | {"manifests/team/orders.yaml": INVALID})
    answer = checked.refused()
    assert "manifests/team/orders.yaml:7:3: /spec/DestinationUri: " in answer
    assert f"exit code 3: the manifests of {revision} are invalid; the push is refused" in answer
    assert list((checked.place.folder / "temporary").iterdir()) == []


@pytest.mark.parametrize(
    ("rail", "reason"),
    [("AllowedDestinations: [s3://elsewhere/*]", "AllowedDestinations"), ("MaxCreates: 0", "MaxCreates")],
)
def test_blocked_plan_rejects_the_push(checked: Repository, rail: str, reason: str) -> None:
    """A plan that a guardrail blocks refuses the push, with the reason and the setting that skips the plan."""
    checked.commit(ACCOUNTS | {"manifests/target.yaml": f"{TARGET}  {rail}\n"})
    answer = checked.refused()
    assert "blocked accounts" in answer
    assert reason in answer
    assert "exit code 1: the plan of " in answer
    assert "set reconciler.check to validate" in answer


def test_push_to_an_unwatched_branch_is_not_checked(checked: Repository) -> None:
    """Another branch is not checked, but is refused together with an invalid watched branch."""
    checked.commit(ACCOUNTS | {"manifests/orders.yaml": INVALID})
    checked.refused("HEAD:refs/heads/topic", "HEAD:refs/heads/main")
    assert checked.push("HEAD:refs/heads/topic", "HEAD:refs/tags/main") == ""


def test_the_branch_may_be_deleted(checked: Repository) -> None:
    """The branch can be deleted, without a check and without output."""
    checked.place.git(checked.bare, "config", "receive.denyDeleteCurrent", "ignore")
    checked.commit(ACCOUNTS)
    checked.push()
    assert checked.push("--delete", "main") == ""
    assert checked.refs() == ""


def test_unreachable_aws_rejects_the_push_unless_only_validating(checked: Repository) -> None:
    """If AWS is unreachable, the push is refused, unless `reconciler.check` is `validate`."""
    checked.configure("options", "--endpoint-url http://127.0.0.1:9")
    revision = checked.commit(ACCOUNTS)
    assert "(set reconciler.check to validate to skip the plan); the push is refused" in checked.refused()
    checked.configure("check", "validate")
    assert f"accepted {revision} for refs/heads/main (validate)" in checked.push()
    checked.commit({"manifests/orders.yaml": INVALID})
    assert "/spec/DestinationUri: " in checked.refused()


def test_strict_check_rejects_manifest_warnings(checked: Repository) -> None:
    """With `reconciler.checkOptions --strict`, both kinds of check refuse warnings. The later run does not."""
    checked.install("post-receive")
    unwise = MANIFEST.format(name="orders").replace("SCHEDULED", "ON_DEMAND")
    unwise = unwise.partition("    ScheduleConfiguration")[0]
    checked.commit(ACCOUNTS | {"manifests/orders.yaml": unwise})
    checked.configure("checkOptions", "--strict")
    assert "manifests/orders.yaml" in checked.refused()
    checked.configure("check", "validate")
    assert "manifests/orders.yaml" in checked.refused()
    checked.configure("checkOptions", "")
    assert "created orders" in checked.push()


def test_plan_with_differences_is_accepted(checked: Repository) -> None:
    """With `--detailed-exitcode`, a plan with writes exits with 2, and the push is accepted."""
    checked.add_options("--detailed-exitcode")
    checked.commit(ACCOUNTS)
    assert "accepted " in checked.push()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("program", "/nowhere/reconcile", "program not found: set reconciler.program to its path"),
        ("check", "off", "reconciler.check is 'off': set it to plan or validate"),
        ("options", "--nothing", "exit code 64"),
    ],
)
def test_invalid_hook_setting_rejects_the_push(checked: Repository, name: str, value: str, said: str) -> None:
    """A push is refused if a setting is invalid, and the message says what to set."""
    checked.configure(name, value)
    checked.commit(ACCOUNTS)
    answer = checked.refused()
    assert said in answer
    assert "the push is refused" in answer


def test_a_revision_without_manifests_is_refused(checked: Repository) -> None:
    """A revision without the folder of manifests is refused. An empty folder with a kept file is accepted."""
    revision = checked.commit({"README.md": "exports\n"})
    for check in ("plan", "validate"):
        checked.configure("check", check)
        answer = checked.refused()
        assert "has no 'manifests' in the commit" in answer
        assert answer.endswith(f"exit code 1: the manifests of {revision} could not be read; the push is refused")
    revision = checked.commit({"manifests/.gitkeep": ""})
    assert f"accepted {revision}" in checked.push()
    checked.configure("check", "plan")
    revision = checked.commit({})
    assert f"accepted {revision}" in checked.push()


def test_push_to_a_symbolic_ref_of_the_branch_is_checked(checked: Repository) -> None:
    """A push to a symbolic ref of the branch is checked."""
    checked.place.git(checked.bare, "symbolic-ref", "refs/heads/alias", "refs/heads/main")
    checked.commit(ACCOUNTS | {"manifests/orders.yaml": INVALID})
    assert "exit code 3" in checked.refused("HEAD:refs/heads/alias")


def test_child_processes_get_only_the_quarantine_variables(checked: Repository) -> None:
    """Of the git variables, only those of the quarantine reach the program."""
    program = checked.place.folder / "program"
    program.write_text("#!/bin/sh\nenv\ncd / && git rev-parse --git-dir 2>&1\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    checked.configure("program", str(program))
    checked.commit(ACCOUNTS)
    answer = checked.refused()
    seen = {line.partition("=")[0] for line in answer.splitlines()}
    quarantine = {"GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"}
    assert seen >= quarantine
    hidden = set(checked.place.git(checked.bare, "rev-parse", "--local-env-vars").split())
    assert seen & hidden <= quarantine
    assert "not a git repository" in answer


HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"


@pytest.mark.parametrize("spoiled", ["spec", "name", "file", "plan"])
def test_manifests_cannot_inject_terminal_escapes(checked: Repository, spoiled: str) -> None:
    """Both hooks escape terminal sequences in values, names and file names."""
    checked.install("post-receive")
    escaped = HOSTILE.encode("unicode_escape").decode()  # an escape sequence for YAML's double quotes
    manifest, file, target = MANIFEST.format(name="orders"), "manifests/orders.yaml", TARGET
    match spoiled:
        case "spec":
            manifest = manifest.replace("rate(1 hour)", f'"{escaped}"')
        case "name":
            manifest = manifest.replace("name: orders", f'name: "{escaped}"')
        case "file":
            file, manifest = f"manifests/{HOSTILE}.yaml", INVALID
        case _:
            target += f'  AllowedDestinations: ["{escaped}*"]\n'
    checked.commit(ACCOUNTS | {file: manifest, "manifests/target.yaml": target})
    answers = []
    for _ in range(2):  # pre-receive refuses the push, and then post-receive reports it
        pushed = subprocess.run(
            ["git", "push", "--quiet", "origin", "HEAD:refs/heads/main"],
            cwd=checked.clone,
            env=checked.place.environment,
            check=False,
            capture_output=True,
        )
        answers.append(pushed.stderr.decode().replace("\x1b[K", ""))  # git itself clears the rest of a line
        (checked.bare / "hooks" / "pre-receive").unlink(missing_ok=True)
    for answer in answers:
        assert "reconciler: " in answer
        assert all(char.isprintable() or char in "\n\t" for char in answer), answer
        assert re.search(r"\\(x|u00)1b", answer), answer


def test_concurrent_pushes_are_both_accepted_and_created(place: Place, checked: Repository, client: Client) -> None:
    """Two pushes are accepted while another run holds the lease. Each association is created once afterwards."""
    checked.install("post-receive")
    checked.commit(ACCOUNTS)
    checked.push()
    later = Repository(place, checked.bare, place.folder / "later")
    (lock,) = (checked.bare / "reconciler-state").rglob("*.lock")
    with lock.open("r+b") as lease:
        fcntl.flock(lease, fcntl.LOCK_EX)
        revision = checked.commit({"manifests/orders.yaml": MANIFEST.format(name="orders")})
        with checked.start_push() as first:
            landed(first, revision)
            place.git(place.folder, "clone", "--quiet", str(checked.bare), str(later.clone))
            revision = later.commit({"manifests/bills.yaml": MANIFEST.format(name="bills")})
            with later.start_push() as second:
                landed(second, revision)
                assert destinations(client) == ["s3://corp-exports/accounts"]
                fcntl.flock(lease, fcntl.LOCK_UN)
                answers = told(first) + told(second)
    assert answers.count("created orders") == 1
    assert answers.count("created bills") == 1
    assert [name.rpartition("/")[2] for name in destinations(client)] == ["accounts", "bills", "orders"]


def test_the_hook_is_executable_and_portable() -> None:
    """The hook is an executable POSIX shell script without findings of shellcheck."""
    check_shell(DEPLOY / "git" / "pre-receive")
