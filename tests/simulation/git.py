"""Manifests over time: the commits that people make while controllers run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from simulation.aws import INTEGRATIONS, Cloud
from simulation.dice import chance, dice
from simulation.history import History
from simulation.scenario import Scenario

from reconciler.core.manifests import build
from reconciler.core.model import Json, Manifest, Mode, OnLoss, Origin, Policy
from reconciler.core.request.normalise import normalise

WINDOWS = 4
"""Number of ExecutionConfigurations that people choose from. A small number makes them return to earlier ones."""
_DAY = 86_400_000


@dataclass(frozen=True, slots=True)
class Wish:
    """Configuration that people want for one association. The natural key is `integration`, `client`, `destination`."""

    name: str
    integration: str
    destination: int
    client: str | None
    window: int
    scheduled: bool
    domain: int
    policy: Policy
    says_on_loss: bool = True

    @property
    def execution(self) -> Json:
        """The ExecutionConfiguration."""
        if self.scheduled:
            schedule = {"ScheduleExpression": f"rate({self.window + 1} hours)"}
            return {"ExecutionMode": "SCHEDULED", "ScheduleConfiguration": schedule}
        start = 1_790_812_800_000 + self.window * _DAY
        window = {"StartTime": str(start), "EndTime": str(start + _DAY)}
        return {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": window}

    @property
    def manifest(self) -> Manifest:
        """The manifest for the configuration."""
        objects: Json = {"CustomerProfiles": {"domainName": [f"domain-{self.domain}"], "objectType": ["_profile"]}}
        spec = {
            "DataIntegrationIdentifier": self.integration,
            "ClientId": self.client,
            "DestinationURI": f"s3://corp/{self.destination}",
            "ObjectConfiguration": objects,
            "ExecutionConfiguration": self.execution,
        }
        policy = self.policy if self.says_on_loss else replace(self.policy, on_loss=_default(spec))
        return Manifest(self.name, None, policy, normalise(spec), Origin(f"{self.name}.yaml", 1, 1))


class Git:
    """History of revisions, oldest first."""

    def __init__(self, scenario: Scenario, cloud: Cloud, history: History) -> None:
        self._scenario, self._cloud, self._history = scenario, cloud, history
        self._random = dice(scenario.seed, "git")
        self._strange = dice(scenario.seed, "what git leaves out")
        self._count = 0
        self._removed: list[Wish] = []
        self.revisions: list[tuple[Wish, ...]] = [tuple(self._wish() for _ in range(scenario.manifests))]

    def manifests(self, revision: int) -> tuple[Manifest, ...]:
        """Return the manifests of a revision."""
        return tuple(wish.manifest for wish in self.revisions[revision])

    def asks_to_recreate(self, manifest: Manifest) -> bool:
        """Tell whether people wrote `onLoss: recreate` into git. A missing member requests nothing."""
        says = {wish.name: wish.says_on_loss for revision in self.revisions for wish in revision}
        return manifest.policy.on_loss is OnLoss.RECREATE and says[manifest.name]

    def edit(self) -> None:
        """Make one commit."""
        edits: tuple[tuple[int, Callable[[Wish], Wish | None]], ...] = (
            (8, self._window),
            (2, lambda wish: self._policy(wish, generation=wish.policy.generation + 1)),
            (1, lambda wish: replace(wish, domain=wish.domain + 1)),
            (1, lambda wish: replace(wish, name=self._name())),
            (1, self._remove),
            (1, lambda wish: self._policy(wish, suspend=not wish.policy.suspend)),
            (1, lambda wish: self._policy(wish, mode=self._mode())),
            (1, lambda wish: self._policy(wish, on_loss=self._random.choice(tuple(OnLoss)))),
            (1, lambda wish: replace(wish, destination=self._number())),
            (1, self._adopt),
        )
        head = list(self.revisions[-1])
        if self._scenario.churn:
            index = self._random.randrange(len(head))
            head[index] = self._window(head[index])
        elif self._removed and chance(self._random, 0.4):
            head.append(self._removed.pop())
        elif not head or chance(self._random, 0.05):
            head.append(self._wish())
        elif chance(self._random, 0.04):
            head.append(replace(self._random.choice(head), name=self._name()))
            self._history.reach("edit: twin")
        else:
            index = self._random.randrange(len(head))
            (change,) = self._random.choices([edit for _, edit in edits], [weight for weight, _ in edits])
            after = change(head[index])
            head[index : index + 1] = [after] if after else []
        if tuple(head) != self.revisions[-1]:
            self.revisions.append(tuple(head))
            wishes = "; ".join(_said(wish) for wish in head)
            self._history.tell("git", f"revision {len(self.revisions) - 1}: {wishes}")

    def tell(self) -> None:
        """Write the first revision to the history."""
        self._history.tell("git", "; ".join(_said(wish) for wish in self.revisions[0]))

    def _wish(self) -> Wish:
        name = self._random.choice(INTEGRATIONS[: self._scenario.integrations])
        ids = {each.name: each.id for each in self._cloud.state.integrations.values()}
        spellings = (name, name, ids.get(name, name), self._cloud.arn_of(ids[name]) if name in ids else name)
        policy = Policy(mode=self._mode(), on_loss=self._random.choice(tuple(OnLoss)))
        return Wish(
            name=self._name(),
            integration=self._random.choice(spellings),
            destination=self._number(),
            client=self._random.choice((None, None, "client")),
            window=self._random.randrange(WINDOWS),
            scheduled=chance(self._random, 0.25),
            domain=0,
            policy=policy,
            says_on_loss=not chance(self._strange, 0.3),
        )

    def _window(self, wish: Wish) -> Wish:
        return replace(wish, window=(wish.window + self._random.randint(1, WINDOWS - 1)) % WINDOWS)

    def _policy(self, wish: Wish, **changes: object) -> Wish:
        return replace(wish, policy=replace(wish.policy, **changes))  # type: ignore[arg-type]

    def _remove(self, wish: Wish) -> None:
        self._removed.append(wish)

    def _adopt(self, wish: Wish) -> Wish:
        """Name a live association in policy.adopt, or remove policy.adopt."""
        if wish.policy.adopt or not self._cloud.state.associations:
            return self._policy(wish, adopt=None)
        association = self._random.choice(list(self._cloud.state.associations.values()))
        arn = f"{self._cloud.arn_of(association.integration_id)}/{association.id}"
        return self._policy(wish, adopt=arn.replace(":data-integration/", ":data-integration-association/"))

    def _mode(self) -> Mode:
        if self._scenario.churn:
            return Mode.CREATE_AND_UPDATE
        often = Mode.CREATE_AND_UPDATE if self._scenario.updates else Mode.CREATE
        return self._random.choice((often,) * 10 + (Mode.CREATE, Mode.OBSERVE))

    def _name(self) -> str:
        return f"m{self._number()}"

    def _number(self) -> int:
        self._count += 1
        return self._count


def _default(spec: Json) -> OnLoss:
    """Return the onLoss that the program uses for a manifest without it."""
    document = {"metadata": {"name": "any"}, "spec": spec}
    return build.build_manifest(document, Origin("any.yaml", 1, 1), {}).policy.on_loss


def _said(wish: Wish) -> str:
    policy = wish.policy
    flags = "".join(
        (
            f" gen={policy.generation}" if policy.generation > 1 else "",
            " suspended" if policy.suspend else "",
            " adopts" if policy.adopt else "",
            " scheduled" if wish.scheduled else "",
        )
    )
    where = wish.integration.rpartition("/")[2][:8]
    return (
        f"{wish.name} → {where}:{wish.destination} window={wish.window} domain={wish.domain} "
        f"{policy.mode.value} {policy.on_loss.value}{flags}"
    )
