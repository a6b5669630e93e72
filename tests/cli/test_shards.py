"""`--shard` shares the targets of a revision among processes, and each process says which shard it is of."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.controller import run_controller
from support.http_servers import request_page
from support.program import EXPORT, CompletedRun, Program
from support.receivers import ChatServer

from reconciler.core.shards import choose_shard
from reconciler.sandbox import SandboxServer

ACCOUNT = "123456789012"
REGIONS = ("us-east-1", "us-east-2", "us-west-2", "eu-west-1")
MOVED, STAYED, EMPTY = "us-east-2", "us-east-1", "1/3"
"""A Region whose shard is 1/2 and 2/3, one whose shard is 0/2 and 0/3, and a shard without targets."""


def add_manifests(program: Program, *names: str) -> None:
    """Write a Target for each Region, and a manifest for all of them for each name."""
    target = "apiVersion: appintegrations.reconciler/v1\nkind: Target\nmetadata: {name: NAME}\n"
    for region in REGIONS:
        spec = f'spec: {{Region: {region}, AccountId: "{ACCOUNT}"}}\n'
        program.add(region, text=target + spec)
    program.add(*names, text=EXPORT.replace("spec:", 'targets: ["*"]\nspec:'))


def list_targets(result: CompletedRun) -> list[str]:
    """Return the names of the targets in a report, which succeeded."""
    assert result.code == 0, result.err
    return [each["name"] for each in result.report["targets"]]


def test_each_target_runs_in_exactly_one_shard(program: Program, server: SandboxServer) -> None:
    """The shards of a revision create each association once, and each report says which shard it is of."""
    add_manifests(program, "october")
    names = []
    for number in range(3):
        result = program.run("--shard", f"{number}/3", "-o", "json")
        names += list_targets(result)
        assert result.report["run"]["shard"] == {"number": number, "count": 3}
        assert {line["shard"] for line in result.logs} == {f"{number}/3"}
    assert sorted(names) == sorted(REGIONS)
    assert len(server.sandbox.executed_writes) == len(REGIONS)
    assert list_targets(program.run("-o", "json")) == sorted(REGIONS)


def test_shard_without_targets_succeeds_and_says_so(program: Program) -> None:
    """A shard without targets calls no AWS, succeeds, and says in one line of report and log that it has none."""
    add_manifests(program, "october")
    assert all(choose_shard(ACCOUNT, region, 3) != 1 for region in REGIONS)
    result = Program(program.folder, "http://127.0.0.1:9").run("--shard", EMPTY)
    assert result.code == 0
    assert f"Shard {EMPTY} has no targets\n" in result.out
    assert [line["shard"] for line in result.find_events("shard has no targets")] == [EMPTY]
    for command in ("status", "export"):
        assert program.run(command, "--shard", EMPTY).code == 0
    assert f"Shard {EMPTY} has no targets\n" in program.run("status", "--shard", EMPTY).out


def test_every_shard_validates_the_whole_revision(program: Program) -> None:
    """A problem in the manifests of another shard is a problem in each."""
    add_manifests(program, "october")
    program.add("broken", text="kind: [")
    for number in range(3):
        result = program.run("--shard", f"{number}/3", "--dry-run")
        assert result.code == 3
        assert "broken.yaml" in result.err


def test_target_and_shard_select_the_intersection(program: Program) -> None:
    """--target does not change the shard of a target, and a misspelled name is an error in each shard."""
    add_manifests(program, "october")
    arguments = ("--dry-run", "-o", "json", "--target", MOVED)
    assert list_targets(program.run(*arguments, "--shard", "1/2")) == [MOVED]
    assert list_targets(program.run(*arguments, "--shard", "0/2")) == []
    for number in range(2):
        result = program.run("--dry-run", "--target", "us-east-22", "--shard", f"{number}/2")
        assert result.code == 64
        assert "did you mean 'us-east-2'?" in result.err


def test_commands_that_name_a_manifest_find_it_in_each_shard(program: Program) -> None:
    """`explain` and `windows` take no shard, so that they answer in the pod of any shard."""
    add_manifests(program, "october")
    result = program.run("explain", "october", "--target", MOVED, env={"RECONCILER_SHARD": "0/2"})
    assert result.code == 0
    assert "--shard" in program.run("explain", "october", "--shard", "0/2").err


def test_ambient_target_belongs_to_the_first_shard(program: Program) -> None:
    """Without a Target, shard 0 runs the account of the environment, and no other shard calls AWS."""
    program.add("october")
    assert list_targets(program.run("--dry-run", "-o", "json", "--shard", "0/2")) == ["default"]
    other = Program(program.folder, "http://127.0.0.1:9")
    assert list_targets(other.run("--dry-run", "-o", "json", "--shard", "1/2")) == []


def test_each_shard_applies_its_own_reviewed_plan(program: Program, server: SandboxServer) -> None:
    """--expect-plan compares the plan of the shard, also of a shard without targets, and refuses that of another."""
    add_manifests(program, "october")
    for number in range(3):
        assert program.run("--dry-run", "--shard", f"{number}/3", "-o", f"json=plan-{number}.json").code == 0
    result = program.run("--shard", "0/3", "--expect-plan", "plan-2.json")
    message = "--expect-plan 'plan-2.json': the plan is of shard 2/3, and this run is of shard 0/3: give its plan"
    assert (result.code, message in result.err) == (64, True)
    assert "and this run is of all targets" in program.run("--expect-plan", "plan-2.json").err
    assert len(server.sandbox.executed_writes) == 0
    for number in range(3):
        assert program.run("--shard", f"{number}/3", "--expect-plan", f"plan-{number}.json").code == 0
    assert len(server.sandbox.executed_writes) == len(REGIONS)


def test_limit_of_creates_is_divided_among_the_shards(program: Program, server: SandboxServer) -> None:
    """Each shard gets its share of --max-creates-total, the lowest the remainder, also with a single target."""
    add_manifests(program, "october", "november")
    refused = program.run("--shard", "1/2", "--max-creates-total", "7")
    assert refused.code == 1
    assert "the share of shard 1/2 in --max-creates-total is 3" in refused.out
    assert program.run("--shard", "0/2", "--max-creates-total", "7").code == 0
    assert len(server.sandbox.executed_writes) == 4
    single = ("--target", MOVED, "--shard", "1/2", "--max-creates-total")
    assert program.run(*single, "3").code == 1
    assert program.run(*single, "4").code == 0
    assert len(server.sandbox.executed_writes) == 6


@pytest.mark.parametrize("option", ["4/4", "auto/2", "one", "", "0/0"])
def test_wrong_shard_is_a_usage_error(program: Program, option: str) -> None:
    """A wrong shard ends the program with 64 before it reads or calls anything, with one line that says why."""
    for arguments, environment in (((f"--shard={option}",), {}), ((), {"RECONCILER_SHARD": option})):
        result = program.run("--dry-run", *arguments, env=environment)
        assert (result.code, result.out) == (64, "")
        (line,) = [line for line in result.err.splitlines() if line.startswith("reconcile: ")]
        assert "RECONCILER_SHARD" in line if environment else "--shard" in line


def test_pod_of_an_indexed_job_runs_its_shard(program: Program) -> None:
    """The completion index of an Indexed Job is the number of the shard."""
    add_manifests(program, "october")
    environment = {"RECONCILER_SHARD": "auto/2", "JOB_COMPLETION_INDEX": "1"}
    result = program.run("--dry-run", "-o", "json", env=environment)
    assert set(list_targets(result)) == {region for region in REGIONS if choose_shard(ACCOUNT, region, 2) == 1}


def read_metrics(url: str) -> dict[str, str]:
    """Return the metrics without labels."""
    lines = request_page(f"{url}/metrics")[1].splitlines()
    return dict(line.split(" ") for line in lines if line and line[0] != "#" and "{" not in line)


def test_controller_shows_its_shard(program: Program) -> None:
    """The page, the report, the metrics and each log line of a controller say which shard it is of."""
    add_manifests(program, "october")
    environment = {"RECONCILER_SHARD": "auto/2", "RECONCILER_POD_INDEX": "1"}
    with run_controller(program, "--listen", "127.0.0.1:0", env=environment) as controller:
        url = controller.wait_for_event("listening")["url"]
        controller.expect_event("run finished", [MOVED, "us-west-2"])()
        page, report = request_page(url)[1], json.loads(request_page(f"{url}/api/v1/report")[1])
        metrics = read_metrics(url)
    assert "<title>AppIntegrations reconciler, shard 1/2</title>" in page
    assert "<h1>AppIntegrations reconciler, shard 1/2</h1>" in page
    assert report["shard"] == {"number": 1, "count": 2}
    assert [each["target"] for each in report["targets"]] == [MOVED, "us-west-2"]
    assert report["targets"][0]["report"]["run"]["shard"] == report["shard"]
    assert (metrics["reconciler_shard_ordinal"], metrics["reconciler_shards"]) == ("1.0", "2.0")
    assert {line["shard"] for line in controller.log} == {"1/2"}


def test_controllers_of_several_shards_keep_separate_histories(program: Program) -> None:
    """Each shard has its own document with the history of its runs, beside the journals."""
    add_manifests(program, "october")
    for shard in ("0/2", "1/2", EMPTY):
        with run_controller(program, "--shard", shard, "--interval", "1h") as controller:
            for event in ("shard has no targets",) if shard == EMPTY else ("run finished", "run finished"):
                controller.wait_for_event(event)
    documents = [json.loads(path.read_text()) for path in (program.folder / ".reconciler").rglob("runs-*.json")]
    assert len(documents) == 3
    targets = [{target for _, target, *_ in each["runs"]} for each in documents]
    assert sorted(map(len, targets)) == [0, 2, 2]
    assert set[Any]().union(*targets) == set(REGIONS)


def test_notifications_name_the_shard(program: Program) -> None:
    """The title of a message names the shard, and each shard has its own record of what was sent."""
    add_manifests(program, "october")
    with ChatServer().serve() as chat:
        environment = {"RECONCILER_NOTIFY_URLS": chat.url}
        with run_controller(program, "--shard", "1/2", env=environment):
            assert chat.wait_for_message()["title"].startswith("reconcile shard 1/2: ")
    (record,) = (program.folder / ".reconciler").rglob("notifications-*.json")
    assert record.name.removeprefix("notifications-") in {
        path.name.removeprefix("runs-") for path in record.parent.iterdir()
    }
