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
from deploy.conftest import (
    ACCOUNTS,
    DEPLOY,
    INVALID,
    MANIFEST,
    RECONCILE,
    Place,
    commit,
    destinations,
    downloads,
    new_repository,
    shared_dependencies,
)
from junitparser import JUnitXml
from support.paths import REPOSITORY

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient as Client


class Reference(tuple[str, ...]):
    """The argument of `!reference`: a job and one of its keys."""

    __slots__ = ()


class Loader(yaml.SafeLoader):
    """A YAML loader that supports GitLab's tag."""


def reference(loader: Loader, node: yaml.SequenceNode) -> Reference:
    """Construct the value of a `!reference` tag."""
    return Reference(loader.construct_sequence(node))


Loader.add_constructor("!reference", reference)
TEMPLATE: dict[str, Any] = yaml.load(
    (DEPLOY / "gitlab" / "reconciler.gitlab-ci.yml").read_text(encoding="utf-8"),
    Loader,  # noqa: S506 - derived from SafeLoader
)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The jobs of a pipeline in one work tree, so that a job finds the artifacts of an earlier one."""

    place: Place
    folder: Path
    asked: dict[str, str] = field(default_factory=dict)

    def run(self, name: str, **variables: str) -> tuple[int, str]:
        """Run the scripts of a job like a runner, and return the exit code and the log."""
        job = extended(name)
        declared = {**TEMPLATE["variables"], **job.get("variables", {})}
        filled = {name: value["value"] if isinstance(value, dict) else value for name, value in declared.items()}
        given = {**filled, **self.asked, **variables}
        of = {"CI_COMMIT_BRANCH": "main", "CI_COMMIT_SHA": self.place.git(self.folder, "rev-parse", "HEAD").strip()}
        known = of | given
        expanded = {
            variable: known.get(value.removeprefix("$"), "") if value.startswith("$") else value
            for variable, value in given.items()
        }
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", "\n".join((*flat(job["before_script"]), *flat(job["script"])))],
            cwd=self.folder,
            env=self.place.environment | {"GITLAB_CI": "true", "RECONCILER_ID_TOKEN": "a.b.c"} | of | expanded,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.returncode, done.stdout

    def json(self, name: str) -> Any:
        """Return the content of a JSON artifact."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))


def extended(name: str) -> dict[str, Any]:
    """Return a job, merged with the jobs that it extends."""
    job: dict[str, Any] = TEMPLATE[name]
    return extended(job["extends"]) | job if "extends" in job else job


def flat(lines: list[str | Reference]) -> Iterator[str]:
    """Yield the lines of a script, with its references resolved."""
    for line in lines:
        if isinstance(line, Reference):
            yield from flat(TEMPLATE[line[0]][line[1]])
        else:
            yield line


@pytest.fixture
def pipeline(place: Place, sandbox: str) -> Pipeline:
    """Return a pipeline whose image contains the program and reaches only the sandbox."""
    place.environment["PATH"] = os.pathsep.join((str(place.program.parent), place.environment["PATH"]))
    place.environment["RECONCILER_ENDPOINT_URL"] = sandbox
    place.environment["RECONCILER_STATE"] = str(place.folder / "state")
    folder = new_repository(place, "project")
    commit(place, folder, ACCOUNTS | {".gitignore": "/*.json\n/*.xml\n/*.md\n.reconciler-program/\n"})
    place.git(folder, "remote", "add", "origin", str(folder))
    return Pipeline(place, folder, {"RECONCILER_NEW_STATE": "*"})  # set by a person for the first run


def test_planned_commit_is_applied(pipeline: Pipeline, client: Client) -> None:
    """The plan writes only its artifacts, and the next job applies that plan to the same commit."""
    pipeline.place.environment["PATH"] = os.pathsep.join((str(RECONCILE.parent), pipeline.place.environment["PATH"]))
    (pipeline.folder / "manifests" / "left-over.yaml").write_text("never committed", encoding="utf-8")
    code, log = pipeline.run("reconciler:plan")
    assert code == 0, log
    assert "1 to create" in log
    assert destinations(client) == []
    assert {
        path for path in extended("reconciler:plan")["artifacts"]["paths"] if (pipeline.folder / path).exists()
    } == {
        "plan.json",
        "plan.md",
    }
    code, log = pipeline.run("reconciler:apply")
    assert code == 0, log
    assert destinations(client) == ["s3://corp-exports/accounts"]
    assert pipeline.json("applied.json")["planDigest"] == pipeline.json("plan.json")["planDigest"]
    revision = pipeline.place.git(pipeline.folder, "rev-parse", "HEAD").strip()
    assert pipeline.json("applied.json")["run"]["revision"] == revision


def test_outdated_commit_is_not_applied(pipeline: Pipeline, client: Client) -> None:
    """Only the head of the branch is applied, even after a late approval. An unknown head applies nothing."""
    pipeline.run("reconciler:plan")
    old = pipeline.place.git(pipeline.folder, "rev-parse", "HEAD").strip()
    (pipeline.folder / "manifests" / "accounts.yaml").unlink()
    commit(pipeline.place, pipeline.folder, {})
    pipeline.place.git(pipeline.folder, "checkout", "--quiet", "--detach", old)
    for remote in (str(pipeline.folder), str(pipeline.place.folder / "nowhere")):  # the head has changed, or is unknown
        pipeline.place.git(pipeline.folder, "remote", "set-url", "origin", remote)
        code, log = pipeline.run("reconciler:apply")
        assert code == 1
        assert f"{old} is not the head of main, or the head is unknown; AWS was not called" in log
    assert destinations(client) == []


def test_another_plan_is_not_applied(pipeline: Pipeline, client: Client) -> None:
    """If the plan has changed since the plan job, the apply job writes nothing."""
    pipeline.run("reconciler:plan")
    commit(pipeline.place, pipeline.folder, {"manifests/orders.yaml": MANIFEST.format(name="orders")})
    code, log = pipeline.run("reconciler:apply")
    assert code == 1, log
    assert destinations(client) == []


def test_invalid_manifests_appear_as_failed_tests(pipeline: Pipeline, client: Client) -> None:
    """Invalid manifests fail both jobs, appear as failed tests, and prevent the apply job."""
    commit(pipeline.place, pipeline.folder, {"manifests/orders.yaml": INVALID})
    for name, report in (("reconciler:validate", "validate.xml"), ("reconciler:plan", "plan.xml")):
        code, log = pipeline.run(name)
        assert code == 3, log
        assert extended(name)["artifacts"]["reports"]["junit"] == report
        shown = JUnitXml.fromfile(str(pipeline.folder / report))
        assert shown.failures + shown.errors == 1
        assert "manifests/orders.yaml" in (pipeline.folder / report).read_text(encoding="utf-8")
    assert pipeline.run("reconciler:apply")[0] == 64
    assert destinations(client) == []


def test_validate_calls_nothing(pipeline: Pipeline) -> None:
    """The validate job needs no credentials and calls nothing."""
    code, log = pipeline.run("reconciler:validate", RECONCILER_ENDPOINT_URL="http://127.0.0.1:9")
    assert code == 0, log
    assert "id_tokens" not in extended("reconciler:validate")


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
    apply = extended("reconciler:apply")
    assert apply["resource_group"] == "reconciler"
    assert "interruptible" not in apply
    assert [rule["if"] for rule in apply["rules"]] == ["$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"]


def test_pipeline_without_the_program_names_the_variable_to_set(place: Place) -> None:
    """Without the program, the job ends with a one-line error that names the variable to set."""
    code, log = Pipeline(place, repository(place)).run("reconciler:validate")
    assert code == 64
    assert "RECONCILER_SOURCE is not set" in log


def test_pipeline_installs_the_program_from_its_source_variable(place: Place) -> None:
    """The job installs the program with pip from RECONCILER_SOURCE."""
    place.environment.update(downloads() | shared_dependencies())
    place.environment["PATH"] = os.pathsep.join((python(place), place.environment["PATH"]))
    pipeline = Pipeline(place, repository(place))
    code, log = pipeline.run("reconciler:validate", RECONCILER_SOURCE=str(REPOSITORY))
    assert code == 0, log
    assert (pipeline.folder / "validate.xml").exists()


def repository(place: Place) -> Path:
    """Create a repository with manifests, and return its folder."""
    folder = new_repository(place, "project")
    commit(place, folder, ACCOUNTS)
    return folder


def python(place: Place) -> str:
    """Return a folder that contains only this Python, like an image without the program."""
    folder = place.folder / "python"
    folder.mkdir()
    (folder / "python3").symlink_to(sys.executable)
    return str(folder)
