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
