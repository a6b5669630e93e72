"""The state of one account and Region, and its conversion to and from JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

JsonObject = dict[str, Any]
"""A request, an answer, or a part of either, with the members of the AWS API."""


@dataclass(frozen=True, slots=True)
class DataIntegration:
    """A data integration: the source of an association's data."""

    id: str
    request: JsonObject
    """The CreateDataIntegration request without ClientToken and Tags."""
    tags: dict[str, str] = field(default_factory=dict)
    associated: bool = False
    """True once the data integration has had an association."""

    @property
    def name(self) -> str:
        """Return the current name. An update may change it."""
        return str(self.request["Name"])


@dataclass(frozen=True, slots=True)
class Association:
    """An association of a data integration with a destination, and its last job."""

    id: str
    integration_id: str
    request: JsonObject
    """The CreateDataIntegrationAssociation request without ClientToken."""
    execution: JsonObject | None
    """The current ExecutionConfiguration."""
    former_execution: JsonObject | None
    """The ExecutionConfiguration before the last Update."""
    created_at: float
    updated_at: float
    runs_until: float | None
    """End of the last job, in seconds since the epoch. None if no job was started."""
    outcome: str
    """Final status of the last job."""
    tags: dict[str, str] = field(default_factory=dict)
    requested_at: float = 0.0
    """Time of the Create or Update that started the last job."""
    former_runs_until: float | None = None
    """End of the job before the last one. None if there was none."""
    former_outcome: str = "COMPLETED"
    """Final status of the job before the last one."""

    def get_status(self, now: float) -> str | None:
        """Return the status of the last job at `now`, or None if no job was started. Before that, of the job before."""
        end, outcome = self.runs_until, self.outcome
        if now < self.requested_at:
            end, outcome = self.former_runs_until, self.former_outcome
        if end is None:
            return None
        return "IN_PROGRESS" if now < end else outcome


@dataclass(frozen=True, slots=True)
class RememberedAnswer:
    """The request and the answer of a ClientToken."""

    operation: str
    token: str
    request: JsonObject
    answer: JsonObject
    at: float


@dataclass(frozen=True, slots=True)
class ExecutedWrite:
    """An executed Create or Update of an association."""

    operation: str
    arn: str
    token: str | None
    at: float


@dataclass(slots=True)
class State:
    """The resources, tokens and writes of one account and Region, in order of creation."""

    integrations: dict[str, DataIntegration] = field(default_factory=dict)
    associations: dict[str, Association] = field(default_factory=dict)
    answers: dict[tuple[str, str], RememberedAnswer] = field(default_factory=dict)
    executed_writes: list[ExecutedWrite] = field(default_factory=list)

    def to_json(self) -> JsonObject:
        """Return the state as a JSON document."""
        return {
            "dataIntegrations": [asdict(item) for item in self.integrations.values()],
            "associations": [asdict(item) for item in self.associations.values()],
            "tokens": [asdict(item) for item in self.answers.values()],
            "executedWrites": [asdict(item) for item in self.executed_writes],
        }

    @classmethod
    def from_json(cls, document: JsonObject) -> "State":
        """Return the state of a document from `to_json`. Raises ValueError if the document is invalid."""
        lists = _parse_object(document, {"dataIntegrations", "associations", "tokens", "executedWrites"})
        state = cls(
            {item.id: item for item in _parse_records(DataIntegration, lists["dataIntegrations"])},
            {item.id: item for item in _parse_records(Association, lists["associations"])},
            {(item.operation, item.token): item for item in _parse_records(RememberedAnswer, lists["tokens"])},
            _parse_records(ExecutedWrite, lists["executedWrites"]),
        )
        for integration in state.integrations.values():
            if not isinstance(integration.request.get("Name"), str):
                raise ValueError(f"data integration {integration.id} has no Name")  # noqa: TRY004 - every fault of a data file is a ValueError
        for association in state.associations.values():
            if association.integration_id not in state.integrations:
                raise ValueError(f"association {association.id} has an unknown data integration")
        return state


_NEW_MEMBERS = frozenset(("requested_at", "former_runs_until", "former_outcome"))
"""Members that the data files of earlier versions lack."""

Record = TypeVar("Record", DataIntegration, Association, RememberedAnswer, ExecutedWrite)


def _parse_records(kind: type[Record], documents: object) -> list[Record]:
    if not isinstance(documents, list):
        raise ValueError(f"expected a list of {kind.__name__}, found {type(documents).__name__}")  # noqa: TRY004 - every fault of a data file is a ValueError
    hints = get_type_hints(kind)
    names = {each.name for each in fields(kind)}
    records = []
    for document in documents:
        values = _parse_object(document, names, _NEW_MEMBERS)
        for name, value in values.items():
            if not _matches_hint(value, hints[name]):
                raise ValueError(f"invalid value of {kind.__name__}.{name}: {value!r}")
        records.append(kind(**values))
    return records


def _parse_object(document: object, names: set[str], optional: frozenset[str] = frozenset()) -> Mapping[str, Any]:
    if not isinstance(document, dict) or not names - optional <= set(document) <= names:
        raise ValueError(f"expected an object with exactly these members: {', '.join(sorted(names))}")
    return document


def _matches_hint(value: object, hint: Any) -> bool:
    if isinstance(hint, UnionType):
        return any(_matches_hint(value, part) for part in get_args(hint))
    kind = get_origin(hint) or hint
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind)
