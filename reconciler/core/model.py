"""Domain model: desired manifests and live associations, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from reconciler.core.errors import Problem

NO_MANIFESTS = Problem("manifests", 0, 0, "", "there are none: nothing would be created")
"""What is said of a revision without a manifest; it stands in no file."""

Json: TypeAlias = "bool | int | float | str | list[Json] | tuple[Json, ...] | Mapping[str, Json] | None"
"""A JSON value. Lists count as immutable here; nothing in the program changes one in place."""

Spec: TypeAlias = Mapping[str, Json]
"""A CreateDataIntegrationAssociation request in AWS's spelling, less ClientToken."""

UNREADABLE = ("ObjectConfiguration", "ClientAssociationMetadata")
"""Members of the request that ListDataIntegrationAssociations leaves out (botocore model, 2020-07-29)."""


class Mode(StrEnum):
    """Mode of a run, in order from the strictest."""

    OBSERVE = "observe"
    CREATE = "create"
    CREATE_AND_UPDATE = "create-and-update"

    def choose_stricter(self, other: Mode) -> Mode:
        """Return the stricter of the two."""
        order = tuple(Mode)
        return min(self, other, key=order.index)


class OnLoss(StrEnum):
    """Policy for an association that List no longer shows."""

    REPORT = "report"
    RECREATE = "recreate"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a manifest begins. Line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        """Render `file:line`, which terminals and editors make a link of."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Policy:
    """Policy of a manifest: the permitted actions."""

    mode: Mode = Mode.CREATE
    suspend: bool = False
    generation: int = 1
    on_loss: OnLoss = OnLoss.REPORT
    ignore: tuple[str, ...] = ()
    adopt: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """One desired association. `spec` is normalised (see `request.normalise`)."""

    name: str
    target: str | None
    policy: Policy
    spec: Spec
    origin: Origin

    @property
    def integration(self) -> str:
        """The data integration as the manifest writes it: a name, a UUID or an ARN."""
        return str(self.spec["DataIntegrationIdentifier"])


@dataclass(frozen=True, slots=True)
class Target:
    """An account, a Region and a role, and the rails of its runs. `None` for what the environment decides."""

    name: str
    region: str | None = None
    account: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    session_name: str = "appintegrations-reconciler"
    requests_per_second: float = 2.0
    burst: int = 5
    suspend: bool = False
    max_creates: int = 10
    associations_per_integration: int = 10
    allowed_destinations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Desired:
    """Valid revision of the source: its targets, their manifests by target name, and its warnings."""

    targets: tuple[Target, ...]
    manifests: Mapping[str, tuple[Manifest, ...]]
    warnings: tuple[Problem, ...] = ()

    @property
    def all_warnings(self) -> tuple[Problem, ...]:
        """The warnings of a valid revision, including the one about an empty folder.

        `warnings` lacks that one, because --strict does not reject an empty folder.
        """
        return self.warnings if any(self.manifests.values()) else (*self.warnings, NO_MANIFESTS)


def mapping_or_empty(value: Json) -> Mapping[str, Json]:
    """Return a mapping as it is; an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def uuid_of(arn: str) -> str:
    """Return the UUID at the end of the ARN of a data integration or an association."""
    return arn.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Integration:
    """A data integration as ListDataIntegrations shows it. `source` is its SourceURI, where that is of interest."""

    arn: str
    name: str
    source: str = ""

    @property
    def uuid(self) -> str:
        """The UUID at the end of the ARN (`…:data-integration/UUID`)."""
        return uuid_of(self.arn)


@dataclass(frozen=True, slots=True)
class Execution:
    """The last job of an association: COMPLETED, IN_PROGRESS or FAILED, and AWS's message."""

    status: str
    message: str | None


@dataclass(frozen=True, slots=True)
class Live:
    """One association as ListDataIntegrationAssociations shows it.

    `spec` holds the members that List returns, normalised like a manifest's, with the integration's ARN as
    DataIntegrationIdentifier.
    """

    arn: str
    spec: Spec
    last_execution: Execution | None

    @property
    def id(self) -> str:
        """The association's UUID, at the end of its ARN."""
        return uuid_of(self.arn)


@dataclass(frozen=True, slots=True)
class Unobserved:
    """A List that failed, was denied or broke off. Not the same as an empty one."""

    reason: str


@dataclass(frozen=True, slots=True)
class Observation:
    """Observation of AWS in one run: the integrations, and the associations by integration ARN."""

    integrations: tuple[Integration, ...]
    associations: Mapping[str, tuple[Live, ...] | Unobserved]


NaturalKey: TypeAlias = tuple[str, str, str]
"""(data-integration ARN, ClientId, DestinationURI): what makes two associations the same to a person."""


def resembles(one: Spec, other: Spec) -> bool:
    """Tell whether two requests of one data integration may mean the same association, spelt differently.

    Slashes at the end of DestinationURI and the case of its scheme do not count, nor does a member that one side lacks:
    AWS may show a request otherwise than it was sent.
    """
    pairs = ((one.get(member), other.get(member)) for member in ("ClientId", "DestinationURI"))
    return all(
        this is None or that is None or _normalise_uri(str(this)) == _normalise_uri(str(that)) for this, that in pairs
    )


def _normalise_uri(text: str) -> str:
    scheme, separator, rest = text.partition("://")
    return scheme.lower() + separator + rest.rstrip("/") if separator else text.rstrip("/")


def natural_key(spec: Spec) -> NaturalKey:
    """Return the natural key of a request. An absent member is the empty string."""
    return (
        str(spec["DataIntegrationIdentifier"]),
        str(spec.get("ClientId", "")),
        str(spec.get("DestinationURI", "")),
    )
