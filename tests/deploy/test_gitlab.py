"""The GitLab template plans and applies. The scripts of its jobs run against the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from junitparser import JUnitXml
from support.gitlab_api import OTHER_ID, Notes, serve_notes
from support.gitlab_api import TOKEN as NOTE_TOKEN
from support.hook_repository import list_destinations
from support.hosts import Host, build_pip_variables, commit, create_repository, find_registry_variables
from support.manifests import ACCOUNTS, INVALID, LATER_EXPORT, MANIFEST
from support.paths import DEPLOY, REPOSITORY
from support.program import SCRIPT

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient as Client


class Reference(tuple[str, ...]):
    """The argument of `!reference`: a job and one of its keys."""

    __slots__ = ()


class Loader(yaml.SafeLoader):
    """A YAML loader that supports GitLab's tag."""


def construct_reference(loader: Loader, node: yaml.SequenceNode) -> Reference:
    """Construct the value of a `!reference` tag."""
    return Reference(loader.construct_sequence(node))


Loader.add_constructor("!reference", construct_reference)
TEMPLATE: dict[str, Any] = yaml.load(
    (DEPLOY / "gitlab" / "reconciler.gitlab-ci.yml").read_text(encoding="utf-8"),
    Loader,  # noqa: S506 - derived from SafeLoader
)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The jobs of a pipeline in one work tree, so that a job finds the artifacts of an earlier one."""

    host: Host
    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, name: str, **variables: str) -> tuple[int, str]:
        """Run the scripts of a job like a runner, and return the exit code and the log."""
        job = resolve_job(name)
        definitions = {**TEMPLATE["variables"], **job.get("variables", {})}
        defaults = {name: value["value"] if isinstance(value, dict) else value for name, value in definitions.items()}
        values = {**defaults, **self.variables, **variables}
        ci_variables = {
            "CI_COMMIT_BRANCH": "main",
            "CI_COMMIT_SHA": self.host.run_git(self.folder, "rev-parse", "HEAD").strip(),
        }
        scope = ci_variables | values
        environment = {
            variable: scope.get(value.removeprefix("$"), "") if value.startswith("$") else value
            for variable, value in values.items()
        }
        process = subprocess.run(
            [
                "bash",
                "-eo",
                "pipefail",
                "-c",
                "\n".join((*flatten_script(job["before_script"]), *flatten_script(job["script"]))),
            ],
            cwd=self.folder,
            env=self.host.environment
            | {"GITLAB_CI": "true", "RECONCILER_ID_TOKEN": "a.b.c"}
            | ci_variables
            | environment,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return process.returncode, process.stdout

    def read_json(self, name: str) -> Any:
        """Return the content of a JSON artifact."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))


def resolve_job(name: str) -> dict[str, Any]:
    """Return a job, merged with the jobs that it extends."""
    job: dict[str, Any] = TEMPLATE[name]
    return resolve_job(job["extends"]) | job if "extends" in job else job


def flatten_script(lines: list[str | Reference]) -> Iterator[str]:
    """Yield the lines of a script, with its references resolved."""
    for line in lines:
        if isinstance(line, Reference):
            yield from flatten_script(TEMPLATE[line[0]][line[1]])
        else:
            yield line


@pytest.fixture
def pipeline(host: Host, sandbox: str) -> Pipeline:
    """Return a pipeline whose image contains the program and reaches only the sandbox."""
    host.environment["PATH"] = os.pathsep.join((str(host.program.parent), host.environment["PATH"]))
    host.environment["RECONCILER_ENDPOINT_URL"] = sandbox
    host.environment["RECONCILER_STATE"] = str(host.folder / "state")
    folder = create_repository(host, "project")
    commit(host, folder, ACCOUNTS | {".gitignore": "/*.json\n/*.xml\n/*.md\n.reconciler-program/\n"})
    host.run_git(folder, "remote", "add", "origin", str(folder))
    return Pipeline(host, folder, {"RECONCILER_NEW_STATE": "*"})  # set by a person for the first run


def test_planned_commit_is_applied(pipeline: Pipeline, client: Client) -> None:
    """The plan writes only its artifacts, and the next job applies that plan to the same commit."""
    pipeline.host.environment["PATH"] = os.pathsep.join((str(SCRIPT.parent), pipeline.host.environment["PATH"]))
    (pipeline.folder / "manifests" / "left-over.yaml").write_text("never committed", encoding="utf-8")
    code, log = pipeline.run("reconciler:plan")
    assert code == 0, log
    assert "1 to create" in log
    assert list_destinations(client) == []
    assert {
        path for path in resolve_job("reconciler:plan")["artifacts"]["paths"] if (pipeline.folder / path).exists()
    } == {
        "plan.json",
        "plan.md",
    }
    code, log = pipeline.run("reconciler:apply")
    assert code == 0, log
    assert list_destinations(client) == ["s3://corp-exports/accounts"]
    assert pipeline.read_json("applied.json")["planDigest"] == pipeline.read_json("plan.json")["planDigest"]
    revision = pipeline.host.run_git(pipeline.folder, "rev-parse", "HEAD").strip()
    assert pipeline.read_json("applied.json")["run"]["revision"] == revision


@pytest.fixture
def notes() -> Iterator[Notes]:
    """Yield the notes of a merge request."""
    with serve_notes() as notes:
        yield notes


def build_merge_request(notes: Notes, **variables: str) -> dict[str, str]:
    """Return the variables that GitLab sets in a pipeline of a merge request, with a token for notes."""
    return {
        "CI_API_V4_URL": notes.url,
        "CI_JOB_NAME": "reconciler:plan",
        "CI_JOB_URL": "https://gitlab.example/corp/exports/-/jobs/1",
        "CI_MERGE_REQUEST_IID": "7",
        "CI_MERGE_REQUEST_PROJECT_ID": "42",
        "RECONCILER_NOTE_TOKEN": NOTE_TOKEN,
    } | variables


def test_merge_request_has_one_note_with_its_latest_plan(pipeline: Pipeline, notes: Notes) -> None:
    """The note is updated among many others, even if somebody copies its text, and the log has no token."""
    for number in range(150):
        notes.add(OTHER_ID, f"Looks good, {number}")
    merge_request = build_merge_request(notes)
    code, log = pipeline.run("reconciler:plan", **merge_request)
    assert code == 0, log
    note = notes.items[150]["body"]
    revision = pipeline.host.run_git(pipeline.folder, "rev-parse", "HEAD").strip()
    assert (pipeline.folder / "plan.md").read_text(encoding="utf-8") in note
    assert f"of commit {revision}: exit code 0, [log](https://gitlab.example/corp/exports/-/jobs/1)" in note
    copy_number = notes.add(OTHER_ID, note)
    commit(pipeline.host, pipeline.folder, {"manifests/orders.yaml": MANIFEST.format(name="orders")})
    code, second_log = pipeline.run("reconciler:plan", **merge_request)
    assert code == 0
    assert len(notes.items) == 150 + 2
    assert "orders" in notes.items[150]["body"]
    assert notes.items[copy_number - 1]["body"] == note
    pipeline.run("reconciler:plan", **merge_request, RECONCILER_GIT_PATH=".")
    assert len(notes.items) == 150 + 3
    assert NOTE_TOKEN not in log + second_log + note


def test_note_replaces_the_plan_after_a_failure(pipeline: Pipeline, notes: Notes) -> None:
    """Invalid manifests and a usage error replace the older plan in the note, and keep their exit codes."""
    merge_request = build_merge_request(notes)
    pipeline.run("reconciler:plan", **merge_request)
    commit(pipeline.host, pipeline.folder, {"manifests/orders.yaml": INVALID})
    code, log = pipeline.run("reconciler:plan", **merge_request)
    assert code == 3, log
    (note,) = notes.items
    assert "manifests/orders.yaml:7:3" in note["body"]
    assert "exit code 3" in note["body"]
    (pipeline.folder / "plan.md").unlink()
    code, log = pipeline.run("reconciler:plan", **merge_request, RECONCILER_LOCK_TIMEOUT="soon")
    assert code == 64, log
    assert "No report of the plan: see the log" in note["body"]
    assert "sha256:" not in note["body"]


def test_plan_without_token_or_merge_request_writes_no_note(pipeline: Pipeline, notes: Notes) -> None:
    """A merge request without the token, as from a fork, and the default branch have no note."""
    without_token = build_merge_request(notes, RECONCILER_NOTE_TOKEN="")
    branch = build_merge_request(notes, CI_MERGE_REQUEST_IID="")
    assert [pipeline.run("reconciler:plan", **each)[0] for each in (without_token, branch)] == [0, 0]
    assert notes.items == []


def test_unwritable_note_fails_the_job_in_one_line(pipeline: Pipeline, notes: Notes) -> None:
    """A note that cannot be written fails the job, because it may show an older plan."""
    notes.is_read_only = True
    cases = [
        (build_merge_request(notes), "the note cannot be written (HTTP 403 from GitLab): give RECONCILER_NOTE_TOKEN"),
        (build_merge_request(notes, RECONCILER_NOTE_TOKEN="x"), "the note cannot be written (HTTP 401 from GitLab)"),
        (build_merge_request(notes, CI_API_V4_URL="http://127.0.0.1:9"), "GitLab's API cannot be reached"),
    ]
    for variables, message in cases:
        code, log = pipeline.run("reconciler:plan", **variables)
        assert code == 1
        assert message in log.splitlines()[-1]
    for response in (b"<html>", b"[]", b"{}", b"\xff"):
        notes.invalid_response = response
        code, log = pipeline.run("reconciler:plan", **build_merge_request(notes))
        assert code == 1
        assert "the note cannot be written: invalid response from GitLab's API" in log.splitlines()[-1]
        assert "Traceback" not in log


def test_long_plan_is_shortened_in_the_note(pipeline: Pipeline, notes: Notes) -> None:
    """A report that is too long for a note loses its sections, and the note refers to the artifacts."""
    pipeline.run("reconciler:plan")
    (pipeline.folder / "plan.md").write_text(f"## Verdict\n\n### Rest\n\n{'- more ' * 200_000}", encoding="utf-8")
    variables = build_merge_request(notes) | {
        "CI_COMMIT_SHA": "1f0c5f7", "EXIT_CODE": "0", "RECONCILER_GIT_PATH": "manifests"
    }  # fmt: skip
    script = pipeline.folder / ".reconciler-program" / "note.py"
    subprocess.run(
        [sys.executable, "-I", script], cwd=pipeline.folder, env=pipeline.host.environment | variables, check=True
    )
    (note,) = notes.items
    expected = "## Verdict\n\nThe rest of the report is too long for a note: see the artifacts of the job.\n"
    assert expected in note["body"]


def test_outdated_commit_is_not_applied(pipeline: Pipeline, client: Client) -> None:
    """Only the head of the branch is applied, even after a late approval. An unknown head applies nothing."""
    pipeline.run("reconciler:plan")
    old = pipeline.host.run_git(pipeline.folder, "rev-parse", "HEAD").strip()
    (pipeline.folder / "manifests" / "accounts.yaml").unlink()
    commit(pipeline.host, pipeline.folder, {})
    pipeline.host.run_git(pipeline.folder, "checkout", "--quiet", "--detach", old)
    for remote in (str(pipeline.folder), str(pipeline.host.folder / "nowhere")):  # the head has changed, or is unknown
        pipeline.host.run_git(pipeline.folder, "remote", "set-url", "origin", remote)
        code, log = pipeline.run("reconciler:apply")
        assert code == 1
        assert f"{old} is not the head of main, or the head is unknown; AWS was not called" in log
    assert list_destinations(client) == []


def test_another_plan_is_not_applied(pipeline: Pipeline, client: Client) -> None:
    """If the plan has changed since the plan job, the apply job writes nothing."""
    pipeline.run("reconciler:plan")
    commit(pipeline.host, pipeline.folder, {"manifests/orders.yaml": MANIFEST.format(name="orders")})
    code, log = pipeline.run("reconciler:apply")
    assert code == 1, log
    assert list_destinations(client) == []


def test_invalid_manifests_appear_as_failed_tests(pipeline: Pipeline, client: Client) -> None:
    """Invalid manifests fail both jobs, appear as failed tests, and prevent the apply job."""
    commit(pipeline.host, pipeline.folder, {"manifests/orders.yaml": INVALID})
    for name, report in (("reconciler:validate", "validate.xml"), ("reconciler:plan", "plan.xml")):
        code, log = pipeline.run(name)
        assert code == 3, log
        assert resolve_job(name)["artifacts"]["reports"]["junit"] == report
        document = JUnitXml.fromfile(str(pipeline.folder / report))
        assert document.failures + document.errors == 1
        assert "manifests/orders.yaml" in (pipeline.folder / report).read_text(encoding="utf-8")
    assert pipeline.run("reconciler:apply")[0] == 64
    assert list_destinations(client) == []


def test_validate_calls_nothing(pipeline: Pipeline) -> None:
    """The validate job needs no credentials and calls nothing."""
    code, log = pipeline.run("reconciler:validate", RECONCILER_ENDPOINT_URL="http://127.0.0.1:9")
    assert code == 0, log
    assert "id_tokens" not in resolve_job("reconciler:validate")


def test_role_token_file_is_private(pipeline: Pipeline) -> None:
    """The token file exists only if a role is set, is private, and does not appear in the log."""
    plan = pipeline.run("reconciler:plan")
    assert not (pipeline.folder / ".reconciler-program" / "token").exists()
    code, log = pipeline.run("reconciler:plan", RECONCILER_PLAN_ROLE_ARN="arn:aws:iam::123456789012:role/plan")
    token = pipeline.folder / ".reconciler-program" / "token"
    assert (plan[0], code) == (0, 0)
    assert token.read_text(encoding="utf-8") == "a.b.c"
    assert token.stat().st_mode & 0o077 == 0
    assert "a.b.c" not in log


def test_apply_jobs_run_one_at_a_time_without_interruption() -> None:
    """Apply jobs run one at a time, only on the default branch, and are not interruptible."""
    apply = resolve_job("reconciler:apply")
    assert apply["resource_group"] == "reconciler"
    assert "interruptible" not in apply
    assert list_due_jobs("push") == ["reconciler:plan", "reconciler:apply"]
    assert list_due_jobs("push", "topic") == []


def test_scheduled_job_sends_what_is_due_without_a_reviewed_plan(pipeline: Pipeline, client: Client) -> None:
    """The scheduled job creates once what was merged and not approved yet, and holds an export that is not due."""
    revision = commit(pipeline.host, pipeline.folder, {"manifests/october.yaml": LATER_EXPORT})
    for summary_name in ("create", "inSync"):
        code, log = pipeline.run("reconciler:scheduled")
        assert code == 0, log
        report = pipeline.read_json("applied.json")
        assert (report["summary"][summary_name], report["summary"]["held"]) == (1, 1)
        assert report["run"]["revision"] == revision
        assert list_destinations(client) == ["s3://corp-exports/accounts"]


def test_scheduled_job_of_an_outdated_commit_calls_nothing(pipeline: Pipeline, client: Client) -> None:
    """A scheduled job that runs again does not apply a commit that is no longer the head of the branch."""
    old = pipeline.host.run_git(pipeline.folder, "rev-parse", "HEAD").strip()
    commit(pipeline.host, pipeline.folder, {})
    pipeline.host.run_git(pipeline.folder, "checkout", "--quiet", "--detach", old)
    code, log = pipeline.run("reconciler:scheduled")
    assert code == 1
    assert f"{old} is not the head of main, or the head is unknown; AWS was not called" in log
    assert list_destinations(client) == []


def test_schedule_starts_only_its_own_job() -> None:
    """A pipeline schedule of the default branch starts one job, which shares a resource group with the apply job."""
    assert list_due_jobs("schedule") == ["reconciler:scheduled"]
    assert list_due_jobs("schedule", "topic") == []
    assert list_due_jobs("merge_request_event", "") == ["reconciler:validate", "reconciler:plan"]
    apply, scheduled = resolve_job("reconciler:apply"), resolve_job("reconciler:scheduled")
    assert apply["resource_group"] == scheduled["resource_group"]
    assert apply["environment"]["name"] != scheduled["environment"]["name"]


def list_due_jobs(source: str, branch: str = "main") -> list[str]:
    """Return the jobs of a pipeline. The first rule that matches decides. A rule may contain comparisons and &&."""
    variables = {"$CI_PIPELINE_SOURCE": source, "$CI_COMMIT_BRANCH": branch, "$CI_DEFAULT_BRANCH": "main"}

    def matches(rule: dict[str, Any]) -> bool:
        pairs = (comparison.split(" == ") for comparison in rule["if"].split(" && "))
        return all(variables[left] == variables.get(right, right.strip('"')) for left, right in pairs)

    due_rules = {
        name: next((rule for rule in job["rules"] if matches(rule)), {"when": "never"})
        for name, job in TEMPLATE.items()
        if "rules" in job
    }
    return [name for name, rule in due_rules.items() if rule.get("when") != "never"]


def test_pipeline_without_the_program_names_the_variable_to_set(host: Host) -> None:
    """Without the program, the job ends with a one-line error that names the variable to set."""
    code, log = Pipeline(host, create_project(host)).run("reconciler:validate")
    assert code == 64
    assert "RECONCILER_SOURCE is not set" in log


def test_pipeline_installs_the_program_from_its_source_variable(host: Host) -> None:
    """The job installs the program with pip from RECONCILER_SOURCE."""
    host.environment.update(find_registry_variables() | build_pip_variables())
    host.environment["PATH"] = os.pathsep.join((create_python_folder(host), host.environment["PATH"]))
    pipeline = Pipeline(host, create_project(host))
    code, log = pipeline.run("reconciler:validate", RECONCILER_SOURCE=str(REPOSITORY))
    assert code == 0, log
    assert (pipeline.folder / "validate.xml").exists()


def create_project(host: Host) -> Path:
    """Create a repository with manifests, and return its folder."""
    folder = create_repository(host, "project")
    commit(host, folder, ACCOUNTS)
    return folder


def create_python_folder(host: Host) -> str:
    """Return a folder that contains only this Python, like an image without the program."""
    folder = host.folder / "python"
    folder.mkdir()
    (folder / "python3").symlink_to(sys.executable)
    return str(folder)
