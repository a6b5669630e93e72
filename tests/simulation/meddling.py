"""Changes by people and AWS to associations and data integrations, outside the reconciler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from simulation.aws import Cloud
from simulation.dice import dice
from simulation.git import Git, Wish
from simulation.history import History
from simulation.scenario import Scenario

from reconciler.core.model import Json
from reconciler.sandbox.service.errors import ServiceError


class Others:
    """People and services other than the reconciler."""

    def __init__(self, scenario: Scenario, cloud: Cloud, git: Git, history: History) -> None:
        self._cloud, self._git, self._history = cloud, git, history
        self._random = dice(scenario.seed, "others")

    def meddle(self) -> None:
        """Make one change."""
        deeds: dict[str, Callable[[], bool]] = {
            "an association is removed": self._remove,
            "somebody updates an association": self._update,
            "somebody creates an association like one in git": lambda: self._create(like=True),
            "somebody creates an association": lambda: self._create(like=False),
            "a data integration is made anew": self._renew,
            "a data integration is renamed": self._rename,
            "writes are denied for a while": self._deny,
        }
        name = self._random.choices(tuple(deeds), (5, 3, 4, 1, 1, 1, 1))[0]
        if deeds[name]():
            self._history.tell("others", name)
            self._history.reach(f"others: {name}")

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
            ExecutionConfiguration=self._other_execution(),
        )

    def _create(self, *, like: bool) -> bool:
        wish = self._some_wish()
        integration = self._random.choice(list(self._cloud.state.integrations))
        request = {"DestinationURI": f"s3://corp/{wish.destination if like else 'theirs'}"}
        if like and wish.client:
            request["ClientId"] = wish.client
        execution = wish.execution if like else self._other_execution()
        return self._call(
            "CreateDataIntegrationAssociation",
            DataIntegrationIdentifier=integration,
            ExecutionConfiguration=execution,
            **request,
        )

    def _renew(self) -> bool:
        self._cloud.renew(self._random.choice(list(self._cloud.state.integrations.values())))
        return True

    def _rename(self) -> bool:
        """Rename a data integration, or give it its old name again."""
        integration = self._random.choice(list(self._cloud.state.integrations))
        before = self._cloud.state.integrations[integration]
        name = before.name.removesuffix("-old") if before.name.endswith("-old") else f"{before.name}-old"
        self._cloud.state.integrations[integration] = replace(before, request=before.request | {"Name": name})
        return True

    def _deny(self) -> bool:
        schedule = self._cloud.schedule
        self._cloud.behave(access_denied=True)
        schedule.at(schedule.now + self._random.uniform(60, 3600), lambda: self._cloud.behave(access_denied=False))
        return True

    def _call(self, operation: str, **request: Json) -> bool:
        """Make a call by hand, without a ClientToken of the program."""
        try:
            self._cloud.service.call(operation, request)
        except ServiceError:
            return False
        return True

    def _some_wish(self) -> Wish:
        return self._random.choice([wish for revision in self._git.revisions for wish in revision])

    def _other_execution(self) -> Json:
        wish = self._some_wish()
        return replace(wish, window=self._random.randrange(7)).execution
