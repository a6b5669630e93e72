"""The work of reading a revision grows with its documents, and not faster."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from support.builders import NOW
from support.growth import count_calls

from reconciler.core.errors import InvalidManifests
from reconciler.core.manifests.plain_documents import API_VERSION
from reconciler.edge.manifests.files import File
from reconciler.edge.manifests.load import load_manifests

FEW, TIMES = 250, 4
LINEAR = 4.2
"""The most that the work may grow if a revision has four times as many manifests and Targets."""


def build_file(kind: str, name: str, **members: Any) -> File:
    """Return the file of a document."""
    document = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, **members}
    return File(f"{name}.json", json.dumps(document).encode())


def build_target(number: int) -> File:
    """Return the file of a Target."""
    return build_file("Target", f"production-{number}", spec={"AccountId": f"{number:012}", "Region": "us-east-1"})


def build_manifest(number: int, name: str = "", integration: str = "", **selection: Any) -> File:
    """Return the file of a manifest, which has a warning: an ON_DEMAND export without an end."""
    execution = {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": {"StartTime": f"17908128{number:05}"}}
    spec = {
        "DataIntegrationIdentifier": integration or f"integration-{number}",
        "DestinationURI": f"s3://corp-exports/{number}",
        "ExecutionConfiguration": execution,
    }
    name = name or f"export-{number}"
    return build_file("DataIntegrationAssociation", name, **selection, spec=spec)


BUILDERS: dict[str, Callable[[int, int], File]] = {
    "valid": lambda number, targets: build_manifest(number, target=f"production-{number % targets}"),
    "undeclared target": lambda number, _: build_manifest(number, target=f"produktion-{number}"),
    "unmatched name": lambda number, _: build_manifest(number, targets=["production-1", f"produktion-{number}"]),
    "one name": lambda number, _: build_manifest(number, "export", target="production-1"),
    "one data integration": lambda number, _: build_manifest(number, integration="crm", target="production-1"),
}


def build_revision(kind: str, count: int) -> Iterator[File]:
    """Yield the files of manifests, and of a Target for ten of them."""
    yield from map(build_target, range(count // 10))
    for number in range(count):
        yield BUILDERS[kind](number, count // 10)


def load(kind: str, count: int) -> None:
    """Read a revision, which may be invalid."""
    with suppress(InvalidManifests):
        load_manifests(build_revision(kind, count), NOW)


@pytest.mark.parametrize("kind", BUILDERS)
def test_calls_of_reading_grow_with_the_documents(kind: str) -> None:
    """Four times as many documents need at most 4.2 times as many calls, also if each has a problem or a warning."""
    few, many = (count_calls(partial(load, kind, count)) for count in (FEW, FEW * TIMES))
    assert many <= LINEAR * few


def test_undeclared_targets_are_compared_a_limited_number_of_times() -> None:
    """The nearest names are looked for at most a hundred times, so more undeclared targets need no more comparisons."""
    declared = [build_target(number) for number in range(100)]

    def load_undeclared(count: int) -> int:
        files = [*declared, *(build_manifest(number, target=f"produktion-{number:04}") for number in range(count))]

        def read() -> None:
            with suppress(InvalidManifests):
                load_manifests(files, NOW)

        return count_calls(read)

    hundred, two_hundred, three_hundred = map(load_undeclared, (100, 200, 300))
    assert three_hundred - two_hundred <= 1.1 * (two_hundred - hundred)
    assert two_hundred - hundred < hundred / 4
