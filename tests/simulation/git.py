"""Manifests over time: the commits that people make while controllers run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from simulation.aws import INTEGRATIONS, Cloud
from simulation.history import START, History
from simulation.randomness import create_random, draw_bool
from simulation.recurring import change_declaration
from simulation.scenario import Scenario

from reconciler.core.manifests import build
from reconciler.core.model import Json, Manifest, Mode, OnLoss, Origin, Policy
from reconciler.core.request.normalise import normalise
from reconciler.core.windows.declaration import WindowDeclaration
from reconciler.edge.manifests.zones import read_zone

WINDOWS = 4
"""Number of ExecutionConfigurations that people choose from. A small number makes them return to earlier ones."""
_DAY = 86_400_000
_WINDOW_STEP = 8 * 60_000
DELAY = timedelta(minutes=10)
"""The policy.delay of every manifest."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """Configuration that people want for one association. The natural key is `integration`, `client`, `destination`."""

    name: str
    integration: str
    destination: int
    client: str | None
    window: int
    is_scheduled: bool
    domain: int
    policy: Policy
    has_on_loss: bool = True
    has_open_window: bool = False
    declaration: WindowDeclaration | None = None

    @property
    def execution(self) -> Json:
        """The ExecutionConfiguration."""
        if self.is_scheduled:
            schedule = {"ScheduleExpression": f"rate({self.window + 1} hours)"}
            return {"ExecutionMode": "SCHEDULED", "ScheduleConfiguration": schedule}
        start = 1_790_812_800_000 + self.window * _DAY
        if self.has_open_window:
            start = int(START.timestamp() * 1000) - _DAY + self.window * _WINDOW_STEP
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
        policy = self.policy if self.has_on_loss else replace(self.policy, on_loss=_get_default_on_loss(spec))
        if self.declaration:
            del spec["ExecutionConfiguration"]
            policy = replace(policy, delay=self.declaration.delay)
        return Manifest(self.name, None, policy, normalise(spec), Origin(f"{self.name}.yaml", 1, 1), self.declaration)


class Git:
    """History of revisions, oldest first."""

    def __init__(self, scenario: Scenario, cloud: Cloud, history: History) -> None:
        self._scenario, self._cloud, self._history = scenario, cloud, history
        self._random = create_random(scenario.seed, "git")
        self._omission_random = create_random(scenario.seed, "what git leaves out")
        self._retirement_random = create_random(scenario.seed, "retired manifests")
        self._replacement_random = create_random(scenario.seed, "fixed windows in place of recurring ones")
        self._number = 0
        self._removed: list[Configuration] = []
        self.revisions: list[tuple[Configuration, ...]] = [
            tuple(self._draw_configuration() for _ in range(scenario.manifests))
        ]

    def build_manifests(self, revision: int) -> tuple[Manifest, ...]:
        """Return the manifests of a revision."""
        return tuple(configuration.manifest for configuration in self.revisions[revision])

    def is_recreation_requested(self, manifest: Manifest) -> bool:
        """Tell whether people wrote `onLoss: recreate` into git. A missing member requests nothing."""
        has_on_loss = {
            configuration.name: configuration.has_on_loss for revision in self.revisions for configuration in revision
        }
        return manifest.policy.on_loss is OnLoss.RECREATE and has_on_loss[manifest.name]

    def commit_edit(self) -> None:
        """Make one commit."""
        edits: tuple[tuple[int, Callable[[Configuration], Configuration | None]], ...] = (
            (8, self._change_window),
            (
                2,
                lambda configuration: self._change_policy(
                    configuration, generation=configuration.policy.generation + 1
                ),
            ),
            (1, lambda configuration: replace(configuration, domain=configuration.domain + 1)),
            (1, lambda configuration: replace(configuration, name=self._create_name())),
            (1, self._remove),
            (1, lambda configuration: self._change_policy(configuration, suspend=not configuration.policy.suspend)),
            (1, lambda configuration: self._change_policy(configuration, mode=self._draw_mode())),
            (1, lambda configuration: self._change_policy(configuration, on_loss=self._random.choice(tuple(OnLoss)))),
            (1, lambda configuration: replace(configuration, destination=self._create_number())),
            (1, self._adopt),
        )
        head = list(self.revisions[-1])
        if self._scenario.declaration:
            index = self._random.randrange(len(head))
            is_replacement = draw_bool(self._replacement_random, 0.2 if head[index].declaration else 0.7)
            head[index] = (self._replace_recurring if is_replacement else self._change_recurring)(head[index])
        elif self._scenario.has_churn:
            index = self._random.randrange(len(head))
            head[index] = self._change_window(head[index])
        elif self._removed and draw_bool(self._random, 0.4):
            head.append(self._removed.pop())
        elif not head or draw_bool(self._random, 0.05):
            head.append(self._draw_configuration())
        elif draw_bool(self._random, 0.04):
            head.append(replace(self._random.choice(head), name=self._create_name()))
            self._history.count_event("edit: twin")
        else:
            index = self._random.randrange(len(head))
            (change,) = self._random.choices([edit for _, edit in edits], [weight for weight, _ in edits])
            changed = change(head[index])
            head[index : index + 1] = [changed] if changed else []
        if head and not self._scenario.declaration and draw_bool(self._retirement_random, 0.06):
            index = self._retirement_random.randrange(len(head))
            head[index] = self._retire(head[index])
        if tuple(head) != self.revisions[-1]:
            self.revisions.append(tuple(head))
            text = "; ".join(_format_configuration(configuration) for configuration in head)
            self._history.add_line("git", f"revision {len(self.revisions) - 1}: {text}")

    def record_first_revision(self) -> None:
        """Write the first revision to the history."""
        self._history.add_line(
            "git", "; ".join(_format_configuration(configuration) for configuration in self.revisions[0])
        )

    def _draw_configuration(self) -> Configuration:
        name = self._random.choice(INTEGRATIONS[: self._scenario.integrations])
        ids = {each.name: each.id for each in self._cloud.state.integrations.values()}
        spellings = (name, name, ids.get(name, name), self._cloud.get_arn(ids[name]) if name in ids else name)
        policy = Policy(mode=self._draw_mode(), on_loss=self._random.choice(tuple(OnLoss)), delay=DELAY)
        configuration = Configuration(
            name=self._create_name(),
            integration=self._random.choice(spellings),
            destination=self._create_number(),
            client=self._random.choice((None, None, "client")),
            window=self._random.randrange(WINDOWS),
            is_scheduled=draw_bool(self._random, 0.25),
            domain=0,
            policy=policy,
            has_on_loss=not draw_bool(self._omission_random, 0.3),
            has_open_window=self._scenario.has_open_windows,
            declaration=self._scenario.declaration,
        )
        if configuration.declaration:
            return replace(configuration, is_scheduled=False)
        is_retired = draw_bool(self._retirement_random, 0.03)
        return self._change_policy(configuration, retired="done") if is_retired else configuration

    def _change_recurring(self, configuration: Configuration) -> Configuration:
        """Change a manifest with recurring windows: its declaration, its generation, or both."""
        policy, random = configuration.policy, self._random
        share = random.random()
        if share < 0.3:
            return self._change_policy(configuration, generation=policy.generation + 1)
        if share < 0.4:
            return self._change_policy(configuration, suspend=not policy.suspend)
        earlier = [
            each.declaration for revision in self.revisions for each in revision if each.name == configuration.name
        ]
        declarations = [each for each in earlier if each]
        if share < 0.45:
            return replace(configuration, declaration=None if configuration.declaration else declarations[-1])
        now = datetime.fromtimestamp(self._cloud.schedule.now, UTC)
        old_declaration = configuration.declaration or declarations[-1]
        declaration = change_declaration(random, old_declaration, declarations, now)
        changed = replace(configuration, declaration=declaration)
        return self._change_policy(changed, generation=policy.generation + int(share > 0.9))

    def _replace_recurring(self, configuration: Configuration) -> Configuration:
        """Replace recurring windows by a fixed one, or return to them, with or without a raised generation."""
        earlier = [
            each.declaration for revision in self.revisions for each in revision if each.name == configuration.name
        ]
        declaration = None if configuration.declaration else [each for each in earlier if each][-1]
        is_raised = draw_bool(self._replacement_random, 0.8)
        self._history.count_event("edit: fixed window" if declaration is None else "edit: recurring windows again")
        changed = replace(configuration, declaration=declaration)
        return self._change_policy(changed, generation=configuration.policy.generation + int(is_raised))

    def _change_window(self, configuration: Configuration) -> Configuration:
        return replace(configuration, window=(configuration.window + self._random.randint(1, WINDOWS - 1)) % WINDOWS)

    def _change_policy(self, configuration: Configuration, **changes: object) -> Configuration:
        return replace(configuration, policy=replace(configuration.policy, **changes))  # type: ignore[arg-type]

    def _remove(self, configuration: Configuration) -> None:
        self._removed.append(configuration)

    def _adopt(self, configuration: Configuration) -> Configuration:
        """Name a live association in policy.adopt, or remove policy.adopt."""
        if configuration.policy.adopt or not self._cloud.state.associations:
            return self._change_policy(configuration, adopt=None)
        association = self._random.choice(list(self._cloud.state.associations.values()))
        arn = f"{self._cloud.get_arn(association.integration_id)}/{association.id}"
        return self._change_policy(
            configuration, adopt=arn.replace(":data-integration/", ":data-integration-association/")
        )

    def _retire(self, configuration: Configuration) -> Configuration:
        """Retire a manifest, or remove policy.retired."""
        self._history.count_event("edit: " + ("unretired" if configuration.policy.retired else "retired"))
        return self._change_policy(configuration, retired=None if configuration.policy.retired else "done")

    def _draw_mode(self) -> Mode:
        if self._scenario.has_churn or self._scenario.declaration:
            return Mode.CREATE_AND_UPDATE
        usual_mode = Mode.CREATE_AND_UPDATE if self._scenario.has_updates else Mode.CREATE
        return self._random.choice((usual_mode,) * 10 + (Mode.CREATE, Mode.OBSERVE))

    def _create_name(self) -> str:
        return f"m{self._create_number()}"

    def _create_number(self) -> int:
        self._number += 1
        return self._number


def _get_default_on_loss(spec: Json) -> OnLoss:
    """Return the onLoss that the program uses for a manifest without it."""
    document = {"metadata": {"name": "any"}, "spec": spec}
    return build.build_manifest(document, Origin("any.yaml", 1, 1), {}, read_zone).policy.on_loss


def _format_configuration(configuration: Configuration) -> str:
    policy = configuration.policy
    flags = "".join(
        (
            f" gen={policy.generation}" if policy.generation > 1 else "",
            " suspended" if policy.suspend else "",
            " adopts" if policy.adopt else "",
            " retired" if policy.retired else "",
            " scheduled" if configuration.is_scheduled else "",
        )
    )
    integration_name = configuration.integration.rpartition("/")[2][:8]
    if declaration := configuration.declaration:
        words = f" skips {len(declaration.skip)}" if declaration.skip else ""
        words += f" continues from {declaration.continue_from}" if declaration.continue_from else ""
        flags += (
            f" every {declaration.every} in {declaration.zone_name} from {declaration.first} to {declaration.last} "
            f"{declaration.missed}{words}"
        )
    return (
        f"{configuration.name} → {integration_name}:{configuration.destination} "
        f"window={configuration.window} domain={configuration.domain} {policy.mode.value} {policy.on_loss.value}{flags}"
    )
