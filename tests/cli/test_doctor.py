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
from support.export_place import ExportPlace
from support.paths import REPOSITORY
from support.program import CompletedRun, Program, create_environment
from support.proxy import FaultProxy, Request, build_error

from reconciler.core.journal.codec import add_digest
from reconciler.edge.manifests.schema import load_schema
from reconciler.sandbox import Behaviour, SandboxServer

VALIDATOR = jsonschema.Draft202012Validator(load_schema("doctor.v1.json"))
CAPABILITIES = "-dac_override,-dac_read_search"
WITHOUT_CAPABILITIES = (
    ["setpriv", f"--bounding-set={CAPABILITIES}", f"--inh-caps={CAPABILITIES}"] if os.geteuid() == 0 else []
)
"""A prefix that makes a command obey file permissions, even if root runs the tests (capabilities(7))."""

needs_permissions = pytest.mark.skipif(
    bool(WITHOUT_CAPABILITIES)
    and (not shutil.which("setpriv") or subprocess.run([*WITHOUT_CAPABILITIES, "true"], check=False).returncode != 0),
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
NO_RETRIES = {"AWS_MAX_ATTEMPTS": "1"}


def diagnose(program: Program, *arguments: str, env: dict[str, str] | None = None) -> Any:
    """Return the diagnosis, after a check of its schema and its exit code."""
    result = program.run("doctor", "-o", "json", *arguments, env={**NO_RETRIES, **(env or {})})
    assert "Traceback" not in result.err
    document = json.loads(result.out)
    VALIDATOR.validate(document)
    assert result.code == (1 if document["summary"]["failed"] else 0)
    return document


def diagnose_as_user(program: Program, *arguments: str) -> Any:
    """Return the diagnosis of a process whose user needs file permissions."""
    result = subprocess.run(
        [*WITHOUT_CAPABILITIES, *program.build_command("doctor", "-o", "json", *arguments)],
        cwd=program.folder, env=create_environment(**NO_RETRIES), capture_output=True, text=True, check=False,
    )  # fmt: skip
    document = json.loads(result.stdout)
    VALIDATOR.validate(document)
    return document


def find_check(diagnosis: Any, name: str, target: int = 0) -> Any:
    """Return the only check with a name, of the program or of a target."""
    (check,) = [each for each in (*diagnosis["checks"], *get_checks(diagnosis, target)) if each["name"] == name]
    return check


def get_checks(diagnosis: Any, target: int = 0) -> list[Any]:
    """Return the checks of a target."""
    checks: list[Any] = diagnosis["targets"][target]["checks"]
    return checks


def get_results(diagnosis: Any, target: int = 0) -> dict[str, str]:
    """Return the results of a target by the name of the check."""
    return {check["name"]: check["result"] for check in get_checks(diagnosis, target)}


def create_s3_client(server: SandboxServer) -> Any:
    """Return an S3 client that prepares buckets."""
    return boto3.client("s3", "us-east-1", endpoint_url=server.url, aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture
def place(server: SandboxServer, bucket: Bucket) -> ExportPlace:  # noqa: ARG001 - makes S3 and KMS empty
    """Return the key, bucket and data integration of a bulk export, as AWS's guide asks for them."""
    return ExportPlace(server.url)


@pytest.fixture
def exports(place: ExportPlace) -> str:
    """Return the bucket of the manifests, with everything that a bulk export needs."""
    return place.bucket


@pytest.fixture
def healthy_program(program: Program, exports: str) -> Program:  # noqa: ARG001 - the bucket is there
    """Return the program with two manifests, on two data integrations, that need no further preparation."""
    program.add("october", text=MANIFEST, INTEGRATION="profiles-export")
    program.add("crm", text=MANIFEST, INTEGRATION="crm-accounts")
    return program


def build_response(status: int, body: str, content_type: str = "text/xml", date: str = "") -> bytes:
    """Return a complete response of AWS with a request id."""
    date_header = f"Date: {date}\r\n" if date else ""
    head = (
        f"HTTP/1.1 {status} X\r\nx-amzn-RequestId: r\r\n{date_header}Content-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n"
    )
    return f"{head}Connection: close\r\n\r\n{body}".encode()


def list_files(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Yield the name, size and modification time of each file and folder below a folder."""
    for path in sorted(folder.rglob("*")):
        yield str(path), path.stat().st_size, path.stat().st_mtime_ns


def find_operation(request: Request) -> str:
    """Return the operation of a request. Fails for a write."""
    service = re.search(r"/([a-z0-9-]+)/aws4_request", request.headers.get("Authorization", ""))
    assert service
    if service[1] == "sts":
        match = re.search(rb"Action=(\w+)", request.body)
        assert match
        return match[1].decode()
    if service[1] == "kms":
        assert request.operation in {"DescribeKey", "GetKeyPolicy"}, f"a write: {request}"
        return request.operation
    assert request.method == "GET", f"a write: {request}"
    if service[1] == "s3":
        return "GetBucket" + request.path.partition("?")[2].capitalize() if "?" in request.path else "GetObject"
    return request.operation


def test_healthy_setup_has_no_failed_check(healthy_program: Program) -> None:
    """A healthy setup has no failed check, and a check that would need a write is skipped."""
    diagnosis = diagnose(healthy_program)
    assert get_results(diagnosis) == {
        "region": "skipped", "credentials": "ok", "clock": "ok", "list-integrations": "ok", "integration": "ok",
        "list-associations": "ok", "create": "skipped", "key": "ok", "key-policy": "ok", "bucket-region": "ok",
        "bucket-encryption": "ok", "bucket-key": "ok", "bucket-policy": "ok", "bucket-ownership": "ok",
        "journal": "ok", "journal-write": "ok", "lease": "ok",
    }  # fmt: skip
    assert [check["result"] for check in diagnosis["checks"]] == ["ok", "ok", "ok"]
    integrations = [check["about"] for check in get_checks(diagnosis) if check["name"] == "integration"]
    assert integrations == ["crm-accounts", "profiles-export"]
    assert find_check(diagnosis, "create")["fix"].count(":data-integration/") == 2
    assert find_check(diagnosis, "credentials")["seen"] == f"arn:aws:sts::{ACCOUNT}:user/moto of account {ACCOUNT}"


def test_doctor_page_documents_every_check(healthy_program: Program) -> None:
    """The documentation and the schema list exactly the checks that the doctor makes."""
    page = (REPOSITORY / "docs" / "reference" / "doctor.md").read_text()
    names = load_schema("doctor.v1.json")["$defs"]["check"]["properties"]["name"]["examples"]
    checks = page.partition("## Checks of the installation")[2]
    assert re.findall(r"^\| `([a-z-]+)` \| .+ \|$", checks, re.MULTILINE) == names
    diagnosis = diagnose(healthy_program)
    assert list(dict.fromkeys(each["name"] for each in (*diagnosis["checks"], *get_checks(diagnosis)))) == names


def test_doctor_makes_few_reads_and_no_writes(healthy_program: Program, server: SandboxServer, bucket: Bucket) -> None:
    """The doctor makes each read once, and writes nothing to AWS, to disk and to S3."""
    before = list(list_files(healthy_program.folder))
    with FaultProxy(server.url) as proxy:
        diagnose(Program(healthy_program.folder, proxy.url), "--state", bucket.url)
        operations = sorted(map(find_operation, proxy.requests))
    assert operations == [
        "DescribeKey", "GetBucketEncryption", "GetBucketLocation", "GetBucketOwnershipcontrols", "GetBucketPolicy",
        "GetCallerIdentity", "GetDataIntegration", "GetDataIntegration", "GetKeyPolicy", "GetObject",
        "ListDataIntegrationAssociation", "ListDataIntegrationAssociation", "ListDataIntegrations",
    ]  # fmt: skip
    assert list(list_files(healthy_program.folder)) == before
    assert bucket.keys == []
    assert server.sandbox.executed_writes == ()
    diagnose(healthy_program)
    assert list(list_files(healthy_program.folder)) == before


def test_role_costs_no_further_aws_call(healthy_program: Program, server: SandboxServer) -> None:
    """AssumeRole replaces GetCallerIdentity, and every later call uses the credentials of the role."""
    role = f"{TARGET.rstrip()[:-1]}, RoleArn: 'arn:aws:iam::ACCOUNT:role/exporter'}}\n"
    healthy_program.add("prod", text=role, ACCOUNT=ACCOUNT, REGION="us-east-1")
    with FaultProxy(server.url) as proxy:
        diagnosis = diagnose(Program(healthy_program.folder, proxy.url))
        operations = [find_operation(request) for request in proxy.requests]
        keys = {request.headers["Authorization"].split("/")[0] for request in proxy.requests[1:]}
    assert operations[:2] == ["AssumeRole", "ListDataIntegrations"]
    assert len(operations) == 12
    assert len(keys) == 1
    assert ":assumed-role/exporter/" in find_check(diagnosis, "credentials")["seen"]


def test_text_output_has_one_line_per_check(healthy_program: Program) -> None:
    """Text output has one line for each check, with the remedy below it, and colours on a terminal only."""
    result = healthy_program.run("doctor")
    assert re.search(r"^  ok       manifests +2 manifests of 1 target, valid$", result.out, re.MULTILINE)
    assert re.search(r"^  skipped  create +not checked, because .+\n      make sure that ", result.out, re.MULTILINE)
    assert result.out.endswith("Nothing was written.\n")
    assert result.err == ""
    output = healthy_program.run_on_terminal("doctor")
    assert "\x1b[32m✓ ok     \x1b[0m" in output
    healthy_program.run("doctor", "-o", "text", "-o", "json=doctor.json")
    VALIDATOR.validate(json.loads((healthy_program.folder / "doctor.json").read_text()))


@pytest.mark.parametrize("options", [("-o", "yaml"), ("--target", "nobody"), ("--state", "s3://x/../y")])
def test_usage_error_exits_with_64(healthy_program: Program, options: tuple[str, str]) -> None:
    """A usage error exits with 64 and prints no diagnosis."""
    result = healthy_program.run("doctor", *options)
    assert (result.code, result.out) == (64, "")


def test_environment_is_checked_without_manifests(program: Program, server: SandboxServer) -> None:
    """Without manifests no check fails, and List is checked on one data integration."""
    with FaultProxy(server.url) as proxy:
        diagnosis = diagnose(Program(program.folder, proxy.url))
        assert proxy.counts == {"STS": 1, "ListDataIntegrations": 1, "ListDataIntegrationAssociation": 1}
    assert find_check(diagnosis, "manifests")["result"] == "skipped"
    assert "bucket-region" not in get_results(diagnosis)
    assert find_check(diagnosis, "create")["fix"].endswith(f":us-east-1:{ACCOUNT}:data-integration/*")
    assert diagnosis["summary"]["failed"] == 0


def test_list_check_is_skipped_without_data_integrations(program: Program, server: SandboxServer) -> None:
    """The check of List is skipped, not ok, if there are no data integrations."""
    response = build_response(200, '{"DataIntegrations": []}', "application/json")
    with FaultProxy(
        server.url, before_request=lambda each: response if each.operation.endswith("ions") else None
    ) as proxy:
        assert find_check(diagnose(Program(program.folder, proxy.url)), "list-associations")["result"] == "skipped"


def test_missing_manifest_path_fails_the_check(program: Program) -> None:
    """A missing file and a missing repository fail the check of the manifests if an option names them."""
    assert find_check(diagnose(program, "-f", "gone.yaml"), "manifests")["result"] == "failed"
    check = find_check(diagnose(program, "--git-url", "."), "manifests")
    assert check["result"] == "failed"
    assert "is not a git repository" in check["seen"]


def test_invalid_manifests_do_not_stop_the_other_checks(healthy_program: Program) -> None:
    """Invalid manifests fail their own check, and the credentials are still checked."""
    healthy_program.add("bad", text="kind: Nonsense\n")
    diagnosis = diagnose(healthy_program, "--target", "prod")
    manifests = find_check(diagnosis, "manifests")
    assert manifests["seen"].startswith("1 problem in the manifests; ")
    assert manifests["fix"] == "run reconcile validate to list the problems"
    assert get_results(diagnosis)["credentials"] == "ok"


def test_wrong_account_of_one_target_does_not_stop_the_others(healthy_program: Program) -> None:
    """The error names the wrong account, dependent checks are skipped, and the next target passes."""
    healthy_program.add("a-wrong", text=TARGET, ACCOUNT=OTHER, REGION="us-east-1")
    healthy_program.add("b-right", text=TARGET, ACCOUNT=ACCOUNT, REGION="us-east-1")
    for name in ("october", "crm"):
        path = healthy_program.folder / "manifests" / f"{name}.yaml"
        path.write_text(path.read_text() + "target: a-wrong\n")
    diagnosis = diagnose(healthy_program)
    credentials = find_check(diagnosis, "credentials")
    assert credentials["result"] == "failed"
    assert f"the credentials belong to account {ACCOUNT}, but target 'a-wrong' declares {OTHER}" in credentials["seen"]
    assert "arn:aws:sts::" in credentials["seen"]
    assert set(get_results(diagnosis)) >= {"integration", "list-associations", "bucket-region", "bucket-encryption"}
    for name in ("list-integrations", "integration", "list-associations", "create", "bucket-region"):
        assert find_check(diagnosis, name)["seen"] == "not checked, because the check 'credentials' failed"
    assert get_results(diagnosis)["clock"] == "ok"
    assert "failed" not in get_results(diagnosis, 1).values()
    assert find_check(diagnosis, "credentials", 1)["seen"].endswith(f"of account {ACCOUNT}, as the Target declares")


def test_missing_region_skips_the_checks_that_need_one(tmp_path: Path) -> None:
    """Without a Region, every check that needs one is skipped with that reason."""
    diagnosis = diagnose(Program(tmp_path))
    assert find_check(diagnosis, "region")["result"] == "failed"
    messages = {check["seen"] for check in get_checks(diagnosis)[1:]}
    assert messages == {"not checked, because the check 'region' failed"}


def test_region_is_checked_without_credentials(tmp_path: Path) -> None:
    """The Region and the journal of a Target are checked even without credentials."""
    program = Program(tmp_path)
    program.add("prod", text=TARGET, ACCOUNT=ACCOUNT, REGION="us-east-2")
    diagnosis = diagnose(program)
    assert find_check(diagnosis, "region")["result"] == "warning"
    credentials = find_check(diagnosis, "credentials")
    assert (credentials["result"], credentials["seen"]) == ("failed", "GetCallerIdentity: Unable to locate credentials")
    assert find_check(diagnosis, "clock")["seen"] == "not checked, because STS did not answer"
    assert find_check(diagnosis, "journal")["result"] == "ok"
    assert find_check(diagnosis, "manifests")["result"] == "warning"
    other_diagnosis = diagnose(program, "--profile", "nobody")
    assert "nobody" in find_check(other_diagnosis, "credentials")["seen"]
    assert find_check(other_diagnosis, "region")["seen"] == "not checked, because the check 'credentials' failed"


def test_unreachable_endpoint_fails_with_a_remedy(tmp_path: Path) -> None:
    """An unreachable endpoint fails the check of the credentials, with its address and a remedy."""
    diagnosis = diagnose(Program(tmp_path, "http://127.0.0.1:1"))
    credentials = find_check(diagnosis, "credentials")
    assert credentials["result"] == "failed"
    assert "127.0.0.1:1" in credentials["seen"]
    assert credentials["fix"].startswith("check the network")


@pytest.mark.parametrize("is_refused", [False, True], ids=["answered", "refused"])
def test_wrong_clock_fails_the_check(healthy_program: Program, server: SandboxServer, *, is_refused: bool) -> None:
    """A wrong clock is found by the Date header of STS, whether STS answers or refuses the call."""
    body = (
        "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>Signature expired</Message></Error>"
        "</ErrorResponse>"
        if is_refused
        else f"<R><GetCallerIdentityResult><Arn>arn:aws:iam::{ACCOUNT}:user/me</Arn><Account>{ACCOUNT}</Account>"
        "</GetCallerIdentityResult></R>"
    )
    response = build_response(403 if is_refused else 200, body, date="Fri, 02 Jan 1970 00:00:00 GMT")
    with FaultProxy(server.url, before_request=lambda each: response if each.operation == "STS" else None) as proxy:
        diagnosis = diagnose(Program(healthy_program.folder, proxy.url))
    clock = find_check(diagnosis, "clock")
    assert clock["result"] == "failed"
    assert re.fullmatch(r"the clock of this machine is [0-9.]+ days ahead of the clock of AWS", clock["seen"])
    assert clock["fix"].startswith("set the clock")
    assert get_results(diagnosis)["credentials"] == ("failed" if is_refused else "ok")
    assert get_results(diagnosis)["list-integrations"] == ("skipped" if is_refused else "ok")


def test_a_denied_list_names_the_permission(healthy_program: Program, server: SandboxServer) -> None:
    """A denied List names the missing permission, and skips the checks that depend on it."""
    server.sandbox.set_behaviour(Behaviour(list_denied="crm-accounts"))
    lists = [check for check in get_checks(diagnose(healthy_program)) if check["name"] == "list-associations"]
    assert {check["about"]: check["result"] for check in lists} == {"crm-accounts": "failed", "profiles-export": "ok"}
    assert lists[0]["fix"] == "allow app-integrations:ListDataIntegrationAssociations on *"
    response = build_error(403, "AccessDeniedException")
    with FaultProxy(
        server.url, before_request=lambda each: response if each.operation == "ListDataIntegrations" else None
    ) as proxy:
        diagnosis = diagnose(Program(healthy_program.folder, proxy.url))
    assert find_check(diagnosis, "list-integrations")["fix"] == "allow app-integrations:ListDataIntegrations on *"
    for name in ("integration", "list-associations"):
        assert find_check(diagnosis, name)["seen"] == "not checked, because the check 'list-integrations' failed"
    assert get_results(diagnosis)["bucket-region"] == "ok"


def test_unreadable_answer_fails_the_check(healthy_program: Program, server: SandboxServer) -> None:
    """An unreadable answer fails its own check, and the other checks continue."""
    response = build_response(200, '{"DataIntegrations": [1]}', "application/json")
    with FaultProxy(
        server.url, before_request=lambda each: response if each.operation == "ListDataIntegrations" else None
    ) as proxy:
        diagnosis = diagnose(Program(healthy_program.folder, proxy.url))
    assert get_results(diagnosis)["list-integrations"] == "failed"
    assert get_results(diagnosis)["bucket-region"] == "ok"


def test_retired_manifest_is_not_checked(healthy_program: Program) -> None:
    """A retired manifest writes nothing, so its data integration and its bucket need not exist any more."""
    text = MANIFEST.replace("corp-exports", "gone") + "policy: {retired: replaced}\n"
    healthy_program.add("old", text=text, INTEGRATION="profile-export")
    assert "failed" not in {check["result"] for check in get_checks(diagnose(healthy_program))}


def test_missing_data_integration_suggests_a_similar_name(healthy_program: Program) -> None:
    """The remedy for a missing data integration suggests a similar name, and names the manifest."""
    healthy_program.add("typo", text=MANIFEST, INTEGRATION="profile-export")
    failed_checks = [check for check in get_checks(diagnose(healthy_program)) if check["result"] == "failed"]
    assert [check["about"] for check in failed_checks] == ["profile-export"]
    assert failed_checks[0]["fix"].startswith("did you mean 'profiles-export'? ")
    assert failed_checks[0]["fix"].endswith("manifests/typo.yaml:1")


def test_unsuitable_buckets_fail_the_check(program: Program, server: SandboxServer, exports: str) -> None:
    """Missing, unencrypted and distant buckets fail their checks, and buckets without permission are skipped."""
    create_s3_client(server).create_bucket(
        Bucket="abroad", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"}
    )
    create_s3_client(server).create_bucket(Bucket="plain")
    create_s3_client(server).create_bucket(Bucket="crm")
    program.add("crm", text=MANIFEST, **{"corp-exports": "crm", "INTEGRATION": "crm-accounts"})
    for name in ("gone", "abroad", "plain", "private", exports):
        program.add(name, text=MANIFEST, **{"corp-exports": name, "INTEGRATION": "profiles-export"})
    program.add(
        "stream", text=MANIFEST.replace("s3://corp-exports/NAME", "Kinesis://stream"), INTEGRATION="crm-accounts"
    )
    program.add(
        "loud", text=MANIFEST.replace("s3://", "S3://"), **{"corp-exports": "plain"}, INTEGRATION="crm-accounts"
    )
    response = build_response(403, "<Error><Code>AccessDenied</Code><Message>no way</Message></Error>")
    with FaultProxy(
        server.url, before_request=lambda each: response if each.path.startswith("/private") else None
    ) as proxy:
        diagnosis = diagnose(Program(program.folder, proxy.url))
    by_bucket = {(check["about"], check["name"]): check for check in get_checks(diagnosis) if check["about"]}
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


@pytest.mark.parametrize(
    ("has_own_objects", "has_integration_objects"), [(True, True), (True, False), (False, True), (False, False)]
)
def test_bulk_export_is_recognised_in_both_forms(
    program: Program, server: SandboxServer, exports: str, *, has_own_objects: bool, has_integration_objects: bool
) -> None:
    """A bulk export is recognised by the ObjectConfiguration of its data integration and of its association."""
    aws: Any = boto3.client(
        "appintegrations", "us-east-1", endpoint_url=program.endpoint, aws_access_key_id="x", aws_secret_access_key="x"
    )
    objects = {"CustomerProfiles": {"domainName": ["my-domain"], "objectType": ["_profile"]}}
    members = {
        "SourceURI": "AmazonConnect://AppIntegrations",
        **({"ObjectConfiguration": objects} if has_integration_objects else {}),
    }
    integration = aws.create_data_integration(Name="monthly", KmsKey="k", **members)
    for name, spelling in (("october", "Name"), ("november", "Id"), ("december", "Arn")):
        program.add(
            name,
            text=MANIFEST + OBJECTS * has_own_objects,
            INTEGRATION=integration[spelling],
            **{exports: f"{exports}-{name}"},
        )
        create_s3_client(server).create_bucket(Bucket=f"{exports}-{name}")
    checks = get_checks(diagnose(program))
    for check in (each for each in checks if each["name"] == "integration"):
        assert check["result"] == ("ok" if has_own_objects or has_integration_objects else "failed")
        if not has_own_objects and not has_integration_objects:
            assert "has an ObjectConfiguration" in check["seen"]
            assert check["fix"] == "add an ObjectConfiguration to one of them"
    assert [each["result"] for each in checks if each["name"] == "bucket-encryption"] == ["failed"] * 3


def test_denied_get_of_a_bulk_export_is_a_warning(healthy_program: Program, server: SandboxServer) -> None:
    """A denied GetDataIntegration is a warning for a bulk export, and irrelevant for other data integrations."""
    response = build_error(403, "AccessDeniedException")
    with FaultProxy(
        server.url, before_request=lambda each: response if each.operation == "GetDataIntegration" else None
    ) as proxy:
        diagnosis = diagnose(Program(healthy_program.folder, proxy.url))
    by_name = {each["about"]: each for each in get_checks(diagnosis) if each["name"] == "integration"}
    assert "ObjectConfiguration" not in by_name["crm-accounts"]["seen"]
    profiles = by_name["profiles-export"]
    assert profiles["result"] == "warning"
    assert "its ObjectConfiguration could not be read: GetDataIntegration: AccessDeniedException" in profiles["seen"]
    assert profiles["fix"].startswith("allow app-integrations:GetDataIntegration on arn:")


def test_remedy_is_printed_once(healthy_program: Program, server: SandboxServer) -> None:
    """A remedy for several checks is printed once, and not at all if the reason already contains it."""
    list_response = build_error(403, "AccessDeniedException")
    bucket_response = build_response(403, "<Error><Code>AccessDenied</Code><Message>no way</Message></Error>")

    def deny(request: Request) -> bytes | None:
        if request.operation == "ListDataIntegrationAssociation":
            return list_response
        return bucket_response if request.path.startswith("/corp-exports") else None

    healthy_program.add("a-wrong", text=TARGET, ACCOUNT=OTHER, REGION="us-east-1")
    healthy_program.add("b-right", text=TARGET, ACCOUNT=ACCOUNT, REGION="us-east-1")
    for name in ("october", "crm"):
        path = healthy_program.folder / "manifests" / f"{name}.yaml"
        path.write_text(path.read_text() + "target: b-right\n")
    with FaultProxy(server.url, before_request=deny) as proxy:
        output = Program(healthy_program.folder, proxy.url).run("doctor", env=NO_RETRIES).out
    remedies = [line.strip() for line in output.splitlines() if line.startswith("      ")]
    assert len(remedies) == len(set(remedies))
    assert output.count("allow app-integrations:ListDataIntegrationAssociations on *") == 1
    assert output.count("credentials of the bucket's account") == 1
    assert output.count("use credentials of") == 1


def test_aws_messages_cannot_inject_terminal_escapes(healthy_program: Program, server: SandboxServer) -> None:
    """Escape sequences and line breaks in AWS messages are printed as visible characters."""
    response = build_error(403, "AccessDeniedException", r"a\u001b[31mb\u202ec\r\n  ok       faked")
    with FaultProxy(
        server.url, before_request=lambda each: response if each.operation == "ListDataIntegrations" else None
    ) as proxy:
        result: CompletedRun = Program(healthy_program.folder, proxy.url).run("doctor", env=NO_RETRIES)
    assert result.code == 1
    assert r"a\u001b[31mb\u202ec ok faked" in result.out
    assert all(line.isprintable() for line in result.out.splitlines())
    assert not re.search(r"^  ok       faked", result.out, re.MULTILINE)


def test_state_folder_below_a_file_is_rejected(healthy_program: Program) -> None:
    """The doctor rejects an impossible folder of the state, and does not try to create it."""
    (healthy_program.folder / "file").write_text("")
    result = healthy_program.run("doctor", "--state", "file/state")
    assert (result.code, "--state 'file/state': 'file' is a file: give the path of a folder" in result.err) == (
        64,
        True,
    )


@needs_permissions
def test_read_only_state_folder_fails_the_check(healthy_program: Program) -> None:
    """The check of the state fails if the folder of the journal or its parent is read-only."""
    folder = healthy_program.folder / "state"
    (folder / "sandbox").mkdir(parents=True)
    for path in (folder / "sandbox", folder):
        path.chmod(0o500)
        assert find_check(diagnose_as_user(healthy_program, "--state", "state"), "state-write")["result"] == "failed"
        path.chmod(0o700)
        if path != folder:
            path.rmdir()


@needs_permissions
def test_lock_file_of_another_user_fails_the_check(healthy_program: Program) -> None:
    """The check of the journal's files fails for a lock file of another user, unless it belongs to another account."""
    assert healthy_program.run("--state", "state", "--new-state").code == 0
    folder = healthy_program.folder / "state" / "sandbox"
    lock, other_lock = folder / f"{ACCOUNT}-us-east-1.lock", folder / f"{OTHER}-us-east-1.lock"
    other_lock.write_text("")
    other_lock.chmod(0o400)
    diagnosis = diagnose_as_user(healthy_program, "--state", "state")
    assert (get_results(diagnosis)["journal-write"], diagnosis["summary"]["failed"]) == ("ok", 0)
    lock.chmod(0o400)
    diagnosis = diagnose_as_user(healthy_program, "--state", "state")
    check = find_check(diagnosis, "journal-write")
    assert (check["result"], find_check(diagnosis, "state-write")["result"]) == ("failed", "ok")
    assert check["seen"].endswith(f"{ACCOUNT}-us-east-1.lock is not readable and writable by this user")
    result = subprocess.run(
        [*WITHOUT_CAPABILITIES, *healthy_program.build_command("--state", "state")],
        cwd=healthy_program.folder, env=create_environment(**NO_RETRIES), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    assert f"{ACCOUNT}-us-east-1.lock cannot be acquired: Permission denied" in result.stdout


@needs_permissions
@pytest.mark.parametrize("state", ["locked/state", "link"])
def test_unreadable_state_does_not_stop_the_other_checks(tmp_path: Path, state: str) -> None:
    """A state that cannot be read fails with its reason, and the other checks continue."""
    folder = tmp_path / "locked"
    (folder / "state").mkdir(parents=True)
    (tmp_path / "link").symlink_to(folder / "state")
    folder.chmod(0)
    diagnosis = diagnose_as_user(Program(tmp_path), "--sandbox", "--state", state)
    folder.chmod(0o700)
    check = find_check(diagnosis, "state-write")
    expected = "locked is not writable by this user" if "/" in state else "link cannot be inspected: Permission denied"
    assert (check["result"], check["seen"]) == ("failed", f"{state}/sandbox cannot be written: {expected}")
    assert get_results(diagnosis)["credentials"] == "ok"
    assert get_results(diagnosis)["journal"] == get_results(diagnosis)["journal-write"] == "failed"


def test_broken_state_link_fails_the_check(healthy_program: Program) -> None:
    """The check of the state fails for a link whose target does not exist."""
    (healthy_program.folder / "state").symlink_to("gone")
    check = find_check(diagnose(healthy_program, "--state", "state"), "state-write")
    assert check["seen"] == "state/sandbox cannot be written: state is a broken link"


def test_doctor_takes_no_lock_in_the_sandbox(tmp_path: Path) -> None:
    """Commands that only read create no file, even with sandbox data of an earlier run."""
    program = Program(tmp_path)
    program.add("october")
    assert program.run("--sandbox").code == 0
    (tmp_path / ".reconciler" / "sandbox" / "sandbox-data.json.lock").unlink()
    before = list(list_files(tmp_path))
    for command in (("doctor", "--sandbox"), ("explain", "october", "--sandbox"), ("--sandbox", "--dry-run")):
        assert program.run(*command).code == 0
        assert list(list_files(tmp_path)) == before


def test_broken_journal_fails_the_check(healthy_program: Program, server: SandboxServer, bucket: Bucket) -> None:
    """A missing journal fails the check unless --new-state allows a new one, and a broken journal always fails."""
    for location in (bucket.url, "state"):
        check = find_check(diagnose(healthy_program, "--state", location), "journal")
        assert check["result"] == "failed"
        assert check["fix"].startswith("if this is the first run for this account and Region, add --new-state once")
        assert get_results(diagnose(healthy_program, "--state", location, "--new-state"))["journal"] == "ok"
        assert get_results(diagnose(healthy_program, "--state", location, "--new-state", "def*"))["journal"] == "ok"
    assert get_results(diagnose(healthy_program))["journal"] == "ok"
    diagnosis = diagnose(healthy_program, "--state", bucket.url)
    assert find_check(diagnosis, "state-write")["result"] == "skipped"
    assert healthy_program.run("--state", bucket.url, "--new-state").code == 0
    diagnosis = diagnose(healthy_program, "--state", bucket.url)
    assert find_check(diagnosis, "journal")["seen"].startswith(
        f"{bucket.location} has records of 2 associations (serial "
    )
    bucket.text = bucket.text.replace('"serial"', '"serail"')
    broken_diagnosis = diagnose(healthy_program, "--state", bucket.url)
    assert get_results(broken_diagnosis)["journal"] == "failed"
    assert find_check(broken_diagnosis, "lease")["seen"] == "not checked, because the check 'journal' failed"
    assert len(server.sandbox.executed_writes) == 2


def test_held_lease_is_a_warning(healthy_program: Program, bucket: Bucket) -> None:
    """A lease that is held is a warning, and an expired lease is not."""
    assert healthy_program.run("--state", bucket.url, "--new-state").code == 0
    lease = {"run": "r", "holder": "process 1 on host", "host": "host", "number": 1}
    for expires, result, message in (
        ("2199-01-01T00:00:00Z", "warning", "the lease is held by process 1 on host until 2199-01-01 00:00:00Z"),
        ("2020-01-01T00:00:00Z", "ok", "the lease of process 1 on host expired at 2020-01-01 00:00:00Z"),
    ):
        bucket.text = json.dumps(add_digest({**bucket.journal, "lease": {**lease, "expires": expires}}))
        check = find_check(diagnose(healthy_program, "--state", bucket.url), "lease")
        assert check["result"] == result
        assert check["seen"].startswith(message)
    assert "reconcile unlock" not in (check["fix"] or "")


def test_temporary_state_fails_the_check_in_ci(healthy_program: Program) -> None:
    """The default state folder is a warning in CI, because a run would be refused there."""
    check = find_check(diagnose(healthy_program, env={"CI": "true"}), "state-write")
    assert check["result"] == "warning"
    assert "RECONCILER_STATE" in check["fix"]
    assert find_check(diagnose(healthy_program, "--state", "kept", env={"CI": "true"}), "state-write")["result"] == "ok"


def test_sandbox_at_another_time_has_the_clock_of_the_run(tmp_path: Path) -> None:
    """The clock is not compared with that of another service if --sandbox-time moves the clock of the run."""
    diagnosis = diagnose(Program(tmp_path), "--sandbox", "--sandbox-time", "2026-02-10T00:00:00Z")
    clock = find_check(diagnosis, "clock")
    assert (clock["result"], clock["seen"]) == (
        "skipped",
        "not checked, because the sandbox uses the clock of this run",
    )


def test_example_manifests_pass_in_the_sandbox(tmp_path: Path) -> None:
    """The example manifests pass every check in the sandbox without a warning, and no file is written."""
    examples = REPOSITORY / "manifests"
    diagnosis = diagnose(Program(tmp_path), "--sandbox", "-f", str(examples), env={"CI": "true"})
    assert diagnosis["summary"]["failed"] == 0
    assert [each["about"] for each in get_checks(diagnosis) if each["result"] == "warning"] == []
    assert find_check(diagnosis, "bucket-region")["seen"] == "not checked, because --sandbox has no buckets"
    assert list(tmp_path.iterdir()) == []
