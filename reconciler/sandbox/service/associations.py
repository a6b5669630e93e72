"""Associations: every Create starts a job and cannot be undone; every Update reruns it."""

from dataclasses import dataclass, replace

from reconciler.sandbox.service import client_tokens
from reconciler.sandbox.service.context import Context
from reconciler.sandbox.service.errors import (
    AccessDeniedError,
    InvalidRequestError,
    QuotaExceededError,
    ResourceNotFoundError,
)
from reconciler.sandbox.service.integrations import DataIntegrations
from reconciler.sandbox.service.pagination import page
from reconciler.sandbox.service.state import Association, Carried, DataIntegration, Document

_CREATE = "CreateDataIntegrationAssociation"
_UPDATE = "UpdateDataIntegrationAssociation"
_MESSAGES = {
    "IN_PROGRESS": "The job is running.",
    "COMPLETED": "The job has ended.",
    "FAILED": "The job has failed: the destination refused the data.",
}


@dataclass(frozen=True, slots=True)
class Associations:
    """The operations on associations. There is none that gets or deletes one."""

    context: Context
    integrations: DataIntegrations

    def create(self, request: Document) -> Document:
        """Create an association and start its job; the same token answers the same again."""
        context = self.context
        integration = self.integrations.find(request["DataIntegrationIdentifier"])
        self._authorise(_CREATE)
        context.fail_if_told()
        token = request.get("ClientToken")
        asked = {key: value for key, value in request.items() if key != "ClientToken"}
        asked["DataIntegrationIdentifier"] = integration.id
        known = client_tokens.recall(context, _CREATE, token, asked)
        if known is not None:
            return known
        execution = request.get("ExecutionConfiguration")
        self._refuse_beyond_quota(integration)
        self._refuse_export_too_many(execution)
        now = context.clock()
        association = Association(
            id=context.new_id(),
            integration_id=integration.id,
            request=asked,
            execution=execution,
            former_execution=execution,
            created_at=now,
            updated_at=now,
            runs_until=self._end_of_job(execution),
            outcome=context.behaviour.job_outcome,
        )
        context.state.associations[association.id] = association
        context.state.integrations[integration.id] = replace(integration, associated=True)
        answer = {
            "DataIntegrationAssociationId": association.id,
            "DataIntegrationArn": context.arn_of_integration(integration.id),
        }
        client_tokens.remember(context, _CREATE, token, asked, answer)
        self._carried_out(_CREATE, association, token)
        return answer

    def list(self, request: Document) -> Document:
        """Answer what one page shows of the associations of one data integration."""
        integration = self.integrations.find(request["DataIntegrationIdentifier"])
        if integration.name == self.context.behaviour.list_denied:
            raise AccessDeniedError("User is not authorized to perform: ListDataIntegrationAssociations")
        items = [
            (association.id, self._shown(association))
            for association in self.context.state.associations.values()
            if association.integration_id == integration.id and self._is_listed(association)
        ]
        return page("DataIntegrationAssociations", items, request, listing=integration.id)

    def update(self, request: Document) -> Document:
        """Replace the execution configuration and rerun the job; the answer is empty."""
        context = self.context
        integration = self.integrations.find(request["DataIntegrationIdentifier"])
        association = self.find(integration, request["DataIntegrationAssociationIdentifier"])
        self._authorise(_UPDATE)
        context.fail_if_told()
        execution = request["ExecutionConfiguration"]
        self._refuse_export_too_many(execution, but=association)
        ends = self._end_of_job(execution)
        updated = replace(
            association,
            execution=execution,
            former_execution=association.execution,
            updated_at=context.clock(),
            runs_until=association.runs_until if ends is None else ends,
            outcome=association.outcome if ends is None else context.behaviour.job_outcome,
        )
        context.state.associations[association.id] = updated
        self._carried_out(_UPDATE, updated, None)
        return {}

    def find(self, integration: DataIntegration, identifier: str) -> Association:
        """Resolve the UUID or ARN of an association of this data integration."""
        for association in self.context.state.associations.values():
            if association.integration_id == integration.id and identifier in {
                association.id,
                self.context.arn_of_association(association),
            }:
                return association
        raise ResourceNotFoundError(f"{integration.name} has no association {identifier}.")

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
                f"A data integration may have {behaviour.associations_per_integration} associations."
            )

    def _refuse_export_too_many(self, execution: Document | None, but: Association | None = None) -> None:
        if not _is_export(execution):
            return
        now, most = self.context.clock(), self.context.behaviour.concurrent_exports
        running = [
            each
            for each in self.context.state.associations.values()
            if each is not but and each.status(now) == "IN_PROGRESS"
        ]
        if len(running) >= most:
            raise QuotaExceededError(f"An account may run {most} exports at a time per Region.")

    def _end_of_job(self, execution: Document | None) -> float | None:
        return self.context.clock() + self.context.behaviour.job_seconds if _is_export(execution) else None

    def _carried_out(self, operation: str, association: Association, token: str | None) -> None:
        context = self.context
        arn = context.arn_of_association(association)
        context.state.carried_out.append(Carried(operation, arn, token, context.clock()))
        context.lose_answer_if_told()

    def _is_listed(self, association: Association) -> bool:
        now, behaviour = self.context.clock(), self.context.behaviour
        if now < association.created_at + behaviour.list_lag:
            return False
        if behaviour.list_forgets is None or association.runs_until is None:
            return True
        return now < association.runs_until + behaviour.list_forgets

    def _shown(self, association: Association) -> Document:
        now = self.context.clock()
        lags = now < association.updated_at + self.context.behaviour.update_lag
        status = association.status(now)
        shown = {
            "DataIntegrationAssociationArn": self.context.arn_of_association(association),
            "DataIntegrationArn": self.context.arn_of_integration(association.integration_id),
            "ClientId": association.request.get("ClientId"),
            "DestinationURI": association.request.get("DestinationURI"),
            "ExecutionConfiguration": association.former_execution if lags else association.execution,
            "LastExecutionStatus": status and {"ExecutionStatus": status, "StatusMessage": _MESSAGES[status]},
        }
        return {key: value for key, value in shown.items() if value is not None}


def _is_export(execution: Document | None) -> bool:
    return execution is not None and execution["ExecutionMode"] == "ON_DEMAND"
