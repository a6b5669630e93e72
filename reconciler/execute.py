"""Execute the calls of a plan: each once, soon after its intent was written, while this run holds the lease."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import assert_never

from reconciler.core.apply.outcome import SUCCESSES, Answer, NotSent, Outcome, Skipped
from reconciler.core.apply.transitions import (
    LATE_CALL,
    MAX_INTENT_AGE,
    with_look,
    with_outcomes,
    with_renewed_intents,
)
from reconciler.core.errors import StateError
from reconciler.core.journal.records import Journal
from reconciler.core.model import Live
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.write import Create, Update, Write
from reconciler.core.ports import Clock, CloudWriter, LeasedJournal, Progress

_MAX_TRIES = 3
"""Maximum number of attempts of a call that AWS certainly did not carry out."""


class Executor:
    """Executor of the calls of one plan, whose intents were written at `written_at`."""

    def __init__(
        self, plan: Plan, written_at: datetime, leased_journal: LeasedJournal, cloud: CloudWriter, clock: Clock
    ) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self._writes = plan.writes
        self._open_writes = plan.writes
        self._written_at, self._leased_journal, self._own_journal = written_at, leased_journal, leased_journal.journal
        self._cloud, self._clock = cloud, clock

    def execute(self, is_stopped: Callable[[], bool], progress: Progress) -> None:
        """Make each call in order and write the outcomes to the journal. The lease is kept for `finish`."""
        for number, write in enumerate(self._writes, 1):
            self.outcomes[write.manifest.name] = self._execute_one(write, is_stopped)
            progress("sending", number, len(self._writes))
        with suppress(StateError):  # `finish` writes them then
            self._leased_journal.write(self._add_outcomes)
            self._open_writes = ()

    @property
    def successful_writes(self) -> list[Write]:
        """The writes that AWS carried out."""
        return [write for write in self._writes if isinstance(self.outcomes[write.manifest.name], SUCCESSES)]

    def finish(self, live: Mapping[str, Live]) -> str | None:
        """Write to the journal which new jobs List already shows, and release the lease.

        `live` is List after the calls, by id. The next run may see only the end of such a job. Return the error of the
        journal, if any.
        """
        writes = self.successful_writes
        try:
            self._leased_journal.finish(
                lambda journal: with_look(self._add_outcomes(journal), writes, live, self._clock.now())
            )
        except StateError as error:
            return f"{error}; {self._describe_consequence()}"
        return None

    def _describe_consequence(self) -> str:
        if not self._open_writes:
            return "the answers of AWS are in the journal, and its lease was not released"
        if any(not isinstance(each, NotSent | Skipped) for each in self.outcomes.values()):
            return "AWS may have carried out the sent calls; the next run looks for them in List"
        return "AWS carried out nothing"

    def _add_outcomes(self, journal: Journal) -> Journal:
        return with_outcomes(journal, self._own_journal, self._open_writes, self.outcomes, self._clock.now())

    def _execute_one(self, write: Write, is_stopped: Callable[[], bool]) -> Outcome:
        """Make one call. Retry it only if AWS certainly did not carry it out. A stop or an old intent prevents it."""
        outcome: Outcome = Skipped("not sent: a signal stopped the run first")
        for _ in range(_MAX_TRIES):
            self._cloud.wait()
            if is_stopped():
                break
            if obstacle := self._find_obstacle():
                return NotSent(f"not sent: {obstacle}")
            outcome = self._call(write)
            if not isinstance(outcome, NotSent):
                break
        return outcome

    def _find_obstacle(self) -> str | None:
        """Check the lease and the intents immediately before a call. Return the reason not to send it, if any."""
        try:
            if self._clock.now() > self._written_at + MAX_INTENT_AGE:
                self._renew()
            else:
                self._leased_journal.confirm()
        except StateError as error:
            return str(error)
        return LATE_CALL if self._clock.now() > self._written_at + MAX_INTENT_AGE else None

    def _renew(self) -> None:
        """Write the outcomes so far and renew the remaining intents. Raises StateError."""
        now = self._clock.now()
        self._own_journal = self._leased_journal.write(
            lambda journal: with_renewed_intents(journal, self._own_journal, self._open_writes, self.outcomes, now)
        )
        self._written_at = now
        self._open_writes = tuple(write for write in self._open_writes if write.manifest.name not in self.outcomes)

    def _call(self, write: Write) -> Answer:
        until = self._written_at + MAX_INTENT_AGE
        match write:
            case Create():
                return self._cloud.create(write.request, write.token, until)
            case Update():
                return self._cloud.update(write.integration_arn, write.association_id, write.execution, until)
            case other:
                assert_never(other)
