"""Tags of data integrations and associations, by ARN."""

from dataclasses import dataclass

from reconciler.sandbox.service.context import ServiceContext
from reconciler.sandbox.service.errors import InvalidRequestError, ResourceNotFoundError
from reconciler.sandbox.service.state import Document

_MAX_TAGS = 50


@dataclass(frozen=True, slots=True)
class Tags:
    """The operations on tags."""

    context: ServiceContext

    def list(self, request: Document) -> Document:
        """Answer all tags of a resource."""
        return {"tags": self._find_tags(request["resourceArn"])}

    def add(self, request: Document) -> Document:
        """Set tags, replacing those of the same key."""
        tags = self._find_tags(request["resourceArn"])
        if len(tags | request["tags"]) > _MAX_TAGS:
            raise InvalidRequestError(f"A resource may have {_MAX_TAGS} tags.")
        tags.update(request["tags"])
        return {}

    def remove(self, request: Document) -> Document:
        """Remove tags; those that are not there are no error."""
        tags = self._find_tags(request["resourceArn"])
        for key in request["tagKeys"]:
            tags.pop(key, None)
        return {}

    def _find_tags(self, arn: str) -> dict[str, str]:
        state = self.context.state
        for integration in state.integrations.values():
            if arn == self.context.build_integration_arn(integration.id):
                return integration.tags
        for association in state.associations.values():
            if arn == self.context.build_association_arn(association):
                return association.tags
        raise ResourceNotFoundError(f"There is no resource {arn}.")
