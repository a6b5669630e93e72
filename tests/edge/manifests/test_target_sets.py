"""A TargetSet declares many Targets: a template, and a short line for each."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.core.errors import InvalidManifests
from reconciler.core.manifests.files import File
from reconciler.core.model import Desired, Target
from reconciler.edge.manifests import load, load_manifests
from reconciler.edge.manifests.budget import Budget

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SET = """\
apiVersion: appintegrations.reconciler/v1
kind: TargetSet
metadata: {name: accounts}
spec:
  template:
    labels: {env: prod, team: crm}
    Region: us-east-1
    RoleArn: "arn:aws:iam::${target.accountId}:role/${role}"
    MaxCreates: 2
    Values: {role: reconciler, bucket: shared}
  members:
    - {name: one, AccountId: "111111111111"}
    - {name: two, AccountId: "222222222222", Region: eu-west-2, labels: {env: staging}, Values: {bucket: own}}
    - {name: three, AccountId: "333333333333", MaxCreates: 5}
"""
MANIFEST = """\
---
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata: {name: a}
targets: {matchLabels: {team: crm}}
spec: {DataIntegrationIdentifier: x, DestinationURI: "s3://${bucket}/x"}
"""


def read(text: str) -> Desired:
    """Return the desired state of a file."""
    return load_manifests([File("set.yaml", text.encode())], NOW)


def list_problems(text: str) -> list[str]:
    """Return the problems of a file."""
    with pytest.raises(InvalidManifests) as error:
        read(text)
    return [str(problem) for problem in error.value.problems]


def test_each_member_is_a_target() -> None:
    """A member has the fields of the template, its own labels and values besides, and its own fields instead."""
    role = "arn:aws:iam::%s:role/reconciler"
    desired = read(SET + MANIFEST)
    assert desired.targets == (
        Target(
            "one", "us-east-1", "111111111111", role % "111111111111", max_creates=2,
            labels={"env": "prod", "team": "crm"},
        ),
        Target(
            "two", "eu-west-2", "222222222222", role % "222222222222", max_creates=2,
            labels={"env": "staging", "team": "crm"},
        ),
        Target(
            "three", "us-east-1", "333333333333", role % "333333333333", max_creates=5,
            labels={"env": "prod", "team": "crm"},
        ),
    )  # fmt: skip
    assert [each.spec["DestinationURI"] for name in ("one", "two", "three") for each in desired.manifests[name]] == [
        "s3://shared/x",
        "s3://own/x",
        "s3://shared/x",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected", "count"),
    [
        (
            'name: three, AccountId: "333333333333",',
            "name: three,",
            "14:7: /spec/members/2: 'AccountId' is missing: s",
            1,
        ),
        ("    Region: us-east-1\n", "", ": 'Region' is missing: set it in this member, or in the template", 2),
        ("Region: us-east-1", "Region: xx-nowhere-1", "7:13: /spec/template/Region: 'xx-nowhere-1' is not a Region", 1),
        ("Region: us-east-1", "Region: 1", "7:13: /spec/template/Region: the number 1 is not a Region", 1),
        ("Region: eu-west-2", "Region: x", "13:54: /spec/members/1/Region: 'x' is not a Region code", 1),
        ("{name: one, ", "{", "12:7: /spec/members/0: 'name' is missing", 1),
        ("${role}", "${rol}", "8:53: /spec/template/RoleArn: no value has the name 'rol': did you mean 'role'?", 1),
        ("role: reconciler", "role: é", ":role/é' is not the ARN of an IAM role", 1),
        ("name: two", "name: one", "13:14: /spec/members/1/name: the name 'one' is already used by the Target at", 1),
        ("333333333333", "111111111111", "14:7: /spec/members/2: the Target at set.yaml:12 has the same account", 1),
        ("MaxCreates: 5", "MaxCreats: 5", "14:48: /spec/members/2/MaxCreats: unknown key 'MaxCreats': did you mean", 1),
        ("metadata: {name", "metadata: {nme", "/metadata/nme: unknown key 'nme'", 1),
    ],
)
def test_mistake_is_reported_where_it_stands(old: str, new: str, expected: str, count: int) -> None:
    """A mistake has the position of the member, or of the template if the member inherits it."""
    problems = list_problems(SET.replace(old, new, 1))
    assert len(problems) == count
    assert all(expected in problem for problem in problems)


def test_value_that_one_member_lacks_names_the_member() -> None:
    """A problem in the template that concerns some members only names them."""
    text = SET.replace("{role: reconciler, bucket: shared}", "{bucket: shared}").replace("{bucket: own}", "{role: own}")
    (problem,) = list_problems(text)
    assert problem.startswith("set.yaml:8:53: /spec/template/RoleArn: no value has the name 'role'")
    assert problem.endswith(" (in member 'one', 'three')")


@pytest.mark.parametrize(
    ("line", "field", "count"),
    [("    Region: us-east-1\n", "Region", 2), (', AccountId: "111111111111"', "AccountId", 1)],
)
def test_missing_place_is_no_unknown_placeholder(line: str, field: str, count: int) -> None:
    """A member without AccountId or Region has one problem, also if a text of the template needs the value."""
    external_id = 'ExternalId: "${target.region}-${target.accountId}"'
    problems = list_problems(SET.replace(line, "").replace("MaxCreates: 2", external_id))
    assert len(problems) == count
    assert all(f": '{field}' is missing: set it in this member, or in the template" in each for each in problems)


def test_wrong_template_is_one_problem() -> None:
    """A text of the template that is wrong with the value of each member is reported once, with the first value."""
    text = SET.replace(":role/", ":rol/")
    (problem,) = list_problems(text)
    assert problem.startswith(
        "set.yaml:8:14: /spec/template/RoleArn: 'arn:aws:iam::111111111111:rol/reconciler' is not"
    )
    assert problem.endswith(" (in member 'one', 'two', 'three')")


@pytest.mark.parametrize("members", ["1", "[]", "[1, {name: 2}]", "[{name: one, x: 1}]"])
def test_set_of_any_shape_is_explained(members: str) -> None:
    """An invalid set is explained, and its names count as declared."""
    text = (
        SET[: SET.index("  members:")] + f"  members: {members}\n" + MANIFEST.replace("targets: {matchLabels", "x: {x")
    )
    assert all("set.yaml" in problem for problem in list_problems(text))
    named = SET.replace("MaxCreates: 5", "x: 5") + MANIFEST.replace(
        "targets: {matchLabels: {team: crm}}", "target: two"
    )
    assert len(list_problems(named)) == 1


def test_each_member_counts_as_a_document(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit on documents holds for the members of sets."""
    monkeypatch.setattr(load, "Budget", lambda: Budget(documents=2))
    (problem,) = list_problems(SET)
    assert "the revision has more than 20000 documents" in problem
