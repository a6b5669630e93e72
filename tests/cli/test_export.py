"""`reconcile export`, as a process against a sandbox over HTTP."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import boto3
import pytest
import yaml
from support.program import TARGET, Program, create_environment
from support.proxy import FaultProxy, Request, build_error

from reconciler.sandbox import SandboxServer

WINDOW = {
    "ExecutionMode": "ON_DEMAND",
    "OnDemandConfiguration": {"StartTime": "1790812800000", "EndTime": "1793491200000"},
}
PLACE = 'spec: {Region: us-east-1, AccountId: "ACCOUNT"}\n'
READS = {"STS", "ListDataIntegrations", "ListDataIntegrationAssociation"}


@pytest.fixture
def create(server: SandboxServer) -> Callable[..., str]:
    """Return a function that creates an association beside the program, and returns its id."""
    client: Any = boto3.client(
        "appintegrations", "us-east-1", endpoint_url=server.url, aws_access_key_id="x", aws_secret_access_key="x"
    )

    def one(integration: str = "profiles-export", **members: Any) -> str:
        made = client.create_data_integration_association(DataIntegrationIdentifier=integration, **members)
        return str(made["DataIntegrationAssociationId"])

    return one


def files(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder, and what they hold."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def instead(shown: dict[str, Any]) -> Callable[[Request], bytes | None]:
    """Answer every List of associations with one item like this, and let all else pass."""

    def after(request: Request) -> bytes | None:
        if request.operation != "ListDataIntegrationAssociation":
            return None
        integration = request.path.split("%2F")[1].split("/")[0]
        region = unquote(request.path).split(":")[3]
        arn = f"arn:aws:app-integrations:{region}:123456789012:data-integration-association/{integration}"
        item = {"DataIntegrationAssociationArn": f"{arn}/00000000-0000-4000-8000-{integration[-12:]}", **shown}
        body = json.dumps({"DataIntegrationAssociations": [item]}).encode()
        head = b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: r\r\nContent-Type: application/json\r\nConnection: close\r\n"
        return head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)

    return after


def test_exported_associations_are_adopted_and_then_in_sync(program: Program, create: Callable[..., str]) -> None:
    """From an empty folder: nothing is created, all is adopted, and then nothing is left to export."""
    for _ in range(2):
        create(DestinationURI="s3://corp/2026-10", ExecutionConfiguration=WINDOW)
    create("crm-accounts", ClientId="no")
    create("crm-accounts", ClientId="- x: y # z", DestinationURI="s3://corp/crm")
    done = program.run("export", "--output-dir", "manifests")
    assert (done.code, done.err) == (0, "")
    assert len(files(program.folder / "manifests")) == 4
    assert done.out.splitlines()[-1] == "4 manifests written to manifests"
    dry = program.run("--dry-run", "--detailed-exitcode", "-o", "json")
    assert dry.code == 0
    assert set(dry.decisions.values()) == {"adopt"}
    assert not any(each["differences"] for each in dry.report["targets"][0]["associations"])
    assert program.run().code == 0
    again = program.run("--dry-run", "--detailed-exitcode", "-o", "json")
    assert (again.code, set(again.decisions.values())) == (0, {"in-sync"})
    nothing = program.run("export", "--unmanaged", "--output-dir", "more")
    assert (nothing.code, nothing.out) == (0, "0 manifests written to more, 4 managed already\n")
    assert not (program.folder / "more").exists()
    assert program.run("export", "--unmanaged").out == ""


def test_exported_stream_is_valid_input_for_run(program: Program, create: Callable[..., str]) -> None:
    """Standard output holds manifests and nothing else, in a stable order; the sum goes to standard error."""
    create()
    create("crm-accounts")
    done = program.run("export")
    assert (done.code, done.err) == (0, "2 manifests\n")
    names = [each["spec"]["DataIntegrationIdentifier"] for each in yaml.safe_load_all(done.out)]
    assert names == ["crm-accounts", "profiles-export"]
    assert program.run("export").out == done.out
    dry = program.run("--dry-run", "-f", "-", "-o", "json", stdin=done.out)
    assert set(dry.decisions.values()) == {"adopt"}


def test_export_reads_and_writes_nothing_but_its_files(
    program: Program, server: SandboxServer, create: Callable[..., str]
) -> None:
    """Not in AWS, as the wire shows, and not in the journal."""
    program.add("october")
    assert program.run().code == 0
    create(DestinationURI="s3://corp/other")
    before, carried_out = files(program.folder), len(server.sandbox.executed_writes)
    for arguments in ((), ("--unmanaged",), ("--unmanaged", "--output-dir", "out")):
        with FaultProxy(server.url) as wire:
            assert Program(program.folder, wire.url).run("export", *arguments).code == 0
        assert set(wire.counts) == READS
    after = files(program.folder)
    assert {name for name in after if not name.startswith("out/")} == set(before)
    assert all(after[name] == before[name] for name in before)
    assert len(server.sandbox.executed_writes) == carried_out


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        ({"DestinationURI": "s3://böse"}, "/spec/DestinationURI: "),
        ({"ExecutionConfiguration": {"ExecutionMode": "SOMETIMES"}}, "/spec/ExecutionConfiguration/ExecutionMode: "),
        ({"ClientId": "c" * 256}, "/spec/ClientId: must have at most 255"),
    ],
)
def test_inexpressible_association_is_left_out_and_reported(
    program: Program, server: SandboxServer, shown: dict[str, Any], why: str
) -> None:
    """Which one and why, on standard error and as a comment; the exit code is 1."""
    with FaultProxy(server.url, after_request=instead(shown)) as wire:
        done = Program(program.folder, wire.url).run("export")
    assert done.code == 1
    lines = done.err.splitlines()
    assert lines[-1] == "0 manifests, 3 left out"
    assert all(line.startswith("reconcile export: left out arn:") and why in line for line in lines[:-1])
    assert [line.removeprefix("# ") for line in done.out.splitlines()] == [
        line.removeprefix("reconcile export: ") for line in lines[:-1]
    ]


def test_list_failure_is_reported_and_the_rest_is_exported(
    program: Program, server: SandboxServer, create: Callable[..., str]
) -> None:
    """One failure stays one failure."""
    create()

    def before(request: Request) -> bytes | None:
        denied = "000000000002" in request.path
        return build_error(403, "AccessDeniedException") if denied else None

    with FaultProxy(server.url, before_request=before) as wire:
        done = Program(program.folder, wire.url).run("export", "--output-dir", "out")
    assert done.code == 1
    assert "000000000002 could not be listed" in done.err
    assert len(files(program.folder / "out")) == 1


def test_failing_target_does_not_stop_the_export_of_the_others(program: Program, create: Callable[..., str]) -> None:
    """Where Targets are declared, manifests say which they belong to; one that is out of reach stops no other."""
    create()
    program.add("near", text=TARGET + PLACE, ACCOUNT="123456789012")
    program.add("far", text=TARGET + PLACE, ACCOUNT="999999999999")
    done = program.run("export", "--output-dir", "manifests/live")
    assert done.code == 1
    assert "reconcile export: far: the credentials belong to account 123456789012" in done.err
    (written,) = (program.folder / "manifests" / "live").iterdir()
    assert yaml.safe_load(written.read_text())["target"] == "near"
    only = program.run("--dry-run", "--target", "near", "-o", "json")
    assert set(only.decisions.values()) == {"adopt"}
    assert program.run("export", "--target", "nowhere").code == 64


def test_same_name_in_two_targets_gets_two_files(program: Program, server: SandboxServer) -> None:
    """A name is unique in its target; a file, in its folder."""
    for name, region in (("east", "us-east-1"), ("west", "us-west-2")):
        program.add(name, text=TARGET + PLACE.replace("us-east-1", region), ACCOUNT="123456789012")
    with FaultProxy(server.url, after_request=instead({})) as wire:
        done = Program(program.folder, wire.url).run("export", "--output-dir", "out")
    assert done.code == 0
    assert sorted(files(program.folder / "out")) == [
        f"{name}-00000000{target}.yaml"
        for name in ("crm-accounts", "knowledge-articles", "profiles-export")
        for target in (".west", "")
    ]


def test_duplicate_of_a_manifest_is_exported_with_advice(program: Program, create: Callable[..., str]) -> None:
    """With the advice followed, the folder is valid, and nothing is created."""
    program.add("october")
    assert program.run().code == 0
    create(DestinationURI="s3://corp-exports/october", ExecutionConfiguration=WINDOW)
    done = program.run("export", "--unmanaged", "--output-dir", "manifests")
    assert done.code == 0
    assert done.err.startswith("reconcile export: manifests/october.yaml:1: asks for the same as 'profiles-export-")
    advice = done.err.split("give 'october' ")[1].strip()
    assert advice.startswith("policy.adopt: arn:aws:")
    (new,) = (path for path in (program.folder / "manifests").iterdir() if path.name != "october.yaml")
    assert advice in new.read_text()
    assert program.run("--dry-run").code == 3
    october = program.folder / "manifests" / "october.yaml"
    arn = advice.removeprefix("policy.adopt: ")
    october.write_text(october.read_text().replace("spec:", f"policy: {{adopt: '{arn}'}}\nspec:"))
    dry = program.run("--dry-run", "--detailed-exitcode", "-o", "json")
    assert (dry.code, sorted(dry.decisions.values())) == (0, ["adopt", "in-sync"])
    assert dry.report["targets"][0]["unmanaged"] == []


@pytest.mark.parametrize("arguments", [(), ("-f", "manifests"), ("--git-url", "."), ("-f", "-")])
def test_managed_association_is_not_exported_again(
    program: Program, create: Callable[..., str], arguments: tuple[str, ...]
) -> None:
    """Wherever the manifests were read from: the next dry run is valid, and there is nothing that it would create."""
    program.add("october", "november")
    assert program.run().code == 0
    create("crm-accounts", ClientId="mine")
    identity = ["-c", "user.name=x", "-c", "user.email=x"]
    for command in (["init", "-q"], ["add", "manifests"], [*identity, "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=program.folder, check=True, capture_output=True)
    before = files(program.folder / "manifests")
    stream = "---\n".join(text.decode() for text in before.values())
    done = program.run("export", *arguments, "--output-dir", "manifests/live", "--force", stdin=stream)
    assert done.code == 0
    said = "left out what manifests cover already (2): in manifests/live it may be read beside them"
    assert done.err.startswith(f"reconcile export: {said}")
    assert done.out.splitlines()[-1] == "1 manifest written to manifests/live, 2 managed already"
    after = files(program.folder / "manifests")
    assert {name: after[name] for name in before} == before
    dry = program.run("--dry-run", "--detailed-exitcode", "-o", "json")
    assert (dry.code, sorted(dry.decisions.values())) == (0, ["adopt", "in-sync", "in-sync"])
    assert dry.report["targets"][0]["unmanaged"] == []


@pytest.mark.parametrize("folder", ["manifests", "manifests/live", ".", "./manifests/../manifests", "link"])
def test_export_beside_the_manifests_writes_no_duplicates(program: Program, folder: str) -> None:
    """However the folder is spelled; the advice says what takes all."""
    program.add("october", "november")
    assert program.run().code == 0
    (program.folder / "link").symlink_to("manifests")
    before = files(program.folder)
    done = program.run("export", "--output-dir", folder)
    assert (done.code, done.out) == (0, f"0 manifests written to {folder}, 2 managed already\n")
    assert f"left out what manifests cover already (2): in {folder} it may be read beside them" in done.err
    assert "standard output takes all" in done.err
    assert files(program.folder) == before
    assert program.run("--dry-run", "--detailed-exitcode").code == 0


def test_export_to_another_folder_keeps_the_manifest_names(program: Program) -> None:
    """To standard output and into a folder of its own: what is covered keeps its name, so that the journal knows it."""
    program.add("october", "november")
    assert program.run().code == 0
    done = program.run("export", "--output-dir", "copy")
    assert (done.code, done.err) == (0, "")
    assert set(files(program.folder / "copy")) == {"october.yaml", "november.yaml"}
    stream = program.run("export")
    names = sorted(each["metadata"]["name"] for each in yaml.safe_load_all(stream.out))  # they come in order of ARN
    assert names == ["november", "october"]
    assert "# Already managed by 'october' (manifests/october.yaml:1): this manifest can replace that one" in stream.out
    dry = program.run("--dry-run", "--detailed-exitcode", "-f", "copy", "-o", "json")
    assert (dry.code, dry.decisions) == (0, {"november": "in-sync", "october": "in-sync"})


def test_existing_file_is_replaced_only_with_force(program: Program, create: Callable[..., str]) -> None:
    """All are looked at before one is written; what is the same stays, --force replaces the rest."""
    create("knowledge-articles")
    create("crm-accounts")
    assert program.run("export", "--output-dir", "out").code == 0
    same = program.run("export", "--output-dir", "out")
    assert (same.code, same.out.splitlines()[-1]) == (0, "0 manifests written to out, 2 unchanged")
    mine, other = sorted((program.folder / "out").iterdir())
    text = mine.read_text()
    mine.unlink()
    other.write_text("mine\n")
    refused = program.run("export", "--output-dir", "out")
    assert refused.code == 1
    assert refused.err == (
        f"reconcile: out/{other.name} already exists with different content: nothing was written; "
        "use --force to replace such files, or --unmanaged to skip associations that have a manifest\n"
    )
    assert not mine.exists()
    forced = program.run("export", "--output-dir", "out", "--force")
    assert (forced.code, forced.out.splitlines()[-1]) == (0, "2 manifests written to out")
    assert mine.read_text() == text
    assert set(files(program.folder / "out")) == {mine.name, other.name}


def test_export_does_not_follow_links(program: Program, create: Callable[..., str]) -> None:
    """A link by the name of a file is refused, or replaced itself; what it leads to stays."""
    create()
    assert program.run("export", "--output-dir", "out").code == 0
    (file,) = (program.folder / "out").iterdir()
    elsewhere = program.folder / "elsewhere"
    elsewhere.write_bytes(file.read_bytes())
    file.unlink()
    file.symlink_to(elsewhere)
    before = elsewhere.stat().st_mtime_ns
    assert program.run("export", "--output-dir", "out").code == 1
    assert program.run("export", "--output-dir", "out", "--force").code == 0
    assert not file.is_symlink()
    assert elsewhere.stat().st_mtime_ns == before


@pytest.mark.parametrize("force", [False, True])
def test_full_disk_leaves_no_partial_file(program: Program, create: Callable[..., str], *, force: bool) -> None:
    """One line says which file; what stood there before stands there still."""
    create()
    assert program.run("export", "--output-dir", "out").code == 0
    (file,) = (program.folder / "out").iterdir()
    file.write_text("mine\n") if force else file.unlink()
    command = program.build_command("export", "--output-dir", "out", *(["--force"] if force else []))
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *command],
        cwd=program.folder, env=create_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = f"reconcile: out/{file.name} cannot be written: File too large\n"
    assert (done.returncode, done.stderr) == (1, said)
    assert files(program.folder / "out") == ({file.name: b"mine\n"} if force else {})


def test_output_folder_that_is_a_file_is_an_error(program: Program, create: Callable[..., str]) -> None:
    """One line, exit 1, and the file stays."""
    create()
    (program.folder / "out").write_text("mine\n")
    for folder in ("out", "out/below"):
        done = program.run("export", "--output-dir", folder)
        assert (done.code, done.out) == (1, "")
        assert done.err == f"reconcile: {folder} is not a folder: choose another --output-dir\n"
    assert (program.folder / "out").read_text() == "mine\n"


@pytest.mark.parametrize("arguments", [["--force"], ["--output-dir", ""]])
def test_meaningless_options_are_rejected(program: Program, arguments: list[str]) -> None:
    """Wrong usage is 64, and nothing is called."""
    assert program.run("export", *arguments).code == 64


def test_named_manifest_folder_must_exist(program: Program) -> None:
    """Only the usual folder may be missing; a path that somebody gave is a mistake."""
    done = program.run("export", "-f", "nowhere")
    assert (done.code, done.out) == (3, "")
    assert "nowhere: does not exist" in done.err
