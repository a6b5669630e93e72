"""Documents that are valid alone but contradict one another have a problem with its position and remedy."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.core.errors import InvalidManifests
from reconciler.core.manifests.files import File
from reconciler.edge.manifests import load_manifests

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HEAD = "apiVersion: appintegrations.reconciler/v1\nkind: %s\nmetadata: {name: %s}\n"
ARN = (
    "arn:aws:app-integrations:us-east-1:123456789012:data-integration-association/"
    "00000000-0000-4000-8000-000000000001/00000000-0000-4000-8000-00000000000%s"
)


def build_target(name: str, account: str = "123456789012") -> str:
    """Return the text of a Target."""
    return HEAD % ("Target", name) + f'spec: {{Region: us-east-1, AccountId: "{account}"}}\n'


def build_manifest(name: str, integration: str = "profiles", **members: str) -> str:
    """Return the text of a manifest."""
    rest = "".join(f"{key}: {value}\n" for key, value in members.items())
    return HEAD % ("DataIntegrationAssociation", name) + f"spec: {{DataIntegrationIdentifier: {integration}}}\n{rest}"


def list_problems(*documents: str) -> list[str]:
    """Return the problems of a file with these documents."""
    with pytest.raises(InvalidManifests) as error:
        load_manifests([File("all.yaml", "---\n".join(documents).encode())], NOW)
    return [str(problem) for problem in error.value.problems]


def test_retired_manifest_with_the_natural_key_of_another_is_a_problem() -> None:
    """A retired manifest and another one may not have the same natural key, like any two manifests."""
    retired, other = build_manifest("a", policy="{retired: replaced by b}"), build_manifest("b")
    (problem,) = list_problems(retired, other)
    assert "the manifest 'a' at all.yaml:1 has the same DataIntegrationIdentifier, ClientId and" in problem


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        (
            (build_target("prod"), build_target("prod", "000000000001")),
            (
                "all.yaml:8:18: /metadata/name: the name 'prod' is already used by the Target at all.yaml:1: "
                "rename one of them"
            ),
        ),
        (
            (build_target("prod"), build_target("test")),
            (
                "/spec: the Target at all.yaml:1 has the same account and Region: keep one of them, because "
                "an account and Region have one journal"
            ),
        ),
        (
            (build_manifest("a", target="prod"),),
            "/target: no Target 'prod' is declared: declare it, or leave 'target' out",
        ),
        (
            (build_target("prod"), build_manifest("a", target="prd")),
            "/target: no Target 'prd' is declared: did you mean 'prod'?",
        ),
        (
            (build_target("prod"), build_manifest("a", target="x")),
            "/target: no Target 'x' is declared: declare it, or use 'prod'",
        ),
        (
            (build_target("prod"), build_target("test", "000000000001"), build_manifest("a")),
            (
                "'target' is missing, and several Targets are declared: set 'target' to one of 'prod', 'test', "
                "or select several with 'targets'"
            ),
        ),
        (
            (build_manifest("a"), build_manifest("a", "tickets")),
            (
                "/metadata/name: the name 'a' is already used by the manifest at all.yaml:1: "
                "rename one of them, because names are unique in a target"
            ),
        ),
        (
            (build_manifest("a"), build_manifest("b")),
            "DataIntegrationIdentifier, ClientId and DestinationURI: remove one, or set policy.adopt in both",
        ),
        (
            (
                build_manifest("a", policy=f"{{adopt: {ARN % 1}}}"),
                build_manifest("b", "tickets", policy=f"{{adopt: {ARN % 1}}}"),
            ),
            (
                "/policy/adopt: the manifest 'a' at all.yaml:1 adopts the same association: "
                "keep policy.adopt in one of them"
            ),
        ),
    ],
)
def test_contradiction_is_one_problem_with_its_place_and_remedy(documents: tuple[str, ...], expected: str) -> None:
    """A contradiction between documents is reported as exactly one problem."""
    (problem,) = list_problems(*documents)
    assert problem.endswith(expected)


def test_unknown_target_has_the_same_suggestion_each_time() -> None:
    """Each use of the same unknown target has the same suggestion."""
    problems = list_problems(
        build_target("prod"), build_manifest("a", target="prd"), build_manifest("b", "tickets", target="prd")
    )
    assert [each.rpartition(": ")[2] for each in problems] == ["did you mean 'prod'?"] * 2


def test_same_request_is_accepted_if_both_manifests_name_their_association() -> None:
    """Two manifests with the same request are accepted if each adopts its own association."""
    documents = [build_manifest(f"export-{id_}", policy=f"{{adopt: {ARN % id_}}}") for id_ in (1, 2)]
    desired = load_manifests([File("all.yaml", "---\n".join(documents).encode())], NOW)
    assert [each.name for each in desired.manifests["default"]] == ["export-1", "export-2"]
