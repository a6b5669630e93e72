"""Simulate AppIntegrations in each requested account and Region."""

import threading
from pathlib import Path

from reconciler.sandbox.service.behaviour import Behaviour
from reconciler.sandbox.service.defaults import IdSource, TimeSource, generate_id, read_system_time
from reconciler.sandbox.service.errors import InternalServiceError
from reconciler.sandbox.service.seed import create_seed_state
from reconciler.sandbox.service.service import AppIntegrations
from reconciler.sandbox.service.state import ExecutedWrite, JsonObject, State
from reconciler.sandbox.store import AccountRegion, DataFile, load_states


class Sandbox:
    """AppIntegrations in every account and Region, seeded at first use and optionally stored in a file.

    One lock covers every account and Region, so the file always holds a consistent snapshot.
    """

    def __init__(
        self,
        data: Path | None = None,
        behaviour: Behaviour | None = None,
        *,
        clock: TimeSource = read_system_time,
        new_id: IdSource = generate_id,
        is_read_only: bool = False,
    ) -> None:
        """Load the data file if it exists. Raises DataFileError if it cannot be used.

        If `is_read_only`, the data file does not change and no lock file is created. Writes stay in memory.
        """
        self.new_id = new_id
        self._clock = clock
        self._behaviour = behaviour or Behaviour()
        self._lock = threading.RLock()
        self._is_closed = False
        self._services: dict[AccountRegion, AppIntegrations] = {}
        self._store = None if data is None or is_read_only else DataFile(data)
        if data is not None and is_read_only:
            for place, state in load_states(data).items():
                self._add_service(place, state)
        if self._store is not None:
            try:
                for place, state in self._store.load().items():
                    self._add_service(place, state)
            except BaseException:
                self._store.close()
                raise

    @property
    def behaviour(self) -> Behaviour:
        """Return the active switches."""
        return self._behaviour

    @property
    def time(self) -> float:
        """Return the time of the sandbox, in seconds since the epoch."""
        return self._clock()

    @property
    def executed_writes(self) -> tuple[ExecutedWrite, ...]:
        """Return the executed association writes of every account and Region, oldest first."""
        with self._lock:
            writes = [each for service in self._services.values() for each in service.executed_writes]
        return tuple(sorted(writes, key=lambda each: each.at))

    def get_service(self, account: str, region: str) -> AppIntegrations:
        """Return AppIntegrations of this account and Region. Any name is accepted for both."""
        place = (account, region)
        with self._lock:
            if place not in self._services:
                self._add_service(place, create_seed_state(account, region))
            return self._services[place]

    def call(self, account: str, region: str, operation: str, request: JsonObject) -> JsonObject:
        """Execute one operation in an account and Region, and return its answer.

        Raises ServiceError if the operation is refused. A closed sandbox refuses every operation.
        """
        with self._lock:
            if self._is_closed:
                raise InternalServiceError("The sandbox is closed.")
            return self.get_service(account, region).call(operation, request)

    def set_behaviour(self, behaviour: Behaviour) -> None:
        """Set the switches in every account and Region."""
        with self._lock:
            self._behaviour = behaviour
            for service in self._services.values():
                service.set_behaviour(behaviour)

    def reset(self) -> None:
        """Delete the state in memory and in the data file."""
        with self._lock:
            self._services.clear()
            self._save()

    def close(self) -> None:
        """Release the data file for another sandbox. The state in memory stays readable."""
        with self._lock:
            self._is_closed = True
            if self._store is not None:
                self._store.close()

    def _add_service(self, place: AccountRegion, state: State) -> None:
        account, region = place
        self._services[place] = AppIntegrations(
            account,
            region,
            behaviour=self._behaviour,
            clock=self._clock,
            new_id=self.new_id,
            state=state,
            lock=self._lock,
            on_change=self._save,
        )

    def _save(self) -> None:
        if self._store is not None and not self._is_closed:
            self._store.save({place: service.state for place, service in self._services.items()})
