"""Finds the data integration that a manifest means."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.model import Integration
from reconciler.core.suggestions import find_closest


def find_integration(identifier: str, integrations: Sequence[Integration]) -> Integration | None:
    """Return the integration of an ARN, a UUID or a name, tried in this order."""
    for spelling in ("arn", "uuid", "name"):
        for integration in integrations:
            if getattr(integration, spelling) == identifier:
                return integration
    return None


def describe_missing_integration(identifier: str, integrations: Sequence[Integration]) -> str:
    """Return what is wrong where there is no such data integration, and what would be right."""
    suggestion = find_closest(identifier, (integration.name for integration in integrations))
    hint = f"did you mean {suggestion!r}?" if suggestion else "create it, or correct DataIntegrationIdentifier"
    return f"data integration {identifier!r} does not exist in this account and Region: {hint}"
