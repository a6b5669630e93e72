"""Findings: the condition of a subject in the last run, as receivers read about it."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core.notifications.state import Condition


@dataclass(frozen=True, slots=True)
class Finding:
    """The condition of one subject in the last run, with its place and the message for receivers.

    A problem with another `mark` is another problem, even if its condition is the same.
    """

    target: str
    condition: Condition
    name: str = ""
    manifest: str = ""
    arn: str = ""
    message: str = ""
    mark: str = ""
