"""Find the data integration that a manifest names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from reconciler.core.model import Integration
from reconciler.core.suggestions import find_closest, format_suggestion


def index_integrations(integrations: Sequence[Integration]) -> Mapping[str, Integration]:
    """Return the data integrations by what a manifest may call them: their ARN, UUID or name, tried in this order."""
    index: dict[str, Integration] = {}
    for spelling in ("arn", "uuid", "name"):
        for integration in integrations:
            index.setdefault(getattr(integration, spelling), integration)
    return index


def find_integration(identifier: str, integrations: Sequence[Integration]) -> Integration | None:
    """Return the data integration with an ARN, UUID or name. To find many, call `index_integrations` once."""
    return index_integrations(integrations).get(identifier)


def describe_missing_integration(
    identifier: str,
    integrations: Sequence[Integration],
    suggest: Callable[[str, Iterable[str]], str | None] = find_closest,
) -> str:
    """Return the reason and the remedy for a missing data integration. `suggest` returns the most similar name."""
    suggestion = suggest(identifier, (integration.name for integration in integrations))
    hint = (
        format_suggestion(repr(suggestion))
        if suggestion
        else "create it, or give the name, id or ARN of an existing one"
    )
    return f"data integration {identifier!r} does not exist in this account and Region: {hint}"
