"""`reconcile windows` lists past and coming windows from the manifests and the journal, and writes nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.bucket import ACCOUNT, REGION
from support.program import EXPORT, Program
from support.proxy import FaultProxy, Request, build_error, build_response

from reconciler.sandbox import SandboxServer

RECURRING = """\
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata: {name: NAME}
policy: {mode: create-and-update}
window: {every: month, timeZone: Europe/Berlin, first: 2026-10-01, last: 2026-10-01}
spec:
  DataIntegrationIdentifier: profiles-export
  DestinationURI: s3://corp-exports/NAME
"""


def test_windows_are_listed_before_and_after_the_first_export(program: Program, server: SandboxServer) -> None:
    """The list needs no AppIntegrations, and shows the first window as to be sent, and then as running."""
    program.add("monthly", text=RECURRING)
    with FaultProxy(server.url) as proxy:
        before = Program(program.folder, proxy.url).run("windows", "monthly")
    assert set(proxy.counts) == {"STS"}
    assert before.code == 0
    assert "2026-10-01 to 2026-11-01  due since 2026-11-01 01:00 (2026-11-01 00:00Z)" in before.out
    assert before.out.endswith(
        "if AWS has the association already, a run decides first how far its data was exported\n"
    )
    assert not (program.folder / ".reconciler").exists()
    program.run()
    after = program.run("windows", "monthly", "--until", "2026-12-31", "-o", "json")
    assert after.code == 0
    windows = json.loads(after.out)["windows"]
    assert [(each["source"], each["state"]) for each in windows["past"]] == [("create", "running")]
    assert (windows["due"], windows["next"]) == (None, [])
    for command in (("status",), ("explain", "monthly")):
        assert "windows in Europe/Berlin: no completed export is known yet" in program.run(*command).out
    assert "window   every month, from 2026-10-01 in Europe/Berlin, last 2026-10-01" in program.run(*command).out


def test_answer_without_a_date_leaves_a_due_window_held(program: Program, server: SandboxServer) -> None:
    """If the answer of List has no header Date, nothing is due, and the reason names the header."""
    program.add("monthly", text=RECURRING)

    def answer_without_date(request: Request) -> bytes | None:
        if request.operation != "ListDataIntegrations":
            return None
        answer = server.sandbox.call(ACCOUNT, REGION, request.operation, {})
        return build_response(200, json.dumps(answer), "application/json\r\nx-amzn-RequestId: req-1")

    with FaultProxy(server.url, answer_without_date) as proxy:
        held = Program(program.folder, proxy.url).run("-o", "json")
    (line,) = held.report["targets"][0]["associations"]
    assert line["decision"] == "held"
    assert "look for a proxy that removes the header Date" in line["reason"]
    assert server.sandbox.executed_writes == ()
    assert program.run("-o", "json").decisions == {"monthly": "create"}


def test_only_manifests_with_a_window_have_a_list(program: Program) -> None:
    """A fixed window, a retired manifest, an unknown name and a wrong date are usage errors."""
    program.add("october", text=EXPORT)
    program.add("old", text=RECURRING.replace("policy: {", "policy: {retired: replaced, "))
    for arguments, message in (
        (("october",), "the manifest 'october' has no `window`: name a manifest with recurring windows"),
        (("old",), "the manifest 'old' is retired and exports nothing: use reconcile explain old"),
        (("octobre",), "no manifest has the name 'octobre': there are no manifests with recurring windows; "),
        (("october", "--until", "2026-12"), "'2026-12' is not a date: write YEAR-MONTH-DAY, such as"),
        (("october", "--until", "2026-02-30"), "'2026-02-30' is not a date: write YEAR-MONTH-DAY"),
    ):
        result = program.run("windows", *arguments)
        assert (result.code, result.out) == (64, "")
        assert message in result.err


def test_unknown_name_lists_each_manifest_with_a_window_once(program: Program) -> None:
    """A manifest in two targets is listed once, and manifests without windows are not suggested."""
    target = "apiVersion: appintegrations.reconciler/v1\nkind: Target\nmetadata: {name: NAME}\nspec: {Region: PLACE, "
    for name, region in (("one", "us-east-1"), ("two", "eu-west-2")):
        program.add(name, text=target + 'AccountId: "123456789012"}\n', PLACE=region)
    program.add("monthly", text=RECURRING.replace("spec:", "targets: ['*']\nspec:"))
    program.add("october", text=EXPORT.replace("spec:", "targets: ['*']\nspec:"))
    result = program.run("windows", "nope")
    assert (result.code, result.out) == (64, "")
    assert "no manifest has the name 'nope': use monthly; `reconcile status` shows the records" in result.err
    misspelt = program.run("windows", "octobre")
    assert "no manifest has the name 'octobre': use monthly" in misspelt.err
    assert "use one of monthly, october;" in program.run("explain", "nope").err


def test_commands_agree_about_an_export_that_was_just_sent(tmp_path: Path) -> None:
    """Right after an Update, the run, windows, explain and status say that the same window runs, and List shows it."""
    program = Program(tmp_path)
    program.add("monthly", text=RECURRING.replace(", last: 2026-10-01", ""))
    for time in ("2026-11-01T02:00Z", "2026-11-02T02:00Z"):
        assert program.run("--sandbox", "--sandbox-time", time).code == 0
    at_end = ("--sandbox", "--sandbox-time", "2026-12-01T02:00Z")
    running = "running: 2026-11-01 to 2026-12-01"
    run = program.run(*at_end)
    assert "updated    monthly" in run.out
    assert "last export in progress" in run.out
    assert running in run.out
    status = program.run("status", *at_end)
    assert "last export in progress" in status.out
    assert running in status.out
    assert "live: arn:aws:" in status.out
    listing = program.run("windows", "monthly", *at_end).out.splitlines()
    (line,) = [each for each in listing if each.startswith("  running  2026-11-01 to 2026-12-01")]
    assert "seen in List 2026-12-01 02:00Z" in line
    explanation = program.run("explain", "monthly", "--sandbox", "--sandbox-time", "2026-12-01T02:00:09Z")
    assert running in explanation.out
    assert "and the journal does not have the end of its export yet" in explanation.out
    assert "last export IN_PROGRESS" in explanation.out


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (build_error(429, "ThrottlingException"), "AWS did not carry out this call: the next run sends it again"),
        (build_error(403, "ExpiredTokenException"), "correct the cause; the next run sends the update again"),
        (build_error(400, "InvalidRequestException"), "a run sends the update once more after 0s, because a job may"),
        (
            build_error(403, "AccessDeniedException", "explicit deny"),
            "a run tries the update again after 0s, and",
        ),
    ],
)
def test_update_that_failed_says_that_it_is_sent_again(
    program: Program, server: SandboxServer, answer: bytes, sentence: str
) -> None:
    """An Update that AWS refuses or throttles is `failed`. The report says when it is sent again, and it is."""
    text = EXPORT + "policy: {mode: create-and-update}\n"
    program.add("october", text=text)
    server.sandbox.set_behaviour(replace(server.sandbox.behaviour, job_seconds=0))
    program.run()
    program.run("--settle-time", "0s")  # the export has ended
    program.add("october", text=text, **{"2026-11-01": "2026-11-02"})

    def refuse_update(request: Request) -> bytes | None:
        return answer if request.method == "PATCH" else None

    with FaultProxy(server.url, refuse_update) as proxy:
        refused = Program(program.folder, proxy.url).run("--settle-time", "0s")
    assert refused.code == 1
    assert "failed     october" in refused.out
    assert sentence in " ".join(refused.out.split())
    assert program.run("--settle-time", "0s").code == 0
    assert [each.operation for each in server.sandbox.executed_writes][1:] == ["UpdateDataIntegrationAssociation"]
