"""The operations on tags of data integrations and associations."""

from dataclasses import dataclass

from reconciler.sandbox.service.context import ServiceContext
from reconciler.sandbox.service.errors import InvalidRequestError, ResourceNotFoundError
from reconciler.sandbox.service.state import JsonObject

_MAX_TAGS = 50


@dataclass(frozen=True, slots=True)
class Tags:
    """The operations on tags. A resource is identified by its ARN."""

    context: ServiceContext

    def list(self, request: JsonObject) -> JsonObject:
        """Return the tags of a resource."""
        return {"tags": self._find_tags(request["resourceArn"])}

    def add(self, request: JsonObject) -> JsonObject:
        """Set tags. A tag replaces an existing tag with the same key."""
        tags = self._find_tags(request["resourceArn"])
        if len(tags | request["tags"]) > _MAX_TAGS:
            raise InvalidRequestError(f"A resource may have at most {_MAX_TAGS} tags.")
        tags.update(request["tags"])
        return {}

    def remove(self, request: JsonObject) -> JsonObject:
        """Remove tags. Missing tags are ignored."""
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
        raise ResourceNotFoundError(f"The resource does not exist: {arn}")
