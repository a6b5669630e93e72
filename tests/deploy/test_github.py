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
from deploy.action import ACTION, HEAD, Job
from deploy.comments import LONGEST, TOKEN, Comments, served
from deploy.conftest import (
    ACCOUNTS,
    DEPLOY,
    INVALID,
    MANIFEST,
    RECONCILE,
    TARGET,
    Place,
    check_shell,
    commit,
    destinations,
    downloads,
    new_repository,
)
from support.paths import REPOSITORY

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient as Client


@pytest.fixture
def comments() -> Iterator[Comments]:
    """Yield the comments of a pull request."""
    with served() as comments:
        yield comments


@pytest.fixture
def job(place: Place, sandbox: str, comments: Comments) -> Job:
    """Return a job with a checkout, in an environment that reaches only the sandbox."""
    place.environment["RECONCILER_ENDPOINT_URL"] = sandbox
    place.environment["RECONCILER_REGION"] = "us-east-1"
    workspace = new_repository(place, "workspace")
    commit(place, workspace, ACCOUNTS)
    comments.head = lambda branch: place.git(
        workspace, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}"
    ).strip()
    return Job(place, workspace, comments.url)


def test_plan_writes_nothing_and_reports_everywhere(job: Job, comments: Comments, client: Client) -> None:
    """A plan of the checked-out commit appears in annotations, summary, comment and outputs, and creates nothing."""
    revision = commit(job.place, job.workspace, {})
    (job.workspace / "manifests" / "left-over.yaml").write_text("never committed", encoding="utf-8")
    ran = job.use()
    assert ran.code == 0, ran.log
    digest = ran.outputs["digest"]
    assert ran.report["planDigest"] == digest
    assert ran.report["run"]["dryRun"]
    assert ran.report["run"]["revision"] == revision
    assert ran.outputs["exit-code"] == "0"
    assert "::notice" in ran.log
    assert "file=manifests/accounts.yaml" in ran.log
    assert digest in ran.summary
    (comment,) = comments.found
    assert digest in comment["body"]
    of = f"commit {ran.report['run']['revision']}, checked out for the head {HEAD}"
    assert f"{of}: exit code 0, [log](https://github.example/corp/exports/actions/runs/42)" in comment["body"]
    assert Path(ran.outputs["markdown"]).read_text(encoding="utf-8") in comment["body"]
    assert json.loads(Path(ran.outputs["sarif"]).read_text(encoding="utf-8"))["version"] == "2.1.0"
    assert TOKEN not in ran.log + ran.summary + comment["body"]
    assert destinations(client) == []


def test_plan_comment_is_updated_in_place(job: Job, comments: Comments) -> None:
    """One comment per folder is updated, among many others, even if a user copies its text."""
    for number in range(150):
        comments.add("reviewer", f"Looks good, {number}")
    comments.found[3]["user"] = None
    comments.found[4] |= {"user": {"login": "other[bot]", "type": "Bot"}, "body": None}
    job.use()
    mine = comments.found[150]["body"]
    forged = comments.add("reviewer", mine)
    commit(job.place, job.workspace, {"manifests/orders.yaml": MANIFEST.format(name="orders")})
    job.use()
    assert len(comments.found) == 151 + 1
    assert "orders" in comments.found[150]["body"]
    assert comments.found[forged - 1]["body"] == mine
    job.use(path=".")
    assert len(comments.found) == 151 + 2


def test_invalid_manifests_fail_the_job_and_are_commented(job: Job, comments: Comments, client: Client) -> None:
    """Invalid manifests fail the job with exit code 3, and file and position replace the plan in the comment."""
    job.use()
    commit(job.place, job.workspace, {"manifests/orders.yaml": INVALID})
    ran = job.use()
    assert ran.code == 3
    assert ran.outputs["exit-code"] == "3"
    assert ran.outputs["digest"] == ""
    assert "::error" in ran.log
    assert "file=manifests/orders.yaml,line=7" in ran.log
    (comment,) = comments.found
    for text in (comment["body"], ran.summary):
        assert "manifests/orders.yaml:7:3" in text
    assert destinations(client) == []


def test_blocked_plan_fails_the_job_with_a_comment(job: Job, comments: Comments) -> None:
    """A blocked plan fails the job with exit code 1, and the comment has the reason."""
    commit(job.place, job.workspace, {"manifests/target.yaml": f"{TARGET}  AllowedDestinations: [s3://elsewhere/*]\n"})
    ran = job.use()
    assert ran.code == 1
    assert ran.outputs["digest"].startswith("sha256:")
    assert "AllowedDestinations" in comments.found[0]["body"]


def test_usage_error_replaces_the_older_plan_in_the_comment(job: Job, comments: Comments) -> None:
    """After a usage error, the comment says that there is no report."""
    job.use()
    ran = job.use(options="--nothing")
    assert ran.code == 64
    (comment,) = comments.found
    assert "No report of `plan`: see the log" in comment["body"]
    assert "sha256:" not in comment["body"]


def test_read_only_token_puts_the_plan_into_the_summary(job: Job, comments: Comments) -> None:
    """With a read-only token, the plan is in the job summary, and the job succeeds."""
    comments.read_only = True
    ran = job.use()
    assert ran.code == 0, ran.log
    assert comments.found == []
    assert "The token has no permission to comment" in ran.log
    assert "The token has no permission to comment" in ran.summary
    assert ran.outputs["digest"] in ran.summary


def test_unwritable_comment_fails_the_job(job: Job, comments: Comments) -> None:
    """A comment that cannot be written fails the job, because it may show an older plan."""
    comments.broken = True
    ran = job.use()
    assert ran.code == 1
    assert "::error title=reconcile::The comment cannot be written (HTTP 502)" in ran.log
    assert "Traceback" not in ran.log
    unreachable = replace(job, api="http://127.0.0.1:9").use()
    assert unreachable.code == 1
    assert "::error title=reconcile::GitHub's API cannot be reached" in unreachable.log


@pytest.mark.parametrize("spoiled", [(b"<html>", 6), (b"[", 99), (b"{}", 2), (b"\xff", 1)])
def test_unreadable_api_answer_is_a_one_line_error(job: Job, comments: Comments, spoiled: tuple[bytes, int]) -> None:
    """An invalid or truncated response of the API fails the job with a one-line error."""
    comments.spoiled = spoiled
    ran = job.use()
    assert ran.code == 1
    assert "::error title=reconcile::GitHub's API returned an invalid response" in ran.log
    assert "Traceback" not in ran.log


def test_head_commit_is_named_once(job: Job, comments: Comments) -> None:
    """If the workflow checks out the head, the comment names only one commit."""
    event = job.place.folder / "head.json"
    head = commit(job.place, job.workspace, {})
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": head}}}), encoding="utf-8")
    write_comment(comments, event, job.place.folder / "none.md", head)
    assert f"of commit {head}: exit code 0" in comments.found[0]["body"]


def test_a_long_plan_fits_into_a_comment(job: Job, comments: Comments) -> None:
    """A long plan is shortened to the maximum length of a comment."""
    many = {f"manifests/{number:03}.yaml": MANIFEST.format(name=f"orders-{number:03}") for number in range(200)}
    commit(job.place, job.workspace, many)
    ran = job.use()
    (comment,) = comments.found
    assert LONGEST // 2 < len(comment["body"]) <= LONGEST
    assert ran.outputs["digest"] in comment["body"]


def test_overlong_section_is_left_out_of_the_comment(job: Job, comments: Comments) -> None:
    """A section that does not fit is left out, and the comment refers to the job summary."""
    file = job.place.folder / "report.md"
    file.write_text(f"## Verdict\n\n### Rest\n\n{'- more ' * LONGEST}"[:LONGEST], encoding="utf-8")
    event = job.place.folder / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": HEAD}}}), encoding="utf-8")
    write_comment(comments, event, file, HEAD)
    (comment,) = comments.found
    assert "## Verdict\n\nThe rest of the report is too long for a comment: see the job summary." in comment["body"]


def write_comment(comments: Comments, event: Path, markdown: Path, revision: str) -> None:
    """Run the comment script alone."""
    given = {"COMMAND": "plan", "EXIT_CODE": "0", "MANIFESTS": "manifests", "MARKDOWN": str(markdown)}
    given |= {"REVISION": revision, "TOKEN": TOKEN}
    about = {"API_URL": comments.url, "EVENT_PATH": str(event), "JOB": "plan", "REPOSITORY": "corp/exports"}
    about |= {"RUN_ID": "42", "SERVER_URL": "https://github.example", "WORKFLOW": "reconcile"}
    subprocess.run(
        [sys.executable, "-I", DEPLOY / "github" / "comment.py"],
        env=given | {f"GITHUB_{name}": value for name, value in about.items()},
        check=True,
    )


def test_apply_creates_once_and_writes_no_comment(job: Job, comments: Comments, client: Client) -> None:
    """Two applies on a branch create the association once, and write no comment."""
    inputs = {"command": "apply", "state": str(job.place.folder / "state"), "new_state": "*", "program": str(RECONCILE)}
    first = job.use(event="push", **inputs)
    assert first.code == 0, first.log
    assert first.report["summary"]["create"] == 1
    assert "::notice" in first.log
    second = job.use(event="push", **inputs)
    assert second.report["summary"]["inSync"] == 1
    assert destinations(client) == ["s3://corp-exports/accounts"]
    assert comments.found == []


@pytest.mark.parametrize("by", ["report", "digest"])
def test_apply_executes_only_the_reviewed_plan(job: Job, client: Client, by: str) -> None:
    """Apply refuses a plan that differs from the reviewed one, and writes nothing then."""
    state = str(job.place.folder / "state")
    reviewed = job.use(state=state, new_state="*").outputs[by]
    commit(job.place, job.workspace, {"manifests/orders.yaml": MANIFEST.format(name="orders")})
    stale = job.use(event="push", command="apply", state=state, new_state="*", expect_plan=reviewed)
    assert stale.code == 1
    assert "::error" in stale.log
    assert "orders" in stale.summary
    assert destinations(client) == []
    fresh = job.use(state=state, new_state="*").outputs[by]
    assert job.use(event="push", command="apply", state=state, new_state="*", expect_plan=fresh).code == 0
    assert destinations(client) == ["s3://corp-exports/accounts", "s3://corp-exports/orders"]


def test_apply_of_an_outdated_commit_calls_nothing(job: Job, client: Client) -> None:
    """A late approval or a repeated job does not apply a commit that is no longer the head of the branch."""
    state = str(job.place.folder / "state")
    reviewed = job.use(state=state, new_state="*").outputs["digest"]
    old = job.place.git(job.workspace, "rev-parse", "HEAD").strip()
    (job.workspace / "manifests" / "accounts.yaml").unlink()
    new = commit(job.place, job.workspace, {})
    job.place.git(job.workspace, "checkout", "--quiet", "--detach", old)
    late = job.use(event="push", command="apply", state=state, new_state="*", expect_plan=reviewed)
    assert late.code == 1
    said = f"::error title=reconcile::apply: {old} is not the head of main, which is {new}; AWS was not called"
    assert late.log.splitlines() == [said]
    assert destinations(client) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"broken": True}, "the head of main is unknown (HTTP 502 from GitHub)"),
        ({"head": lambda _: ""}, "the head of main is unknown (HTTP 404 from GitHub): check that the branch exists"),
        ({"spoiled": (b"<html>", 6)}, "the head of main is unknown (invalid response from GitHub's API)"),
        ({"spoiled": (b"{}", 99)}, "the head of main is unknown (invalid response from GitHub's API)"),
        ({"spoiled": (b"[]", 2)}, "the head of main is unknown (invalid response from GitHub's API)"),
    ],
)
def test_apply_with_an_unknown_head_calls_nothing(
    job: Job, comments: Comments, client: Client, changed: dict[str, Any], said: str
) -> None:
    """If GitHub's API does not return the head of the branch, apply ends with a one-line error and calls nothing."""
    for name, value in changed.items():
        setattr(comments, name, value)
    ran = job.use(event="push", command="apply", state=str(job.place.folder / "state"), new_state="*")
    assert ran.code == 1
    (line,) = ran.log.splitlines()
    assert line.startswith(f"::error title=reconcile::apply: {said}")
    unreachable = replace(job, api="http://127.0.0.1:9").use(event="push", command="apply", state="s")
    assert unreachable.code == 1
    assert "apply: the head of main is unknown (GitHub's API cannot be reached)" in unreachable.log
    assert destinations(client) == []


def test_apply_uses_the_branch_input(job: Job, client: Client) -> None:
    """The input `branch` replaces the default branch, even if the event names no default branch."""
    job.place.git(job.workspace, "branch", "--move", "team/live")
    state = str(job.place.folder / "state")
    given = {"command": "apply", "state": state, "new_state": "*", "branch": "team/live", "ref": "refs/heads/team/live"}
    ran = job.use(event="schedule", **given)
    assert ran.code == 0, ran.log
    assert destinations(client) == ["s3://corp-exports/accounts"]


def test_validate_needs_no_aws(job: Job, comments: Comments) -> None:
    """Validate calls nothing, and annotates an invalid manifest at its position."""
    job.place.environment["RECONCILER_ENDPOINT_URL"] = "http://127.0.0.1:9"
    assert job.use(command="validate", comment="false").code == 0
    commit(job.place, job.workspace, {"manifests/orders.yaml": INVALID})
    ran = job.use(command="validate", comment="false")
    assert ran.code == 3
    assert "file=manifests/orders.yaml,line=7" in ran.log
    assert comments.found == []


@pytest.mark.parametrize(
    ("event", "inputs", "said"),
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
        ("push", {"command": "apply"}, "needs a journal that lasts"),
        ("push", {"program": "/nowhere/reconcile"}, "program '/nowhere/reconcile' was not found"),
    ],
)
def test_invalid_inputs_call_nothing(job: Job, client: Client, event: str, inputs: dict[str, str], said: str) -> None:
    """An invalid input ends the job with a one-line error before any call."""
    ran = job.use(event=event, **inputs)
    assert ran.code == 64
    assert said in ran.log
    assert destinations(client) == []


def test_inputs_are_not_executed_by_a_shell(job: Job, comments: Comments) -> None:
    """Shell code in an input is not executed."""
    evil = "$(touch${IFS}made);`touch made`"
    for name in ("branch", "command", "expect_plan", "options", "path", "program", "state", "new_state"):
        job.use(**{name: evil})
    assert not list(job.place.folder.rglob("made"))
    assert all("made" not in comment["body"] for comment in comments.found)


def test_manifest_names_cannot_inject_workflow_commands(job: Job) -> None:
    """A file name that looks like a workflow command is shown, and not executed."""
    commit(job.place, job.workspace, {"::error::forged.yaml": INVALID, "##[error]forged.yaml": INVALID})
    ran = job.use(path=".")
    assert ran.code == 3
    heard, resume = [], ""
    for line in ran.log.splitlines():
        if line.startswith("::stop-commands::"):
            resume = f"::{line.removeprefix('::stop-commands::')}::"
        elif resume:
            resume = "" if line == resume else resume
        elif line.startswith("::") or "##[" in line:
            heard.append(line)
    assert not resume
    assert heard
    assert all(re.match("::(error|warning|notice) (file|title)=", line) and "##[" not in line for line in heard)
    assert ":error::forged.yaml:7:3" in ran.log


def test_the_action_installs_its_own_revision(place: Place) -> None:
    """Without the input `program`, the action installs its own revision and leaves no files in its folder."""
    place.environment.update(downloads())
    place.environment["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), place.environment["PATH"]))
    before = {path.name for path in REPOSITORY.iterdir()}
    workspace = new_repository(place, "workspace")
    commit(place, workspace, ACCOUNTS)
    ran = Job(place, workspace).use(command="validate", comment="false", program="")
    assert ran.code == 0, ran.log
    assert {path.name for path in REPOSITORY.iterdir()} <= before
    (program,) = (place.folder / "runner").glob("reconciler-program.*/bin/reconcile")
    shown = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    assert shown == subprocess.run([RECONCILE, "--version"], check=True, capture_output=True, text=True).stdout


def test_the_scripts_are_portable() -> None:
    """The scripts are valid, executable and without findings of shellcheck."""
    check_shell(*(DEPLOY / "github").glob("*.sh"))


def test_action_scripts_contain_no_expressions() -> None:
    """The scripts of the action contain no expressions, which a shell would parse."""
    assert all("${{" not in step["run"] for step in ACTION["runs"]["steps"])
