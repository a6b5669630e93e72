"""Find the data integration that a manifest names."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.model import Integration
from reconciler.core.suggestions import find_closest, format_suggestion


def find_integration(identifier: str, integrations: Sequence[Integration]) -> Integration | None:
    """Return the data integration with an ARN, UUID or name, tried in this order; None if there is none."""
    for spelling in ("arn", "uuid", "name"):
        for integration in integrations:
            if getattr(integration, spelling) == identifier:
                return integration
    return None


def describe_missing_integration(identifier: str, integrations: Sequence[Integration]) -> str:
    """Return the reason and the remedy for a missing data integration."""
    suggestion = find_closest(identifier, (integration.name for integration in integrations))
    hint = (
        format_suggestion(repr(suggestion))
        if suggestion
        else "create it, or give the name, id or ARN of an existing one"
    )
    return f"data integration {identifier!r} does not exist in this account and Region: {hint}"
