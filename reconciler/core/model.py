"""Domain model: desired manifests and live associations, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import TypeAlias

from reconciler.core.errors import Problem
from reconciler.core.shards import Shard
from reconciler.core.windows.declaration import DEFAULT_DELAY, WindowDeclaration

NO_MANIFESTS = Problem(
    "all given files", 0, 0, "", "no file contains a DataIntegrationAssociation: nothing will be created"
)
"""Warning about a revision without a manifest. It belongs to no file, and its line is therefore 0."""

Json: TypeAlias = "bool | int | float | str | list[Json] | tuple[Json, ...] | Mapping[str, Json] | None"
"""JSON value. The program treats lists as immutable."""

Spec: TypeAlias = Mapping[str, Json]
"""Request of CreateDataIntegrationAssociation with the member names of AWS, without ClientToken."""

UNREADABLE = ("ObjectConfiguration", "ClientAssociationMetadata")
"""Members of a request that ListDataIntegrationAssociations does not return (botocore model, 2020-07-29)."""


class Mode(StrEnum):
    """Permitted writes of a run, from the strictest mode to the least strict."""

    OBSERVE = "observe"
    CREATE = "create"
    CREATE_AND_UPDATE = "create-and-update"

    def choose_stricter(self, other: Mode) -> Mode:
        """Return the stricter of two modes."""
        order = tuple(Mode)
        return min(self, other, key=order.index)


class OnLoss(StrEnum):
    """Policy for an association that List no longer shows."""

    REPORT = "report"
    RECREATE = "recreate"


@dataclass(frozen=True, slots=True)
class Origin:
    """Position of the first character of a manifest. Line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        """Render `file:line`, which terminals and editors turn into a link."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Policy:
    """Policy of a manifest: the actions that it permits.

    `delay` is the time from the end of a window of data to its export. If it is None, an export starts at once.
    `retired` is the reason why nothing is written for the association any more. None for an ordinary manifest.
    """

    mode: Mode = Mode.CREATE
    suspend: bool = False
    generation: int = 1
    on_loss: OnLoss = OnLoss.REPORT
    ignore: tuple[str, ...] = ()
    adopt: str | None = None
    delay: timedelta | None = DEFAULT_DELAY
    retired: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """Manifest of one desired association. `spec` is normalised (see `request.normalise`).

    A manifest with a `window` exports recurring windows of data. Its `spec` then has no ExecutionConfiguration.
    """

    name: str
    target: str | None
    policy: Policy
    spec: Spec
    origin: Origin
    window: WindowDeclaration | None = None

    @property
    def integration(self) -> str:
        """The data integration in the spelling of the manifest: a name, a UUID or an ARN."""
        return str(self.spec["DataIntegrationIdentifier"])


@dataclass(frozen=True, slots=True)
class IgnoreRule:
    """Rule of a Target: the ARNs that match the glob `arn` belong to associations of somebody else."""

    arn: str
    reason: str


@dataclass(frozen=True, slots=True)
class Target:
    """Account, Region and role of a target, with guardrails for its runs. The environment supplies None values."""

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
    ignore: tuple[IgnoreRule, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Desired:
    """Desired state of a valid revision: its targets, their manifests by target name, and its warnings.

    `is_unselected` is true if the revision has manifests, and none of them selects a Target. `target_warnings` are the
    warnings about a Target or its manifests, by target name. `is_part` is true for one target of a revision. `shard` is
    the shard whose targets these are, or None if one process has the targets of all shards.
    """

    targets: tuple[Target, ...]
    manifests: Mapping[str, tuple[Manifest, ...]]
    warnings: tuple[Problem, ...] = ()
    is_unselected: bool = False
    target_warnings: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    is_part: bool = False
    shard: Shard | None = None

    def select_target(self, name: str) -> Desired:
        """Return the part of one target, with the warnings about this target and no others."""
        targets, warnings = (self.targets_by_name[name],), self.target_warnings.get(name, ())
        return replace(self, targets=targets, warnings=warnings, is_part=True)

    @cached_property
    def targets_by_name(self) -> Mapping[str, Target]:
        """The targets by their name."""
        return {target.name: target for target in self.targets}

    @property
    def manifest_count(self) -> int:
        """The number of manifests. A manifest with several targets counts once."""
        return len({(each.name, each.origin) for manifests in self.manifests.values() for each in manifests})

    @property
    def all_warnings(self) -> tuple[Problem, ...]:
        """The warnings of a valid revision, including the one about an empty folder.

        `warnings` lacks that one, because --strict does not reject an empty folder.
        """
        return (*self.warnings, NO_MANIFESTS) if self.is_empty and not self.is_part else self.warnings

    @property
    def general_warnings(self) -> tuple[Problem, ...]:
        """The warnings that are about no single target."""
        about_targets = {each for warnings in self.target_warnings.values() for each in warnings}
        return tuple(each for each in self.all_warnings if each not in about_targets)

    @property
    def is_empty(self) -> bool:
        """True if no file of the revision has a manifest."""
        return not self.is_unselected and not any(self.manifests.values())


def ensure_mapping(value: Json) -> Mapping[str, Json]:
    """Return `value` if it is a mapping, otherwise an empty mapping."""
    return value if type(value) is dict or isinstance(value, Mapping) else {}  # the second test takes ten times longer


def extract_uuid(arn: str) -> str:
    """Return the UUID at the end of the ARN of a data integration or an association."""
    return arn.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Integration:
    """Data integration in ListDataIntegrations. `source` is its SourceURI, or empty if it was not read."""

    arn: str
    name: str
    source: str = ""

    @property
    def uuid(self) -> str:
        """The UUID at the end of the ARN (`…:data-integration/UUID`)."""
        return extract_uuid(self.arn)


@dataclass(frozen=True, slots=True)
class Execution:
    """Last job of an association: its status (COMPLETED, IN_PROGRESS or FAILED), and AWS's message."""

    status: str
    message: str | None


@dataclass(frozen=True, slots=True)
class Live:
    """Live association: one that ListDataIntegrationAssociations shows.

    `spec` holds the members that List returns, normalised like those of a manifest. Its DataIntegrationIdentifier is
    the ARN of the data integration.
    """

    arn: str
    spec: Spec
    last_execution: Execution | None

    @property
    def id(self) -> str:
        """The association's UUID, at the end of its ARN."""
        return extract_uuid(self.arn)


@dataclass(frozen=True, slots=True)
class Ignored:
    """Live association that no manifest covers, with the reason in Ignore of the Target not to report it."""

    live: Live
    reason: str


@dataclass(frozen=True, slots=True)
class Unobserved:
    """Failed List of a data integration, with the remedy. An empty List is an empty tuple instead."""

    reason: str
    remedy: str = "run reconcile doctor, and correct what it reports"


@dataclass(frozen=True, slots=True)
class Observation:
    """Observation of AWS in one run: the data integrations, and the associations by ARN of their data integration.

    `aws_time` is the time of AWS, from the Date of an answer in this run. None if that answer had no valid Date.
    `paged` holds the ARNs of the data integrations whose list had several pages: it may lack an association if another
    one was removed meanwhile.
    """

    integrations: tuple[Integration, ...]
    associations: Mapping[str, tuple[Live, ...] | Unobserved]
    aws_time: datetime | None = None
    paged: frozenset[str] = frozenset()


NaturalKey: TypeAlias = tuple[str, str, str]
"""Natural key: (data-integration ARN, ClientId, DestinationURI). Associations with the same key look alike.

The key of a manifest has its spelling of the data integration: a name, a UUID or an ARN.
"""


def resembles(one: Spec, other: Spec) -> bool:
    """Tell whether two requests of one data integration may mean the same association in different spellings.

    Ignore slashes at the end of DestinationURI, the case of its scheme, and members that one of the requests lacks,
    because AWS may show a request in another spelling than the one it received.
    """
    pairs = ((one.get(member), other.get(member)) for member in ("ClientId", "DestinationURI"))
    return all(
        this is None or that is None or _normalise_uri(str(this)) == _normalise_uri(str(that)) for this, that in pairs
    )


def _normalise_uri(text: str) -> str:
    scheme, separator, rest = text.partition("://")
    return scheme.lower() + separator + rest.rstrip("/") if separator else text.rstrip("/")


def build_natural_key(spec: Spec) -> NaturalKey:
    """Return the natural key of a request, with an empty string for a missing member."""
    return (
        str(spec["DataIntegrationIdentifier"]),
        str(spec.get("ClientId", "")),
        str(spec.get("DestinationURI", "")),
    )
