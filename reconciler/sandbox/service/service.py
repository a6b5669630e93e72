"""AppIntegrations of one account and Region: knows nothing of moto or HTTP, and can be tested alone."""

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
from reconciler.sandbox.service.state import Document, ExecutedWrite, State
from reconciler.sandbox.service.tags import Tags
from reconciler.sandbox.service.throttle import TokenBucket
from reconciler.sandbox.service.validation import validate

_READ_PREFIXES = ("Get", "List")


class AppIntegrations:
    """The service as one account sees it in one Region. One lock makes every call atomic."""

    def __init__(  # noqa: PLR0913  # everything that it must not take from its surroundings
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
        """Take the state over; `changed` is called, under the lock, after every write that took effect."""
        self._context = ServiceContext(
            account, region, clock, new_id, behaviour or Behaviour(), State() if state is None else state
        )
        self._lock = lock or threading.RLock()
        self._on_change = on_change
        self._bucket = TokenBucket()
        integrations = DataIntegrations(self._context)
        associations = Associations(self._context, integrations)
        tags = Tags(self._context)
        self._operations: dict[str, Callable[[Document], Document]] = {
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
        """Give what is remembered; to be read or changed only under the lock, or when nobody calls."""
        return self._context.state

    @property
    def executed_writes(self) -> tuple[ExecutedWrite, ...]:
        """Give every write to an association that took effect, oldest first."""
        with self._lock:
            return tuple(self.state.executed_writes)

    def set_behaviour(self, behaviour: Behaviour) -> None:
        """Behave differently from now on."""
        with self._lock:
            self._context.set_behaviour(behaviour)

    def call(self, operation: str, request: Document) -> Document:
        """Carry out one operation, request and answer in AWS's spelling; ServiceError if it is refused."""
        with self._lock:
            self._bucket.take(self._context)
            if operation not in self._operations:
                raise UnsupportedOperationError(f"The sandbox has no {operation}.")
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
        """Remove an association as AWS may do it by itself: no operation does."""
        with self._lock:
            del self.state.associations[association_id]
            self._on_change()
