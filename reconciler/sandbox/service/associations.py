"""The operations on associations. Every Create starts a job and is permanent. Every Update runs the job again."""

from dataclasses import dataclass, replace

from reconciler.sandbox.service import client_tokens
from reconciler.sandbox.service.context import ServiceContext
from reconciler.sandbox.service.errors import (
    AccessDeniedError,
    InvalidRequestError,
    QuotaExceededError,
    ResourceNotFoundError,
)
from reconciler.sandbox.service.integrations import DataIntegrations
from reconciler.sandbox.service.pagination import cut_page
from reconciler.sandbox.service.state import Association, DataIntegration, ExecutedWrite, JsonObject

_CREATE = "CreateDataIntegrationAssociation"
_UPDATE = "UpdateDataIntegrationAssociation"
_MESSAGES = {
    "IN_PROGRESS": "The job is running.",
    "COMPLETED": "The job completed.",
    "FAILED": "The job failed: the destination refused the data.",
}


@dataclass(frozen=True, slots=True)
class Associations:
    """The operations on associations. AppIntegrations has no Get and no Delete for them."""

    context: ServiceContext
    integrations: DataIntegrations

    def create(self, request: JsonObject) -> JsonObject:
        """Create an association, start its job, and return the ids. The `tokens` switch governs repeated tokens."""
        context = self.context
        integration = self.integrations.find(request["DataIntegrationIdentifier"])
        self._authorise(_CREATE)
        context.fail_if_configured()
        token = request.get("ClientToken")
        parameters = {key: value for key, value in request.items() if key != "ClientToken"}
        parameters["DataIntegrationIdentifier"] = integration.id
        earlier_answer = client_tokens.recall_answer(context, _CREATE, token, parameters)
        if earlier_answer is not None:
            return earlier_answer
        execution = request.get("ExecutionConfiguration")
        self._refuse_beyond_quota(integration)
        self._refuse_excess_export(execution)
        now = context.clock()
        association = Association(
            id=context.new_id(),
            integration_id=integration.id,
            request=parameters,
            execution=execution,
            former_execution=execution,
            created_at=now,
            updated_at=now,
            runs_until=self._compute_job_end(execution),
            outcome=context.behaviour.job_outcome,
            requested_at=now if _is_export(execution) else 0.0,
        )
        context.state.associations[association.id] = association
        context.state.integrations[integration.id] = replace(integration, associated=True)
        answer = {
            "DataIntegrationAssociationId": association.id,
            "DataIntegrationArn": context.build_integration_arn(integration.id),
        }
        client_tokens.remember_answer(context, _CREATE, token, parameters, answer)
        self._record_write(_CREATE, association, token)
        return answer

    def list(self, request: JsonObject) -> JsonObject:
        """Return one page of the associations of a data integration."""
        integration = self.integrations.find(request["DataIntegrationIdentifier"])
        if integration.name == self.context.behaviour.list_denied:
            raise AccessDeniedError("User is not authorized to perform: ListDataIntegrationAssociations")
        items = [
            (association.id, self._describe(association))
            for association in self.context.state.associations.values()
            if association.integration_id == integration.id and self._is_listed(association)
        ]
        return cut_page("DataIntegrationAssociations", items, request, listing=integration.id)

    def update(self, request: JsonObject) -> JsonObject:
        """Replace the execution configuration and run the job again. Returns an empty answer."""
        context = self.context
        integration = self.integrations.find(request["DataIntegrationIdentifier"])
        association = self.find(integration, request["DataIntegrationAssociationIdentifier"])
        self._authorise(_UPDATE)
        context.fail_if_configured()
        execution = request["ExecutionConfiguration"]
        self._refuse_excess_export(execution, excluded=association)
        is_running = association.get_status(context.clock()) == "IN_PROGRESS"
        if is_running and context.behaviour.update_during_job == "refuse":
            raise InvalidRequestError("The association cannot be updated while its job is running.")
        updated = replace(
            association,
            execution=execution,
            former_execution=association.execution,
            updated_at=context.clock(),
        )
        if _is_export(execution):
            updated = self._start_job(updated)
        context.state.associations[association.id] = updated
        self._record_write(_UPDATE, updated, None)
        return {}

    def _start_job(self, association: Association) -> Association:
        """Return the association with the job of an Update, which begins after the job before or at once."""
        now, behaviour, former_end = self.context.clock(), self.context.behaviour, association.runs_until
        start = max(now, former_end or now) if behaviour.update_during_job == "queue" else now
        return replace(
            association,
            requested_at=now,
            runs_until=start + behaviour.job_seconds,
            outcome=behaviour.job_outcome,
            former_runs_until=former_end,
            former_outcome=association.outcome,
        )

    def find(self, integration: DataIntegration, identifier: str) -> Association:
        """Return the association with this UUID or ARN. Raises ResourceNotFoundError."""
        for association in self.context.state.associations.values():
            if association.integration_id == integration.id and identifier in {
                association.id,
                self.context.build_association_arn(association),
            }:
                return association
        raise ResourceNotFoundError(f"The data integration {integration.name} has no association {identifier}.")

    def _authorise(self, operation: str) -> None:
        if self.context.behaviour.explicit_deny:
            raise AccessDeniedError(
                f"User is not authorized to perform: app-integrations:{operation} "
                "with an explicit deny in a resource-based policy"
            )
        if self.context.behaviour.access_denied:
            raise AccessDeniedError(
                f"User is not authorized to perform: app-integrations:{operation} "
                f"because no identity-based policy allows the app-integrations:{operation} action"
            )

    def _refuse_beyond_quota(self, integration: DataIntegration) -> None:
        behaviour = self.context.behaviour
        if behaviour.one_association_per_integration and integration.associated:
            raise InvalidRequestError(
                "You cannot create a DataIntegration association for a DataIntegration that has been previously "
                "associated. Use a different DataIntegration, or recreate the DataIntegration."
            )
        siblings = [each for each in self.context.state.associations.values() if each.integration_id == integration.id]
        if len(siblings) >= behaviour.associations_per_integration:
            raise QuotaExceededError(
                f"A data integration may have at most {behaviour.associations_per_integration} associations."
            )

    def _refuse_excess_export(self, execution: JsonObject | None, excluded: Association | None = None) -> None:
        if not _is_export(execution):
            return
        now, limit = self.context.clock(), self.context.behaviour.concurrent_exports
        running = [
            each
            for each in self.context.state.associations.values()
            if each is not excluded and each.get_status(now) == "IN_PROGRESS"
        ]
        if len(running) >= limit:
            raise QuotaExceededError(f"An account may run at most {limit} exports at a time per Region.")

    def _compute_job_end(self, execution: JsonObject | None) -> float | None:
        return self.context.clock() + self.context.behaviour.job_seconds if _is_export(execution) else None

    def _record_write(self, operation: str, association: Association, token: str | None) -> None:
        context = self.context
        arn = context.build_association_arn(association)
        context.state.executed_writes.append(ExecutedWrite(operation, arn, token, context.clock()))
        context.lose_answer_if_configured()

    def _is_listed(self, association: Association) -> bool:
        now, behaviour = self.context.clock(), self.context.behaviour
        if now < association.created_at + behaviour.list_lag:
            return False
        if behaviour.list_forgets is None or association.runs_until is None:
            return True
        return now < association.runs_until + behaviour.list_forgets

    def _describe(self, association: Association) -> JsonObject:
        now = self.context.clock()
        behaviour = self.context.behaviour
        execution = association.execution
        if not behaviour.updates_shown:
            execution = association.request.get("ExecutionConfiguration")
        elif now < association.updated_at + behaviour.update_lag:
            execution = association.former_execution
        status = association.get_status(now - behaviour.status_lag)
        item = {
            "DataIntegrationAssociationArn": self.context.build_association_arn(association),
            "DataIntegrationArn": self.context.build_integration_arn(association.integration_id),
            "ClientId": association.request.get("ClientId"),
            "DestinationURI": association.request.get("DestinationURI"),
            "ExecutionConfiguration": execution,
            "LastExecutionStatus": status and {"ExecutionStatus": status, "StatusMessage": _MESSAGES[status]},
        }
        return {key: value for key, value in item.items() if value is not None}


def _is_export(execution: JsonObject | None) -> bool:
    return execution is not None and execution["ExecutionMode"] == "ON_DEMAND"
