"""The manifests, live associations and journal of each target: 20 data integrations with 10 associations each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from support.builders import NOW, ON_DEMAND, REGION
from support.fakes import FakeClock, FakeStore

from reconciler.core.apply.outcome import Answer, Created
from reconciler.core.journal.codec import encode
from reconciler.core.journal.jobs import Job, JobSource
from reconciler.core.journal.records import Bound, Journal, Record
from reconciler.core.model import (
    Execution,
    Integration,
    Json,
    Live,
    Manifest,
    Observation,
    Origin,
    Policy,
    Spec,
    Target,
)
from reconciler.core.request.normalise import normalise, resolve_request
from reconciler.core.request.token import compute_client_token
from reconciler.edge.state.store import StoredText

INTEGRATIONS, ASSOCIATIONS = 20, 10


@dataclass(frozen=True, slots=True)
class Step:
    """What a run does next: `count` calls of one kind at the same time.

    The kinds are "assume" (AssumeRole), "get" and "put" (the journal in S3), "list" and "write".
    """

    kind: str
    count: int = 1


LOOK = Step("list", INTEGRATIONS)
"""The step that lists the associations of every data integration, after which a run makes its plan."""


def build_target(number: int) -> Target:
    """Return a target with an account of its own."""
    account = f"{100_000_000_000 + number}"
    return Target(f"t{number:05}", REGION, account, f"arn:aws:iam::{account}:role/exports")


def build_manifests() -> tuple[Manifest, ...]:
    """Return the manifests of a target, which are the same for each of them."""
    return tuple(
        Manifest(name, None, Policy(), _build_spec(integration, name), Origin("exports.yaml", 1, 1))
        for integration in map(_name_integration, range(INTEGRATIONS))
        for name in (f"{integration}-{number}" for number in range(ASSOCIATIONS))
    )


class Cloud:
    """AppIntegrations of one account, with every association of the manifests but the last one.

    `on_step` is called before each answer. The exports of the associations are completed.
    """

    def __init__(
        self, target: Target, manifests: Iterable[Manifest], clock: FakeClock, on_step: Callable[[Step], None]
    ) -> None:
        assert target.account
        self._clock, self._on_step, self._target = clock, on_step, target
        prefix = f"arn:aws:app-integrations:{REGION}:{target.account}"
        self._prefix = prefix
        self.integrations = tuple(
            Integration(f"{prefix}:data-integration/00000000-0000-4000-8000-{number:012}", _name_integration(number))
            for number in range(INTEGRATIONS)
        )
        self._arns = {each.name: each.arn for each in self.integrations}
        self._associations: dict[str, list[Live]] = {each.arn: [] for each in self.integrations}
        self._count = 0
        self.records = tuple(self._add_with_record(each) for each in list(manifests)[:-1])

    def observe(self, progress: Callable[[str, int, int], None]) -> Observation:
        """List every association."""
        progress("observing", 0, INTEGRATIONS)
        self._on_step(Step("list"))
        return Observation(self.integrations, self.list_associations(self._associations), self._clock.now())

    def list_associations(self, integration_arns: Iterable[str]) -> Mapping[str, tuple[Live, ...]]:
        """List the associations of some data integrations at the same time."""
        arns = list(integration_arns)
        self._on_step(Step("list", len(arns)))
        return {arn: tuple(self._associations[arn]) for arn in arns}

    def wait(self) -> None:
        """Return at once. The call itself waits for its bucket."""

    def create(self, request: Spec, token: str, until: object) -> Answer:  # noqa: ARG002 - as in the port
        """Create an association."""
        self._on_step(Step("write"))
        return Created(self._add(request))

    def update(self, integration_arn: str, association_id: str, execution: Json, until: object) -> Answer:
        """Reject the call, because no manifest asks for an Update."""
        raise NotImplementedError

    def _add(self, request: Spec) -> str:
        self._count += 1
        association_id = f"00000000-0000-4000-9000-{self._count:012}"
        hidden = {"ObjectConfiguration", "ClientAssociationMetadata"}
        arn = str(request["DataIntegrationIdentifier"])
        members = normalise({key: value for key, value in request.items() if key not in hidden})
        live_arn = f"{self._prefix}:data-integration-association/{arn.rpartition('/')[2]}/{association_id}"
        self._associations[arn].append(Live(live_arn, members, Execution("COMPLETED", None)))
        return association_id

    def _add_with_record(self, manifest: Manifest) -> Record:
        request = resolve_request(manifest.spec, self._arns[str(manifest.spec["DataIntegrationIdentifier"])])
        association_id = self._add(request)
        arn, since = self._associations[str(request["DataIntegrationIdentifier"])][-1].arn, NOW - timedelta(days=1)
        job = Job(JobSource.CREATE, since, is_accepted=True, shown_at=since, result="COMPLETED", ended_at=since)
        bound = Bound(association_id, since, arn, job=job)
        return Record(manifest.name, request, compute_client_token(request, 0), 0, 1, bound)


class Store(FakeStore):
    """S3 with the journal of one target, which has a record of each live association."""

    def __init__(self, target: Target, records: Iterable[Record], on_step: Callable[[Step], None]) -> None:
        super().__init__()
        assert target.account
        journal = Journal(target.account, REGION, "lineage", 7, {each.name: each for each in records})
        self.stored_text = StoredText(json.dumps(encode(journal)), "initial")
        self.after_load, self.after_put = lambda: on_step(Step("get")), lambda: on_step(Step("put"))


def _name_integration(number: int) -> str:
    return f"integration-{number:02}"


def _build_spec(integration: str, name: str) -> Spec:
    return normalise(
        {
            "DataIntegrationIdentifier": integration,
            "ObjectConfiguration": {"CustomerProfiles": {"domainName": ["my-domain"], "objectType": ["_profile"]}},
            "DestinationURI": f"s3://corp-exports/{name}",
            "ExecutionConfiguration": ON_DEMAND,
        }
    )
