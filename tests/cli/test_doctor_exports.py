"""`reconcile doctor` on the key, the bucket and the policies of a bulk export, with the KMS and the S3 of moto."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cli.test_doctor import MANIFEST, NO_RETRIES, build_response, diagnose, get_checks
from support.bucket import Bucket
from support.export_place import GUIDE, PLACE, ExportPlace
from support.program import Program
from support.proxy import FaultProxy, Request, build_error

from reconciler.sandbox import SandboxServer

DENY = {"Sid": "Locked", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
DENIED = build_response(403, "<Error><Code>AccessDenied</Code><Message>no way</Message></Error>")
DENIED_KEY = build_response(400, '{"__type": "AccessDeniedException", "Message": "no way"}', "application/json")


@pytest.fixture
def place(server: SandboxServer, bucket: Bucket) -> ExportPlace:  # noqa: ARG001 - makes S3 and KMS empty
    """Return the key, bucket and data integration of a bulk export, as AWS's guide asks for them."""
    return ExportPlace(server.url)


@pytest.fixture
def program(program: Program, place: ExportPlace) -> Program:
    """Return the program with a manifest of a bulk export."""
    program.add("october", text=MANIFEST, INTEGRATION=place.integration)
    return program


def find_check(program: Program, name: str) -> Any:
    """Return the only check of the diagnosis with a name."""
    (check,) = [each for each in get_checks(diagnose(program)) if each["name"] == name]
    return check


def test_missing_policies_are_fixed_by_the_json_to_paste(program: Program, place: ExportPlace) -> None:
    """Without policies the doctor gives statements, and after they are pasted, the same checks are ok."""
    place.put_bucket_policy()
    place.put_key_policy()
    bucket_check, key_check = find_check(program, "bucket-policy"), find_check(program, "key-policy")
    assert (bucket_check["result"], key_check["result"]) == ("failed", "warning")
    place.s3.put_bucket_policy(Bucket=place.bucket, Policy=json.dumps(bucket_check["paste"]))
    place.put_key_policy(key_check["paste"])
    assert (find_check(program, "bucket-policy")["result"], find_check(program, "key-policy")["result"]) == ("ok", "ok")


def test_wrong_settings_of_the_bucket_are_fixed_by_the_json_to_paste(program: Program, place: ExportPlace) -> None:
    """Another key and ACLs are reported with the settings that AWS's guide asks for."""
    rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": place.kms.create_key()["KeyMetadata"]["Arn"]}
    place.s3.put_bucket_encryption(
        Bucket=place.bucket,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": rule}]},
    )
    place.s3.delete_bucket_ownership_controls(Bucket=place.bucket)
    key, ownership = find_check(program, "bucket-key"), find_check(program, "bucket-ownership")
    assert (key["result"], ownership["result"]) == ("failed", "warning")
    place.s3.put_bucket_encryption(Bucket=place.bucket, ServerSideEncryptionConfiguration=key["paste"])
    place.s3.put_bucket_ownership_controls(Bucket=place.bucket, OwnershipControls=ownership["paste"])
    assert {each["result"] for each in get_checks(diagnose(program))} == {"ok", "skipped"}


def test_policies_that_cannot_be_judged_are_no_pass(program: Program, place: ExportPlace) -> None:
    """A public statement and a Deny are reported, and neither is a failure or ok."""
    statement: Any = GUIDE.build_bucket_statement(PLACE, place.bucket)
    place.put_bucket_policy(statement, DENY)
    check = find_check(program, "bucket-policy")
    assert (check["result"], check["seen"].partition("; ")[2]) == ("warning", "a Deny statement may apply: 'Locked'")
    place.put_bucket_policy(statement | {"Principal": "*"})
    check = find_check(program, "bucket-policy")
    assert (check["result"], "could not be judged" in check["seen"]) == ("skipped", True)


def test_a_missing_key_fails_and_skips_its_policy(program: Program, place: ExportPlace, server: SandboxServer) -> None:
    """A key that does not exist fails the check, and a key that is about to be deleted as well."""
    place.kms.schedule_key_deletion(KeyId=place.key.partition("/")[2], PendingWindowInDays=7)
    check = find_check(program, "key")
    assert (check["result"], "PendingDeletion" in check["seen"]) == ("failed", True)
    Bucket(server.url)  # makes KMS and S3 empty, and restores the data integrations of the sandbox
    place.replace_integration()
    assert find_check(program, "key")["result"] == "failed"
    assert find_check(program, "key-policy")["seen"] == "not checked, because the key does not exist"
    assert find_check(program, "bucket-policy")["seen"] == "not checked, because there is no bucket corp-exports"


def test_example_key_of_the_sandbox_is_not_checked(program: Program) -> None:
    """The data integrations of a new sandbox name a key that does not exist. That is no failure."""
    program.add("october", text=MANIFEST, INTEGRATION="profiles-backfill")
    for name in ("key", "key-policy"):
        check = find_check(program, name)
        assert (check["result"], check["seen"]) == (
            "skipped", "not checked, because its key is an example of the sandbox",
        )  # fmt: skip


DENIALS = {
    "DescribeKey": ("key", "kms:DescribeKey"),
    "GetKeyPolicy": ("key-policy", "kms:GetKeyPolicy"),
    "policy": ("bucket-policy", "s3:GetBucketPolicy"),
    "ownershipControls": ("bucket-ownership", "s3:GetBucketOwnershipControls"),
    "encryption": ("bucket-encryption", "s3:GetEncryptionConfiguration"),
}


@pytest.mark.parametrize("denied", DENIALS)
def test_missing_permission_is_not_checked(program: Program, server: SandboxServer, denied: str) -> None:
    """A missing permission makes its check skipped with the permission to allow. No check fails."""

    def deny(request: Request) -> bytes | None:
        if request.operation == denied:
            return DENIED_KEY
        return DENIED if request.path.endswith(f"?{denied}") else None

    with FaultProxy(server.url, before_request=deny) as proxy:
        diagnosis = diagnose(Program(program.folder, proxy.url))
    name, action = DENIALS[denied]
    (check,) = [each for each in get_checks(diagnosis) if each["name"] == name]
    assert check["result"] == "skipped"
    assert check["seen"].startswith(f"not checked, because {action} is not allowed on ")
    assert check["fix"].startswith(f"allow {action} on arn:aws:")
    assert diagnosis["summary"]["failed"] == 0
    if denied == "encryption":
        keys = [each for each in get_checks(diagnosis) if each["name"] == "bucket-key"]
        assert [each["result"] for each in keys] == ["skipped"]


@pytest.mark.parametrize("source", ["AmazonConnect://AppIntegrations", "Unknown://x"])
def test_denied_get_skips_the_checks_of_the_key(
    program: Program, place: ExportPlace, server: SandboxServer, source: str
) -> None:
    """If GetDataIntegration is denied, nothing about the key looks like a pass, and no check fails."""
    listed = json.dumps({"DataIntegrations": [{"Arn": place.arn, "Name": place.integration, "SourceURI": source}]})

    def answer(request: Request) -> bytes | None:
        if request.operation == "ListDataIntegrations":
            return build_response(200, listed, "application/json")
        return build_error(403, "AccessDeniedException") if request.operation == "GetDataIntegration" else None

    with FaultProxy(server.url, before_request=answer) as proxy:
        diagnosis = diagnose(Program(program.folder, proxy.url))
    checks = {each["name"]: each for each in get_checks(diagnosis)}
    assert checks["key"]["fix"] == f"allow app-integrations:GetDataIntegration on {place.arn}"
    assert {checks[name]["result"] for name in ("key", "key-policy")} == {"skipped"}
    assert ("bucket-key" in checks) == (source != "Unknown://x")
    assert checks.get("bucket-key", checks["key"])["result"] == "skipped"
    assert diagnosis["summary"]["failed"] == 0


def test_answer_without_a_key_is_not_checked(program: Program, place: ExportPlace, server: SandboxServer) -> None:
    """If AWS shows no key, the checks of the key are skipped."""
    details = json.dumps({"Arn": place.arn, "ObjectConfiguration": GUIDE.build_objects()})
    response = build_response(200, details, "application/json")
    with FaultProxy(
        server.url, before_request=lambda each: response if each.operation == "GetDataIntegration" else None
    ) as proxy:
        diagnosis = diagnose(Program(program.folder, proxy.url))
    seen = [each["seen"] for each in get_checks(diagnosis) if each["name"] in {"key", "key-policy"}]
    assert seen == ["not checked, because GetDataIntegration returned no KmsKey"] * 2


def test_alias_of_an_unreadable_key_is_not_checked(program: Program, place: ExportPlace, server: SandboxServer) -> None:
    """If the key is an alias and DescribeKey is denied, nothing about the key is judged."""
    details = json.dumps({"KmsKey": "alias/exports", "ObjectConfiguration": GUIDE.build_objects()})
    answers = {"GetDataIntegration": build_response(200, details, "application/json"), "DescribeKey": DENIED_KEY}
    with FaultProxy(server.url, before_request=lambda each: answers.get(each.operation)) as proxy:
        diagnosis = diagnose(Program(program.folder, proxy.url))
    checks = {each["name"]: each for each in get_checks(diagnosis)}
    assert {checks[name]["result"] for name in ("key", "key-policy", "bucket-key")} == {"skipped"}
    assert checks["key-policy"]["seen"] == "not checked, because the ARN of the key is not known"
    assert place.key in checks["bucket-key"]["seen"]


def test_key_that_aws_manages_has_no_policy_to_check(
    program: Program, place: ExportPlace, server: SandboxServer
) -> None:
    """A key that AWS manages is a warning, and its policy is not checked."""
    metadata = {"Arn": place.key, "KeyId": "k", "KeyState": "Enabled", "KeyManager": "AWS"}
    response = build_response(200, json.dumps({"KeyMetadata": metadata}), "application/json")
    with FaultProxy(
        server.url, before_request=lambda each: response if each.operation == "DescribeKey" else None
    ) as proxy:
        diagnosis = diagnose(Program(program.folder, proxy.url))
    checks = {each["name"]: each for each in get_checks(diagnosis)}
    assert checks["key"]["result"] == "warning"
    assert checks["key-policy"]["seen"] == "not checked, because AWS manages the key"


def test_equal_findings_of_several_exports_are_one_check(program: Program, place: ExportPlace) -> None:
    """Two manifests with two prefixes of one bucket have one check of its policy."""
    program.add("november", text=MANIFEST, INTEGRATION=place.arn)
    assert find_check(program, "bucket-policy")["result"] == "ok"
    assert find_check(program, "key")["result"] == "ok"
    statement: Any = GUIDE.build_bucket_statement(PLACE, place.bucket)
    arn = f"arn:aws:s3:::{place.bucket}"
    place.put_bucket_policy(statement | {"Resource": [arn, f"{arn}/oct*"]})
    results = [each["result"] for each in get_checks(diagnose(program)) if each["name"] == "bucket-policy"]
    assert sorted(results) == ["failed", "ok"]


def test_other_integrations_have_no_checks_of_exports(program: Program, place: ExportPlace) -> None:
    """AWS's guide is about bulk exports, so a data integration of another kind needs no key policy."""
    program.add("october", text=MANIFEST, INTEGRATION="crm-accounts")
    names = {each["name"] for each in get_checks(diagnose(program))}
    assert names.isdisjoint({"key", "key-policy", "bucket-key", "bucket-policy", "bucket-ownership"})
    assert place.bucket in {each["about"] for each in get_checks(diagnose(program))}


def test_statement_is_printed_below_its_finding(program: Program, place: ExportPlace) -> None:
    """The text output has the JSON below the fix, and a person can paste it."""
    place.put_bucket_policy()
    result = program.run("doctor", env=NO_RETRIES)
    text = result.out.partition('with the statement of AWS\'s guide "Set up bulk export":\n')[2]
    lines = text.splitlines()
    end = next(number for number, line in enumerate(lines) if line == "      }")
    document = json.loads("\n".join(lines[: end + 1]))
    assert document["Statement"] == [GUIDE.build_bucket_statement(PLACE, place.bucket)]


def test_sandbox_has_no_keys(tmp_path: Any) -> None:
    """With --sandbox, the checks of keys and buckets are skipped."""
    program = Program(tmp_path)
    program.add("october", text=MANIFEST, INTEGRATION="profiles-export")
    checks = get_checks(diagnose(program, "--sandbox"))
    seen = {each["name"]: each["seen"] for each in checks}
    for name in ("key", "key-policy"):
        assert seen[name] == "not checked, because --sandbox has no keys"
    for name in ("bucket-key", "bucket-policy", "bucket-ownership"):
        assert seen[name] == "not checked, because --sandbox has no buckets"
