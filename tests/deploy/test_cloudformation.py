"""The CloudFormation templates are valid, and create what the documentation of AWS asks for."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from cfnlint.decode import cfn_yaml
from moto import mock_aws
from support.paths import DEPLOY
from support.program import Program

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient

TEMPLATES = sorted((DEPLOY / "cloudformation").glob("*.yaml"))
ACCOUNT, REGION = "123456789012", "us-east-1"
DATA_INTEGRATION = "customers"
EXPORT = {"DataIntegrationName": DATA_INTEGRATION, "DomainName": "my-domain", "Prefix": "profiles/monthly"}
# moto creates nothing for these types. It warns of each.
UNKNOWN_TO_MOTO = {"AWS::AppIntegrations::DataIntegration", "AWS::S3::BucketPolicy"}
pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse AWS:UserWarning")
MANIFEST = """\
apiVersion: appintegrations.reconciler/v1
kind: Target
metadata: {name: production}
spec: {Region: %(Region)s, AccountId: "%(AccountId)s", AllowedDestinations: ["%(DestinationURI)s"]}
---
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata: {name: NAME}
target: production
spec:
  DataIntegrationIdentifier: %(DataIntegrationIdentifier)s
  DestinationURI: %(DestinationURI)s
  ExecutionConfiguration:
    ExecutionMode: ON_DEMAND
    OnDemandConfiguration: {StartTime: 2026-10-01T00:00:00Z, EndTime: 2026-11-01T00:00:00Z}
"""


@dataclass(frozen=True, slots=True)
class Stack:
    """A template that was deployed to moto."""

    template: Any
    values: dict[str, str]
    """The values of `Ref` and `Fn::GetAtt`, such as `Bucket` and `Bucket.Arn`."""
    outputs: dict[str, str]

    def properties(self, resource: str) -> Any:
        """Return the properties of a resource, with the values of the stack."""
        return self._resolve(self.template["Resources"][resource]["Properties"])

    def _resolve(self, node: Any) -> Any:
        match node:
            case {"Ref": name}:
                return self.values[name]
            case {"Fn::GetAtt": path}:
                return self.values[".".join(path)]
            case {"Fn::Sub": text}:
                return re.sub(r"\$\{([\w.:]+)\}", lambda found: self.values[found[1]], text)
            case dict():
                return {str(key): self._resolve(value) for key, value in node.items()}
            case list():
                return [self._resolve(value) for value in node]
            case _:
                return node


def deploy(name: str, parameters: dict[str, str], arns: dict[str, str]) -> Stack:
    """Deploy a template to moto. `arns` has a pattern for the ARN of each resource whose ARN the template uses."""
    path = DEPLOY / "cloudformation" / f"{name}.yaml"
    template = cfn_yaml.load(str(path))
    client = boto3.client("cloudformation", REGION)
    client.create_stack(
        StackName=name,
        TemplateBody=path.read_text(encoding="utf-8"),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    stack = client.describe_stacks(StackName=name)["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    resources: Any = client.describe_stack_resources(StackName=name)["StackResources"]
    identifiers = {
        each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources if "LogicalResourceId" in each
    }
    assert {template["Resources"][key]["Type"] for key in template["Resources"].keys() - identifiers} <= UNKNOWN_TO_MOTO
    values = {
        "AWS::AccountId": ACCOUNT,
        "AWS::Partition": "aws",
        "AWS::Region": REGION,
        **{
            key: str(parameter["Default"])
            for key, parameter in template["Parameters"].items()
            if "Default" in parameter
        },
        **parameters,
        **identifiers,
        **{f"{resource}.Arn": arn % identifiers[resource] for resource, arn in arns.items()},
    }
    return Stack(template, values, {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]})


def deploy_export() -> Stack:
    """Deploy `export.yaml` to moto."""
    arns = {"Key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/%s", "Bucket": "arn:aws:s3:::%s"}
    return deploy("export", EXPORT, arns)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_templates_pass_cfn_lint(template: Path) -> None:
    """Each template passes cfn-lint without a warning and without an exception."""
    command: list[str | Path] = [Path(sys.executable).with_name("cfn-lint"), "--include-checks", "I", "--", template]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr
    assert "cfn-lint" not in template.read_text(encoding="utf-8")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_data_outlasts_the_stack(template: Path) -> None:
    """CloudFormation deletes no bucket, key or data integration, neither with the stack nor to replace it."""
    kinds = {"AWS::AppIntegrations::DataIntegration", "AWS::KMS::Key", "AWS::S3::Bucket", "AWS::S3::BucketPolicy"}
    for resource in cfn_yaml.load(str(template))["Resources"].values():
        if resource["Type"] in kinds:
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_buckets_are_private(template: Path) -> None:
    """Buckets have no ACLs, no public access, and accept only requests over TLS."""
    resources = cfn_yaml.load(str(template))["Resources"]
    properties = resources["Bucket"]["Properties"]
    assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(properties["PublicAccessBlockConfiguration"]) == 4
    assert "AccessControl" not in properties
    policy = resources["BucketPolicy"]["Properties"]
    assert policy["Bucket"] == {"Ref": "Bucket"}
    assert {
        "Sid": "RefuseRequestsWithoutTLS",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [{"Fn::GetAtt": ["Bucket", "Arn"]}, {"Fn::Sub": "${Bucket.Arn}/*"}],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    } in policy["PolicyDocument"]["Statement"]


@mock_aws
def test_export_has_the_key_and_the_bucket_that_the_guide_asks_for() -> None:
    """AppIntegrations may use the key and write to the bucket, whose default encryption is SSE-KMS with that key."""
    stack = deploy_export()
    key = boto3.client("kms", REGION)
    document = json.dumps(stack.properties("Key")["KeyPolicy"])
    key.put_key_policy(KeyId=stack.values["Key"], PolicyName="default", Policy=document)  # moto's stack leaves no text
    policy = json.loads(key.get_key_policy(KeyId=stack.values["Key"], PolicyName="default")["Policy"])
    account, service = policy["Statement"]
    assert account["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert account["Action"] == "kms:*"
    assert service["Principal"] == {"Service": "app-integrations.amazonaws.com"}
    assert set(service["Action"]) == {"kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*"}
    assert key.get_key_rotation_status(KeyId=stack.values["Key"])["KeyRotationEnabled"]

    encryption = boto3.client("s3", REGION).get_bucket_encryption(Bucket=stack.values["Bucket"])
    assert encryption["ServerSideEncryptionConfiguration"]["Rules"][0]["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": stack.values["Key.Arn"],
    }
    assert key.describe_key(KeyId=stack.values["Key"])["KeyMetadata"]["Arn"] == stack.values["Key.Arn"]


@mock_aws
def test_only_data_integrations_of_the_account_may_write_exports() -> None:
    """The bucket policy lets AppIntegrations write for data integrations of the same account and Region only."""
    stack = deploy_export()
    write = stack.properties("BucketPolicy")["PolicyDocument"]["Statement"][0]
    assert write["Principal"] == {"Service": "app-integrations.amazonaws.com"}
    assert set(write["Action"]) == {"s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:PutObjectAcl"}
    bucket = f"arn:aws:s3:::{stack.values['Bucket']}"
    assert write["Resource"] == [bucket, f"{bucket}/*"]
    assert write["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnEquals": {"aws:SourceArn": f"arn:aws:*-*:{REGION}:{ACCOUNT}:data-integration/*"},
    }


def test_outputs_of_an_export_are_the_values_of_its_manifest(
    sandbox: str, client: AppIntegrationsServiceClient, tmp_path: Path
) -> None:
    """A manifest with the outputs plans one Create for the data integration, which has the key and the objects."""
    with mock_aws():
        stack = deploy_export()
    assert stack.outputs == {
        "DataIntegrationIdentifier": DATA_INTEGRATION,
        "DestinationURI": f"s3://{stack.values['Bucket']}/profiles/monthly",
        "AccountId": ACCOUNT,
        "Region": REGION,
    }
    created = client.create_data_integration(**stack.properties("DataIntegration"))
    assert created["KmsKey"] == stack.values["Key.Arn"]
    assert created["SourceURI"] == "AmazonConnect://AppIntegrations"
    assert created["ObjectConfiguration"] == {
        "CustomerProfiles": {"domainName": ["my-domain"], "objectType": ["_profile"]}
    }
    program = Program(tmp_path, sandbox)
    program.add("october", text=MANIFEST % stack.outputs)
    assert program.run("validate", "--strict").code == 0
    result = program.run("--dry-run", "--new-state", "-o", "json")
    assert result.decisions == {"october": "create"}, result.err
