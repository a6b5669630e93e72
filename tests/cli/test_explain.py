"""`reconcile explain` shows the state of one association and the decision of a run, and writes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.program import EXPORT, TARGET, Program
from support.proxy import FaultProxy, Request

from reconciler.sandbox import Behaviour, SandboxServer

DENIED = b"HTTP/1.1 403 Forbidden\r\nx-amzn-ErrorType: AccessDeniedException\r\nContent-Length: 2\r\n\r\n{}"


def explain(program: Program, name: str = "october", *options: str) -> Any:
    """Return the explanation in the only target as JSON."""
    result = program.run("explain", name, "-o", "json", *options)
    assert result.code == 0, result.err
    (explanation,) = json.loads(result.out)["targets"]
    return explanation


def test_missing_association_is_explained_and_not_created(program: Program, server: SandboxServer) -> None:
    """The explanation of a missing association has its request, token and rule, and needs only reads."""
    program.add("october", "november")
    files = {path for path in program.folder.rglob("*") if path.is_file()}
    with FaultProxy(server.url) as proxy:
        explanation = explain(Program(program.folder, proxy.url))
    assert set(proxy.counts) == {"STS", "ListDataIntegrations", "ListDataIntegrationAssociation"}
    rule = {"record": "none", "live": "none", "condition": None, "decision": "create", "guardrail": None}
    assert explanation["rule"] == rule
    assert explanation["manifest"]["origin"] == "manifests/october.yaml:1"
    assert explanation["dataIntegration"]["name"] == "profiles-export"
    assert explanation["request"]["DataIntegrationIdentifier"] == explanation["dataIntegration"]["arn"]
    assert explanation["request"]["ExecutionConfiguration"]["OnDemandConfiguration"]["EndTime"] == "1793491200000"
    assert explanation["decision"]["write"]["clientToken"] == explanation["clientToken"]
    assert {path for path in program.folder.rglob("*") if path.is_file()} == files


def test_explain_warns_that_a_run_would_be_refused(program: Program) -> None:
    """A missing journal without --new-state is reported on standard error, as a dry run reports it."""
    program.add("october")
    result = program.run("explain", "october", env={"RECONCILER_CONTAINER": "1"})
    assert result.code == 0
    assert "a run would be refused: there is no journal at " in result.err
    assert "--new-state" in result.err


def test_created_association_is_explained_with_record_and_live(program: Program) -> None:
    """The explanation of a created association has its record, its token and the live association."""
    program.add("october")
    token = program.run("-o", "json").report["targets"][0]["associations"][0]["clientToken"]
    program.run()
    explanation = explain(program)
    assert explanation["rule"]["live"] == "the bound association"
    assert explanation["rule"]["decision"] == explanation["decision"]["decision"] == "in-sync"
    assert explanation["rule"]["record"] == (
        f"bound to {explanation['live']['arn'].rpartition('/')[2]}, the journal does not have the end of its export yet"
    )
    assert explanation["journal"]["record"]["token"] == explanation["clientToken"] == token
    assert explanation["journal"]["lastDecision"]["decision"] == "in-sync"
    assert explanation["sameNaturalKey"] == [explanation["live"]["arn"]]


def test_guardrail_is_named_beside_the_decision_it_stopped(program: Program) -> None:
    """The explanation shows the decision before the guardrail, and the guardrail."""
    program.add("october", text=EXPORT + "policy: {suspend: true, ignore: [/ClientId]}\n")
    explanation = explain(program)
    assert (explanation["rule"]["decision"], explanation["decision"]["decision"]) == ("create", "held")
    assert "policy.suspend" in explanation["rule"]["guardrail"]
    text = program.run("explain", "october").out
    assert "then  create" in text
    assert "guardrail  held instead of create" in text
    assert "suspended, ignore /ClientId" in text


def test_retired_manifest_is_explained(program: Program) -> None:
    """The explanation of a retired manifest has the text of policy.retired."""
    program.add("october", text=EXPORT + "policy: {retired: replaced}\n")
    explanation = explain(program)
    assert explanation["rule"]["decision"] == "retired"
    assert explanation["manifest"]["policy"]["retired"] == "replaced"
    assert "onLoss report, retired" in program.run("explain", "october").out


def test_max_creates_option_is_applied_in_the_explanation(program: Program) -> None:
    """The explanation follows the same --max-creates as a run."""
    program.add("october", "november")
    result = program.run("explain", "october", "--max-creates", "1")
    assert "because  nothing is created, because this run would create 2 associations" in result.out
    assert "guardrail  blocked instead of create" in result.out


def test_create_without_a_response_is_explained(program: Program, server: SandboxServer) -> None:
    """The explanation of a lost answer shows the attempt, and that the association is settling."""
    server.sandbox.set_behaviour(Behaviour(lose_answers=1, list_lag=3600))
    program.add("october")
    program.run()
    explanation = explain(program)
    assert explanation["rule"]["record"] == "a Create was sent and its answer is unknown (attempt 1)"
    assert explanation["decision"]["decision"] == "settling"
    assert "Create without an answer: attempt 1 at" in program.run("explain", "october").out


def test_drift_and_change_are_explained(program: Program, server: SandboxServer) -> None:
    """The explanation shows the applied values if git now requests others."""
    program.add("october")
    program.run()
    program.add("october", **{"2026-11-01": "2026-11-02"})
    explanation = explain(program)
    assert explanation["decision"]["decision"] == "changed"
    end = "/ExecutionConfiguration/OnDemandConfiguration/EndTime"
    assert (
        explanation["rule"]["condition"]
        == f"git differs from the applied request in {end}, and an update can change it; "
        "the mode in effect is create"
    )
    text = program.run("explain", "october").out
    assert "last applied request, which differs from git:" in text
    assert "EndTime: git 1793577600000 (2026-11-02T00:00:00Z), applied 1793491200000 (2026-11-01T00:00:00Z)" in text
    assert len(server.sandbox.executed_writes) == 1


def test_a_renamed_manifest_finds_its_record(program: Program) -> None:
    """A renamed manifest shows the record under its previous name."""
    program.add("october")
    program.run()
    path = program.folder / "manifests" / "october.yaml"
    path.write_text(path.read_text().replace("name: october", "name: autumn"))
    assert explain(program, "autumn")["journal"]["name"] == "october"
    assert "under the name october" in program.run("explain", "autumn").out


def test_missing_data_integration_is_explained(program: Program) -> None:
    """The explanation of a missing data integration has no request, and suggests a similar name."""
    program.add("october", **{"profiles-export": "profile-export"})
    explanation = explain(program)
    assert (explanation["request"], explanation["clientToken"], explanation["dataIntegration"]) == (None, None, None)
    text = program.run("explain", "october").out
    assert "integration profile-export was not found" in text
    assert "did you mean 'profiles-export'?" in text


def test_an_unlisted_data_integration_is_explained(program: Program, server: SandboxServer) -> None:
    """A data integration that cannot be listed is shown as unknown, not as empty."""
    program.add("october")

    def deny_list(request: Request) -> bytes | None:
        return DENIED if request.operation == "ListDataIntegrationAssociation" else None

    with FaultProxy(server.url, before_request=deny_list) as proxy:
        result = Program(program.folder, proxy.url).run("explain", "october")
    assert "the association in AWS: its data integration could not be listed" in result.out
    assert "unknown, because the data integration could not be listed" in result.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("octobre",), "no manifest has the name 'octobre': did you mean 'october'?"),
        (("x\x1b[31m",), "use october; `reconcile status` shows the records of removed manifests"),
        ((), "Missing argument 'NAME'"),
    ],
)
def test_unknown_manifest_name_is_a_usage_error(program: Program, arguments: tuple[str, ...], message: str) -> None:
    """An unknown name is a usage error with a suggestion, and prints no escape sequence."""
    program.add("october")
    result = program.run("explain", *arguments)
    assert (result.code, result.out) == (64, "")
    assert message in result.err
    assert "\x1b" not in result.err


def test_explain_without_manifests_points_to_the_journal(program: Program) -> None:
    """Without manifests, explain has no names to suggest, and says where the records of removed manifests are."""
    (program.folder / "manifests").mkdir(exist_ok=True)
    result = program.run("explain", "october")
    assert result.code == 64
    assert "there are no manifests; `reconcile status` shows the records of removed manifests" in result.err


def add_two_targets(program: Program) -> None:
    """Add a manifest of the same name in two targets, in two Regions of one account."""
    spec = 'spec: {Region: REGION, AccountId: "123456789012"}\n'
    for name, region in (("one", "us-east-1"), ("two", "us-west-2")):
        program.add(name, text=TARGET + spec, REGION=region)
        (program.folder / "manifests" / f"october-{name}.yaml").write_text(
            EXPORT.replace("{name: NAME}", "{name: october}").replace("NAME", name) + f"target: {name}\n"
        )


def test_manifest_in_two_targets_is_explained_in_each(program: Program) -> None:
    """A name that two targets use is explained in each of them, and --target selects one."""
    add_two_targets(program)
    result = program.run("explain", "october")
    assert result.code == 0, result.err
    headings = [line for line in result.out.splitlines() if line and not line.startswith(" ")]
    assert headings == ["one  123456789012 us-east-1", "two  123456789012 us-west-2"]
    assert explain(program, "october", "--target", "one")["name"] == "one"
    assert program.run("explain", "october", "--target", "two").out.startswith("october  manifests/october-two.yaml:1")


def test_failed_target_does_not_stop_the_explanation_in_another(program: Program, server: SandboxServer) -> None:
    """If one of several targets cannot be looked at, its reason is shown, the other is explained, and the run fails."""
    add_two_targets(program)

    def deny_in_one(request: Request) -> bytes | None:
        is_one = "/us-east-1/" in request.headers.get("Authorization", "")
        return DENIED if request.operation == "ListDataIntegrations" and is_one else None

    with FaultProxy(server.url, before_request=deny_in_one) as proxy:
        broken = Program(program.folder, proxy.url)
        result = broken.run("explain", "october", "-o", "json")
        alone = broken.run("explain", "october", "--target", "one")
    first, second = json.loads(result.out)["targets"]
    assert (result.code, first["name"], second["error"]) == (1, "one", None)
    assert "AccessDenied" in first["error"]
    assert second["decision"]["decision"] == "create"
    assert (alone.code, alone.out) == (1, "")


def test_each_target_says_that_a_run_would_be_refused(program: Program) -> None:
    """With several targets, the warning about a missing journal names the target."""
    add_two_targets(program)
    result = program.run("explain", "october", env={"RECONCILER_CONTAINER": "1"})
    assert result.code == 0
    assert "one: a run would be refused: there is no journal at " in result.err
    assert "two: a run would be refused: there is no journal at " in result.err
