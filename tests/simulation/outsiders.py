"""Changes by people and AWS to associations and data integrations, outside the reconciler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from simulation.aws import Cloud
from simulation.git import Configuration, Git
from simulation.history import History
from simulation.randomness import create_random
from simulation.scenario import Scenario

from reconciler.core.model import Json
from reconciler.sandbox.service.errors import ServiceError


class Outsiders:
    """People and services other than the reconciler."""

    def __init__(self, scenario: Scenario, cloud: Cloud, git: Git, history: History) -> None:
        self._cloud, self._git, self._history = cloud, git, history
        self._random = create_random(scenario.seed, "others")

    def make_change(self) -> None:
        """Make one change."""
        changes: dict[str, Callable[[], bool]] = {
            "an association is removed": self._remove,
            "somebody updates an association": self._update,
            "somebody creates an association like one in git": lambda: self._create(is_similar=True),
            "somebody creates an association": lambda: self._create(is_similar=False),
            "a data integration is made anew": self._renew,
            "a data integration is renamed": self._rename,
            "writes are denied for a while": self._deny,
        }
        name = self._random.choices(tuple(changes), (5, 3, 4, 1, 1, 1, 1))[0]
        if changes[name]():
            self._history.add_line("others", name)
            self._history.count_event(f"others: {name}")

    def _remove(self) -> bool:
        associations = list(self._cloud.state.associations)
        if associations:
            self._cloud.service.remove_association(self._random.choice(associations))
        return bool(associations)

    def _update(self) -> bool:
        associations = list(self._cloud.state.associations.values())
        if not associations:
            return False
        association = self._random.choice(associations)
        return self._call(
            "UpdateDataIntegrationAssociation",
            DataIntegrationIdentifier=association.integration_id,
            DataIntegrationAssociationIdentifier=association.id,
            ExecutionConfiguration=self._draw_execution(),
        )

    def _create(self, *, is_similar: bool) -> bool:
        configuration = self._choose_configuration()
        integration = self._random.choice(list(self._cloud.state.integrations))
        request = {"DestinationURI": f"s3://corp/{configuration.destination if is_similar else 'theirs'}"}
        if is_similar and configuration.client:
            request["ClientId"] = configuration.client
        execution = configuration.execution if is_similar else self._draw_execution()
        return self._call(
            "CreateDataIntegrationAssociation",
            DataIntegrationIdentifier=integration,
            ExecutionConfiguration=execution,
            **request,
        )

    def _renew(self) -> bool:
        self._cloud.recreate_integration(self._random.choice(list(self._cloud.state.integrations.values())))
        return True

    def _rename(self) -> bool:
        """Rename a data integration, or give it its old name again."""
        integration = self._random.choice(list(self._cloud.state.integrations))
        integration_before = self._cloud.state.integrations[integration]
        name = (
            integration_before.name.removesuffix("-old")
            if integration_before.name.endswith("-old")
            else f"{integration_before.name}-old"
        )
        self._cloud.state.integrations[integration] = replace(
            integration_before, request=integration_before.request | {"Name": name}
        )
        return True

    def _deny(self) -> bool:
        schedule = self._cloud.schedule
        self._cloud.change_behaviour(access_denied=True)
        schedule.add_event(
            schedule.now + self._random.uniform(60, 3600), lambda: self._cloud.change_behaviour(access_denied=False)
        )
        return True

    def _call(self, operation: str, **request: Json) -> bool:
        """Make a call by hand, without a ClientToken of the program."""
        try:
            self._cloud.service.call(operation, request)
        except ServiceError:
            return False
        return True

    def _choose_configuration(self) -> Configuration:
        return self._random.choice([configuration for revision in self._git.revisions for configuration in revision])

    def _draw_execution(self) -> Json:
        configuration = self._choose_configuration()
        return replace(configuration, window=self._random.randrange(7)).execution
