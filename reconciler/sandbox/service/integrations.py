"""The operations on data integrations. A data integration with associations cannot be deleted."""

from dataclasses import dataclass, replace

from reconciler.sandbox.service import client_tokens
from reconciler.sandbox.service.context import ServiceContext
from reconciler.sandbox.service.errors import (
    DuplicateResourceError,
    InvalidRequestError,
    QuotaExceededError,
    ResourceNotFoundError,
)
from reconciler.sandbox.service.pagination import cut_page
from reconciler.sandbox.service.state import DataIntegration, JsonObject

_CREATE = "CreateDataIntegration"


@dataclass(frozen=True, slots=True)
class DataIntegrations:
    """The operations on data integrations."""

    context: ServiceContext

    def find(self, identifier: str) -> DataIntegration:
        """Return the data integration with this UUID, ARN or name, in this order. Raises ResourceNotFoundError."""
        integrations = self.context.state.integrations
        if identifier in integrations:
            return integrations[identifier]
        for integration in integrations.values():
            if identifier in {self.context.build_integration_arn(integration.id), integration.name}:
                return integration
        raise ResourceNotFoundError(f"The data integration does not exist: {identifier}")

    def create(self, request: JsonObject) -> JsonObject:
        """Create a data integration and return its full description."""
        context = self.context
        token = request.get("ClientToken")
        parameters = {key: value for key, value in request.items() if key != "ClientToken"}
        earlier_answer = client_tokens.recall_answer(context, _CREATE, token, parameters)
        if earlier_answer is not None:
            return earlier_answer
        self._refuse_duplicate_name(request["Name"], DuplicateResourceError)
        if len(context.state.integrations) >= context.behaviour.integrations:
            raise QuotaExceededError(
                f"An account may have at most {context.behaviour.integrations} data integrations per Region."
            )
        integration = DataIntegration(
            context.new_id(),
            {key: value for key, value in parameters.items() if key != "Tags"},
            dict(request.get("Tags", {})),
        )
        context.state.integrations[integration.id] = integration
        answer = self._describe(integration) | ({} if token is None else {"ClientToken": token})
        client_tokens.remember_answer(context, _CREATE, token, parameters, answer)
        return answer

    def get(self, request: JsonObject) -> JsonObject:
        """Return the full description of one data integration."""
        return self._describe(self.find(request["Identifier"]))

    def list(self, request: JsonObject) -> JsonObject:
        """Return one page of data integrations, each with ARN, name and source."""
        items = [
            (
                integration.id,
                {"Arn": self.context.build_integration_arn(integration.id)}
                | {key: integration.request[key] for key in ("Name", "SourceURI") if key in integration.request},
            )
            for integration in self.context.state.integrations.values()
        ]
        return cut_page("DataIntegrations", items, request, listing="integrations")

    def update(self, request: JsonObject) -> JsonObject:
        """Change the name or the description. AppIntegrations allows no other change."""
        integration = self.find(request["Identifier"])
        changes = {key: request[key] for key in ("Name", "Description") if key in request}
        if changes.get("Name", integration.name) != integration.name:
            self._refuse_duplicate_name(changes["Name"], InvalidRequestError)
        self.context.state.integrations[integration.id] = replace(integration, request=integration.request | changes)
        return {}

    def delete(self, request: JsonObject) -> JsonObject:
        """Delete a data integration. Raises InvalidRequestError if it has associations."""
        integration = self.find(request["DataIntegrationIdentifier"])
        state = self.context.state
        if any(association.integration_id == integration.id for association in state.associations.values()):
            raise InvalidRequestError("The data integration has associations and cannot be deleted.")
        del state.integrations[integration.id]
        return {}

    def _refuse_duplicate_name(self, name: str, refusal: type[DuplicateResourceError | InvalidRequestError]) -> None:
        if any(integration.name == name for integration in self.context.state.integrations.values()):
            raise refusal(f"A data integration with this name already exists: {name}")

    def _describe(self, integration: DataIntegration) -> JsonObject:
        renamed = {"ScheduleConfig": "ScheduleConfiguration"}
        return {
            "Arn": self.context.build_integration_arn(integration.id),
            "Id": integration.id,
            "Tags": integration.tags,
        } | {renamed.get(key, key): value for key, value in integration.request.items()}
