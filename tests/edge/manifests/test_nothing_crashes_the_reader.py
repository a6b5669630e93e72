"""The reader returns documents or problems for any bytes, and never crashes."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.errors import InvalidManifests, Problem
from reconciler.core.manifests.document import Document
from reconciler.edge.manifests import load_manifests
from reconciler.edge.manifests.budget import MAX_DEPTH, MAX_NODES
from reconciler.edge.manifests.documents import read_documents
from reconciler.edge.manifests.files import File

NOW = datetime(2026, 11, 23, tzinfo=UTC)
VALID_FILE = b"""\
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata: {name: a, labels: &l {x: "y"}}
policy: {generation: 2, ignore: [/ClientId]}
spec:
  DataIntegrationIdentifier: &i x
  ClientAssociationMetadata: *l
  DestinationURI: s3://b/p
  ExecutionConfiguration:
    ExecutionMode: SCHEDULED
    OnDemandConfiguration: {StartTime: 2026-10-01T00:00:00Z, EndTime: "1793491200000"}
    ScheduleConfiguration:
      ScheduleExpression: cron(0 3 * * ? *)
---
apiVersion: appintegrations.reconciler/v1
kind: Target
metadata: {name: prod}
spec: {Region: us-east-1, AccountId: "123456789012", RequestsPerSecond: 0.5}
"""
PIECES = st.sampled_from(
    [
        *(bytes([byte]) for byte in b"\n\r\t -:?,[]{}#&*!|>'\"%@`.~0159eaoxyn\\/\x00\x1b\x7f\x80\xff"),
        *(b"\r\n", b"---\n", b"...\n", b"*l", b"&l ", b"!!str ", b"<<: *l\n", b": ", b"- ", b"? ", b"1e999", b".inf"),
        *("é\x85\u2028\u2029\ufeff\ufffe😀".encode(), b"\xed\xa0\x80", b"%YAML 1.1\n", b"0x", b"99999999999999999999"),
    ]
)
RANDOM_FILES = st.lists(PIECES, max_size=30).map(b"".join)


@st.composite
def draw_damaged_file(draw: st.DrawFn) -> bytes:
    """Return a valid file in which a few parts were replaced."""
    content = VALID_FILE
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = start + draw(st.sampled_from([0, 0, 1, 2, 5, 20]))
        content = content[:start] + draw(st.lists(PIECES, max_size=3).map(b"".join)) + content[end:]
    return content


def count_levels(tree: Any) -> int:
    """Return the number of levels of a tree."""
    if isinstance(tree, dict | list):
        return 1 + max(
            (count_levels(child) for child in (tree.values() if isinstance(tree, dict) else tree)), default=0
        )
    return 0


@given(st.binary(max_size=60) | RANDOM_FILES | draw_damaged_file())
@settings(max_examples=200)
def test_reader_answers_any_bytes_with_documents_or_problems(content: bytes) -> None:
    """Any bytes give documents within the limits, or problems with positions inside the file."""
    results = list(read_documents("m.yaml", content))
    assert results
    for each in results:
        assert isinstance(each, Document | Problem)
        if isinstance(each, Document):
            assert count_levels(each.value) <= MAX_DEPTH
            assert len(each.marks) <= 2 * MAX_NODES
        else:
            assert each.message
            assert each.message.isprintable()
            assert each.line <= content.count(b"\n") + content.count(b"\r") + 2 * content.count(b"\x80") + 2


@given(RANDOM_FILES | draw_damaged_file())
@settings(max_examples=200)
def test_loader_answers_any_bytes_with_a_revision_or_problems(content: bytes) -> None:
    """Loading any bytes gives a desired state or InvalidManifests, whose problems are each one line."""
    try:
        assert load_manifests([File("m.yaml", content)], NOW).targets
    except InvalidManifests as error:
        problems = error.problems
    else:
        return
    assert problems
    assert list(problems) == sorted(set(problems))
    assert all(str(problem).isprintable() for problem in problems)
