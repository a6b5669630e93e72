"""What people agree to when they agree to a plan: its writes, a digest over them, and how another plan differs."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from reconciler.core.model import Json, Spec, natural_key
from reconciler.core.plan.decision import DecisionKind, Write, WriteKind
from reconciler.core.plan.difference import compare
from reconciler.core.request.token import canonical_json


@dataclass(frozen=True, slots=True)
class Agreed:
    """The plan that was reviewed: its digest, and a line for each of its writes where they are at hand."""

    digest: str
    lines: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Another plan than the one that was reviewed; `differences` are sentences, None where its writes are not known."""

    reviewed: str
    differences: tuple[str, ...] | None


def canonical_line(write: Write) -> str:
    """Return everything that counts of a write on one line: its subject, its kind, and exactly what is sent."""
    return line_of(write.kind, write.request, write.reference)


def line_of(kind: WriteKind, request: Spec, reference: str) -> str:
    """Return the line of a write that a report holds."""
    match kind:
        case DecisionKind.CREATE:
            sent: Json = request
        case DecisionKind.UPDATE:
            sent = request.get("ExecutionConfiguration")
        case other:
            assert_never(other)
    return canonical_json([natural_key(request), kind, reference, sent])


def digest(lines: Iterable[str]) -> str:
    """Return `sha256:…` over writes, in whatever order they come."""
    return "sha256:" + hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def mismatch(agreed: Agreed, lines: Iterable[str], names: Mapping[str, str] | None = None) -> Mismatch | None:
    """Return how the writes of a plan differ from those that were agreed to, if they do.

    `names` are those of the data integrations, by ARN.
    """
    now = tuple(lines)
    if digest(now) == agreed.digest:
        return None
    return Mismatch(
        agreed.digest, None if agreed.lines is None else tuple(_differences(agreed.lines, now, names or {}))
    )


def _differences(reviewed: tuple[str, ...], now: tuple[str, ...], names: Mapping[str, str]) -> Iterator[str]:
    gone = [json.loads(each) for each in sorted((Counter(reviewed) - Counter(now)).elements())]
    for each in sorted((Counter(now) - Counter(reviewed)).elements()):
        new = json.loads(each)
        former = next((other for other in gone if other[:2] == new[:2]), None)
        if former is None:
            yield f"not reviewed: {_sentence(new, names)}"
        else:
            gone.remove(former)
            yield f"not as reviewed: {_sentence(new, names)}: {', '.join(_changes(former, new))}"
    for each in gone:
        yield f"reviewed, and not planned any more: {_sentence(each, names)}"


def _sentence(write: Any, names: Mapping[str, str]) -> str:
    (integration, client, destination), kind, *_ = write
    called = f"{integration} ({names[integration]})" if integration in names else integration
    return f"{kind} {' '.join(filter(None, (destination or '(no destination)', client)))} of {called}"


def _changes(former: Any, new: Any) -> Iterator[str]:
    (_, kind, was, sent), (_, _, is_, sends) = former, new
    for each in compare(_body(kind, sends), _body(kind, sent), _body(kind, sends)):
        yield f"{each.path} is {_value(each.desired)} and was {_value(each.applied)}"
    if was != is_ and sent == sends:
        what = "ClientToken" if kind == DecisionKind.CREATE else "association"
        yield f"the {what} is {is_} and was {was}"


def _body(kind: str, sent: Any) -> Spec:
    return sent if kind == DecisionKind.CREATE else {"ExecutionConfiguration": sent or {}}


def _value(value: Json) -> str:
    return "absent" if value is None else str(value)
