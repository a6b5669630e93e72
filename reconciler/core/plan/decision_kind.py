"""The kinds of decisions."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, TypeAlias, get_args


class DecisionKind(StrEnum):
    """The kinds of decisions, in the order of a summary. Reports, logs and the journal hold the values."""

    CREATE = "create"
    UPDATE = "update"
    ADOPT = "adopt"
    IN_SYNC = "in-sync"
    RETIRED = "retired"
    DRIFTED = "drifted"
    CHANGED = "changed"
    SETTLING = "settling"
    LOST = "lost"
    FINISHED = "finished"
    HELD = "held"
    BLOCKED = "blocked"


WriteKind: TypeAlias = Literal[DecisionKind.CREATE, DecisionKind.UPDATE]
"""Kinds of decisions with a call that changes AWS."""

WRITE_KINDS: frozenset[DecisionKind] = frozenset(get_args(WriteKind))
