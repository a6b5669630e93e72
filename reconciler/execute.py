"""Make the calls of a plan: each once, soon after its intent was written, and only while this run holds the lease."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import assert_never

from reconciler.core.apply.outcome import Answer, NotSent, Outcome, Skipped
from reconciler.core.apply.transitions import FRESH, answered, renewed
from reconciler.core.errors import StateError
from reconciler.core.plan.decision import Create, Plan, Update, Write
from reconciler.core.ports import Clock, CloudWriter, LeasedJournal, Progress

_TRIES = 3
"""How often a call is tried that did not reach AWS."""


class Executor:
    """The calls of one plan, whose intents were written at `written`."""

    def __init__(self, plan: Plan, written: datetime, leased: LeasedJournal, cloud: CloudWriter, clock: Clock) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self._untold = plan.writes
        self._written, self._leased, self._wrote = written, leased, leased.journal
        self._cloud, self._clock = cloud, clock

    def execute(self, is_stopped: Callable[[], bool], progress: Progress) -> str | None:
        """Make each call, in order, and journal the answers; return what went wrong with that, if anything did."""
        writes = self._untold
        for done, write in enumerate(writes, 1):
            self.outcomes[write.manifest.name] = self._execute_one(write, is_stopped)
            progress("sending", done, len(writes))
        try:
            self._leased.finish(
                lambda journal: answered(journal, self._wrote, self._untold, self.outcomes, self._clock.now())
            )
        except StateError as error:
            sent = any(not isinstance(each, NotSent | Skipped) for each in self.outcomes.values())
            then = "what was sent stands in AWS, and the next run finds it by List" if sent else "nothing was sent"
            return f"{error}; {then}"
        return None

    def _execute_one(self, write: Write, is_stopped: Callable[[], bool]) -> Outcome:
        """Make one call, again only if it was not sent; never after a stop, nor long after its intent."""
        outcome: Outcome = Skipped("a stop was asked for before it was sent")
        for _ in range(_TRIES):
            self._cloud.wait()
            if is_stopped():
                break
            if wrong := self._not_to_be_sent():
                return NotSent(f"not sent: {wrong}")
            outcome = self._call(write)
            if not isinstance(outcome, NotSent):
                break
        return outcome

    def _not_to_be_sent(self) -> str | None:
        """Make sure of lease and intents immediately before a call; return why it must not be made."""
        try:
            if self._clock.now() > self._written + FRESH:
                self._renew()
            else:
                self._leased.confirm()
        except StateError as error:
            return str(error)
        return "its intent was written too long ago" if self._clock.now() > self._written + FRESH else None

    def _renew(self) -> None:
        """Write the answers so far and the remaining intents anew. Raises StateError."""
        now = self._clock.now()
        self._wrote = self._leased.write(
            lambda journal: renewed(journal, self._wrote, self._untold, self.outcomes, now)
        )
        self._written = now
        self._untold = tuple(write for write in self._untold if write.manifest.name not in self.outcomes)

    def _call(self, write: Write) -> Answer:
        until = self._written + FRESH
        match write:
            case Create():
                return self._cloud.create(write.request, write.token, until)
            case Update():
                return self._cloud.update(write.integration_arn, write.association_id, write.execution, until)
            case other:
                assert_never(other)
