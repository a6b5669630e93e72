"""What the sandbox remembers of one account and Region, and how that becomes plain JSON and comes back."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

Document = dict[str, Any]
"""A request, an answer or a part of one, in AWS's spelling."""


@dataclass(frozen=True, slots=True)
class DataIntegration:
    """A source that can be associated."""

    id: str
    request: Document
    """The CreateDataIntegration request, less ClientToken and Tags."""
    tags: dict[str, str] = field(default_factory=dict)
    associated: bool = False
    """Whether it ever had an association."""

    @property
    def name(self) -> str:
        """Give the name, which an update may change."""
        return str(self.request["Name"])


@dataclass(frozen=True, slots=True)
class Association:
    """A data integration bound to a destination, and its last job."""

    id: str
    integration_id: str
    request: Document
    """The CreateDataIntegrationAssociation request, less ClientToken."""
    execution: Document | None
    """The ExecutionConfiguration in force."""
    former_execution: Document | None
    """The one before the last Update."""
    created_at: float
    updated_at: float
    runs_until: float | None
    """When the last job ends; None if there was none."""
    outcome: str
    """What the last job ends as."""
    tags: dict[str, str] = field(default_factory=dict)

    def get_status(self, now: float) -> str | None:
        """Say how the last job stands, or None if there was none."""
        if self.runs_until is None:
            return None
        return "IN_PROGRESS" if now < self.runs_until else self.outcome


@dataclass(frozen=True, slots=True)
class RememberedAnswer:
    """A ClientToken, what was asked under it and what was answered."""

    operation: str
    token: str
    request: Document
    answer: Document
    at: float


@dataclass(frozen=True, slots=True)
class ExecutedWrite:
    """One write to an association that took effect."""

    operation: str
    arn: str
    token: str | None
    at: float


@dataclass(slots=True)
class State:
    """Everything of one account and Region; in order of creation."""

    integrations: dict[str, DataIntegration] = field(default_factory=dict)
    associations: dict[str, Association] = field(default_factory=dict)
    answers: dict[tuple[str, str], RememberedAnswer] = field(default_factory=dict)
    executed_writes: list[ExecutedWrite] = field(default_factory=list)

    def to_json(self) -> Document:
        """Write the state as plain JSON."""
        return {
            "dataIntegrations": [asdict(item) for item in self.integrations.values()],
            "associations": [asdict(item) for item in self.associations.values()],
            "tokens": [asdict(item) for item in self.answers.values()],
            "carriedOut": [asdict(item) for item in self.executed_writes],
        }

    @classmethod
    def from_json(cls, document: Document) -> "State":
        """Read back what `to_json` wrote; ValueError if it is anything else."""
        lists = _parse_object(document, {"dataIntegrations", "associations", "tokens", "carriedOut"})
        state = cls(
            {item.id: item for item in _parse_records(DataIntegration, lists["dataIntegrations"])},
            {item.id: item for item in _parse_records(Association, lists["associations"])},
            {(item.operation, item.token): item for item in _parse_records(RememberedAnswer, lists["tokens"])},
            _parse_records(ExecutedWrite, lists["carriedOut"]),
        )
        for integration in state.integrations.values():
            if not isinstance(integration.request.get("Name"), str):
                raise ValueError(f"data integration {integration.id} has no Name")  # noqa: TRY004  # one error for whatever is wrong with a file
        for association in state.associations.values():
            if association.integration_id not in state.integrations:
                raise ValueError(f"association {association.id} belongs to no data integration")
        return state


Record = TypeVar("Record", DataIntegration, Association, RememberedAnswer, ExecutedWrite)


def _parse_records(kind: type[Record], documents: object) -> list[Record]:
    if not isinstance(documents, list):
        raise ValueError(f"expected a list of {kind.__name__}, found {type(documents).__name__}")  # noqa: TRY004  # as above
    hints = get_type_hints(kind)
    names = {each.name for each in fields(kind)}
    records = []
    for document in documents:
        values = _parse_object(document, names)
        for name, value in values.items():
            if not _matches_hint(value, hints[name]):
                raise ValueError(f"{kind.__name__}.{name} cannot be {value!r}")
        records.append(kind(**values))
    return records


def _parse_object(document: object, names: set[str]) -> Mapping[str, Any]:
    if not isinstance(document, dict) or set(document) != names:
        raise ValueError(f"expected an object with exactly {', '.join(sorted(names))}")
    return document


def _matches_hint(value: object, hint: Any) -> bool:
    if isinstance(hint, UnionType):
        return any(_matches_hint(value, part) for part in get_args(hint))
    kind = get_origin(hint) or hint
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind)
