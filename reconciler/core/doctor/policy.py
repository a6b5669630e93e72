"""Judge a resource policy: whether it lets a service of AWS do what an export needs.

Every answer is yes, no or unclear. The answer is unclear if it depends on facts that the policy does not contain (IAM
User Guide, "Policy evaluation logic").
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.core.doctor.conditions import Context, judge_condition
from reconciler.core.doctor.globs import Truth, match_beginning, match_text


@dataclass(frozen=True, slots=True)
class Need:
    """Access that a service needs: an action on a resource.

    `is_beginning` tells whether it needs the action on each resource whose ARN begins with `resource`.
    """

    service: str
    action: str
    resource: str
    is_beginning: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """Judgement of a policy for several needs.

    `missing` are actions that no statement allows. `unclear` are actions that only `unclear_statements` may allow.
    `denials` are Deny statements that may apply.
    """

    missing: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    unclear_statements: tuple[str, ...] = ()
    denials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Statement:
    name: str
    members: Mapping[str, Any]

    def judge(self, need: Need, context: Context) -> Mapping[str, Truth]:
        """Tell by element of the statement whether it applies to a need."""

        def match_resource(glob: str) -> Truth:
            return match_beginning(glob, need.resource) if need.is_beginning else match_text(glob, need.resource)

        return {
            "Principal": self._judge_principal(need.service),
            "Action": self._judge_globs("Action", lambda glob: match_text(glob.lower(), need.action.lower())),
            "Resource": self._judge_globs("Resource", match_resource),
            "Condition": judge_condition(self.members.get("Condition"), context),
        }

    def _judge_principal(self, service: str) -> Truth:
        """Tell whether the statement is about a service. A principal in an account is never a service.

        It is unclear for a wildcard, which AWS documents for accounts and for the public, and for a regional name of
        the service.
        """
        principal, others = self.members.get("Principal"), self.members.get("NotPrincipal")
        if isinstance(principal, Mapping) and others is None:
            if service in _list_texts(principal.get("Service")):
                return Truth.YES
            names = [text for kind in ("AWS", "Service") for text in _list_texts(principal.get(kind))]
            regional_prefix = service.partition(".")[0] + "."
            is_unclear = any("*" in name or name.startswith(regional_prefix) for name in names)
            return Truth.UNCLEAR if is_unclear else Truth.NO
        if isinstance(others, Mapping) and principal is None and service in _list_texts(others.get("Service")):
            return Truth.NO
        return Truth.UNCLEAR

    def _judge_globs(self, member: str, match: Callable[[str], Truth]) -> Truth:
        """Tell whether globs match. NotAction and NotResource are about everything that their globs do not match."""
        globs, others = _list_texts(self.members.get(member)), _list_texts(self.members.get(f"Not{member}"))
        if globs and not others:
            return max(map(match, globs))
        if others and not globs:
            return max(map(match, others)).negate()
        return Truth.UNCLEAR


def judge_policy(text: str, needs: Sequence[Need], context: Context) -> Judgement | None:
    """Judge a policy document for what a service needs. Return None for a document that cannot be read."""
    statements = _parse_statements(text)
    if statements is None:
        return None
    missing: dict[str, None] = {}
    unclear: dict[str, None] = {}
    unclear_statements: dict[str, None] = {}
    denials: dict[str, None] = {}
    for need in needs:
        allowed, doubts = Truth.NO, []
        for statement in statements:
            elements = statement.judge(need, context)
            answer = min(elements.values())
            if statement.members["Effect"] == "Deny":
                if answer > Truth.NO:
                    denials[statement.name] = None
                continue
            allowed = max(allowed, answer)
            if answer is Truth.UNCLEAR:
                names = " and ".join(name for name, each in elements.items() if each is Truth.UNCLEAR)
                doubts.append(f"{statement.name} ({names})")
        if allowed is Truth.UNCLEAR:
            unclear[need.action] = None
            unclear_statements |= dict.fromkeys(doubts)
        elif allowed is Truth.NO:
            missing[need.action] = None
    return Judgement(*map(tuple, (missing, unclear, unclear_statements, denials)))


def _parse_statements(text: str) -> tuple[_Statement, ...] | None:
    """Return the statements of a policy document, or None if it is not one."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    members = document.get("Statement") if isinstance(document, Mapping) else None
    statements = [members] if isinstance(members, Mapping) else members
    if not isinstance(statements, list):
        return None
    if not all(isinstance(each, Mapping) and each.get("Effect") in ("Allow", "Deny") for each in statements):
        return None
    return tuple(_name_statements(statements))


def _name_statements(statements: Sequence[Mapping[str, Any]]) -> Iterator[_Statement]:
    """Yield the statements. The name of a statement is its Sid, or its position if it has none."""
    for number, members in enumerate(statements, 1):
        sid = members.get("Sid")
        yield _Statement(repr(sid) if sid else f"statement {number}", members)


def _list_texts(value: object) -> tuple[str, ...]:
    """Return the texts of an element, which may be a text or a list of texts."""
    values = value if isinstance(value, list) else [value]
    return tuple(each for each in values if isinstance(each, str))
