"""AppIntegrations through List calls: what could not be listed whole is unobserved, never empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from reconciler.core.errors import CloudError
from reconciler.core.model import Execution, Integration, Live, Observation, Unobserved
from reconciler.core.request import normalise
from reconciler.edge.aws.errors import translated

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient

CONCURRENCY = 8
_PAGE = 50  # the largest that the service model allows


class Reader:
    """AppIntegrations through List calls only."""

    def __init__(self, client: AppIntegrationsServiceClient) -> None:
        client.meta.events.register("before-call.appintegrations", _refuse_writes)
        self._client = client

    def observe(self, progress: Callable[[str, int, int], None]) -> Observation:
        """Return all data integrations and the associations of each. Raises CloudError if the former fail."""
        with translated("ListDataIntegrations"):
            pages = self._client.get_paginator("list_data_integrations").paginate(PaginationConfig={"PageSize": _PAGE})
            integrations = tuple(
                Integration(item["Arn"], item["Name"]) for page in pages for item in page["DataIntegrations"]
            )
        arns = list(dict.fromkeys(integration.arn for integration in integrations))
        return Observation(integrations, self._list(arns, progress))

    def associations(self, integration_arns: Iterable[str]) -> Mapping[str, tuple[Live, ...] | Unobserved]:
        """Return the associations of some data integrations, by the integration's ARN."""
        return self._list(list(integration_arns), lambda *_: None)

    def _list(
        self, arns: list[str], progress: Callable[[str, int, int], None]
    ) -> Mapping[str, tuple[Live, ...] | Unobserved]:
        listed: dict[str, tuple[Live, ...] | Unobserved] = {}
        progress("observing", 0, len(arns))
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            for arn, lives in zip(arns, pool.map(self._list_one, arns), strict=True):
                listed[arn] = lives
                progress("observing", len(listed), len(arns))
        return listed

    def _list_one(self, arn: str) -> tuple[Live, ...] | Unobserved:
        """Return the associations of one data integration, or why they are not known: never a part of them."""
        try:
            with translated("ListDataIntegrationAssociations"):
                pages = self._client.get_paginator("list_data_integration_associations").paginate(
                    DataIntegrationIdentifier=arn, PaginationConfig={"PageSize": _PAGE}
                )
                items = [item for page in pages for item in page["DataIntegrationAssociations"]]
                lives = {live.arn: live for live in (_live(item, arn) for item in items)}
        except CloudError as error:
            return Unobserved(str(error))
        except Exception as error:  # noqa: BLE001 - an answer that nobody can read is not an empty one
            return Unobserved(f"the answer cannot be read: {type(error).__name__}: {error}")
        return tuple(lives.values())


def _live(item: Any, integration_arn: str) -> Live:
    execution = item.get("LastExecutionStatus")
    shown = {key: item[key] for key in ("ClientId", "DestinationURI", "ExecutionConfiguration") if key in item}
    return Live(
        arn=item["DataIntegrationAssociationArn"],
        spec=normalise({"DataIntegrationIdentifier": integration_arn, **shown}),
        last_execution=Execution(execution.get("ExecutionStatus", ""), execution.get("StatusMessage"))
        if execution
        else None,
    )


def _refuse_writes(model: Any, **_: object) -> None:
    if not model.name.startswith("List"):
        raise AssertionError(f"{model.name} through the reading client")
