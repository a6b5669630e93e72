"""The CloudFormation templates are valid, and create what the documentation of AWS asks for."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from cfnlint.decode import cfn_yaml
from deploy.test_iam import IAM
from deploy.test_permissions import read_rows
from moto import mock_aws
from support.paths import DEPLOY
from support.program import Program
from support.stack import ACCOUNT, REGION, Stack, deploy

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient

TEMPLATES = sorted((DEPLOY / "cloudformation").glob("*.yaml"))
DATA_INTEGRATION = "customers"
EXPORT = {"DataIntegrationName": DATA_INTEGRATION, "DomainName": "my-domain", "Prefix": "profiles/monthly"}
# moto warns of each type that it does not know.
pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse AWS:UserWarning")
GITHUB = {
    "PlanSubjects": "repo:corp/exports:pull_request,repo:corp/exports:ref:refs/heads/main",
    "ApplySubject": "repo:corp/exports:environment:production",
    "ScheduleSubject": "repo:corp/exports:environment:production-schedule",
}
GITLAB = {
    "IdentityProvider": "gitlab.com",
    "PlanSubjects": "project_path:corp/exports:*",
    "ApplySubject": "project_path:corp/exports:ref_type:branch:ref:main",
}
# The managed policies, each with its file in deploy/iam.
POLICIES = {
    "ApplyPolicy": "apply",
    "ObservePolicy": "observe",
    "StateReadPolicy": "state-s3-read",
    "StateWritePolicy": "state-s3-write",
}
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


@pytest.mark.parametrize("template", [each for each in TEMPLATES if each.stem != "task"], ids=lambda path: path.stem)
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


def deploy_reconciler(parameters: dict[str, str]) -> Stack:
    """Deploy `reconciler.yaml` to moto."""
    return deploy("reconciler", parameters, {"Bucket": "arn:aws:s3:::%s"})


def read_trust(stack: Stack, role: str) -> Any:
    """Return the only statement of the trust policy of a role."""
    document: Any = boto3.client("iam").get_role(RoleName=stack.values[role])["Role"]["AssumeRolePolicyDocument"]
    (statement,) = document["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    return statement


def build_trust(provider: str, **condition: object) -> dict[str, object]:
    """Return what a trust policy must say about the provider and the subject."""
    return {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{provider}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{provider}:aud": "sts.amazonaws.com"}} | condition,
    }


@mock_aws
@pytest.mark.parametrize(("resource", "policy"), POLICIES.items())
def test_managed_policies_have_the_statements_of_the_iam_policies(resource: str, policy: str) -> None:
    """A managed policy is the file in deploy/iam, for the account and the bucket of the stack."""
    stack = deploy_reconciler(GITHUB)
    expected = (IAM / f"{policy}.json").read_text(encoding="utf-8")
    version = boto3.client("iam").get_policy_version(PolicyArn=stack.values[resource], VersionId="v1")
    document: Any = version["PolicyVersion"]["Document"]
    assert document == json.loads(expected.replace("corp-state", stack.values["Bucket"]))


@pytest.mark.parametrize(("role", "command"), [("Plan", "run --dry-run"), ("Apply", "run"), ("Schedule", "run")])
def test_each_role_has_the_policies_of_its_command(role: str, command: str) -> None:
    """A role has the policies that deploy/iam lists for its command, and no other permission."""
    template = cfn_yaml.load(str(DEPLOY / "cloudformation" / "reconciler.yaml"))
    properties = template["Resources"][f"{role}Role"]["Properties"]
    assert properties.keys() == {"AssumeRolePolicyDocument", "ManagedPolicyArns"}
    assert {POLICIES[each["Ref"]] for each in properties["ManagedPolicyArns"]} == set(dict(read_rows())[command])


@mock_aws
def test_roles_trust_only_the_jobs_of_github_that_are_named() -> None:
    """On GitHub, each role trusts its own subjects. Those for writing have no wildcards."""
    stack, provider = deploy_reconciler(GITHUB), "token.actions.githubusercontent.com"
    subject = f"{provider}:sub"
    plan = build_trust(provider, StringLike={subject: GITHUB["PlanSubjects"].split(",")})
    assert read_trust(stack, "PlanRole") == plan
    for role in ("Apply", "Schedule"):
        condition = {f"{provider}:aud": "sts.amazonaws.com", subject: GITHUB[f"{role}Subject"]}
        assert read_trust(stack, f"{role}Role") == build_trust(provider, StringEquals=condition)


@mock_aws
def test_roles_trust_only_the_jobs_of_gitlab_that_are_named() -> None:
    """On GitLab, each role trusts its own subjects. Without a subject for the schedule, it has no role."""
    stack, provider = deploy_reconciler(GITLAB), "gitlab.com"
    subject = f"{provider}:sub"
    plan = build_trust(provider, StringLike={subject: ["project_path:corp/exports:*"]})
    assert read_trust(stack, "PlanRole") == plan
    condition = {f"{provider}:aud": "sts.amazonaws.com", subject: GITLAB["ApplySubject"]}
    assert read_trust(stack, "ApplyRole") == build_trust(provider, StringEquals=condition)
    assert "ScheduleRole" not in stack.values
    assert stack.outputs.keys() == {"State", "ApplyPolicies", "PlanRoleArn", "ApplyRoleArn"}


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        ("PlanSubjects", "project_path:corp/exports:*", "*"),
        ("PlanSubjects", "repo:corp/exports:pull_request", "repo:*"),
        ("PlanSubjects", "repo:corp/exports:pull_request", 'repo:corp/exports:"]'),
        ("ApplySubject", "repo:corp/exports:environment:production", "repo:corp/exports:*"),
        ("PlanSubjects", "", "*"),
        ("ApplySubject", "", "*"),
        ("ScheduleSubject", "", "repo:corp/exports:*"),
    ],
)
def test_subjects_name_an_owner(parameter: str, good: str, bad: str) -> None:
    """CloudFormation refuses a subject that anybody may have, and one that would change the trust policy."""
    template = cfn_yaml.load(str(DEPLOY / "cloudformation" / "reconciler.yaml"))
    pattern = template["Parameters"][parameter]["AllowedPattern"]
    assert re.fullmatch(pattern, good)
    assert not re.fullmatch(pattern, bad)


@mock_aws
def test_bucket_of_the_journal_is_encrypted_and_versioned() -> None:
    """The bucket keeps old versions of the journal for 90 days, and encrypts. The outputs name bucket and roles."""
    stack = deploy_reconciler(GITHUB)
    bucket = stack.values["Bucket"]
    encryption = boto3.client("s3", REGION).get_bucket_encryption(Bucket=bucket)
    rule = encryption["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    properties = stack.properties("Bucket")
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    (lifecycle,) = properties["LifecycleConfiguration"]["Rules"]
    assert lifecycle["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}
    policies = [stack.values[each] for each in ("ApplyPolicy", "StateReadPolicy", "StateWritePolicy")]
    assert stack.outputs == {
        "State": f"s3://{bucket}/reconciler",
        "ApplyPolicies": ",".join(policies),
        **{
            f"{role}RoleArn": boto3.client("iam").get_role(RoleName=stack.values[f"{role}Role"])["Role"]["Arn"]
            for role in ("Plan", "Apply", "Schedule")
        },
    }


TASK = {
    "Image": "registry.example/reconciler@sha256:0123",
    "GitUrlSecret": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:git-url-AbCdEf",
    "Subnets": "subnet-12345678",
    "SecurityGroups": "sg-12345678",
}


def deploy_task(**parameters: str) -> tuple[Stack, Any]:
    """Deploy `task.yaml` beside a stack without roles for CI. Return the stack, and the container as moto knows it."""
    assert deploy_reconciler({}).outputs.keys() == {"State", "ApplyPolicies"}
    arns = dict.fromkeys(("TaskRole", "TaskExecutionRole"), f"arn:aws:iam::{ACCOUNT}:role/%s")
    stack = deploy("task", TASK | parameters, arns)
    task = boto3.client("ecs", REGION).describe_task_definition(taskDefinition=stack.values["Task"])["taskDefinition"]
    properties = stack.template["Resources"]["Task"]["Properties"]  # moto forgets the roles
    assert properties["TaskRoleArn"] == {"Fn::GetAtt": ["TaskRole", "Arn"]}
    assert properties["ExecutionRoleArn"] == {"Fn::GetAtt": ["TaskExecutionRole", "Arn"]}
    (container,) = task["containerDefinitions"]
    return stack, container


def read_statements(stack: Stack, role: str) -> Any:
    """Return the statements of the inline policy of a role."""
    (policy,) = stack.properties(role)["Policies"]
    return policy["PolicyDocument"]["Statement"]


@mock_aws
def test_task_without_a_schedule_is_one_controller() -> None:
    """The controller always runs, at most once, with the journal of the other stack and the URL from the secret."""
    stack, container = deploy_task()
    assert container["command"] == ["controller", "--shutdown-timeout", "30s"]
    (template,) = stack.template["Resources"]["Task"]["Properties"]["ContainerDefinitions"]
    state, git_ref, region, _ = template["Environment"]
    assert state == {"Name": "RECONCILER_STATE", "Value": {"Fn::ImportValue": {"Fn::Sub": "${StateStack}-State"}}}
    assert git_ref == {"Name": "RECONCILER_GIT_REF", "Value": {"Ref": "GitRef"}}
    assert region == {"Name": "RECONCILER_REGION", "Value": {"Ref": "AWS::Region"}}
    assert template["Secrets"] == [{"Name": "RECONCILER_GIT_URL", "ValueFrom": {"Ref": "GitUrlSecret"}}]
    service = boto3.client("ecs", REGION).describe_services(
        cluster=stack.values["Cluster"], services=[stack.values["Controller"]]
    )["services"][0]
    assert service["desiredCount"] == 1
    deployment = stack.properties("Controller")["DeploymentConfiguration"]
    assert deployment == {"MinimumHealthyPercent": 0, "MaximumPercent": 100}
    assert "SchedulerRole" not in stack.values


@mock_aws
def test_task_with_a_schedule_runs_once_at_a_time() -> None:
    """A scheduled task runs and ends. Its schedule passes on the roles of the task, and repeats no failed start."""
    stack, container = deploy_task(Schedule="rate(1 hour)")
    assert container["command"] == ["--output", "text"]
    assert "Controller" not in stack.values
    target = stack.template["Resources"]["ScheduledRun"]["Properties"]["Target"]
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 0}
    assert [each["Action"] for each in read_statements(stack, "SchedulerRole")] == ["ecs:RunTask", "iam:PassRole"]


@mock_aws
def test_role_of_the_task_has_the_policies_of_a_run() -> None:
    """The program has the permissions of `reconcile`, and the role that starts it may read only the one secret."""
    stack, _ = deploy_task()
    policies = stack.template["Resources"]["TaskRole"]["Properties"]["ManagedPolicyArns"]
    assert policies == {"Fn::Split": [",", {"Fn::ImportValue": {"Fn::Sub": "${StateStack}-ApplyPolicies"}}]}
    assert [each["Resource"] for each in read_statements(stack, "TaskExecutionRole")] == [TASK["GitUrlSecret"]]


def test_options_of_the_task_are_options_of_the_program(tmp_path: Path) -> None:
    """The program accepts the commands of the task."""
    resources = cfn_yaml.load(str(DEPLOY / "cloudformation" / "task.yaml"))["Resources"]
    (container,) = resources["Task"]["Properties"]["ContainerDefinitions"]
    _, scheduled, controller = container["Command"]["Fn::If"]
    for command in (scheduled, controller):
        assert Program(tmp_path).run(*command, "--help").code == 0
