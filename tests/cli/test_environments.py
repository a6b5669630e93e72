"""One manifest serves many environments: render shows its expansions, and runs work with each target."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.controller import run_controller
from support.program import Program

from reconciler.core.manifests.files import File
from reconciler.edge.manifests import load_manifests

NOW = datetime(2026, 11, 23, tzinfo=UTC)
TARGETS = """\
apiVersion: appintegrations.reconciler/v1
kind: TargetSet
metadata: {name: environments}
spec:
  template: {Region: us-east-1, RoleArn: "arn:aws:iam::${target.accountId}:role/exporter"}
  members:
    - {name: prod, AccountId: "111111111111", labels: {env: prod}, Values: {bucket: exports-prod}}
    - {name: staging, AccountId: "222222222222", labels: {env: staging}, Values: {bucket: exports-staging}}
---
apiVersion: appintegrations.reconciler/v1
kind: Target
metadata: {name: lab}
spec:
  Region: eu-west-2
  AccountId: "222222222222"
  RoleArn: arn:aws:iam::222222222222:role/exporter
  AllowedDestinations: ["s3://exports-*"]
"""
MANIFESTS = """\
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata: {name: monthly}
targets: {matchExpressions: [{key: env, operator: Exists}]}
policy: {ignore: [/ClientId]}
spec:
  DataIntegrationIdentifier: profiles-export
  DestinationURI: "s3://${bucket}/profiles"
  ClientAssociationMetadata: {note: "$${kept} for ${target.name}", kept: "true"}
---
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata: {name: tickets}
target: lab
spec: {DataIntegrationIdentifier: tickets}
"""


def write_manifests(folder: Path) -> Program:
    """Write two files of manifests, and return the program in their folder."""
    (folder / "manifests").mkdir()
    (folder / "manifests" / "targets.yaml").write_text(TARGETS)
    (folder / "manifests" / "exports.yaml").write_text(MANIFESTS)
    return Program(folder)


def test_rendered_manifests_mean_the_same(tmp_path: Path) -> None:
    """The output of `render` is valid input, and describes the same targets and associations."""
    program = write_manifests(tmp_path)
    result = program.run("render")
    assert (result.code, result.err) == (0, "")
    rendered = load_manifests([File("rendered.yaml", result.out.encode())], NOW)
    written = load_manifests([File("a.yaml", f"{TARGETS}---\n{MANIFESTS}".encode())], NOW)
    assert rendered.targets == written.targets
    for name, manifests in written.manifests.items():
        assert [(each.name, each.policy, each.spec) for each in rendered.manifests[name]] == [
            (each.name, each.policy, each.spec) for each in manifests
        ]
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "rendered.yaml").write_text(result.out)
    again = program.run("render", "-f", "again").out
    assert [line for line in again.splitlines() if line[0] != "#"] == [
        line for line in result.out.splitlines() if line[0] != "#"
    ]


def test_render_names_the_origin_of_each_document(tmp_path: Path) -> None:
    """Each rendered document begins with the position in its file."""
    lines = write_manifests(tmp_path).run("render").out.splitlines()
    assert [line for line in lines if line.startswith("#")] == [
        "# manifests/targets.yaml:7",
        "# manifests/exports.yaml:1",
        "# manifests/targets.yaml:8",
        "# manifests/exports.yaml:1",
        "# manifests/targets.yaml:10",
        "# manifests/exports.yaml:11",
    ]


def test_render_without_a_target(tmp_path: Path) -> None:
    """Without a Target, the manifests name none."""
    program = Program(tmp_path)
    program.add("october")
    result = program.run("render")
    assert result.code == 0
    assert "target:" not in result.out
    assert "kind: Target" not in result.out


def test_render_shows_warnings_and_problems(tmp_path: Path) -> None:
    """A warning goes to standard error, and a problem gives exit code 3."""
    program = write_manifests(tmp_path)
    file = tmp_path / "manifests" / "exports.yaml"
    file.write_text(MANIFESTS.replace("{key: env", "{key: envs"))
    result = program.run("render")
    assert result.code == 0
    assert result.err.startswith("warning: manifests/exports.yaml:4:10: /targets: no Target is selected")
    file.write_text(MANIFESTS.replace("${bucket}", "${buckets}"))
    result = program.run("render")
    assert result.code == 3
    assert "exports.yaml:8:25: /spec/DestinationURI: no value has the name 'buckets': did you mean" in result.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), ["prod", "staging", "lab"]),
        (("-l", "env=prod"), ["prod"]),
        (("--selector", "env in (prod, staging)"), ["prod", "staging"]),
        (("-l", "!env"), ["lab"]),
        (("--target", "*a*"), ["staging", "lab"]),
        (("--target", "*a*", "--target", "prod"), ["prod", "staging", "lab"]),
        (("--target", "*a*", "-l", "env"), ["staging"]),
    ],
)
def test_glob_and_label_select_targets(tmp_path: Path, arguments: tuple[str, ...], expected: list[str]) -> None:
    """--target takes globs, --selector labels, and both together select what matches both."""
    result = write_manifests(tmp_path).run("--sandbox", "--dry-run", "-o", "json", *arguments)
    assert [target["name"] for target in result.report["targets"]] == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--target", "x*"), "--target 'x*' matches no target: use one of prod, staging, lab"),
        (
            ("--target", "pro[a-d]"),
            "'pro[a-d]' has a bracket: use * for any characters and ? for one, or several globs",
        ),
        (("--new-state", "[!x]*"), "'[!x]*' has a bracket: use * for any characters and ? for one, or several globs"),
        (("--target", "prd"), "--target 'prd' is not declared: did you mean 'prod'?"),
        (("-l", "env=test"), "--selector selects no target: the Targets have the labels env=prod, env=staging"),
        (
            ("-l", "env", "--target", "lab"),
            "--selector selects no target of --target: the Targets have the labels env=prod",
        ),
        (("-l", "env in prod"), "'env in prod' is not a selector: at character 8, put the values in parentheses"),
        (("render", "-l", "env=test"), "--selector selects no target"),
        (("unlock", "*"), "TARGET '*' is not declared: use one of prod, staging, lab"),
    ],
)
def test_selection_of_no_target_is_refused(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    """A glob or selector without a target is a mistake (exit code 64)."""
    result = write_manifests(tmp_path).run(*arguments)
    assert result.code == 64
    assert message in result.err


def test_report_names_the_target_and_the_position_of_the_manifest(tmp_path: Path) -> None:
    """The report has the associations of each target, at the position of their manifest."""
    result = write_manifests(tmp_path).run("--sandbox", "--dry-run", "-o", "json")
    associations = {
        target["name"]: [
            (each["name"], each["origin"]["file"], each["origin"]["line"]) for each in target["associations"]
        ]
        for target in result.report["targets"]
    }
    assert associations == {
        "prod": [("monthly", "manifests/exports.yaml", 1)],
        "staging": [("monthly", "manifests/exports.yaml", 1)],
        "lab": [("tickets", "manifests/exports.yaml", 11)],
    }


def test_explanation_and_status_are_per_target(tmp_path: Path) -> None:
    """`explain` explains each target of the manifest, `windows` asks for one, and `status` lists each target."""
    program = write_manifests(tmp_path)
    explanations = program.run("explain", "monthly", "--sandbox", "-o", "json")
    assert [each["name"] for each in json.loads(explanations.out)["targets"]] == ["prod", "staging"]
    result = program.run("windows", "monthly", "--sandbox")
    assert result.code == 64
    assert "several targets have a manifest 'monthly': select one of prod, staging with --target" in result.err
    explanation = program.run("explain", "monthly", "--sandbox", "-l", "env=staging", "-o", "json")
    assert [each["name"] for each in json.loads(explanation.out)["targets"]] == ["staging"]
    statuses = program.run("status", "--sandbox", "--target", "*a*", "-o", "json")
    assert [each["name"] for each in json.loads(statuses.out)["targets"]] == ["staging", "lab"]


def test_controller_counts_the_creates_of_a_revision(tmp_path: Path) -> None:
    """A controller creates nothing above --max-creates-total, and below it creates after each target was looked at."""
    program = write_manifests(tmp_path)
    with run_controller(program, "--sandbox", "--max-creates-total", "1") as controller:
        assert controller.wait_for_event("run finished", target="staging", blocked=1)["created"] == 0
    with run_controller(program, "--sandbox", "--max-creates-total", "2", "--interval", "1h") as controller:
        wait_for_creates = controller.expect_event("association created", ["prod", "staging"])
        wait_for_creates()


def test_folder_whose_manifests_select_nothing_has_only_that_warning(tmp_path: Path) -> None:
    """If selectors select nothing, the command line reports the selectors, and does not call the folder empty."""
    program = write_manifests(tmp_path)
    path = tmp_path / "manifests" / "exports.yaml"
    path.write_text(MANIFESTS.split("---\n", maxsplit=1)[0].replace("key: env,", "key: stage,"))
    result = program.run("validate")
    assert result.code == 0
    assert "no Target is selected, and nothing is created" in result.out
    assert "none contains a DataIntegrationAssociation" not in result.out + result.err
