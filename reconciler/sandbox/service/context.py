"""What every operation works with: where it is, the time, the switches and what is remembered."""

from dataclasses import dataclass, field

from reconciler.sandbox.service.behaviour import Behaviour
from reconciler.sandbox.service.defaults import Clock, NewId
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
class Context:
    """One account and Region. Not thread-safe: whoever calls holds the lock."""

    account: str
    region: str
    clock: Clock
    new_id: NewId
    behaviour: Behaviour
    state: State
    answers_to_lose: int = field(init=False)
    writes_to_fail: int = field(init=False)

    def __post_init__(self) -> None:
        self.behave(self.behaviour)

    def behave(self, behaviour: Behaviour) -> None:
        """Behave differently from now on; faults count anew."""
        self.behaviour = behaviour
        self.answers_to_lose = behaviour.lose_answers
        self.writes_to_fail = behaviour.fail_writes

    def arn_of_integration(self, integration_id: str) -> str:
        """Spell the ARN of a data integration."""
        return self._arn(f"data-integration/{integration_id}")

    def arn_of_association(self, association: Association) -> str:
        """Spell the ARN of an association."""
        return self._arn(f"data-integration-association/{association.integration_id}/{association.id}")

    def _arn(self, resource: str) -> str:
        partition = next((name for start, name in _PARTITIONS.items() if self.region.startswith(start)), "aws")
        return f"arn:{partition}:app-integrations:{self.region}:{self.account}:{resource}"

    def fail_if_told(self) -> None:
        """Fail a write before it is carried out, as often as the behaviour says."""
        if self.writes_to_fail > 0:
            self.writes_to_fail -= 1
            raise InternalServiceError("The service failed; nothing was done.")

    def lose_answer_if_told(self) -> None:
        """Lose the answer of a write that was carried out, as often as the behaviour says."""
        if self.answers_to_lose > 0:
            self.answers_to_lose -= 1
            raise AnswerLostError(dropped=self.behaviour.lost_answer == "dropped")
