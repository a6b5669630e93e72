"""The policies for IAM allow the calls that the program can make, and no other."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from deploy.conftest import DEPLOY
from support.paths import REPOSITORY

IAM = DEPLOY / "iam"
POLICIES = sorted(IAM.glob("*.json"), key=lambda path: path.name)
SERVICES = frozenset(("appintegrations", "s3", "sts"))

# Service Authorization Reference: which actions each operation needs
NEEDS: dict[tuple[str, str], frozenset[str]] = {
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
    ("s3", "GetObject"): frozenset(("s3:GetObject", "s3:ListBucket")),  # the latter to hear that there is no object
    ("s3", "PutObject"): frozenset(("s3:PutObject",)),
    ("s3", "GetBucketLocation"): frozenset(("s3:GetBucketLocation",)),
    ("s3", "GetBucketEncryption"): frozenset(("s3:GetEncryptionConfiguration",)),
    ("sts", "GetCallerIdentity"): frozenset(),
    ("sts", "AssumeRole"): frozenset(("sts:AssumeRole",)),
}
WRITES = {
    "app-integrations:CreateDataIntegrationAssociation",
    "app-integrations:UpdateDataIntegrationAssociation",
    "s3:PutObject",
}
LISTS = {"app-integrations:ListDataIntegrations", "app-integrations:ListDataIntegrationAssociations"}
READS_STATE = {"s3:GetObject", "s3:ListBucket"}
# The same: which type of resource each action may be restricted to. CreateFlow and DescribeConnectorProfiles have none,
# nor have those that list.
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
    "s3:GetBucketLocation": "arn:aws:s3:::corp-customer-exports",
    "s3:GetEncryptionConfiguration": "arn:aws:s3:::corp-customer-exports",
    "s3:GetObject": "arn:aws:s3:::corp-state/reconciler/*",
    "s3:ListBucket": "arn:aws:s3:::corp-state",
    "s3:PutObject": "arn:aws:s3:::corp-state/reconciler/*",
    "sts:AssumeRole": "arn:aws:iam::123456789012:role/appintegrations-reconciler",
}
UNRESTRICTED = LISTS | {"appflow:CreateFlow", "appflow:DescribeConnectorProfiles"}


def sources() -> Iterator[ast.AST]:
    """Yield every node of the program but its sandbox, which is no client of AWS."""
    for path in (REPOSITORY / "reconciler").rglob("*.py"):
        if "sandbox" not in path.relative_to(REPOSITORY).parts:
            yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def clients() -> set[str]:
    """Return the services that a client is made of."""
    found = set()
    for node in sources():
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "client":
            if not node.args and not node.keywords:  # a method of our own, which makes none
                continue
            service = node.args[0]
            if isinstance(service, ast.Name) and service.id == "service":  # whoever calls that function names it
                continue
            assert isinstance(service, ast.Constant), "a client of who knows what"
            found.add(str(service.value))
    return found


def words() -> set[str]:
    """Return every attribute and every text: a call stands in the code as either."""
    attributes = {node.attr for node in sources() if isinstance(node, ast.Attribute)}
    texts = {node.value for node in sources() if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return attributes | texts


def calls() -> set[tuple[str, str]]:
    """Return the operations that the program names, by service, as botocore's models know them."""
    session, named = botocore.session.Session(), words()
    return {
        (service, operation)
        for service in clients()
        for operation in session.get_service_model(service).operation_names
        if xform_name(operation) in named
    }


def statements(policy: Path) -> list[dict[str, Any]]:
    """Return the statements of a policy."""
    document = json.loads(policy.read_text(encoding="utf-8"))
    assert document.keys() == {"Version", "Statement"}
    assert document["Version"] == "2012-10-17"
    found: list[dict[str, Any]] = document["Statement"]
    return found


def actions(*names: str) -> set[str]:
    """Return the actions that policies allow together."""
    listed = [each["Action"] for name in names for each in statements(IAM / f"{name}.json")]
    return {action for each in listed for action in ([each] if isinstance(each, str) else each)}


def test_only_listed_services_are_called() -> None:
    """A client of another service needs policies of its own."""
    assert clients() == SERVICES


def test_every_call_has_a_listed_permission() -> None:
    """A new call has to be entered above, and its permissions in a policy."""
    assert calls() == NEEDS.keys()


def test_policies_allow_exactly_the_calls_of_the_program() -> None:
    """Together, and action by action."""
    everything = actions(*(policy.stem for policy in POLICIES))
    assert everything == frozenset().union(*NEEDS.values())


@pytest.mark.parametrize(
    ("names", "allowed"),
    [
        (("observe",), LISTS),
        (("state-s3-read",), READS_STATE),
        (("state-s3-write",), {"s3:PutObject"}),
        (
            ("doctor",),
            {"app-integrations:GetDataIntegration", "s3:GetBucketLocation", "s3:GetEncryptionConfiguration"},
        ),
        (("assume-role",), {"sts:AssumeRole"}),
        (("assume-role.trust",), {"sts:AssumeRole"}),
        (
            ("apply",),
            LISTS
            | NEEDS["appintegrations", "CreateDataIntegrationAssociation"]
            | NEEDS["appintegrations", "UpdateDataIntegrationAssociation"],
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_each_policy_is_for_one_purpose(names: tuple[str, ...], allowed: set[str]) -> None:
    """As its README says; what plans or looks may not write."""
    assert actions(*names) == allowed
    if names[0] in {"observe", "state-s3-read", "doctor"}:
        assert not actions(*names) & WRITES


@pytest.mark.parametrize("policy", POLICIES, ids=lambda path: path.stem)
def test_policy_statements_are_explicit_and_restricted(policy: Path) -> None:
    """No action by a pattern, nothing by exclusion, each on what it can be restricted to, a name for each statement."""
    sids = set()
    for statement in statements(policy):
        assert statement["Effect"] == "Allow"
        assert statement.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}
        assert ("Principal" in statement) != ("Resource" in statement)
        assert statement.get("Principal") != "*"
        assert statement["Sid"].isalnum()
        sids.add(statement["Sid"])
        listed = statement["Action"]
        for action in [listed] if isinstance(listed, str) else listed:
            assert "*" not in action
            assert action in RESOURCES.keys() ^ UNRESTRICTED
            assert statement.get("Resource", RESOURCES.get(action)) == RESOURCES.get(action, "*"), action
    assert len(sids) == len(statements(policy))


def test_policy_readme_lists_every_policy() -> None:
    """And none that is not there."""
    text = (IAM / "README.md").read_text(encoding="utf-8")
    for policy in POLICIES:
        assert f"| [`{policy.name}`]({policy.name}) |" in text
