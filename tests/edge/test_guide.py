"""The requirements of AWS's guide come from the template of an export, and the doctor accepts what it asks for."""

from __future__ import annotations

import json
from typing import Any

import boto3
import botocore.session
import pytest
from deploy.test_cloudformation import deploy_export
from moto import mock_aws
from support.builders import INTEGRATION
from support.stack import ACCOUNT, REGION

from reconciler.core.doctor import exports
from reconciler.core.doctor.diagnosis import CheckResult
from reconciler.core.doctor.guide import Place, build_policy
from reconciler.core.doctor.reach import Bucket, Encryption, Export
from reconciler.edge.guide import parse_guide
from reconciler.edge.templates import read_template

GUIDE, PLACE = parse_guide(read_template("deploy/cloudformation/export.yaml")), Place("aws", REGION, ACCOUNT)
EXPORT = Export(INTEGRATION, "corp-exports", "october")
# moto warns of each type that it does not know.
pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse AWS:UserWarning")


@mock_aws
def test_statements_are_those_of_the_template() -> None:
    """The doctor gives the statements and settings that a stack of the template has."""
    stack = deploy_export()
    bucket = stack.values["Bucket"]
    assert GUIDE.build_key_statement(PLACE) in stack.properties("Key")["KeyPolicy"]["Statement"]
    statements = stack.properties("BucketPolicy")["PolicyDocument"]["Statement"]
    assert GUIDE.build_bucket_statement(PLACE, bucket) in statements
    assert GUIDE.build_ownership() == stack.properties("Bucket")["OwnershipControls"]
    objects = stack.properties("DataIntegration")["ObjectConfiguration"]
    assert GUIDE.build_objects() == objects


@mock_aws
def test_a_stack_of_the_template_has_no_finding() -> None:
    """The doctor accepts the key policy, bucket policy, encryption and ownership of the template."""
    stack = deploy_export()
    arn, bucket = stack.values["Key.Arn"], stack.values["Bucket"]
    key_policy = json.dumps(stack.properties("Key")["KeyPolicy"])
    bucket_policy = json.dumps(stack.properties("BucketPolicy")["PolicyDocument"])
    encryption: Any = boto3.client("s3", REGION).get_bucket_encryption(Bucket=bucket)
    rule = encryption["ServerSideEncryptionConfiguration"]["Rules"][0]["ApplyServerSideEncryptionByDefault"]
    target, export = Bucket(bucket, is_bulk_export=True), Export(INTEGRATION, bucket, "profiles/monthly")
    checks = (
        exports.check_key_policy(INTEGRATION, arn, key_policy, GUIDE, PLACE),
        exports.check_bucket_policy(export, bucket_policy, GUIDE, PLACE),
        exports.check_bucket_key(target, Encryption(rule["SSEAlgorithm"], rule["KMSMasterKeyID"]), INTEGRATION, arn),
        exports.check_bucket_ownership(target, "BucketOwnerEnforced", GUIDE, PLACE),
    )
    assert {each.result for each in checks} == {CheckResult.OK}


def test_pasted_statements_are_accepted() -> None:
    """After the fix of a finding, the check is ok."""
    finding = exports.check_bucket_policy(EXPORT, None, GUIDE, PLACE)
    assert exports.check_bucket_policy(EXPORT, json.dumps(finding.paste), GUIDE, PLACE).result is CheckResult.OK
    finding = exports.check_key_policy(INTEGRATION, "arn:k", json.dumps({"Statement": []}), GUIDE, PLACE)
    fixed = json.dumps(build_policy(finding.paste))
    assert exports.check_key_policy(INTEGRATION, "arn:k", fixed, GUIDE, PLACE).result is CheckResult.OK


def test_wildcards_of_the_guide_stand_for_the_operations_of_kms() -> None:
    """The doctor knows each operation on a key that the wildcards of the guide match."""
    operations = botocore.session.Session().get_service_model("kms").operation_names
    prefixes = tuple(each.partition(":")[2].rstrip("*") for each in GUIDE.build_key_statement(PLACE)["Action"])
    # The resource of DescribeCustomKeyStores is no key.
    matching = {f"kms:{each}" for each in operations if each.startswith(prefixes)} - {"kms:DescribeCustomKeyStores"}
    statement: Any = GUIDE.build_key_statement(PLACE)
    policy = json.dumps(build_policy(statement | {"Action": sorted(matching)}))
    assert exports.check_key_policy(INTEGRATION, "arn:k", policy, GUIDE, PLACE).result is CheckResult.OK
    for action in matching:
        partial = json.dumps(build_policy(statement | {"Action": sorted(matching - {action})}))
        check = exports.check_key_policy(INTEGRATION, "arn:k", partial, GUIDE, PLACE)
        assert f"no statement that allows AppIntegrations {action};" in check.message
