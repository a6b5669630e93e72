"""The context that every operation shares: account, Region, clock, switches and state."""

from dataclasses import dataclass, field

from reconciler.sandbox.service.behaviour import Behaviour
from reconciler.sandbox.service.defaults import IdSource, TimeSource
from reconciler.sandbox.service.errors import AnswerLostError, InternalServiceError
from reconciler.sandbox.service.state import Association, State

_PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "eusc-": "aws-eusc",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
}


@dataclass(slots=True)
class ServiceContext:
    """The context of one account and Region. Not thread-safe: the caller holds the lock."""

    account: str
    region: str
    clock: TimeSource
    new_id: IdSource
    behaviour: Behaviour
    state: State
    answers_to_lose: int = field(init=False)
    writes_to_fail: int = field(init=False)

    def __post_init__(self) -> None:
        self.set_behaviour(self.behaviour)

    def set_behaviour(self, behaviour: Behaviour) -> None:
        """Replace the switches and restart the counts of faults."""
        self.behaviour = behaviour
        self.answers_to_lose = behaviour.lose_answers
        self.writes_to_fail = behaviour.fail_writes

    def build_integration_arn(self, integration_id: str) -> str:
        """Return the ARN of a data integration."""
        return self._build_arn(f"data-integration/{integration_id}")

    def build_association_arn(self, association: Association) -> str:
        """Return the ARN of an association."""
        return self._build_arn(f"data-integration-association/{association.integration_id}/{association.id}")

    def _build_arn(self, resource: str) -> str:
        partition = next((name for start, name in _PARTITIONS.items() if self.region.startswith(start)), "aws")
        return f"arn:{partition}:app-integrations:{self.region}:{self.account}:{resource}"

    def fail_if_configured(self) -> None:
        """Raise InternalServiceError before a write is executed, for the first `fail_writes` writes."""
        if self.writes_to_fail > 0:
            self.writes_to_fail -= 1
            raise InternalServiceError("The service failed. The write was not executed.")

    def lose_answer_if_configured(self) -> None:
        """Raise AnswerLostError after a write was executed, for the first `lose_answers` writes."""
        if self.answers_to_lose > 0:
            self.answers_to_lose -= 1
            raise AnswerLostError(is_connection_closed=self.behaviour.lost_answer == "dropped")
