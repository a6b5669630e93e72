"""Fakes of AWS, disk and time, for tests of single runs. They behave like the originals, and assert nothing."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from support.builders import ACCOUNT, NOW, REGION

from reconciler.core.apply.outcome import Answer, Created, Refused, Unknown, Updated
from reconciler.core.errors import StateConflict, StateError
from reconciler.core.journal.codec import decode, encode
from reconciler.core.journal.records import Journal
from reconciler.core.model import Execution, Integration, Json, Live, Observation, Spec, Unobserved
from reconciler.core.ports import CloudWriter, Writers
from reconciler.core.request.normalise import normalise
from reconciler.edge.state.reader import StoredJournalReader
from reconciler.edge.state.store import StoredText
from reconciler.edge.state.writer import JournalAuthor, StoredJournalWriter
from reconciler.sandbox.service.behaviour import Behaviour
from reconciler.sandbox.service.errors import ServiceError
from reconciler.sandbox.service.seed import create_seed_state
from reconciler.sandbox.service.service import AppIntegrations


class FakeClock:
    """Clock that a test advances and sets."""

    def __init__(self, now: datetime = NOW) -> None:
        self.time = now
        self._offset = timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the time."""
        return self.time

    def monotonic(self) -> float:
        """Return the elapsed time in seconds, regardless of the settings of the clock."""
        return (self.time - self._offset).timestamp()

    def sleep(self, seconds: float) -> None:
        """Advance the time."""
        self.advance(seconds=seconds)

    def set(self, **offset: float) -> None:
        """Set the clock forward or back. No time passes."""
        self.time += timedelta(**offset)
        self._offset += timedelta(**offset)

    def advance(self, **duration: float) -> None:
        """Advance the time."""
        with self._lock:
            self.time += timedelta(**duration)


class FakeCloud:
    """AppIntegrations of the sandbox, with the ports of a run. `before_write` is called before each write."""

    def __init__(self, clock: FakeClock, behaviour: Behaviour | None = None) -> None:
        count, self._clock = itertools.count(1), clock
        self.service = AppIntegrations(
            ACCOUNT,
            REGION,
            behaviour=behaviour,
            clock=clock.monotonic,
            new_id=lambda: f"00000000-0000-4000-9000-{next(count):012}",
            state=create_seed_state(ACCOUNT, REGION),
        )
        self.before_write: Callable[[], object] = lambda: None
        self.calls: list[str] = []

    def observe(self, progress: Callable[[str, int, int], None]) -> Observation:
        """List every association."""
        items = self._call("ListDataIntegrations", {})["DataIntegrations"]
        integrations = tuple(Integration(item["Arn"], item["Name"]) for item in items)
        progress("observing", 0, len(integrations))
        associations = self.list_associations(integration.arn for integration in integrations)
        return Observation(integrations, associations, self._clock.now())

    def list_associations(self, integration_arns: Iterable[str]) -> Mapping[str, tuple[Live, ...] | Unobserved]:
        """List the associations of some data integrations."""
        return {arn: self._list(arn) for arn in integration_arns}

    def wait(self) -> None:
        """Return at once."""

    def create(self, request: Spec, token: str, until: datetime) -> Answer:  # noqa: ARG002 - time stands still
        """Create an association."""
        answer = self._write("CreateDataIntegrationAssociation", {**request, "ClientToken": token})
        return answer if isinstance(answer, Unknown | Refused) else Created(answer["DataIntegrationAssociationId"])

    def update(
        self,
        integration_arn: str,
        association_id: str,
        execution: Json,
        until: datetime,  # noqa: ARG002 - as above
    ) -> Answer:
        """Update an association."""
        answer = self._write(
            "UpdateDataIntegrationAssociation",
            {
                "DataIntegrationIdentifier": integration_arn,
                "DataIntegrationAssociationIdentifier": association_id,
                "ExecutionConfiguration": execution,
            },
        )
        return answer if isinstance(answer, Unknown | Refused) else Updated()

    def _write(self, operation: str, request: Any) -> Any:
        self.before_write()
        try:
            return self._call(operation, request)
        except ServiceError as error:
            return Unknown(str(error)) if error.status >= 500 else Refused(str(error))

    def _list(self, arn: str) -> tuple[Live, ...] | Unobserved:
        try:
            answer = self._call("ListDataIntegrationAssociations", {"DataIntegrationIdentifier": arn})
        except ServiceError as error:
            return Unobserved(str(error))
        return tuple(map(_parse_live, answer["DataIntegrationAssociations"]))

    def _call(self, operation: str, request: Any) -> Any:
        self.calls.append(operation)
        return self.service.call(operation, request)


class WriterWithAnswers:
    """AWS with prepared answers, the last one first. A call with a prepared answer does nothing."""

    def __init__(self, cloud: FakeCloud, answers: list[Answer]) -> None:
        self.cloud, self.answers = cloud, answers

    def wait(self) -> None:
        """Return at once."""

    def create(self, request: Spec, token: str, until: datetime) -> Answer:
        """Return the next answer, or forward the Create."""
        return self.answers.pop() if self.answers else self.cloud.create(request, token, until)

    def update(self, integration_arn: str, association_id: str, execution: Json, until: datetime) -> Answer:
        """Return the next answer, or forward the Update."""
        if self.answers:
            return self.answers.pop()
        return self.cloud.update(integration_arn, association_id, execution, until)


class FakeStore:
    """Store in memory with the rules of the real ones. `failing_puts` holds the writes that fail, counted from 1."""

    place, is_exclusive = "memory", False

    def __init__(self) -> None:
        self.stored_text: StoredText | None = None
        self.loads = self.puts = 0
        self.failing_puts: set[int] = set()
        self.after_load: Callable[[], object] = lambda: None
        self.after_put: Callable[[], object] = lambda: None

    def load(self) -> StoredText | None:
        """Return the stored text."""
        self.loads += 1
        stored_text = self.stored_text
        self.after_load()
        return stored_text

    def put(self, text: str, version: str | None) -> str:
        """Store a text if the version still matches. Raises StateConflict and StateError."""
        self.puts += 1
        if self.puts in self.failing_puts:
            raise StateError("the disk is full")
        if version != (self.stored_text.version if self.stored_text else None):
            raise StateConflict("the journal has changed")
        self.stored_text = StoredText(text, str(self.puts))
        self.after_put()
        return self.stored_text.version

    def claim(self) -> bool:
        """Return true, like a store that several machines share."""
        return True

    def release(self) -> None:
        """Do nothing."""


class FakeJournal:
    """The real reader and writer of the journal, with a store in memory."""

    def __init__(self, clock: FakeClock, store: FakeStore | None = None, run: str = "run-1") -> None:
        self.store = store or FakeStore()
        self.reader = StoredJournalReader(self.store, ACCOUNT, REGION)
        author = JournalAuthor(run, f"process {run}", "host")
        self.writer = StoredJournalWriter(
            self.store, self.reader, author, clock, clock, timeout=0, new_lineage=lambda: "lineage"
        )

    def create_writers(self, cloud: CloudWriter) -> Writers:
        """Return the writers of a run."""
        return Writers(cloud, self.writer)

    @property
    def journal(self) -> Journal:
        """The stored journal, read without counting the access."""
        text = self.store.stored_text
        return decode(json.loads(text.text)) if text else Journal(ACCOUNT, REGION, "")

    @journal.setter
    def journal(self, journal: Journal) -> None:
        self.store.stored_text = (
            StoredText(json.dumps(encode(journal)), f"set {journal.serial}") if journal.lineage else None
        )


def _parse_live(item: Any) -> Live:
    execution = item.get("LastExecutionStatus")
    members = {key: item[key] for key in ("ClientId", "DestinationURI", "ExecutionConfiguration") if key in item}
    return Live(
        item["DataIntegrationAssociationArn"],
        normalise({"DataIntegrationIdentifier": item["DataIntegrationArn"], **members}),
        Execution(execution["ExecutionStatus"], None) if execution else None,
    )
