"""The GitHub Action plans, comments and applies. Its scripts run against the sandbox and a local API."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.github_action import ACTION, HEAD, WORKFLOW, Job, is_job_due
from support.github_api import MAX_BODY_LENGTH, TOKEN, Comments, serve_comments
from support.hook_repository import list_destinations
from support.hosts import Host, check_shell, commit, create_repository, find_registry_variables
from support.manifests import ACCOUNTS, INVALID, LATER_EXPORT, MANIFEST, TARGET
from support.paths import DEPLOY, REPOSITORY
from support.program import SCRIPT

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient as Client


@pytest.fixture
def comments() -> Iterator[Comments]:
    """Yield the comments of a pull request."""
    with serve_comments() as comments:
        yield comments


@pytest.fixture
def job(host: Host, sandbox: str, comments: Comments) -> Job:
    """Return a job with a checkout, in an environment that reaches only the sandbox."""
    host.environment["RECONCILER_ENDPOINT_URL"] = sandbox
    host.environment["RECONCILER_REGION"] = "us-east-1"
    workspace = create_repository(host, "workspace")
    commit(host, workspace, ACCOUNTS)
    comments.get_head = lambda branch: host.run_git(
        workspace, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}"
    ).strip()
    return Job(host, workspace, comments.url)


def test_plan_writes_nothing_and_reports_everywhere(job: Job, comments: Comments, client: Client) -> None:
    """A plan of the checked-out commit appears in annotations, summary, comment and outputs, and creates nothing."""
    revision = commit(job.host, job.workspace, {})
    (job.workspace / "manifests" / "left-over.yaml").write_text("never committed", encoding="utf-8")
    result = job.use()
    assert result.exit_code == 0, result.log
    digest = result.outputs["digest"]
    assert result.report["planDigest"] == digest
    assert result.report["run"]["dryRun"]
    assert result.report["run"]["revision"] == revision
    assert result.outputs["exit-code"] == "0"
    assert "::notice" in result.log
    assert "file=manifests/accounts.yaml" in result.log
    assert digest in result.summary
    (comment,) = comments.items
    assert digest in comment["body"]
    subject = f"commit {result.report['run']['revision']}, checked out for the head {HEAD}"
    assert f"{subject}: exit code 0, [log](https://github.example/corp/exports/actions/runs/42)" in comment["body"]
    assert Path(result.outputs["markdown"]).read_text(encoding="utf-8") in comment["body"]
    assert json.loads(Path(result.outputs["sarif"]).read_text(encoding="utf-8"))["version"] == "2.1.0"
    assert TOKEN not in result.log + result.summary + comment["body"]
    assert list_destinations(client) == []


def test_plan_comment_is_updated_in_place(job: Job, comments: Comments) -> None:
    """One comment per folder is updated, among many others, even if a user copies its text."""
    for number in range(150):
        comments.add("reviewer", f"Looks good, {number}")
    comments.items[3]["user"] = None
    comments.items[4] |= {"user": {"login": "other[bot]", "type": "Bot"}, "body": None}
    job.use()
    body = comments.items[150]["body"]
    copy_number = comments.add("reviewer", body)
    commit(job.host, job.workspace, {"manifests/orders.yaml": MANIFEST.format(name="orders")})
    job.use()
    assert len(comments.items) == 151 + 1
    assert "orders" in comments.items[150]["body"]
    assert comments.items[copy_number - 1]["body"] == body
    job.use(path=".")
    assert len(comments.items) == 151 + 2


def test_invalid_manifests_fail_the_job_and_are_commented(job: Job, comments: Comments, client: Client) -> None:
    """Invalid manifests fail the job with exit code 3, and file and position replace the plan in the comment."""
    job.use()
    commit(job.host, job.workspace, {"manifests/orders.yaml": INVALID})
    result = job.use()
    assert result.exit_code == 3
    assert result.outputs["exit-code"] == "3"
    assert result.outputs["digest"] == ""
    assert "::error" in result.log
    assert "file=manifests/orders.yaml,line=7" in result.log
    (comment,) = comments.items
    for text in (comment["body"], result.summary):
        assert "manifests/orders.yaml:7:3" in text
    assert list_destinations(client) == []


def test_blocked_plan_fails_the_job_with_a_comment(job: Job, comments: Comments) -> None:
    """A blocked plan fails the job with exit code 1, and the comment has the reason."""
    commit(job.host, job.workspace, {"manifests/target.yaml": f"{TARGET}  AllowedDestinations: [s3://elsewhere/*]\n"})
    result = job.use()
    assert result.exit_code == 1
    assert result.outputs["digest"].startswith("sha256:")
    assert "AllowedDestinations" in comments.items[0]["body"]


def test_usage_error_replaces_the_older_plan_in_the_comment(job: Job, comments: Comments) -> None:
    """After a usage error, the comment says that there is no report."""
    job.use()
    result = job.use(options="--nothing")
    assert result.exit_code == 64
    (comment,) = comments.items
    assert "No report of `plan`: see the log" in comment["body"]
    assert "sha256:" not in comment["body"]


def test_read_only_token_puts_the_plan_into_the_summary(job: Job, comments: Comments) -> None:
    """With a read-only token, the plan is in the job summary, and the job succeeds."""
    comments.is_read_only = True
    result = job.use()
    assert result.exit_code == 0, result.log
    assert comments.items == []
    assert "The token has no permission to comment" in result.log
    assert "The token has no permission to comment" in result.summary
    assert result.outputs["digest"] in result.summary


def test_unwritable_comment_fails_the_job(job: Job, comments: Comments) -> None:
    """A comment that cannot be written fails the job, because it may show an older plan."""
    comments.is_broken = True
    result = job.use()
    assert result.exit_code == 1
    assert "::error title=reconcile::The comment cannot be written (HTTP 502)" in result.log
    assert "Traceback" not in result.log
    unreachable = replace(job, api="http://127.0.0.1:9").use()
    assert unreachable.exit_code == 1
    assert "::error title=reconcile::GitHub's API cannot be reached" in unreachable.log


@pytest.mark.parametrize("response", [(b"<html>", 6), (b"[", 99), (b"{}", 2), (b"\xff", 1)])
def test_unreadable_api_response_is_a_one_line_error(job: Job, comments: Comments, response: tuple[bytes, int]) -> None:
    """An invalid or truncated response of the API fails the job with a one-line error."""
    comments.invalid_response = response
    result = job.use()
    assert result.exit_code == 1
    assert "::error title=reconcile::GitHub's API returned an invalid response" in result.log
    assert "Traceback" not in result.log


def test_head_commit_is_named_once(job: Job, comments: Comments) -> None:
    """If the workflow checks out the head, the comment names only one commit."""
    event = job.host.folder / "head.json"
    head = commit(job.host, job.workspace, {})
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": head}}}), encoding="utf-8")
    write_comment(comments, event, job.host.folder / "none.md", head)
    assert f"of commit {head}: exit code 0" in comments.items[0]["body"]


def test_a_long_plan_fits_into_a_comment(job: Job, comments: Comments) -> None:
    """A long plan is shortened to the maximum length of a comment."""
    manifests = {f"manifests/{number:03}.yaml": MANIFEST.format(name=f"orders-{number:03}") for number in range(200)}
    commit(job.host, job.workspace, manifests)
    result = job.use()
    (comment,) = comments.items
    assert MAX_BODY_LENGTH // 2 < len(comment["body"]) <= MAX_BODY_LENGTH
    assert result.outputs["digest"] in comment["body"]


def test_overlong_section_is_omitted_from_the_comment(job: Job, comments: Comments) -> None:
    """A section that does not fit is left out, and the comment refers to the job summary."""
    file = job.host.folder / "report.md"
    file.write_text(f"## Verdict\n\n### Rest\n\n{'- more ' * MAX_BODY_LENGTH}"[:MAX_BODY_LENGTH], encoding="utf-8")
    event = job.host.folder / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": HEAD}}}), encoding="utf-8")
    write_comment(comments, event, file, HEAD)
    (comment,) = comments.items
    assert "## Verdict\n\nThe rest of the report is too long for a comment: see the job summary." in comment["body"]


def write_comment(comments: Comments, event: Path, markdown: Path, revision: str) -> None:
    """Run the comment script alone."""
    inputs = {"COMMAND": "plan", "EXIT_CODE": "0", "MANIFESTS": "manifests", "MARKDOWN": str(markdown)}
    inputs |= {"REVISION": revision, "TOKEN": TOKEN}
    context = {"API_URL": comments.url, "EVENT_PATH": str(event), "JOB": "plan", "REPOSITORY": "corp/exports"}
    context |= {"RUN_ID": "42", "SERVER_URL": "https://github.example", "WORKFLOW": "reconcile"}
    subprocess.run(
        [sys.executable, "-I", DEPLOY / "github" / "comment.py"],
        env=inputs | {f"GITHUB_{name}": value for name, value in context.items()},
        check=True,
    )


def test_apply_creates_once_and_writes_no_comment(job: Job, comments: Comments, client: Client) -> None:
    """Two applies on a branch create the association once, and write no comment."""
    inputs = {"command": "apply", "state": str(job.host.folder / "state"), "new_state": "*", "program": str(SCRIPT)}
    first = job.use(event="push", **inputs)
    assert first.exit_code == 0, first.log
    assert first.report["summary"]["create"] == 1
    assert "::notice" in first.log
    second = job.use(event="push", **inputs)
    assert second.report["summary"]["inSync"] == 1
    assert list_destinations(client) == ["s3://corp-exports/accounts"]
    assert comments.items == []


@pytest.mark.parametrize("output", ["report", "digest"])
def test_apply_executes_only_the_reviewed_plan(job: Job, client: Client, output: str) -> None:
    """Apply refuses a plan that differs from the reviewed one, and writes nothing then."""
    state = str(job.host.folder / "state")
    old_plan = job.use(state=state, new_state="*").outputs[output]
    commit(job.host, job.workspace, {"manifests/orders.yaml": MANIFEST.format(name="orders")})
    result = job.use(event="push", command="apply", state=state, new_state="*", expect_plan=old_plan)
    assert result.exit_code == 1
    assert "::error" in result.log
    assert "orders" in result.summary
    assert list_destinations(client) == []
    new_plan = job.use(state=state, new_state="*").outputs[output]
    assert job.use(event="push", command="apply", state=state, new_state="*", expect_plan=new_plan).exit_code == 0
    assert list_destinations(client) == ["s3://corp-exports/accounts", "s3://corp-exports/orders"]


def test_apply_of_an_outdated_commit_calls_nothing(job: Job, client: Client) -> None:
    """A late approval or a repeated job does not apply a commit that is no longer the head of the branch."""
    state = str(job.host.folder / "state")
    plan = job.use(state=state, new_state="*").outputs["digest"]
    old = job.host.run_git(job.workspace, "rev-parse", "HEAD").strip()
    (job.workspace / "manifests" / "accounts.yaml").unlink()
    new = commit(job.host, job.workspace, {})
    job.host.run_git(job.workspace, "checkout", "--quiet", "--detach", old)
    result = job.use(event="push", command="apply", state=state, new_state="*", expect_plan=plan)
    assert result.exit_code == 1
    expected = f"::error title=reconcile::apply: {old} is not the head of main, which is {new}; AWS was not called"
    assert result.log.splitlines() == [expected]
    assert list_destinations(client) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"is_broken": True}, "the head of main is unknown (HTTP 502 from GitHub)"),
        (
            {"get_head": lambda _: ""},
            "the head of main is unknown (HTTP 404 from GitHub): check that the branch exists",
        ),
        ({"invalid_response": (b"<html>", 6)}, "the head of main is unknown (invalid response from GitHub's API)"),
        ({"invalid_response": (b"{}", 99)}, "the head of main is unknown (invalid response from GitHub's API)"),
        ({"invalid_response": (b"[]", 2)}, "the head of main is unknown (invalid response from GitHub's API)"),
    ],
)
def test_apply_with_an_unknown_head_calls_nothing(
    job: Job, comments: Comments, client: Client, settings: dict[str, Any], message: str
) -> None:
    """If GitHub's API does not return the head of the branch, apply ends with a one-line error and calls nothing."""
    for name, value in settings.items():
        setattr(comments, name, value)
    result = job.use(event="push", command="apply", state=str(job.host.folder / "state"), new_state="*")
    assert result.exit_code == 1
    (line,) = result.log.splitlines()
    assert line.startswith(f"::error title=reconcile::apply: {message}")
    unreachable = replace(job, api="http://127.0.0.1:9").use(event="push", command="apply", state="s")
    assert unreachable.exit_code == 1
    assert "apply: the head of main is unknown (GitHub's API cannot be reached)" in unreachable.log
    assert list_destinations(client) == []


def test_apply_uses_the_branch_input(job: Job, client: Client) -> None:
    """The input `branch` replaces the default branch, even if the event names no default branch."""
    job.host.run_git(job.workspace, "branch", "--move", "team/live")
    state = str(job.host.folder / "state")
    inputs = {
        "command": "apply",
        "state": state,
        "new_state": "*",
        "branch": "team/live",
        "ref": "refs/heads/team/live",
    }
    result = job.use(event="schedule", **inputs)
    assert result.exit_code == 0, result.log
    assert list_destinations(client) == ["s3://corp-exports/accounts"]


def test_scheduled_job_sends_what_is_due_without_a_reviewed_plan(job: Job, client: Client) -> None:
    """The scheduled job creates once what was merged and not approved yet, and holds an export that is not due."""
    commit(job.host, job.workspace, {"manifests/october.yaml": LATER_EXPORT})
    step = WORKFLOW["jobs"]["scheduled"]["steps"][-1]
    assert "expect-plan" not in step["with"]
    inputs = {name.replace("-", "_"): value for name, value in step["with"].items()}
    inputs |= {"state": str(job.host.folder / "state"), "new_state": "*"}
    for summary_name in ("create", "inSync"):
        result = job.use(event="schedule", **inputs)
        assert result.exit_code == 0, result.log
        assert (result.report["summary"][summary_name], result.report["summary"]["held"]) == (1, 1)
        assert not result.report["run"]["dryRun"]
        assert list_destinations(client) == ["s3://corp-exports/accounts"]


@pytest.mark.parametrize(
    ("event", "repository", "jobs"),
    [
        ("pull_request", "corp/exports", ["validate", "plan"]),
        ("pull_request", "fork/exports", ["validate"]),
        ("push", "", ["plan", "apply"]),
        ("workflow_dispatch", "", ["plan", "apply"]),
        ("schedule", "", ["scheduled"]),
    ],
)
def test_each_event_starts_its_jobs(event: str, repository: str, jobs: list[str]) -> None:
    """A schedule starts only its own job, and no other event starts that job."""
    values = {
        "github__event_name": event,
        "github__repository": "corp/exports",
        "github__event__pull_request__head__repo__full_name": repository,
        "needs__plan__outputs__digest": "sha256:0",
    }
    assert [name for name in WORKFLOW["jobs"] if is_job_due(name, **values)] == jobs


def test_jobs_that_write_run_one_at_a_time_in_separate_environments() -> None:
    """Apply and the scheduled job share a concurrency group, and neither is cancelled. Only one has reviewers."""
    apply, scheduled = WORKFLOW["jobs"]["apply"], WORKFLOW["jobs"]["scheduled"]
    assert apply["concurrency"] == scheduled["concurrency"] == {"group": "reconcile-apply", "cancel-in-progress": False}
    assert (apply["environment"], scheduled["environment"]) == ("production", "production-schedule")


def test_validate_needs_no_aws(job: Job, comments: Comments) -> None:
    """Validate calls nothing, and annotates an invalid manifest at its position."""
    job.host.environment["RECONCILER_ENDPOINT_URL"] = "http://127.0.0.1:9"
    assert job.use(command="validate", comment="false").exit_code == 0
    commit(job.host, job.workspace, {"manifests/orders.yaml": INVALID})
    result = job.use(command="validate", comment="false")
    assert result.exit_code == 3
    assert "file=manifests/orders.yaml,line=7" in result.log
    assert comments.items == []


@pytest.mark.parametrize(
    ("event", "inputs", "message"),
    [
        ("pull_request", {"command": "apply", "state": "s"}, "apply: a pull request can only be planned"),
        ("pull_request_target", {"command": "apply", "state": "s"}, "apply: a pull request can only be planned"),
        (
            "merge_group",
            {"command": "apply", "state": "s", "ref": "refs/heads/gh-readonly-queue/main/pr-7-1f0c5f7"},
            "apply: only allowed on refs/heads/main, and this is refs/heads/gh-readonly-queue/main/pr-7-1f0c5f7",
        ),
        (
            "workflow_dispatch",
            {"command": "apply", "state": "s", "ref": "refs/tags/main"},
            "apply: only allowed on refs/heads/main, and this is refs/tags/main",
        ),
        ("push", {"command": "apply", "state": "s", "branch": "live"}, "apply: only allowed on refs/heads/live"),
        ("schedule", {"command": "apply", "state": "s"}, "does not name the default branch: set the input branch"),
        ("push", {"command": "destroy"}, "command: set it to plan, apply or validate"),
        ("push", {"command": "plan", "expect_plan": "sha256:0"}, "expect-plan: only allowed with apply"),
        ("push", {"command": "apply"}, "is lost when the CI job ends"),
        ("push", {"program": "/nowhere/reconcile"}, "program '/nowhere/reconcile' was not found"),
    ],
)
def test_invalid_inputs_call_nothing(
    job: Job, client: Client, event: str, inputs: dict[str, str], message: str
) -> None:
    """An invalid input ends the job with a one-line error before any call."""
    result = job.use(event=event, **inputs)
    assert result.exit_code == 64
    assert message in result.log
    assert list_destinations(client) == []


def test_inputs_are_not_executed_by_a_shell(job: Job, comments: Comments) -> None:
    """Shell code in an input is not executed."""
    script = "$(touch${IFS}made);`touch made`"
    for name in ("branch", "command", "expect_plan", "options", "program", "state", "new_state"):
        job.use(**{name: script})
    assert all("made" not in comment["body"] for comment in comments.items)
    assert job.use(path=script).exit_code == 3  # the comment names the missing path
    assert not list(job.host.folder.rglob("made"))


def test_manifest_names_cannot_inject_workflow_commands(job: Job) -> None:
    """A file name that looks like a workflow command is shown, and not executed."""
    commit(job.host, job.workspace, {"::error::forged.yaml": INVALID, "##[error]forged.yaml": INVALID})
    result = job.use(path=".")
    assert result.exit_code == 3
    commands, end_marker = [], ""
    for line in result.log.splitlines():
        if line.startswith("::stop-commands::"):
            end_marker = f"::{line.removeprefix('::stop-commands::')}::"
        elif end_marker:
            end_marker = "" if line == end_marker else end_marker
        elif line.startswith("::") or "##[" in line:
            commands.append(line)
    assert not end_marker
    assert commands
    assert all(re.match("::(error|warning|notice) (file|title)=", line) and "##[" not in line for line in commands)
    assert ":error::forged.yaml:7:3" in result.log


def test_the_action_installs_its_own_revision(host: Host) -> None:
    """Without the input `program`, the action installs its own revision and leaves no files in its folder."""
    host.environment.update(find_registry_variables())
    host.environment["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), host.environment["PATH"]))
    names = {path.name for path in REPOSITORY.iterdir()}
    workspace = create_repository(host, "workspace")
    commit(host, workspace, ACCOUNTS)
    result = Job(host, workspace).use(command="validate", comment="false", program="")
    assert result.exit_code == 0, result.log
    assert {path.name for path in REPOSITORY.iterdir()} <= names
    (program,) = (host.folder / "runner").glob("reconciler-program.*/bin/reconcile")
    version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    assert version == subprocess.run([SCRIPT, "--version"], check=True, capture_output=True, text=True).stdout


def test_the_scripts_are_portable() -> None:
    """The scripts are valid, executable and without findings of shellcheck."""
    check_shell(*(DEPLOY / "github").glob("*.sh"))


def test_action_scripts_contain_no_expressions() -> None:
    """The scripts of the action contain no expressions, which a shell would parse."""
    assert all("${{" not in step["run"] for step in ACTION["runs"]["steps"])
