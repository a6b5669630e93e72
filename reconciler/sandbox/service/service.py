"""AppIntegrations of one account and Region, independent of moto and HTTP."""

import copy
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from reconciler.sandbox.service.associations import Associations
from reconciler.sandbox.service.behaviour import Behaviour
from reconciler.sandbox.service.context import ServiceContext
from reconciler.sandbox.service.defaults import IdSource, TimeSource, generate_id, read_system_time
from reconciler.sandbox.service.errors import AnswerLostError, UnsupportedOperationError
from reconciler.sandbox.service.integrations import DataIntegrations
from reconciler.sandbox.service.state import ExecutedWrite, JsonObject, State
from reconciler.sandbox.service.tags import Tags
from reconciler.sandbox.service.throttle import TokenBucket
from reconciler.sandbox.service.validation import validate

_READ_PREFIXES = ("Get", "List")


class AppIntegrations:
    """AppIntegrations of one account and Region. One lock makes every call atomic."""

    def __init__(  # noqa: PLR0913 - the clock, the ids, the lock and the state are parameters
        self,
        account: str,
        region: str,
        *,
        behaviour: Behaviour | None = None,
        clock: TimeSource = read_system_time,
        new_id: IdSource = generate_id,
        state: State | None = None,
        lock: AbstractContextManager[object] | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """Start with `state`, which changes in place. `on_change` is called under the lock after every executed write.

        By default the state is empty, and the service has its own lock.
        """
        self._context = ServiceContext(
            account, region, clock, new_id, behaviour or Behaviour(), State() if state is None else state
        )
        self._lock = lock or threading.RLock()
        self._on_change = on_change
        self._bucket = TokenBucket()
        integrations = DataIntegrations(self._context)
        associations = Associations(self._context, integrations)
        tags = Tags(self._context)
        self._operations: dict[str, Callable[[JsonObject], JsonObject]] = {
            "CreateDataIntegration": integrations.create,
            "GetDataIntegration": integrations.get,
            "ListDataIntegrations": integrations.list,
            "UpdateDataIntegration": integrations.update,
            "DeleteDataIntegration": integrations.delete,
            "CreateDataIntegrationAssociation": associations.create,
            "ListDataIntegrationAssociations": associations.list,
            "UpdateDataIntegrationAssociation": associations.update,
            "TagResource": tags.add,
            "UntagResource": tags.remove,
            "ListTagsForResource": tags.list,
        }

    @property
    def state(self) -> State:
        """Return the state. Read or change it only under the lock, or while no call is in progress."""
        return self._context.state

    @property
    def executed_writes(self) -> tuple[ExecutedWrite, ...]:
        """Return the executed association writes, oldest first."""
        with self._lock:
            return tuple(self.state.executed_writes)

    def set_behaviour(self, behaviour: Behaviour) -> None:
        """Replace the switches and restart the counts of faults."""
        with self._lock:
            self._context.set_behaviour(behaviour)

    def call(self, operation: str, request: JsonObject) -> JsonObject:
        """Execute one operation and return its answer. Request and answer have the members of the AWS API.

        Raises ServiceError if the operation is refused.
        """
        with self._lock:
            self._bucket.take(self._context)
            if operation not in self._operations:
                raise UnsupportedOperationError(f"The sandbox does not implement {operation}.")
            validate(operation, request)
            try:
                answer = self._operations[operation](copy.deepcopy(request))
            except AnswerLostError:
                self._on_change()
                raise
            if not operation.startswith(_READ_PREFIXES):
                self._on_change()
            return copy.deepcopy(answer)

    def remove_association(self, association_id: str) -> None:
        """Remove an association, as AWS itself might. AppIntegrations has no operation for it."""
        with self._lock:
            del self.state.associations[association_id]
            self._on_change()
