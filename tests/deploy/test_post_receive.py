"""The post-receive hook reconciles the pushed revision in a real repository, and reports to the pusher."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
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
from support.manifests import ACCOUNTS, INVALID, LATER_EXPORT, MANIFEST, TARGET
from support.paths import DEPLOY
from support.program import SCRIPT

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient as Client


def test_manifests_pushed_twice_are_created_once(repository: HookRepository, client: Client) -> None:
    """The first push creates the association, the second finds it, and the pusher reads both outcomes."""
    repository.configure("program", str(SCRIPT))
    revision = repository.commit(ACCOUNTS)
    first = repository.push()
    assert f"reconciling refs/heads/main at {revision}" in first
    assert "created accounts" in first
    assert "manifests/accounts.yaml:1" in first
    assert list_destinations(client) == ["s3://corp-exports/accounts"]
    repository.commit({"README.md": "exports\n"})
    second = repository.push()
    assert "in-sync accounts" in second
    assert "created" not in second
    assert list_destinations(client) == ["s3://corp-exports/accounts"]


def test_pusher_learns_that_nothing_sends_a_held_export_later(repository: HookRepository, client: Client) -> None:
    """The window of a pushed export has not ended. The pusher learns when to run again, unless the push runs in CI."""
    repository.commit({"manifests/target.yaml": TARGET, "manifests/october.yaml": LATER_EXPORT})
    assert "Nothing here" not in repository.push()
    del repository.host.environment["CI"]
    repository.commit({})
    schedule = "or run it on a schedule (docs/how-to/run-on-a-schedule.md)."
    remedy = f"run reconcile again after 2126-11-01 01:00:00Z, {schedule}"
    assert f"Nothing here sends the held export later: {remedy}" in repository.push()
    assert list_destinations(client) == []


def test_logs_stay_in_the_repository(repository: HookRepository) -> None:
    """The pusher reads the report, and the JSON log stays in the repository."""
    revision = repository.commit(ACCOUNTS)
    assert '{"' not in repository.push()
    log = (repository.bare / "reconciler.log").read_text(encoding="utf-8")
    assert '"event": "association created"' in log
    assert f'"revision": "{revision}"' in log


def test_temporary_files_are_removed(repository: HookRepository) -> None:
    """Temporary files are removed after a successful push and after a failed one."""
    repository.commit(ACCOUNTS)
    repository.push()
    repository.commit({"manifests/bad.yaml": "kind: Nothing\n"})
    repository.push()
    assert repository.host.temporary_files == []
    assert not (repository.bare / "index").exists()


def test_invalid_manifest_is_reported_with_its_position(repository: HookRepository, client: Client) -> None:
    """The pusher reads file, line and column of an invalid manifest, and nothing is created."""
    repository.commit(ACCOUNTS | {"manifests/team/orders.yaml": INVALID})
    output = repository.push()
    assert "manifests/team/orders.yaml:7:3: /spec/DestinationUri: " in output
    assert "exit code 3; the push was accepted" in output
    assert list_destinations(client) == []


def test_other_branches_are_ignored(repository: HookRepository, client: Client) -> None:
    """A push to another branch prints nothing and creates nothing, even with shell code in its name."""
    repository.commit(ACCOUNTS)
    assert repository.push("HEAD:refs/heads/topic", "HEAD:refs/heads/$(touch${IFS}x);main", "HEAD:refs/tags/main") == ""
    assert list_destinations(client) == []


def test_ref_setting_selects_the_watched_branch(repository: HookRepository, client: Client) -> None:
    """The setting `reconciler.ref` selects another branch, even if a push contains several."""
    repository.configure("ref", "live")
    repository.commit(ACCOUNTS)
    assert "reconciling refs/heads/live at " in repository.push("HEAD:refs/heads/main", "HEAD:refs/heads/live")
    assert list_destinations(client) == ["s3://corp-exports/accounts"]


def test_deleting_the_branch_calls_nothing(repository: HookRepository, client: Client) -> None:
    """Deleting the branch is reported, and AWS is not called."""
    repository.host.run_git(repository.bare, "config", "receive.denyDeleteCurrent", "ignore")
    repository.commit(ACCOUNTS)
    repository.push()
    assert "refs/heads/main was deleted; AWS was not called" in repository.push("--delete", "main")
    assert list_destinations(client) == ["s3://corp-exports/accounts"]


def test_two_repositories_with_one_state_create_once(host: Host, sandbox: str, client: Client) -> None:
    """Two repositories with one journal create an association once, even if pushed at the same time."""
    repositories = [create_bare_repository(host, name, sandbox) for name in ("one", "two")]
    for repository in repositories:
        repository.configure("state", str(host.folder / "state"))
        repository.commit(ACCOUNTS)
    with repositories[0].start_push() as one, repositories[1].start_push() as two:
        outputs = [wait_for_push(one), wait_for_push(two)]
    assert sum("created accounts" in output for output in outputs) == 1
    assert sum("in-sync accounts" in output for output in outputs) == 1
    assert list_destinations(client) == ["s3://corp-exports/accounts"]


def test_concurrent_pushes_create_every_association_of_the_later_one(
    repository: HookRepository, client: Client
) -> None:
    """If a push arrives while an earlier one runs, each association of the latest revision is created once."""
    revision = repository.commit(ACCOUNTS)
    with repository.start_push() as first:
        wait_for_run(first, revision)
        later = repository.clone_again(repository.clone)
        later.commit({"manifests/orders.yaml": MANIFEST.format(name="orders")})
        later.push()
        wait_for_push(first)
    assert list_destinations(client) == ["s3://corp-exports/accounts", "s3://corp-exports/orders"]


def test_superseded_revision_is_not_applied(repository: HookRepository, client: Client) -> None:
    """A hook that starts late does not create associations that the branch no longer contains."""
    old = repository.commit(ACCOUNTS)
    repository.push("HEAD:refs/heads/topic")
    (repository.clone / "manifests" / "accounts.yaml").unlink()
    repository.commit({"manifests/orders.yaml": MANIFEST.format(name="orders")})
    repository.push()
    result = subprocess.run(
        [repository.bare / "hooks" / "post-receive"],
        cwd=repository.bare,
        env=repository.host.environment,
        input=f"{'0' * 40} {old} refs/heads/main\n",
        check=True,
        capture_output=True,
        text=True,
    )
    assert "is out of date: the later push reconciles" in result.stdout
    assert list_destinations(client) == ["s3://corp-exports/orders"]


def start_hook(repository: HookRepository, hook: str, revision: str, path: str | None = None) -> subprocess.Popen[str]:
    """Start a hook like git after a push of main to a revision."""
    process = subprocess.Popen(
        [repository.bare / "hooks" / hook],
        cwd=repository.bare,
        env=repository.host.environment | ({"PATH": path} if path else {}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    process.stdin.write(f"{'0' * 40} {revision} refs/heads/main\n")
    process.stdin.flush()
    process.stdin.close()
    process.stdin = None
    return process


def test_push_superseded_while_waiting_is_not_applied(repository: HookRepository, client: Client) -> None:
    """A push that waits for the lease creates nothing if a later push removes its manifests."""
    repository.commit(ACCOUNTS)
    repository.push()
    repository.commit({})
    repository.push()  # this run sees the created association, so that later runs have nothing to write to the journal
    with repository.hold_lease() as lease:
        revision = repository.commit({"manifests/mistake.yaml": MANIFEST.format(name="mistake")})
        with repository.start_push() as first:
            wait_for_run(first, revision)
            (repository.clone / "manifests" / "mistake.yaml").unlink()
            repository.commit({})
            assert "in-sync accounts" in repository.push()
            fcntl.flock(lease, fcntl.LOCK_UN)
            assert f"revision {revision} of refs/heads/main is out of date" in wait_for_push(first)
    assert list_destinations(client) == ["s3://corp-exports/accounts"]


def test_second_push_gives_up_after_the_configured_wait(repository: HookRepository, client: Client) -> None:
    """A push that waits longer than `reconciler.wait` for another one calls nothing and reports that."""
    repository.configure("wait", "1")
    repository.commit(ACCOUNTS)
    with (repository.bare / "reconciler.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        output = repository.push()
    assert output == (
        "reconciler: the run of another push did not end within 1 s; AWS was not called: the next push reconciles"
    )
    assert list_destinations(client) == []
    repository.commit({})
    assert "created accounts" in repository.push()


def test_missing_flock_prevents_all_calls(repository: HookRepository, client: Client) -> None:
    """Without flock, the hook reports the missing program and calls nothing."""
    revision = repository.commit(ACCOUNTS)
    repository.push("HEAD:refs/heads/topic")
    repository.host.run_git(repository.bare, "update-ref", "refs/heads/main", revision)
    git = shutil.which("git")
    assert git
    path = repository.host.folder / "path"
    path.mkdir()
    (path / "git").symlink_to(git)
    with start_hook(repository, "post-receive", revision, str(path)) as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert output == "reconciler: program not found: install flock (package util-linux); AWS was not called\n"
    assert list_destinations(client) == []


@pytest.mark.parametrize("hook", ["pre-receive", "post-receive"])
def test_signal_to_the_hook_loses_no_log_line(repository: HookRepository, hook: str) -> None:
    """A hook that receives a signal waits for its run, and keeps the log of the run."""
    repository.install(hook)
    start_pipe, end_pipe = repository.host.folder / "began", repository.host.folder / "go"
    for pipe in (start_pipe, end_pipe):
        os.mkfifo(pipe)
    repository.replace_program(f": >'{start_pipe}'\nread -r _ <'{end_pipe}'\necho last >&2")
    revision = repository.commit(ACCOUNTS)
    repository.push("HEAD:refs/heads/topic")
    repository.host.run_git(repository.bare, "update-ref", "refs/heads/main", revision)
    with start_hook(repository, hook, revision) as process:
        start_pipe.read_bytes()
        process.send_signal(signal.SIGTERM)
        end_pipe.write_text("\n", encoding="utf-8")
        process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert (repository.bare / "reconciler.log").read_text(encoding="utf-8") == "last\n"
    assert repository.host.temporary_files == []


def test_push_to_a_symbolic_ref_of_the_branch_is_reconciled(repository: HookRepository, client: Client) -> None:
    """A push to a symbolic ref of the branch is reconciled, and the setting may name a symbolic ref."""
    repository.host.run_git(repository.bare, "symbolic-ref", "refs/heads/alias", "refs/heads/main")
    repository.commit(ACCOUNTS)
    assert "reconciling refs/heads/main at " in repository.push("HEAD:refs/heads/alias")
    repository.configure("ref", "alias")
    repository.commit({"manifests/orders.yaml": MANIFEST.format(name="orders")})
    assert "created orders" in repository.push()
    assert list_destinations(client) == ["s3://corp-exports/accounts", "s3://corp-exports/orders"]


def test_missing_manifest_folder_is_named(repository: HookRepository) -> None:
    """A revision without the folder of manifests is an error that names the folder."""
    repository.commit({"README.md": "exports\n"})
    assert "has no such file or folder in the commit" in repository.push()


@pytest.mark.parametrize(("path", "file"), [("deep/down/", "deep/down/a.yaml"), (".", "a.yaml"), ("-f", "-f/a.yaml")])
def test_path_setting_selects_the_manifest_folder(
    repository: HookRepository, client: Client, path: str, file: str
) -> None:
    """The setting `reconciler.path` selects the folder, and the report shows paths relative to the repository."""
    repository.configure("path", path)
    repository.commit({file: MANIFEST.format(name="accounts")})
    assert f"{file}:1" in repository.push()
    assert list_destinations(client) == ["s3://corp-exports/accounts"]


def test_links_out_of_the_revision_are_refused(repository: HookRepository, client: Client) -> None:
    """A symbolic link in the revision is refused, so that it cannot expose a file of the server."""
    secret = repository.host.folder / "secret.yaml"
    secret.write_text("password: hunter2\n", encoding="utf-8")
    repository.commit(ACCOUNTS)
    (repository.clone / "manifests" / "link.yaml").symlink_to(secret)
    repository.commit({})
    output = repository.push()
    assert "manifests/link.yaml: the path is a symbolic link" in output
    assert "hunter2" not in output
    assert list_destinations(client) == []


def test_git_attributes_do_not_hide_manifests(repository: HookRepository, client: Client) -> None:
    """A manifest that .gitattributes excludes from archives is still reconciled."""
    repository.commit(ACCOUNTS | {".gitattributes": "*.yaml export-ignore\n"})
    repository.push()
    assert list_destinations(client) == ["s3://corp-exports/accounts"]


def test_replace_refs_do_not_change_the_manifests(repository: HookRepository, client: Client) -> None:
    """Pushed replace refs do not change the manifests of a revision."""
    revision = repository.commit(ACCOUNTS)
    other = repository.commit({"manifests/accounts.yaml": MANIFEST.format(name="orders")})
    repository.push(f"{other}:refs/replace/{revision}", f"{revision}:refs/heads/main")
    assert list_destinations(client) == ["s3://corp-exports/accounts"]


def test_configured_options_are_not_executed_by_the_shell(repository: HookRepository, client: Client) -> None:
    """Options in the settings are split at blanks, and the shell does not expand or execute them."""
    repository.add_options("--mode observe --profile $(touch${IFS}made) *")
    repository.commit(ACCOUNTS)
    output = repository.push()
    assert "unexpected extra argument (*)" in output
    assert "exit code 64" in output
    assert not list(repository.host.folder.rglob("made"))
    assert list_destinations(client) == []


def test_git_variables_are_not_passed_to_child_processes(repository: HookRepository) -> None:
    """The git variables of the hook do not reach the program."""
    repository.replace_program("env\ncd / && git rev-parse --git-dir 2>&1 || :")
    repository.commit(ACCOUNTS)
    output = repository.push()
    names = {line.partition("=")[0] for line in output.splitlines()}
    assert "PATH" in names
    git_names = set(repository.host.run_git(repository.bare, "rev-parse", "--local-env-vars").split())
    assert names.isdisjoint(git_names)
    assert "not a git repository" in output


def test_invalid_wait_is_reported(repository: HookRepository) -> None:
    """A `reconciler.wait` with a unit is reported as invalid."""
    repository.configure("wait", "5m")
    repository.commit(ACCOUNTS)
    assert "reconciler.wait is '5m': set it to a number of seconds; AWS was not called" in repository.push()


@pytest.mark.parametrize("name", ['{"orders.yaml', '{"event": "orders"}.yaml'])
def test_a_problem_that_looks_like_a_line_of_the_log_is_shown(repository: HookRepository, name: str) -> None:
    """The pusher reads a problem whose file name looks like a log line, and not the log itself."""
    repository.configure("path", ".")
    repository.commit(ACCOUNTS | {name: INVALID})
    assert f"{name}:7:3: " in repository.push()
    repository.install("pre-receive")
    repository.commit({})
    output = repository.expect_rejection()
    assert f"{name}:7:3: " in output
    assert '"timestamp"' not in output


def test_missing_program_is_reported_with_its_setting(repository: HookRepository) -> None:
    """A missing program is reported with the setting to correct."""
    repository.configure("program", "/nowhere/reconcile")
    repository.commit(ACCOUNTS)
    assert "program not found: set reconciler.program to its path (now '/nowhere/reconcile')" in repository.push()


def test_hook_passes_its_wait_as_the_lock_timeout(repository: HookRepository) -> None:
    """The hook passes `reconciler.wait` as --lock-timeout, and `reconciler.options` overrides it."""
    repository.replace_program('printf "%s\\n" "$@"')
    repository.configure("options", "--lock-timeout 7m")
    repository.commit(ACCOUNTS)
    arguments = repository.push().splitlines()
    assert arguments.index("--lock-timeout=300s") < arguments.index("--lock-timeout")  # click uses the last value
    assert arguments[arguments.index("--lock-timeout") + 1] == "7m"


def test_the_revision_is_in_report_log_and_journal(repository: HookRepository) -> None:
    """Report, log and journal contain the pushed revision."""
    repository.add_options("-o json=report.json")
    revision = repository.commit(ACCOUNTS)
    assert "created accounts" in repository.push()  # the pusher still reads the text report
    report = json.loads((repository.bare / "report.json").read_text(encoding="utf-8"))
    assert report["run"]["revision"] == revision
    assert not report["run"]["dryRun"]
    lines = [json.loads(line) for line in (repository.bare / "reconciler.log").read_text(encoding="utf-8").splitlines()]
    assert len({line["run"] for line in lines}) == 1
    assert [line["revision"] for line in lines if line["event"] == "run finished"] == [revision]
    (journal,) = (repository.bare / "reconciler-state").rglob("*us-east-1*.json")
    assert json.loads(journal.read_text(encoding="utf-8"))["written"]["revision"] == revision


def test_the_hook_is_executable_and_portable() -> None:
    """The hook is an executable POSIX shell script without findings of shellcheck."""
    check_shell(DEPLOY / "git" / "post-receive")
