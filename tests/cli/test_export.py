"""`reconcile export` as a process, against a sandbox over HTTP."""

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
TARGET_SPEC = 'spec: {Region: us-east-1, AccountId: "ACCOUNT"}\n'
READS = {"STS", "ListDataIntegrations", "ListDataIntegrationAssociation"}


@pytest.fixture
def create(server: SandboxServer) -> Callable[..., str]:
    """Return a function that creates an association without the program, and returns its id."""
    client: Any = boto3.client(
        "appintegrations", "us-east-1", endpoint_url=server.url, aws_access_key_id="x", aws_secret_access_key="x"
    )

    def create_association(integration: str = "profiles-export", **members: Any) -> str:
        response = client.create_data_integration_association(DataIntegrationIdentifier=integration, **members)
        return str(response["DataIntegrationAssociationId"])

    return create_association


def read_files(folder: Path) -> dict[str, bytes]:
    """Return the content of each file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def replace_lists(members: dict[str, Any]) -> Callable[[Request], bytes | None]:
    """Return a function that answers every List of associations with one given item."""

    def replace_list(request: Request) -> bytes | None:
        if request.operation != "ListDataIntegrationAssociation":
            return None
        integration = request.path.split("%2F")[1].split("/")[0]
        region = unquote(request.path).split(":")[3]
        arn = f"arn:aws:app-integrations:{region}:123456789012:data-integration-association/{integration}"
        item = {"DataIntegrationAssociationArn": f"{arn}/00000000-0000-4000-8000-{integration[-12:]}", **members}
        body = json.dumps({"DataIntegrationAssociations": [item]}).encode()
        head = b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: r\r\nContent-Type: application/json\r\nConnection: close\r\n"
        return head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)

    return replace_list


def test_exported_associations_are_adopted_and_then_in_sync(program: Program, create: Callable[..., str]) -> None:
    """A run adopts every exported association, creates none, and leaves none to export."""
    for _ in range(2):
        create(DestinationURI="s3://corp/2026-10", ExecutionConfiguration=WINDOW)
    create("crm-accounts", ClientId="no")
    create("crm-accounts", ClientId="- x: y # z", DestinationURI="s3://corp/crm")
    result = program.run("export", "--output-dir", "manifests")
    assert (result.code, result.err) == (0, "")
    assert len(read_files(program.folder / "manifests")) == 4
    assert result.out.splitlines()[-1] == "4 manifests written to manifests"
    dry_run = program.run("--dry-run", "--detailed-exitcode", "-o", "json")
    assert dry_run.code == 0
    assert set(dry_run.decisions.values()) == {"adopt"}
    assert not any(each["differences"] for each in dry_run.report["targets"][0]["associations"])
    assert program.run().code == 0
    second_dry_run = program.run("--dry-run", "--detailed-exitcode", "-o", "json")
    assert (second_dry_run.code, set(second_dry_run.decisions.values())) == (0, {"in-sync"})
    second_export = program.run("export", "--unmanaged", "--output-dir", "more")
    assert (second_export.code, second_export.out) == (
        0,
        "0 manifests written to more; 4 managed associations skipped\n",
    )
    assert not (program.folder / "more").exists()
    assert program.run("export", "--unmanaged").out == ""


def test_exported_stream_is_valid_input_for_run(program: Program, create: Callable[..., str]) -> None:
    """Standard output is a stream of manifests in a stable order, and the summary goes to standard error."""
    create()
    create("crm-accounts")
    result = program.run("export")
    assert (result.code, result.err) == (0, "2 manifests\n")
    names = [each["spec"]["DataIntegrationIdentifier"] for each in yaml.safe_load_all(result.out)]
    assert names == ["crm-accounts", "profiles-export"]
    assert program.run("export").out == result.out
    dry_run = program.run("--dry-run", "-f", "-", "-o", "json", stdin=result.out)
    assert set(dry_run.decisions.values()) == {"adopt"}


def test_export_reads_and_writes_nothing_but_its_files(
    program: Program, server: SandboxServer, create: Callable[..., str]
) -> None:
    """An export writes neither to AWS nor to the journal."""
    program.add("october")
    assert program.run().code == 0
    create(DestinationURI="s3://corp/other")
    before, write_count = read_files(program.folder), len(server.sandbox.executed_writes)
    for arguments in ((), ("--unmanaged",), ("--unmanaged", "--output-dir", "out")):
        with FaultProxy(server.url) as proxy:
            assert Program(program.folder, proxy.url).run("export", *arguments).code == 0
        assert set(proxy.counts) == READS
    after = read_files(program.folder)
    assert {name for name in after if not name.startswith("out/")} == set(before)
    assert all(after[name] == before[name] for name in before)
    assert len(server.sandbox.executed_writes) == write_count


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"DestinationURI": "s3://böse"}, "/spec/DestinationURI: "),
        ({"ExecutionConfiguration": {"ExecutionMode": "SOMETIMES"}}, "/spec/ExecutionConfiguration/ExecutionMode: "),
        ({"ClientId": "c" * 256}, "/spec/ClientId: must have at most 255"),
    ],
)
def test_inexpressible_association_is_skipped_and_reported(
    program: Program, server: SandboxServer, members: dict[str, Any], reason: str
) -> None:
    """An association that no manifest can describe is reported with its reason, and the exit code is 1."""
    with FaultProxy(server.url, after_request=replace_lists(members)) as proxy:
        result = Program(program.folder, proxy.url).run("export")
    assert result.code == 1
    lines = result.err.splitlines()
    assert lines[-1] == "0 manifests, 4 left out"
    assert all(line.startswith("reconcile: left out arn:") and reason in line for line in lines[:-1])
    assert [line.removeprefix("# ") for line in result.out.splitlines()] == [
        line.removeprefix("reconcile: ") for line in lines[:-1]
    ]


def test_list_failure_is_reported_and_the_rest_is_exported(
    program: Program, server: SandboxServer, create: Callable[..., str]
) -> None:
    """A data integration that cannot be listed is reported, and the others are exported."""
    create()

    def deny_list(request: Request) -> bytes | None:
        is_denied = "000000000002" in request.path
        return build_error(403, "AccessDeniedException") if is_denied else None

    with FaultProxy(server.url, before_request=deny_list) as proxy:
        result = Program(program.folder, proxy.url).run("export", "--output-dir", "out")
    assert result.code == 1
    assert "000000000002 could not be listed" in result.err
    assert len(read_files(program.folder / "out")) == 1


def test_failing_target_does_not_stop_the_export_of_the_others(program: Program, create: Callable[..., str]) -> None:
    """A target that cannot be reached does not stop the others, and manifests name their target."""
    create()
    program.add("near", text=TARGET + TARGET_SPEC, ACCOUNT="123456789012")
    program.add("far", text=TARGET + TARGET_SPEC, ACCOUNT="999999999999")
    result = program.run("export", "--output-dir", "manifests/live")
    assert result.code == 1
    assert "reconcile: far: the credentials belong to account 123456789012" in result.err
    (file,) = (program.folder / "manifests" / "live").iterdir()
    assert yaml.safe_load(file.read_text())["target"] == "near"
    dry_run = program.run("--dry-run", "--target", "near", "-o", "json")
    assert set(dry_run.decisions.values()) == {"adopt"}
    assert program.run("export", "--target", "nowhere").code == 64


def test_same_name_in_two_targets_gets_two_files(program: Program, server: SandboxServer) -> None:
    """Two associations with the same name in two targets are written to two files."""
    for name, region in (("east", "us-east-1"), ("west", "us-west-2")):
        program.add(name, text=TARGET + TARGET_SPEC.replace("us-east-1", region), ACCOUNT="123456789012")
    with FaultProxy(server.url, after_request=replace_lists({})) as proxy:
        result = Program(program.folder, proxy.url).run("export", "--output-dir", "out")
    assert result.code == 0
    assert sorted(read_files(program.folder / "out")) == [
        f"{name}-00000000{target}.yaml"
        for name in ("crm-accounts", "knowledge-articles", "profiles-backfill", "profiles-export")
        for target in (".west", "")
    ]


def test_duplicate_of_a_manifest_is_exported_with_advice(program: Program, create: Callable[..., str]) -> None:
    """The advice for a duplicate makes the manifests valid, and nothing is created."""
    program.add("october")
    assert program.run().code == 0
    create(DestinationURI="s3://corp-exports/october", ExecutionConfiguration=WINDOW)
    result = program.run("export", "--unmanaged", "--output-dir", "manifests")
    assert result.code == 0
    message = "reconcile: manifests/october.yaml:1: describes the same association as 'profiles-export-"
    assert result.err.startswith(message)
    advice = result.err.split("give 'october' ")[1].strip()
    assert advice.startswith("policy.adopt: arn:aws:")
    (new,) = (path for path in (program.folder / "manifests").iterdir() if path.name != "october.yaml")
    assert advice in new.read_text()
    assert program.run("--dry-run").code == 3
    october = program.folder / "manifests" / "october.yaml"
    arn = advice.removeprefix("policy.adopt: ")
    october.write_text(october.read_text().replace("spec:", f"policy: {{adopt: '{arn}'}}\nspec:"))
    dry_run = program.run("--dry-run", "--detailed-exitcode", "-o", "json")
    assert (dry_run.code, sorted(dry_run.decisions.values())) == (0, ["adopt", "in-sync"])
    assert dry_run.report["targets"][0]["unmanaged"] == []


def test_ignored_association_is_not_exported_as_unmanaged(program: Program, create: Callable[..., str]) -> None:
    """An association that the Target ignores is skipped with --unmanaged, and exported without it."""
    ignored_id = create(DestinationURI="s3://corp-exports/theirs")
    create(DestinationURI="s3://corp-exports/ours")
    spec = (
        f'spec: {{Region: us-east-1, AccountId: "123456789012", Ignore: [{{Arn: "*/{ignored_id}", Reason: theirs}}]}}\n'
    )
    program.add("prod", text=TARGET + spec)
    result = program.run("export", "--unmanaged")
    assert (result.code, "theirs" in result.out, "ours" in result.out) == (0, False, True)
    assert result.err.endswith("; 1 ignored association skipped\n")
    assert "theirs" in program.run("export").out
    dry_run = program.run("--dry-run", "-o", "json")
    (report,) = dry_run.report["targets"]
    assert [each["reason"] for each in report["ignored"]] == ["theirs"]
    assert report["coverage"] == {"managed": 0, "ignored": 1, "live": 2}


@pytest.mark.parametrize("arguments", [(), ("-f", "manifests"), ("--git-url", "."), ("-f", "-")])
def test_managed_association_is_not_exported_again(
    program: Program, create: Callable[..., str], arguments: tuple[str, ...]
) -> None:
    """Managed associations are left out beside their manifests, whatever the source of the manifests is."""
    program.add("october", "november")
    assert program.run().code == 0
    create("crm-accounts", ClientId="mine")
    identity = ["-c", "user.name=x", "-c", "user.email=x"]
    for command in (["init", "-q"], ["add", "manifests"], [*identity, "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=program.folder, check=True, capture_output=True)
    before = read_files(program.folder / "manifests")
    stream = "---\n".join(text.decode() for text in before.values())
    result = program.run("export", *arguments, "--output-dir", "manifests/live", "--force", stdin=stream)
    assert result.code == 0
    message = "skipped 2 associations that a manifest already manages, because the folder 'manifests/live' may be read"
    assert result.err.startswith(f"reconcile: {message}")
    assert result.out.splitlines()[-1] == "1 manifest written to manifests/live; 2 managed associations skipped"
    after = read_files(program.folder / "manifests")
    assert {name: after[name] for name in before} == before
    dry_run = program.run("--dry-run", "--detailed-exitcode", "-o", "json")
    assert (dry_run.code, sorted(dry_run.decisions.values())) == (0, ["adopt", "in-sync", "in-sync"])
    assert dry_run.report["targets"][0]["unmanaged"] == []


@pytest.mark.parametrize("folder", ["manifests", "manifests/live", ".", "./manifests/../manifests", "link"])
def test_export_beside_the_manifests_writes_no_duplicates(program: Program, folder: str) -> None:
    """Every spelling of the manifests' folder leaves out managed associations, and the advice says why."""
    program.add("october", "november")
    assert program.run().code == 0
    (program.folder / "link").symlink_to("manifests")
    before = read_files(program.folder)
    result = program.run("export", "--output-dir", folder)
    assert (result.code, result.out) == (0, f"0 manifests written to {folder}; 2 managed associations skipped\n")
    assert "skipped 2 associations that a manifest already manages, because the folder" in result.err
    assert f"'{folder}' may be read together with the existing manifests, and two manifests for one" in result.err
    assert "to export every association, omit --output-dir" in result.err
    assert read_files(program.folder) == before
    assert program.run("--dry-run", "--detailed-exitcode").code == 0


def test_export_to_another_folder_keeps_the_manifest_names(program: Program) -> None:
    """Managed associations keep their names on standard output and in another folder, and stay in sync."""
    program.add("october", "november")
    assert program.run().code == 0
    result = program.run("export", "--output-dir", "copy")
    assert (result.code, result.err) == (0, "")
    assert set(read_files(program.folder / "copy")) == {"october.yaml", "november.yaml"}
    stream = program.run("export")
    names = sorted(each["metadata"]["name"] for each in yaml.safe_load_all(stream.out))  # the stream is sorted by ARN
    assert names == ["november", "october"]
    assert "# Already managed by 'october' (manifests/october.yaml:1): this manifest can replace that one" in stream.out
    dry_run = program.run("--dry-run", "--detailed-exitcode", "-f", "copy", "-o", "json")
    assert (dry_run.code, dry_run.decisions) == (0, {"november": "in-sync", "october": "in-sync"})


def test_existing_file_is_replaced_only_with_force(program: Program, create: Callable[..., str]) -> None:
    """If a file differs, nothing is written without --force. Unchanged files are not written again."""
    create("knowledge-articles")
    create("crm-accounts")
    assert program.run("export", "--output-dir", "out").code == 0
    second_export = program.run("export", "--output-dir", "out")
    assert (second_export.code, second_export.out.splitlines()[-1]) == (0, "0 manifests written to out, 2 unchanged")
    first_file, second_file = sorted((program.folder / "out").iterdir())
    text = first_file.read_text()
    first_file.unlink()
    second_file.write_text("mine\n")
    third_export = program.run("export", "--output-dir", "out")
    assert third_export.code == 1
    assert third_export.err == (
        f"reconcile: out/{second_file.name} already exists with different content: nothing was written; "
        "use --force to replace such files, or --unmanaged to skip associations that have a manifest\n"
    )
    assert not first_file.exists()
    forced_export = program.run("export", "--output-dir", "out", "--force")
    assert (forced_export.code, forced_export.out.splitlines()[-1]) == (0, "2 manifests written to out")
    assert first_file.read_text() == text
    assert set(read_files(program.folder / "out")) == {first_file.name, second_file.name}


def test_export_does_not_follow_links(program: Program, create: Callable[..., str]) -> None:
    """A link with the name of a file is refused or replaced, and the file behind the link stays unchanged."""
    create()
    assert program.run("export", "--output-dir", "out").code == 0
    (file,) = (program.folder / "out").iterdir()
    elsewhere = program.folder / "elsewhere"
    elsewhere.write_bytes(file.read_bytes())
    file.unlink()
    file.symlink_to(elsewhere)
    modified = elsewhere.stat().st_mtime_ns
    assert program.run("export", "--output-dir", "out").code == 1
    assert program.run("export", "--output-dir", "out", "--force").code == 0
    assert not file.is_symlink()
    assert elsewhere.stat().st_mtime_ns == modified


@pytest.mark.parametrize("force", [False, True])
def test_full_disk_leaves_no_partial_file(program: Program, create: Callable[..., str], *, force: bool) -> None:
    """A full disk leaves the previous content of a file, and the error names the file."""
    create()
    assert program.run("export", "--output-dir", "out").code == 0
    (file,) = (program.folder / "out").iterdir()
    file.write_text("mine\n") if force else file.unlink()
    command = program.build_command("export", "--output-dir", "out", *(["--force"] if force else []))
    result = subprocess.run(
        ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *command],
        cwd=program.folder, env=create_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    message = f"reconcile: out/{file.name} cannot be written: File too large\n"
    assert (result.returncode, result.stderr) == (1, message)
    assert read_files(program.folder / "out") == ({file.name: b"mine\n"} if force else {})


@pytest.mark.parametrize("has_associations", [True, False])
@pytest.mark.parametrize("folder", ["out", "out/below", "out/below/it"])
def test_output_folder_that_is_a_file_is_a_usage_error(
    program: Program, create: Callable[..., str], folder: str, *, has_associations: bool
) -> None:
    """An --output-dir that is a file, or below a file, is refused, also if there is nothing to write."""
    if has_associations:
        create()
    (program.folder / "out").write_text("mine\n")
    result = program.run("export", "--output-dir", folder)
    assert (result.code, result.out) == (64, "")
    assert f"--output-dir {folder} is not a folder: choose another folder" in result.err
    assert (program.folder / "out").read_text() == "mine\n"


@pytest.mark.parametrize("arguments", [["--force"], ["--output-dir", ""]])
def test_options_without_an_effect_are_rejected(program: Program, arguments: list[str]) -> None:
    """--force without --output-dir and an empty --output-dir are usage errors."""
    assert program.run("export", *arguments).code == 64


def test_manifest_folder_option_must_name_an_existing_folder(program: Program) -> None:
    """A missing folder is an error if -f names it; only the default folder may be missing."""
    result = program.run("export", "-f", "nowhere")
    assert (result.code, result.out) == (3, "")
    assert "nowhere: the path does not exist" in result.err
