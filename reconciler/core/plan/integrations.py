"""Find the data integration of a manifest."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.model import Integration
from reconciler.core.suggestions import find_closest


def find_integration(identifier: str, integrations: Sequence[Integration]) -> Integration | None:
    """Find an integration by ARN, UUID or name, in this order."""
    for spelling in ("arn", "uuid", "name"):
        for integration in integrations:
            if getattr(integration, spelling) == identifier:
                return integration
    return None


def describe_missing_integration(identifier: str, integrations: Sequence[Integration]) -> str:
    """Describe a missing data integration and its remedy."""
    suggestion = find_closest(identifier, (integration.name for integration in integrations))
    hint = f"did you mean {suggestion!r}?" if suggestion else "create it, or correct DataIntegrationIdentifier"
    return f"data integration {identifier!r} does not exist in this account and Region: {hint}"
