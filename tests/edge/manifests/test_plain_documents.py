"""Plain documents have no selector, set or placeholder, and describe the same associations."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from edge.manifests.test_targets import PROD_US, STAGING, TARGETS, build_manifest

from reconciler.core.manifests.files import File
from reconciler.core.manifests.plain_documents import build_plain_documents
from reconciler.edge.manifests import load_documents, load_manifests

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def build_plain(*documents: str, names: tuple[str, ...]) -> list[tuple[str, object, str]]:
    """Return (kind, target or name, origin) of each plain document of some targets."""
    loaded, _ = load_documents([File("all.yaml", "---\n".join(documents).encode())])
    return [
        (str(document["kind"]), document.get("target"), origin)
        for document, origin in build_plain_documents(loaded, names)
    ]


def test_each_target_comes_before_its_manifests() -> None:
    """Only the named targets are included, each before its manifests, with their origins."""
    two = (build_manifest("targets: ['*']", "b"), build_manifest("target: staging", "a", "s3://x/yz"))
    assert build_plain(*TARGETS, *two, names=("prod-us", "staging")) == [
        ("Target", None, "all.yaml:1"),
        ("DataIntegrationAssociation", "prod-us", "all.yaml:16"),
        ("Target", None, "all.yaml:11"),
        ("DataIntegrationAssociation", "staging", "all.yaml:24"),
        ("DataIntegrationAssociation", "staging", "all.yaml:16"),
    ]


def test_without_a_target_manifests_name_none() -> None:
    """Manifests of the target of the environment have no `target`, and keep their policy."""
    manifest = build_manifest("policy: {suspend: true}", destination="s3://x/yz")
    assert build_plain(manifest, names=("default",)) == [("DataIntegrationAssociation", None, "all.yaml:1")]


def test_plain_documents_describe_the_same_associations() -> None:
    """Loading the plain documents gives the same targets and requests."""
    manifest = build_manifest("targets: ['*']", destination='"s3://${bucket}/x"').replace(
        "spec:\n", "policy: {suspend: true}\nspec:\n  ClientAssociationMetadata: {a: '$${kept}'}\n"
    )
    text = f"{PROD_US}---\n{STAGING}---\n{manifest}".encode()
    loaded, _ = load_documents([File("all.yaml", text)])
    plain = [
        File(f"{number}.json", json.dumps(document, default=dict).encode())
        for number, (document, _) in enumerate(build_plain_documents(loaded, ("prod-us", "staging")))
    ]
    before, after = load_manifests([File("all.yaml", text)], NOW), load_manifests(plain, NOW)
    assert after.targets == before.targets
    for name, (written,) in before.manifests.items():
        (loaded_again,) = after.manifests[name]
        assert (loaded_again.policy, loaded_again.spec) == (written.policy, written.spec)
