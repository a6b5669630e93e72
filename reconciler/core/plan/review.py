"""Compare a plan with its reviewed plan: canonical lines of writes, their digest, and the mismatch."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from reconciler.core.model import Json, Spec, build_natural_key, ensure_mapping
from reconciler.core.plan.decision_kind import DecisionKind, WriteKind
from reconciler.core.plan.difference import compare
from reconciler.core.plan.write import WRITE_CLASSES, Write, select_body
from reconciler.core.request.token import encode_canonical_json


@dataclass(frozen=True, slots=True)
class ReviewedPlan:
    """Reviewed plan: its digest, and the canonical lines of its writes, or None if only the digest is known."""

    digest: str
    lines: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class PlanMismatch:
    """Mismatch with the reviewed plan. `differences` is None if only the digest of the reviewed plan is known."""

    reviewed_digest: str
    differences: tuple[str, ...] | None


def format_write_line(write: Write) -> str:
    """Return the canonical line of a write: natural key, kind, reference and body, as JSON."""
    return format_canonical_line(write.kind, write.request, write.reference)


def format_canonical_line(kind: WriteKind, request: Spec, reference: str) -> str:
    """Return the canonical line of a write from its parts, as a report holds them."""
    body = select_body(kind, request)
    return encode_canonical_json([build_natural_key(request), kind, reference, _encode_body(kind, body)])


def compute_digest(lines: Iterable[str]) -> str:
    """Return `sha256:…` over the canonical lines, regardless of their order."""
    return "sha256:" + hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def compare_with_review(
    reviewed: ReviewedPlan, lines: Iterable[str], names: Mapping[str, str] | None = None
) -> PlanMismatch | None:
    """Return the mismatch between canonical lines and the reviewed plan; None if they are equal.

    `names` are the names of the data integrations, by ARN.
    """
    planned_lines = tuple(lines)
    if compute_digest(planned_lines) == reviewed.digest:
        return None
    return PlanMismatch(
        reviewed.digest,
        None if reviewed.lines is None else tuple(_describe_differences(reviewed.lines, planned_lines, names or {})),
    )


def _describe_differences(
    reviewed: tuple[str, ...], planned: tuple[str, ...], names: Mapping[str, str]
) -> Iterator[str]:
    removed = [json.loads(each) for each in sorted((Counter(reviewed) - Counter(planned)).elements())]
    for each in sorted((Counter(planned) - Counter(reviewed)).elements()):
        new = json.loads(each)
        old = next((other for other in removed if other[:2] == new[:2]), None)
        if old is None:
            yield f"not reviewed: {_describe_write(new, names)}"
        else:
            removed.remove(old)
            yield f"changed since the review: {_describe_write(new, names)}: {', '.join(_describe_changes(old, new))}"
    for each in removed:
        yield f"reviewed, but no longer planned: {_describe_write(each, names)}"


def _describe_write(write: Any, names: Mapping[str, str]) -> str:
    (integration, client, destination), kind, *_ = write
    integration_name = f"{integration} ({names[integration]})" if integration in names else integration
    sink = " ".join(filter(None, (destination or "(no destination)", client)))
    return f"{kind} the association {integration_name} → {sink}"


def _describe_changes(old: Any, new: Any) -> Iterator[str]:
    (_, kind, old_reference, old_body), (_, _, new_reference, new_body) = old, new
    old_members, new_members = _decode_body(kind, old_body), _decode_body(kind, new_body)
    for difference in compare(new_members, old_members, new_members):
        yield f"{difference.path} is {_format_value(difference.desired)} and was {_format_value(difference.applied)}"
    if old_reference != new_reference and old_body == new_body:
        subject = next(each.reference_name for each in WRITE_CLASSES if each.kind == kind)
        yield f"the {subject} is {new_reference} and was {old_reference}"


def _encode_body(kind: WriteKind, body: Spec) -> Json:
    """Return a body as a canonical line holds it: the only member of an Update without its name."""
    match kind:
        case DecisionKind.CREATE:
            return body
        case DecisionKind.UPDATE:
            return body["ExecutionConfiguration"]
        case other:
            assert_never(other)


def _decode_body(kind: WriteKind, body: Any) -> Spec:
    """Return the members of a body in a canonical line."""
    match kind:
        case DecisionKind.CREATE:
            return ensure_mapping(body)
        case DecisionKind.UPDATE:
            return {"ExecutionConfiguration": body or {}}
        case other:
            assert_never(other)


def _format_value(value: Json) -> str:
    return "absent" if value is None else str(value)
