"""`reconcile doctor` as a process: a fault fails its own check, the other checks continue, and nothing is written."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import jsonschema
import pytest
from support.bucket import Bucket
from support.paths import REPOSITORY
from support.program import CompletedRun, Program, create_environment
from support.proxy import FaultProxy, Request, build_error

from reconciler.core.journal.codec import add_digest
from reconciler.edge.manifests.schema import load_schema
from reconciler.sandbox import Behaviour, SandboxServer

CHECK = jsonschema.Draft202012Validator(load_schema("doctor.v1.json"))
LESS = "-dac_override,-dac_read_search"
AS_USER = ["setpriv", f"--bounding-set={LESS}", f"--inh-caps={LESS}"] if os.geteuid() == 0 else []
"""A prefix that makes a command obey file permissions, even if root runs the tests (capabilities(7))."""

needs_permissions = pytest.mark.skipif(
    bool(AS_USER) and (not shutil.which("setpriv") or subprocess.run([*AS_USER, "true"], check=False).returncode != 0),
    reason="root can read and write every file here",
)
ACCOUNT, OTHER = "123456789012", "999999999999"
TARGET = """\
apiVersion: appintegrations.reconciler/v1
kind: Target
metadata: {name: NAME}
spec: {Region: REGION, AccountId: "ACCOUNT"}
"""
MANIFEST = """\
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata: {name: NAME}
spec:
  DataIntegrationIdentifier: INTEGRATION
  DestinationURI: s3://corp-exports/NAME
  ExecutionConfiguration:
    ExecutionMode: ON_DEMAND
    OnDemandConfiguration: {StartTime: 2025-10-01T00:00:00Z, EndTime: 2025-11-01T00:00:00Z}
"""
ONCE = {"AWS_MAX_ATTEMPTS": "1"}


def diagnose(program: Program, *arguments: str, env: dict[str, str] | None = None) -> Any:
    """Return the diagnosis, after a check of its schema and its exit code."""
    done = program.run("doctor", "-o", "json", *arguments, env={**ONCE, **(env or {})})
    assert "Traceback" not in done.err
    document = json.loads(done.out)
    CHECK.validate(document)
    assert done.code == (1 if document["summary"]["failed"] else 0)
    return document


def diagnose_as_user(program: Program, *arguments: str) -> Any:
    """Return the diagnosis of a process whose user needs file permissions."""
    done = subprocess.run(
        [*AS_USER, *program.build_command("doctor", "-o", "json", *arguments)],
        cwd=program.folder, env=create_environment(**ONCE), capture_output=True, text=True, check=False,
    )  # fmt: skip
    document = json.loads(done.stdout)
    CHECK.validate(document)
    return document


def found(diagnosis: Any, name: str, target: int = 0) -> Any:
    """Return the only check with a name, of the program or of a target."""
    (check,) = [each for each in (*diagnosis["checks"], *checks_of(diagnosis, target)) if each["name"] == name]
    return check


def checks_of(diagnosis: Any, target: int = 0) -> list[Any]:
    """Return the checks of a target."""
    checks: list[Any] = diagnosis["targets"][target]["checks"]
    return checks


def results(diagnosis: Any, target: int = 0) -> dict[str, str]:
    """Return the results of a target by the name of the check."""
    return {check["name"]: check["result"] for check in checks_of(diagnosis, target)}


def s3(server: SandboxServer) -> Any:
    """Return an S3 client that prepares buckets."""
    return boto3.client("s3", "us-east-1", endpoint_url=server.url, aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture
def exports(server: SandboxServer, bucket: Bucket) -> str:  # noqa: ARG001 - makes S3 empty
    """Return the bucket of the manifests, with the encryption that a bulk export needs."""
    name, rule = "corp-exports", {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key"}
    s3(server).create_bucket(Bucket=name)
    s3(server).put_bucket_encryption(
        Bucket=name, ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": rule}]}
    )
    return name


@pytest.fixture
def ready(program: Program, exports: str) -> Program:  # noqa: ARG001 - the bucket is there
    """Return the program with two manifests, on two data integrations, that need no further preparation."""
    program.add("october", text=MANIFEST, INTEGRATION="profiles-export")
    program.add("crm", text=MANIFEST, INTEGRATION="crm-accounts")
    return program


def raw(status: int, body: str, kind: str = "text/xml", date: str = "") -> bytes:
    """Return a complete response of AWS with a request id."""
    dated = f"Date: {date}\r\n" if date else ""
    head = (
        f"HTTP/1.1 {status} X\r\nx-amzn-RequestId: r\r\n{dated}Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    )
    return f"{head}Connection: close\r\n\r\n{body}".encode()


def files(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Yield the name, size and modification time of each file and folder below a folder."""
    for path in sorted(folder.rglob("*")):
        yield str(path), path.stat().st_size, path.stat().st_mtime_ns


def operation(request: Request) -> str:
    """Return the operation of a request. Fails for a write."""
    service = re.search(r"/([a-z0-9-]+)/aws4_request", request.headers.get("Authorization", ""))
    assert service
    if service[1] == "sts":
        named = re.search(rb"Action=(\w+)", request.body)
        assert named
        return named[1].decode()
    assert request.method == "GET", f"a write: {request}"
    if service[1] == "s3":
        return "GetBucket" + request.path.partition("?")[2].capitalize() if "?" in request.path else "GetObject"
    return request.operation


def test_healthy_setup_has_no_failed_check(ready: Program) -> None:
    """A healthy setup has no failed check, and a check that would need a write is skipped."""
    diagnosis = diagnose(ready)
    assert results(diagnosis) == {
        "region": "skipped", "credentials": "ok", "clock": "ok", "list-integrations": "ok", "integration": "ok",
        "list-associations": "ok", "create": "skipped", "bucket-region": "ok", "bucket-encryption": "ok",
        "journal": "ok", "journal-write": "ok", "lease": "ok",
    }  # fmt: skip
    assert [check["result"] for check in diagnosis["checks"]] == ["ok", "ok", "ok"]
    named = [check["about"] for check in checks_of(diagnosis) if check["name"] == "integration"]
    assert named == ["crm-accounts", "profiles-export"]
    assert found(diagnosis, "create")["fix"].count(":data-integration/") == 2
    assert found(diagnosis, "credentials")["seen"] == f"arn:aws:sts::{ACCOUNT}:user/moto of account {ACCOUNT}"


def test_doctor_page_documents_every_check(ready: Program) -> None:
    """The documentation and the schema list exactly the checks that the doctor makes."""
    page = (REPOSITORY / "docs" / "doctor.md").read_text()
    named = load_schema("doctor.v1.json")["$defs"]["check"]["properties"]["name"]["examples"]
    checks = page.partition("## Checks of the installation")[2]
    assert re.findall(r"^\| `([a-z-]+)` \| .+ \|$", checks, re.MULTILINE) == named
    diagnosis = diagnose(ready)
    assert list(dict.fromkeys(each["name"] for each in (*diagnosis["checks"], *checks_of(diagnosis)))) == named


def test_doctor_makes_few_reads_and_no_writes(ready: Program, server: SandboxServer, bucket: Bucket) -> None:
    """The doctor makes each read once, and writes nothing to AWS, to disk and to S3."""
    before = list(files(ready.folder))
    with FaultProxy(server.url) as wire:
        diagnose(Program(ready.folder, wire.url), "--state", bucket.url)
        counted = sorted(map(operation, wire.requests))
    assert counted == [
        "GetBucketEncryption", "GetBucketLocation", "GetCallerIdentity", "GetDataIntegration", "GetDataIntegration",
        "GetObject", "ListDataIntegrationAssociation", "ListDataIntegrationAssociation", "ListDataIntegrations",
    ]  # fmt: skip
    assert list(files(ready.folder)) == before
    assert bucket.keys == []
    assert server.sandbox.executed_writes == ()
    diagnose(ready)
    assert list(files(ready.folder)) == before


def test_role_needs_one_more_call(ready: Program, server: SandboxServer) -> None:
    """A Target with a role needs one more call, and every later call uses the credentials of the role."""
    role = f"{TARGET.rstrip()[:-1]}, RoleArn: 'arn:aws:iam::ACCOUNT:role/exporter'}}\n"
    ready.add("prod", text=role, ACCOUNT=ACCOUNT, REGION="us-east-1")
    with FaultProxy(server.url) as wire:
        diagnosis = diagnose(Program(ready.folder, wire.url))
        counted = [operation(request) for request in wire.requests]
        keys = {request.headers["Authorization"].split("/")[0] for request in wire.requests[1:]}
    assert counted[:2] == ["AssumeRole", "GetCallerIdentity"]
    assert len(counted) == 9
    assert len(keys) == 1
    assert ":assumed-role/exporter/" in found(diagnosis, "credentials")["seen"]


def test_text_output_has_one_line_per_check(ready: Program) -> None:
    """Text output has one line for each check, with the remedy below it, and colours on a terminal only."""
    done = ready.run("doctor")
    assert re.search(r"^  ok       manifests +2 manifests of 1 target, valid$", done.out, re.MULTILINE)
    assert re.search(r"^  skipped  create +not checked, because .+\n      make sure that ", done.out, re.MULTILINE)
    assert done.out.endswith("Nothing was written.\n")
    assert done.err == ""
    shown = ready.run_on_terminal("doctor")
    assert "\x1b[32m✓ ok     \x1b[0m" in shown
    ready.run("doctor", "-o", "text", "-o", "json=found.json")
    CHECK.validate(json.loads((ready.folder / "found.json").read_text()))


@pytest.mark.parametrize("wrong", [("-o", "yaml"), ("--target", "nobody"), ("--state", "s3://x/../y")])
def test_usage_error_exits_with_64(ready: Program, wrong: tuple[str, str]) -> None:
    """A usage error exits with 64 and prints no diagnosis."""
    done = ready.run("doctor", *wrong)
    assert (done.code, done.out) == (64, "")


def test_environment_is_checked_without_manifests(program: Program, server: SandboxServer) -> None:
    """Without manifests no check fails, and List is checked on one data integration."""
    with FaultProxy(server.url) as wire:
        diagnosis = diagnose(Program(program.folder, wire.url))
        assert wire.counts == {"STS": 1, "ListDataIntegrations": 1, "ListDataIntegrationAssociation": 1}
    assert found(diagnosis, "manifests")["result"] == "skipped"
    assert "bucket-region" not in results(diagnosis)
    assert found(diagnosis, "create")["fix"].endswith(f":us-east-1:{ACCOUNT}:data-integration/*")
    assert diagnosis["summary"]["failed"] == 0


def test_list_check_is_skipped_without_data_integrations(program: Program, server: SandboxServer) -> None:
    """The check of List is skipped, not ok, if there are no data integrations."""
    nothing = raw(200, '{"DataIntegrations": []}', "application/json")
    with FaultProxy(
        server.url, before_request=lambda each: nothing if each.operation.endswith("ions") else None
    ) as wire:
        assert found(diagnose(Program(program.folder, wire.url)), "list-associations")["result"] == "skipped"


def test_missing_manifest_path_fails_the_check(program: Program) -> None:
    """A missing file and a missing repository fail the check of the manifests if an option names them."""
    assert found(diagnose(program, "-f", "gone.yaml"), "manifests")["result"] == "failed"
    revision = found(diagnose(program, "--git-url", "."), "manifests")
    assert revision["result"] == "failed"
    assert "is not a git repository" in revision["seen"]


def test_invalid_manifests_do_not_stop_the_other_checks(ready: Program) -> None:
    """Invalid manifests fail their own check, and the credentials are still checked."""
    ready.add("bad", text="kind: Nonsense\n")
    diagnosis = diagnose(ready, "--target", "prod")
    manifests = found(diagnosis, "manifests")
    assert manifests["seen"].startswith("1 problem in the manifests; ")
    assert manifests["fix"] == "run reconcile validate to list the problems"
    assert results(diagnosis)["credentials"] == "ok"


def test_wrong_account_of_one_target_does_not_stop_the_others(ready: Program) -> None:
    """The error names the wrong account, dependent checks are skipped, and the next target passes."""
    ready.add("a-wrong", text=TARGET, ACCOUNT=OTHER, REGION="us-east-1")
    ready.add("b-right", text=TARGET, ACCOUNT=ACCOUNT, REGION="us-east-1")
    for name in ("october", "crm"):
        path = ready.folder / "manifests" / f"{name}.yaml"
        path.write_text(path.read_text() + "target: a-wrong\n")
    diagnosis = diagnose(ready)
    wrong = found(diagnosis, "credentials")
    assert wrong["result"] == "failed"
    assert f"the credentials belong to account {ACCOUNT}, but target 'a-wrong' declares {OTHER}" in wrong["seen"]
    assert "arn:aws:sts::" in wrong["seen"]
    assert set(results(diagnosis)) >= {"integration", "list-associations", "bucket-region", "bucket-encryption"}
    for name in ("list-integrations", "integration", "list-associations", "create", "bucket-region"):
        assert found(diagnosis, name)["seen"] == "not checked, because the check 'credentials' failed"
    assert results(diagnosis)["clock"] == "ok"
    assert "failed" not in results(diagnosis, 1).values()
    assert found(diagnosis, "credentials", 1)["seen"].endswith(f"of account {ACCOUNT}, as the Target declares")


def test_missing_region_skips_the_checks_that_need_one(tmp_path: Path) -> None:
    """Without a Region, every check that needs one is skipped with that reason."""
    diagnosis = diagnose(Program(tmp_path))
    assert found(diagnosis, "region")["result"] == "failed"
    skipped = {check["seen"] for check in checks_of(diagnosis)[1:]}
    assert skipped == {"not checked, because the check 'region' failed"}


def test_region_is_checked_without_credentials(tmp_path: Path) -> None:
    """The Region and the journal of a Target are checked even without credentials."""
    program = Program(tmp_path)
    program.add("prod", text=TARGET, ACCOUNT=ACCOUNT, REGION="us-east-2")
    diagnosis = diagnose(program)
    assert found(diagnosis, "region")["result"] == "warning"
    credentials = found(diagnosis, "credentials")
    assert (credentials["result"], credentials["seen"]) == ("failed", "GetCallerIdentity: Unable to locate credentials")
    assert found(diagnosis, "clock")["seen"] == "not checked, because STS did not answer"
    assert found(diagnosis, "journal")["result"] == "ok"
    assert found(diagnosis, "manifests")["result"] == "warning"
    unknown = diagnose(program, "--profile", "nobody")
    assert "nobody" in found(unknown, "credentials")["seen"]
    assert found(unknown, "region")["seen"] == "not checked, because the check 'credentials' failed"


def test_unreachable_endpoint_fails_with_a_remedy(tmp_path: Path) -> None:
    """An unreachable endpoint fails the check of the credentials, with its address and a remedy."""
    diagnosis = diagnose(Program(tmp_path, "http://127.0.0.1:1"))
    credentials = found(diagnosis, "credentials")
    assert credentials["result"] == "failed"
    assert "127.0.0.1:1" in credentials["seen"]
    assert credentials["fix"].startswith("check the network")


@pytest.mark.parametrize("refused", [False, True], ids=["answered", "refused"])
def test_wrong_clock_fails_the_check(ready: Program, server: SandboxServer, *, refused: bool) -> None:
    """A wrong clock is found by the Date header of STS, whether STS answers or refuses the call."""
    body = (
        "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>Signature expired</Message></Error>"
        "</ErrorResponse>"
        if refused
        else f"<R><GetCallerIdentityResult><Arn>arn:aws:iam::{ACCOUNT}:user/me</Arn><Account>{ACCOUNT}</Account>"
        "</GetCallerIdentityResult></R>"
    )
    said = raw(403 if refused else 200, body, date="Fri, 02 Jan 1970 00:00:00 GMT")
    with FaultProxy(server.url, before_request=lambda each: said if each.operation == "STS" else None) as wire:
        diagnosis = diagnose(Program(ready.folder, wire.url))
    clock = found(diagnosis, "clock")
    assert clock["result"] == "failed"
    assert re.fullmatch(r"this machine's clock is [0-9.]+ days ahead of AWS's", clock["seen"])
    assert clock["fix"].startswith("set the clock")
    assert results(diagnosis)["credentials"] == ("failed" if refused else "ok")
    assert results(diagnosis)["list-integrations"] == ("skipped" if refused else "ok")


def test_a_denied_list_names_the_permission(ready: Program, server: SandboxServer) -> None:
    """A denied List names the missing permission, and skips the checks that depend on it."""
    server.sandbox.set_behaviour(Behaviour(list_denied="crm-accounts"))
    lists = [check for check in checks_of(diagnose(ready)) if check["name"] == "list-associations"]
    assert {check["about"]: check["result"] for check in lists} == {"crm-accounts": "failed", "profiles-export": "ok"}
    assert lists[0]["fix"] == "allow app-integrations:ListDataIntegrationAssociations on *"
    denied = build_error(403, "AccessDeniedException")
    with FaultProxy(
        server.url, before_request=lambda each: denied if each.operation == "ListDataIntegrations" else None
    ) as wire:
        diagnosis = diagnose(Program(ready.folder, wire.url))
    assert found(diagnosis, "list-integrations")["fix"] == "allow app-integrations:ListDataIntegrations on *"
    for name in ("integration", "list-associations"):
        assert found(diagnosis, name)["seen"] == "not checked, because the check 'list-integrations' failed"
    assert results(diagnosis)["bucket-region"] == "ok"


def test_unreadable_answer_fails_the_check(ready: Program, server: SandboxServer) -> None:
    """An unreadable answer fails its own check, and the other checks continue."""
    nonsense = raw(200, '{"DataIntegrations": [1]}', "application/json")
    with FaultProxy(
        server.url, before_request=lambda each: nonsense if each.operation == "ListDataIntegrations" else None
    ) as wire:
        diagnosis = diagnose(Program(ready.folder, wire.url))
    assert results(diagnosis)["list-integrations"] == "failed"
    assert results(diagnosis)["bucket-region"] == "ok"


def test_missing_data_integration_suggests_a_similar_name(ready: Program) -> None:
    """The remedy for a missing data integration suggests a similar name, and names the manifest."""
    ready.add("typo", text=MANIFEST, INTEGRATION="profile-export")
    missing = [check for check in checks_of(diagnose(ready)) if check["result"] == "failed"]
    assert [check["about"] for check in missing] == ["profile-export"]
    assert missing[0]["fix"].startswith("did you mean 'profiles-export'? ")
    assert missing[0]["fix"].endswith("manifests/typo.yaml:1")


def test_unsuitable_buckets_fail_the_check(program: Program, server: SandboxServer, exports: str) -> None:
    """Missing, unencrypted and distant buckets fail their checks, and buckets without permission are skipped."""
    s3(server).create_bucket(Bucket="abroad", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    s3(server).create_bucket(Bucket="plain")
    s3(server).create_bucket(Bucket="crm")
    program.add("crm", text=MANIFEST, **{"corp-exports": "crm", "INTEGRATION": "crm-accounts"})
    for name in ("gone", "abroad", "plain", "private", exports):
        program.add(name, text=MANIFEST, **{"corp-exports": name, "INTEGRATION": "profiles-export"})
    program.add(
        "stream", text=MANIFEST.replace("s3://corp-exports/NAME", "Kinesis://stream"), INTEGRATION="crm-accounts"
    )
    program.add(
        "loud", text=MANIFEST.replace("s3://", "S3://"), **{"corp-exports": "plain"}, INTEGRATION="crm-accounts"
    )
    denied = raw(403, "<Error><Code>AccessDenied</Code><Message>no way</Message></Error>")
    with FaultProxy(
        server.url, before_request=lambda each: denied if each.path.startswith("/private") else None
    ) as wire:
        diagnosis = diagnose(Program(program.folder, wire.url))
    by_bucket = {(check["about"], check["name"]): check for check in checks_of(diagnosis) if check["about"]}
    for bucket, region, encryption in (
        ("gone", "failed", "skipped"),
        ("abroad", "failed", "failed"),
        ("plain", "ok", "failed"),
        ("crm", "ok", "warning"),
        ("private", "skipped", "skipped"),
        (exports, "ok", "ok"),
    ):
        assert by_bucket[bucket, "bucket-region"]["result"] == region, bucket
        assert by_bucket[bucket, "bucket-encryption"]["result"] == encryption, bucket
    assert by_bucket["Kinesis://stream", "bucket-region"]["seen"] == "not checked, because the destination is not in S3"
    private = by_bucket["private", "bucket-region"]
    assert private["fix"].startswith("allow s3:GetBucketLocation on arn:aws:s3:::private")


OBJECTS = "  ObjectConfiguration: {CustomerProfiles: {domainName: [my-domain], objectType: [_profile]}}\n"


@pytest.mark.parametrize(("own", "held"), [(True, True), (True, False), (False, True), (False, False)])
def test_bulk_export_is_recognised_in_both_forms(
    program: Program, server: SandboxServer, exports: str, *, own: bool, held: bool
) -> None:
    """A bulk export is recognised by the ObjectConfiguration of its data integration and of its association."""
    aws: Any = boto3.client(
        "appintegrations", "us-east-1", endpoint_url=program.endpoint, aws_access_key_id="x", aws_secret_access_key="x"
    )
    objects = {"CustomerProfiles": {"domainName": ["my-domain"], "objectType": ["_profile"]}}
    of = {"SourceURI": "AmazonConnect://AppIntegrations", **({"ObjectConfiguration": objects} if held else {})}
    made = aws.create_data_integration(Name="monthly", KmsKey="k", **of)
    for name, spelling in (("october", "Name"), ("november", "Id"), ("december", "Arn")):
        program.add(name, text=MANIFEST + OBJECTS * own, INTEGRATION=made[spelling], **{exports: f"{exports}-{name}"})
        s3(server).create_bucket(Bucket=f"{exports}-{name}")
    checked = checks_of(diagnose(program))
    for check in (each for each in checked if each["name"] == "integration"):
        assert check["result"] == ("ok" if own or held else "failed")
        if not own and not held:
            assert "has an ObjectConfiguration" in check["seen"]
            assert check["fix"] == "add an ObjectConfiguration to one of them"
    assert [each["result"] for each in checked if each["name"] == "bucket-encryption"] == ["failed"] * 3


def test_denied_get_of_a_bulk_export_is_a_warning(ready: Program, server: SandboxServer) -> None:
    """A denied GetDataIntegration is a warning for a bulk export, and irrelevant for other data integrations."""
    denied = build_error(403, "AccessDeniedException")
    with FaultProxy(
        server.url, before_request=lambda each: denied if each.operation == "GetDataIntegration" else None
    ) as wire:
        diagnosis = diagnose(Program(ready.folder, wire.url))
    by_name = {each["about"]: each for each in checks_of(diagnosis) if each["name"] == "integration"}
    assert by_name["crm-accounts"]["result"] == "ok"
    profiles = by_name["profiles-export"]
    assert profiles["result"] == "warning"
    assert "its ObjectConfiguration could not be read: GetDataIntegration: AccessDeniedException" in profiles["seen"]
    assert profiles["fix"].startswith("allow app-integrations:GetDataIntegration on arn:")


def test_remedy_is_printed_once(ready: Program, server: SandboxServer) -> None:
    """A remedy for several checks is printed once, and not at all if the reason already contains it."""
    denied = build_error(403, "AccessDeniedException")
    private = raw(403, "<Error><Code>AccessDenied</Code><Message>no way</Message></Error>")

    def before(request: Request) -> bytes | None:
        if request.operation == "ListDataIntegrationAssociation":
            return denied
        return private if request.path.startswith("/corp-exports") else None

    ready.add("a-wrong", text=TARGET, ACCOUNT=OTHER, REGION="us-east-1")
    ready.add("b-right", text=TARGET, ACCOUNT=ACCOUNT, REGION="us-east-1")
    for name in ("october", "crm"):
        path = ready.folder / "manifests" / f"{name}.yaml"
        path.write_text(path.read_text() + "target: b-right\n")
    with FaultProxy(server.url, before_request=before) as wire:
        said = Program(ready.folder, wire.url).run("doctor", env=ONCE).out
    advice = [line.strip() for line in said.splitlines() if line.startswith("      ")]
    assert len(advice) == len(set(advice))
    assert said.count("allow app-integrations:ListDataIntegrationAssociations on *") == 1
    assert said.count("credentials of the bucket's account") == 1
    assert said.count("use credentials of") == 1


def test_aws_messages_cannot_inject_terminal_escapes(ready: Program, server: SandboxServer) -> None:
    """Escape sequences and line breaks in AWS messages are printed as visible characters."""
    hostile = build_error(403, "AccessDeniedException", r"a\u001b[31mb\u202ec\r\n  ok       faked")
    with FaultProxy(
        server.url, before_request=lambda each: hostile if each.operation == "ListDataIntegrations" else None
    ) as wire:
        done: CompletedRun = Program(ready.folder, wire.url).run("doctor", env=ONCE)
    assert done.code == 1
    assert r"a\u001b[31mb\u202ec ok faked" in done.out
    assert all(line.isprintable() for line in done.out.splitlines())
    assert not re.search(r"^  ok       faked", done.out, re.MULTILINE)


def test_state_folder_that_cannot_be_created_fails_the_check(ready: Program) -> None:
    """The check of the state fails for an impossible folder without an attempt to create it."""
    (ready.folder / "file").write_text("")
    check = found(diagnose(ready, "--state", "file/state"), "state-write")
    assert (check["result"], check["seen"]) == (
        "failed",
        "file/state/sandbox cannot be written: file is not a folder",
    )


@needs_permissions
def test_read_only_state_folder_fails_the_check(ready: Program) -> None:
    """The check of the state fails if the folder of the journal or its parent is read-only."""
    folder = ready.folder / "state"
    (folder / "sandbox").mkdir(parents=True)
    for locked in (folder / "sandbox", folder):
        locked.chmod(0o500)
        assert found(diagnose_as_user(ready, "--state", "state"), "state-write")["result"] == "failed"
        locked.chmod(0o700)
        if locked != folder:
            locked.rmdir()


@needs_permissions
def test_lock_file_of_another_user_fails_the_check(ready: Program) -> None:
    """The check of the journal's files fails for a lock file of another user, unless it belongs to another account."""
    assert ready.run("--state", "state", "--new-state").code == 0
    folder = ready.folder / "state" / "sandbox"
    lock, other = folder / f"{ACCOUNT}-us-east-1.lock", folder / f"{OTHER}-us-east-1.lock"
    other.write_text("")
    other.chmod(0o400)
    diagnosis = diagnose_as_user(ready, "--state", "state")
    assert (results(diagnosis)["journal-write"], diagnosis["summary"]["failed"]) == ("ok", 0)
    lock.chmod(0o400)
    diagnosis = diagnose_as_user(ready, "--state", "state")
    check = found(diagnosis, "journal-write")
    assert (check["result"], found(diagnosis, "state-write")["result"]) == ("failed", "ok")
    assert check["seen"].endswith(f"{ACCOUNT}-us-east-1.lock is not readable and writable by this user")
    done = subprocess.run(
        [*AS_USER, *ready.build_command("--state", "state")],
        cwd=ready.folder, env=create_environment(**ONCE), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"{ACCOUNT}-us-east-1.lock cannot be acquired: Permission denied" in done.stdout


@needs_permissions
@pytest.mark.parametrize("state", ["locked/state", "link"])
def test_unreadable_state_does_not_stop_the_other_checks(tmp_path: Path, state: str) -> None:
    """A state that cannot be read fails with its reason, and the other checks continue."""
    locked = tmp_path / "locked"
    (locked / "state").mkdir(parents=True)
    (tmp_path / "link").symlink_to(locked / "state")
    locked.chmod(0)
    diagnosis = diagnose_as_user(Program(tmp_path), "--sandbox", "--state", state)
    locked.chmod(0o700)
    check = found(diagnosis, "state-write")
    seen = "locked is not writable by this user" if "/" in state else "link cannot be inspected: Permission denied"
    assert (check["result"], check["seen"]) == ("failed", f"{state}/sandbox cannot be written: {seen}")
    assert results(diagnosis)["credentials"] == "ok"
    assert results(diagnosis)["journal"] == results(diagnosis)["journal-write"] == "failed"


def test_broken_state_link_fails_the_check(ready: Program) -> None:
    """The check of the state fails for a link whose target does not exist."""
    (ready.folder / "state").symlink_to("gone")
    check = found(diagnose(ready, "--state", "state"), "state-write")
    assert check["seen"] == "state/sandbox cannot be written: state is a broken link"


def test_doctor_takes_no_lock_in_the_sandbox(tmp_path: Path) -> None:
    """Commands that only read create no file, even with sandbox data of an earlier run."""
    program = Program(tmp_path)
    program.add("october")
    assert program.run("--sandbox").code == 0
    (tmp_path / ".reconciler" / "sandbox" / "sandbox-data.json.lock").unlink()
    before = list(files(tmp_path))
    for command in (("doctor", "--sandbox"), ("explain", "october", "--sandbox"), ("--sandbox", "--dry-run")):
        assert program.run(*command).code == 0
        assert list(files(tmp_path)) == before


def test_broken_journal_fails_the_check(ready: Program, server: SandboxServer, bucket: Bucket) -> None:
    """A missing journal fails the check unless --new-state allows a new one, and a broken journal always fails."""
    for place in (bucket.url, "state"):
        check = found(diagnose(ready, "--state", place), "journal")
        assert check["result"] == "failed"
        assert check["fix"].startswith("if this is the first run for this account and Region, give --new-state once")
        assert results(diagnose(ready, "--state", place, "--new-state"))["journal"] == "ok"
        assert results(diagnose(ready, "--state", place, "--new-state", "def*"))["journal"] == "ok"
    assert results(diagnose(ready))["journal"] == "ok"
    diagnosis = diagnose(ready, "--state", bucket.url)
    assert found(diagnosis, "state-write")["result"] == "skipped"
    assert ready.run("--state", bucket.url, "--new-state").code == 0
    diagnosis = diagnose(ready, "--state", bucket.url)
    assert found(diagnosis, "journal")["seen"].startswith(f"{bucket.location} has records of 2 associations (serial ")
    bucket.text = bucket.text.replace('"serial"', '"serail"')
    broken = diagnose(ready, "--state", bucket.url)
    assert results(broken)["journal"] == "failed"
    assert found(broken, "lease")["seen"] == "not checked, because the check 'journal' failed"
    assert len(server.sandbox.executed_writes) == 2


def test_held_lease_is_a_warning(ready: Program, bucket: Bucket) -> None:
    """A lease that is held is a warning, and an expired lease is not."""
    assert ready.run("--state", bucket.url, "--new-state").code == 0
    lease = {"run": "r", "holder": "process 1 on host", "host": "host", "number": 1}
    for expires, result, seen in (
        ("2199-01-01T00:00:00Z", "warning", "held by process 1 on host until 2199-01-01 00:00:00Z"),
        ("2020-01-01T00:00:00Z", "ok", "left behind by process 1 on host, expired at 2020-01-01 00:00:00Z"),
    ):
        bucket.text = json.dumps(add_digest({**bucket.journal, "lease": {**lease, "expires": expires}}))
        check = found(diagnose(ready, "--state", bucket.url), "lease")
        assert check["result"] == result
        assert check["seen"].startswith(seen)
    assert "reconcile unlock" not in (check["fix"] or "")


def test_temporary_state_fails_the_check_in_ci(ready: Program) -> None:
    """The default state folder is a warning in CI, because a run would be refused there."""
    check = found(diagnose(ready, env={"CI": "true"}), "state-write")
    assert check["result"] == "warning"
    assert "RECONCILER_STATE" in check["fix"]
    assert found(diagnose(ready, "--state", "kept", env={"CI": "true"}), "state-write")["result"] == "ok"


def test_example_manifests_pass_in_the_sandbox(tmp_path: Path) -> None:
    """The example manifests pass every check in the sandbox, and no file is written."""
    examples = REPOSITORY / "manifests"
    diagnosis = diagnose(Program(tmp_path), "--sandbox", "-f", str(examples), env={"CI": "true"})
    assert diagnosis["summary"]["failed"] == diagnosis["summary"]["warning"] == 0
    assert found(diagnosis, "bucket-region")["seen"] == "not checked, because the sandbox has no buckets"
    assert list(tmp_path.iterdir()) == []
