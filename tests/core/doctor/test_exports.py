"""Checks of the key and the bucket of a bulk export: each answer has a result, and each fault the JSON to paste."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.builders import ACCOUNT, INTEGRATION, REGION

from reconciler.core.doctor import exports
from reconciler.core.doctor.diagnosis import CheckResult
from reconciler.core.doctor.exports import Key
from reconciler.core.doctor.guide import SERVICE, Guide, Place, build_encryption, build_policy
from reconciler.core.doctor.reach import Bucket, Encryption, Export
from reconciler.core.errors import AccessDenied, CloudError, Throttled

PLACE = Place("aws", REGION, ACCOUNT)
BUCKET, BUCKET_ARN = Bucket("corp-exports", is_bulk_export=True), "arn:aws:s3:::corp-exports"
EXPORT = Export(INTEGRATION, BUCKET.name, "october")
ID = "11111111-2222-4333-8444-555555555555"
KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{ID}"
KEY = Key(KEY_ARN, "Enabled", "SYMMETRIC_DEFAULT", is_managed_by_aws=False)
GUIDE = Guide(
    {
        "Key": {
            "Properties": {
                "KeyPolicy": {
                    "Statement": [
                        {"Effect": "Allow", "Principal": {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::1:root"}}},
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": SERVICE},
                            "Action": ["kms:Decrypt*", "kms:GenerateDataKey*"],
                            "Resource": "*",
                        },
                    ]
                }
            }
        },
        "Bucket": {"Properties": {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}},
        "BucketPolicy": {
            "Properties": {
                "PolicyDocument": {
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": SERVICE},
                            "Action": ["s3:GetObject", "s3:ListBucket", "s3:PutObject"],
                            "Resource": [{"Fn::GetAtt": "Bucket.Arn"}, {"Fn::Sub": "${Bucket.Arn}/*"}],
                            "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
                        }
                    ]
                }
            }
        },
        "DataIntegration": {
            "Properties": {"ObjectConfiguration": {"CustomerProfiles": {"domainName": [{"Ref": "DomainName"}]}}}
        },
    }
)
KEY_STATEMENT: Any = GUIDE.build_key_statement(PLACE)
BUCKET_STATEMENT: Any = GUIDE.build_bucket_statement(PLACE, BUCKET.name)
DENY = {"Sid": "Locked", "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}


def write_policy(*statements: Any) -> str:
    """Return the text of a policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def test_statements_of_the_guide_are_for_the_target() -> None:
    """The functions of the template become the account, the Region and the bucket of the target."""
    assert BUCKET_STATEMENT["Resource"] == [BUCKET_ARN, f"{BUCKET_ARN}/*"]
    assert BUCKET_STATEMENT["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert GUIDE.build_objects() == {"CustomerProfiles": {"domainName": ["my-domain"]}}
    assert PLACE.all_integrations_arn == f"arn:aws:app-integrations:{REGION}:{ACCOUNT}:data-integration/*"


@pytest.mark.parametrize(
    ("answer", "result", "message"),
    [
        (KEY, "ok", f"the key of data integration 'profiles-export' is enabled: {KEY_ARN}"),
        (Key(KEY_ARN, "Enabled", None, is_managed_by_aws=False), "ok", "is enabled"),
        (Key(KEY_ARN, "PendingDeletion", None, is_managed_by_aws=False), "failed", "its state is PendingDeletion"),
        (Key(KEY_ARN, "Enabled", "RSA_2048", is_managed_by_aws=False), "failed", "its spec is RSA_2048"),
        (Key(KEY_ARN, "Enabled", None, is_managed_by_aws=True), "warning", "AWS manages the key"),
        (None, "failed", "does not exist: alias/x"),
        (AccessDenied("no"), "skipped", "not checked, because kms:DescribeKey is not allowed on alias/x: no"),
        (Throttled("slow"), "warning", "slow"),
        (CloudError("broken"), "failed", "broken"),
    ],
)
def test_key_must_exist_and_encrypt(answer: Any, result: str, message: str) -> None:
    """A key must be there, enabled, symmetric and your own. A missing permission is no failure."""
    check = exports.check_key(INTEGRATION, "alias/x", answer)
    assert (check.name, check.result, check.subject) == ("key", result, INTEGRATION.name)
    assert message in check.message
    assert (check.fix is None) == (result == "ok")


def test_key_that_was_not_read_names_the_permission() -> None:
    """If GetDataIntegration is denied, the key is not checked, and the fix names the permission."""
    check = exports.check_unread_key(INTEGRATION, AccessDenied("no"))
    assert check.result is CheckResult.SKIPPED
    assert check.fix == f"allow app-integrations:GetDataIntegration on {INTEGRATION.arn}"


NARROW = KEY_STATEMENT | {"Action": ["kms:Decrypt", "kms:GenerateDataKey"]}
MISSING_KEY_ACTIONS = (
    "kms:GenerateDataKeyPair, kms:GenerateDataKeyPairWithoutPlaintext, kms:GenerateDataKeyWithoutPlaintext"
)


@pytest.mark.parametrize(
    ("answer", "result", "message"),
    [
        (write_policy(KEY_STATEMENT), "ok", "lets AppIntegrations use it"),
        (write_policy(KEY_STATEMENT | {"Resource": KEY_ARN}), "ok", "lets AppIntegrations use it"),
        (write_policy(), "warning", "no statement that allows AppIntegrations kms:Decrypt, kms:GenerateDataKey, kms:"),
        (write_policy(), "warning", " and 1 more; grants of the key were not read"),
        (write_policy(NARROW), "warning", f"allows AppIntegrations {MISSING_KEY_ACTIONS}; grants of the key"),
        (write_policy(DENY), "warning", "; a Deny statement may apply: 'Locked'; grants of the key"),
        (write_policy(KEY_STATEMENT, DENY), "warning", "use it; a Deny statement may apply: 'Locked'"),
        (
            write_policy(KEY_STATEMENT | {"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}),
            "skipped",
            "could not be judged; whether it allows kms:Decrypt, kms:GenerateDataKey",
        ),
        ("nonsense", "skipped", "could not be judged, because it is not a policy document"),
        (AccessDenied("no"), "skipped", f"not checked, because kms:GetKeyPolicy is not allowed on {KEY_ARN}: no"),
        (CloudError("broken"), "failed", "broken"),
    ],
)
def test_key_policy_must_let_appintegrations_use_the_key(answer: Any, result: str, message: str) -> None:
    """A policy without the statement is a warning, because grants were not read. The fix is the statement."""
    check = exports.check_key_policy(INTEGRATION, KEY_ARN, answer, GUIDE, PLACE)
    assert (check.name, check.result, check.subject) == ("key-policy", result, INTEGRATION.name)
    assert message in check.message
    needs_statement = result in {"warning", "skipped"} and isinstance(answer, str) and "use it;" not in check.message
    assert check.paste == (KEY_STATEMENT if needs_statement else None)


READ_ONLY = BUCKET_STATEMENT | {"Action": ["s3:GetObject", "s3:ListBucket"]}
WRITE_ONLY = BUCKET_STATEMENT | {"Action": "s3:PutObject"}
SEPARATE = [
    WRITE_ONLY | {"Action": ["s3:PutObject", "s3:GetObject"], "Resource": f"{BUCKET_ARN}/oct*"},
    WRITE_ONLY | {"Action": "s3:ListBucket", "Resource": BUCKET_ARN},
]


@pytest.mark.parametrize(
    ("answer", "result", "message"),
    [
        (write_policy(BUCKET_STATEMENT), "ok", "the policy of bucket corp-exports lets AppIntegrations write exports"),
        (write_policy(*SEPARATE), "ok", "lets AppIntegrations write exports"),
        (None, "failed", "bucket corp-exports has no policy"),
        (
            write_policy(READ_ONLY),
            "failed",
            "allows AppIntegrations s3:PutObject for data integration 'profiles-export'",
        ),
        (write_policy(WRITE_ONLY), "warning", "no statement that allows AppIntegrations s3:GetObject, s3:ListBucket"),
        (
            write_policy(WRITE_ONLY | {"Principal": "*"}),
            "warning",
            "'profiles-export'; whether it allows s3:PutObject depends on statement 1 (Principal)",
        ),
        (write_policy(BUCKET_STATEMENT, DENY), "warning", "write exports; a Deny statement may apply: 'Locked'"),
        (write_policy(BUCKET_STATEMENT | {"Principal": "*"}), "skipped", "depends on statement 1 (Principal)"),
        (write_policy(BUCKET_STATEMENT | {"Principal": "*"}, DENY), "skipped", "; a Deny statement may apply"),
        ("{", "skipped", "could not be judged"),
        (AccessDenied("no"), "skipped", f"s3:GetBucketPolicy is not allowed on {BUCKET_ARN}: no"),
    ],
)
def test_bucket_policy_must_let_appintegrations_write(answer: Any, result: str, message: str) -> None:
    """A policy that allows no write is a failure. One that cannot be judged is neither a failure nor a pass."""
    check = exports.check_bucket_policy(EXPORT, answer, GUIDE, PLACE)
    assert (check.name, check.result, check.subject) == ("bucket-policy", result, BUCKET.name)
    assert message in check.message
    if answer is None:
        assert check.paste == build_policy(BUCKET_STATEMENT)
    elif result == "failed":
        assert check.paste == BUCKET_STATEMENT


KMS, OTHER_KEY_ARN = "aws:kms", KEY_ARN.replace(REGION, "eu-west-2")


@pytest.mark.parametrize(
    ("encryption", "key", "result", "message"),
    [
        (Encryption(KMS, KEY_ARN), KEY_ARN, "ok", "encrypts with the key of data integration 'profiles-export'"),
        (Encryption(KMS, ID), KEY_ARN, "ok", "encrypts with the key of data integration"),
        (Encryption(KMS, KEY_ARN), ID, "ok", "encrypts with the key of data integration"),
        (Encryption(KMS, OTHER_KEY_ARN), KEY_ARN, "failed", f"encrypts with {OTHER_KEY_ARN}, not with the key of data"),
        (Encryption(KMS, OTHER_KEY_ARN), KEY_ARN, "failed", f"integration 'profiles-export' ({KEY_ARN})"),
        (Encryption(KMS, "another"), KEY_ARN, "failed", "encrypts with another, not with"),
        (Encryption(KMS, None), KEY_ARN, "failed", "a key that AWS manages"),
        (Encryption(KMS, "alias/exports"), KEY_ARN, "skipped", "could not be judged, because an alias"),
        (Encryption(KMS, KEY_ARN), "alias/exports", "skipped", "could not be judged"),
        (Encryption("AES256", None), KEY_ARN, "skipped", "not checked, because the bucket does not use SSE-KMS"),
        (None, KEY_ARN, "skipped", "not checked, because the bucket does not use SSE-KMS"),
        (AccessDenied("no"), KEY_ARN, "skipped", "not checked, because the encryption of the bucket was not read"),
        (Encryption(KMS, KEY_ARN), None, "skipped", "not checked, because the key of data integration"),
    ],
)  # fmt: skip
def test_bucket_must_use_the_key_of_the_data_integration(
    encryption: Any, key: str | None, result: str, message: str
) -> None:
    """A bucket with another key is a failure. Keys that cannot be compared are neither a failure nor a pass."""
    check = exports.check_bucket_key(BUCKET, encryption, INTEGRATION, key)
    assert (check.name, check.result, check.subject) == ("bucket-key", result, BUCKET.name)
    assert message in check.message
    if result == "failed":
        assert check.paste == build_encryption(KEY_ARN)


@pytest.mark.parametrize(
    ("answer", "result", "message"),
    [
        ("BucketOwnerEnforced", "ok", "bucket corp-exports has no ACLs (BucketOwnerEnforced)"),
        ("ObjectWriter", "warning", "its object ownership is ObjectWriter"),
        (None, "warning", "it has no ownership controls"),
        (AccessDenied("no"), "skipped", f"s3:GetBucketOwnershipControls is not allowed on {BUCKET_ARN}: no"),
    ],
)
def test_bucket_of_an_export_has_no_acls(answer: Any, result: str, message: str) -> None:
    """A bucket with ACLs is a warning, with the ownership controls to paste."""
    check = exports.check_bucket_ownership(BUCKET, answer, GUIDE, PLACE)
    assert (check.name, check.result, check.subject) == ("bucket-ownership", result, BUCKET.name)
    assert message in check.message
    assert check.paste == (GUIDE.build_ownership() if result == "warning" else None)
