"""The IAM policies allow exactly the calls that the program can make."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from support.paths import DEPLOY, REPOSITORY

IAM = DEPLOY / "iam"
POLICIES = sorted(IAM.glob("*.json"), key=lambda path: path.name)
SERVICES = frozenset(("appintegrations", "kms", "s3", "sts"))

# The actions that each operation needs (Service Authorization Reference).
REQUIRED_ACTIONS: dict[tuple[str, str], frozenset[str]] = {
    ("appintegrations", "GetDataIntegration"): frozenset(("app-integrations:GetDataIntegration",)),
    ("appintegrations", "ListDataIntegrations"): frozenset(("app-integrations:ListDataIntegrations",)),
    ("appintegrations", "ListDataIntegrationAssociations"): frozenset(
        ("app-integrations:ListDataIntegrationAssociations",)
    ),
    ("appintegrations", "CreateDataIntegrationAssociation"): frozenset(
        (
            "app-integrations:CreateDataIntegrationAssociation",
            "appflow:CreateFlow",
            "appflow:DeleteFlow",
            "appflow:DescribeConnectorEntity",
            "appflow:DescribeConnectorProfiles",
            "appflow:TagResource",
            "appflow:UseConnectorProfile",
            "profile:CreateSnapshot",
            "profile:GetSnapshot",
        )
    ),
    ("appintegrations", "UpdateDataIntegrationAssociation"): frozenset(
        ("app-integrations:UpdateDataIntegrationAssociation", "profile:CreateSnapshot", "profile:GetSnapshot")
    ),
    ("s3", "GetObject"): frozenset(("s3:GetObject", "s3:ListBucket")),  # ListBucket: to get 404 for a missing object
    ("s3", "PutObject"): frozenset(("s3:PutObject",)),
    ("s3", "GetBucketLocation"): frozenset(("s3:GetBucketLocation",)),
    ("s3", "GetBucketEncryption"): frozenset(("s3:GetEncryptionConfiguration",)),
    ("s3", "GetBucketPolicy"): frozenset(("s3:GetBucketPolicy",)),
    ("s3", "GetBucketOwnershipControls"): frozenset(("s3:GetBucketOwnershipControls",)),
    ("kms", "DescribeKey"): frozenset(("kms:DescribeKey",)),
    ("kms", "GetKeyPolicy"): frozenset(("kms:GetKeyPolicy",)),
    ("sts", "GetCallerIdentity"): frozenset(),
    ("sts", "AssumeRole"): frozenset(("sts:AssumeRole",)),
}
# Names of operations that are also names in the program: `sender.verify` of webhooks, and the sign of a selector. The
# clients of the doctor for KMS refuse every operation but their two reads.
HOMONYMS = {("kms", "Sign"), ("kms", "Verify")}
WRITES = {
    "app-integrations:CreateDataIntegrationAssociation",
    "app-integrations:UpdateDataIntegrationAssociation",
    "s3:PutObject",
}
LISTS = {"app-integrations:ListDataIntegrations", "app-integrations:ListDataIntegrationAssociations"}
STATE_READS = {"s3:GetObject", "s3:ListBucket"}
# The type of resource to which each action can be restricted (Service Authorization Reference). CreateFlow,
# DescribeConnectorProfiles and the List actions have none.
RESOURCES = {
    "app-integrations:CreateDataIntegrationAssociation": "arn:aws:app-integrations:*:123456789012:data-integration/*",
    "app-integrations:GetDataIntegration": "arn:aws:app-integrations:*:123456789012:data-integration/*",
    "app-integrations:UpdateDataIntegrationAssociation": (
        "arn:aws:app-integrations:*:123456789012:data-integration-association/*"
    ),
    "appflow:DeleteFlow": "arn:aws:appflow:*:123456789012:flow/*",
    "appflow:DescribeConnectorEntity": "arn:aws:appflow:*:123456789012:connectorprofile/*",
    "appflow:TagResource": "arn:aws:appflow:*:123456789012:flow/*",
    "appflow:UseConnectorProfile": "arn:aws:appflow:*:123456789012:connectorprofile/*",
    "profile:CreateSnapshot": "arn:aws:profile:*:123456789012:domains/*",
    "profile:GetSnapshot": "arn:aws:profile:*:123456789012:domains/*",
    "kms:DescribeKey": "arn:aws:kms:*:123456789012:key/*",
    "kms:GetKeyPolicy": "arn:aws:kms:*:123456789012:key/*",
    "s3:GetBucketLocation": "arn:aws:s3:::corp-customer-exports",
    "s3:GetBucketOwnershipControls": "arn:aws:s3:::corp-customer-exports",
    "s3:GetBucketPolicy": "arn:aws:s3:::corp-customer-exports",
    "s3:GetEncryptionConfiguration": "arn:aws:s3:::corp-customer-exports",
    "s3:GetObject": "arn:aws:s3:::corp-state/reconciler/*",
    "s3:ListBucket": "arn:aws:s3:::corp-state",
    "s3:PutObject": "arn:aws:s3:::corp-state/reconciler/*",
    "sts:AssumeRole": "arn:aws:iam::123456789012:role/appintegrations-reconciler",
}
UNRESTRICTED = LISTS | {"appflow:CreateFlow", "appflow:DescribeConnectorProfiles"}


def walk_program() -> Iterator[ast.AST]:
    """Yield every syntax node of the program, except the sandbox, which is not a client of AWS."""
    for path in (REPOSITORY / "reconciler").rglob("*.py"):
        if "sandbox" not in path.relative_to(REPOSITORY).parts:
            yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def find_services() -> set[str]:
    """Return the services for which the program creates clients."""
    services = set()
    for node in walk_program():
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "client":
            if not node.args and not node.keywords:  # a method of this program that creates no client
                continue
            service = node.args[0]
            if (
                isinstance(service, ast.Name) and service.id == "service"
            ):  # the callers of that function name the service
                continue
            assert isinstance(service, ast.Constant), "a client of an unknown service"
            services.add(str(service.value))
    return services


def collect_names() -> set[str]:
    """Return every attribute and every string of the program. The name of a call is one of them."""
    attributes = {node.attr for node in walk_program() if isinstance(node, ast.Attribute)}
    texts = {node.value for node in walk_program() if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return attributes | texts


def find_calls() -> set[tuple[str, str]]:
    """Return the operations in the program, by service, as botocore's models name them."""
    session, names = botocore.session.Session(), collect_names()
    return {
        (service, operation)
        for service in find_services()
        for operation in session.get_service_model(service).operation_names
        if xform_name(operation) in names
    }


def read_statements(policy: Path) -> list[dict[str, Any]]:
    """Return the statements of a policy."""
    document = json.loads(policy.read_text(encoding="utf-8"))
    assert document.keys() == {"Version", "Statement"}
    assert document["Version"] == "2012-10-17"
    statements: list[dict[str, Any]] = document["Statement"]
    return statements


def collect_actions(*names: str) -> set[str]:
    """Return the actions that the policies allow together."""
    entries = [entry["Action"] for name in names for entry in read_statements(IAM / f"{name}.json")]
    return {action for entry in entries for action in ([entry] if isinstance(entry, str) else entry)}


def test_only_listed_services_are_called() -> None:
    """The program creates clients only for the services in SERVICES."""
    assert find_services() == SERVICES


def test_every_call_has_a_listed_permission() -> None:
    """NEEDS lists every call of the program, and no other call."""
    assert find_calls() == REQUIRED_ACTIONS.keys() | HOMONYMS


def test_policies_allow_exactly_the_calls_of_the_program() -> None:
    """Together, the policies allow exactly the actions that the calls need."""
    actual = collect_actions(*(policy.stem for policy in POLICIES))
    assert actual == frozenset().union(*REQUIRED_ACTIONS.values())


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("observe",), LISTS),
        (("state-s3-read",), STATE_READS),
        (("state-s3-write",), {"s3:PutObject"}),
        (
            ("doctor",),
            {
                "app-integrations:GetDataIntegration",
                "kms:DescribeKey",
                "kms:GetKeyPolicy",
                "s3:GetBucketLocation",
                "s3:GetBucketOwnershipControls",
                "s3:GetBucketPolicy",
                "s3:GetEncryptionConfiguration",
            },
        ),
        (("assume-role",), {"sts:AssumeRole"}),
        (("assume-role.trust",), {"sts:AssumeRole"}),
        (
            ("apply",),
            LISTS
            | REQUIRED_ACTIONS["appintegrations", "CreateDataIntegrationAssociation"]
            | REQUIRED_ACTIONS["appintegrations", "UpdateDataIntegrationAssociation"],
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_each_policy_is_for_one_purpose(names: tuple[str, ...], expected: set[str]) -> None:
    """Each policy allows the actions of its purpose, and the policies for reading allow no write."""
    assert collect_actions(*names) == expected
    if names[0] in {"observe", "state-s3-read", "doctor"}:
        assert not collect_actions(*names) & WRITES


@pytest.mark.parametrize("policy", POLICIES, ids=lambda path: path.stem)
def test_policy_statements_are_explicit_and_restricted(policy: Path) -> None:
    """Each statement has a name, explicit actions, and the narrowest resource that AWS supports for them."""
    sids = set()
    for statement in read_statements(policy):
        assert statement["Effect"] == "Allow"
        assert statement.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}
        assert ("Principal" in statement) != ("Resource" in statement)
        assert statement.get("Principal") != "*"
        assert statement["Sid"].isalnum()
        sids.add(statement["Sid"])
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            assert "*" not in action
            assert action in RESOURCES.keys() ^ UNRESTRICTED
            assert statement.get("Resource", RESOURCES.get(action)) == RESOURCES.get(action, "*"), action
    assert len(sids) == len(read_statements(policy))


def test_policy_readme_lists_every_policy() -> None:
    """The README of the policies lists every policy."""
    text = (IAM / "README.md").read_text(encoding="utf-8")
    for policy in POLICIES:
        assert f"| [`{policy.name}`]({policy.name}) |" in text
