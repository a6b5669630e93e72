"""Choose the data integration of a first export among those of the account."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.model import Integration
from reconciler.core.plan.integrations import describe_missing_integration, find_integration
from reconciler.core.plan.source_kind import SourceKind, get_source_kind
from reconciler.core.suggestions import join_names

_CREATE_ONE = 'create one as AWS\'s guide "Set up bulk export" says, or use --offline'


def list_exportable(integrations: Sequence[Integration]) -> tuple[Integration, ...]:
    """Return the data integrations of bulk exports. Without any, return those with an unknown source."""
    for kind in (SourceKind.BULK_EXPORT, SourceKind.UNKNOWN):
        if matching := tuple(each for each in integrations if get_source_kind(each) is kind):
            return matching
    return ()


def choose_integration(identifier: str | None, integrations: Sequence[Integration]) -> Integration:
    """Return the data integration with an identifier. Without an identifier, return the only one of a bulk export.

    Raises ValueError if there is no such data integration, or more than one.
    """
    if identifier is not None:
        return _find_exportable(identifier, integrations)
    candidates = list_exportable(integrations)
    if not candidates:
        raise ValueError(f"this account and Region have no data integration of a bulk export: {_CREATE_ONE}")
    if len(candidates) > 1:
        names = join_names([each.name for each in candidates])
        raise ValueError(f"there are several data integrations: choose one of {names} with --integration")
    return candidates[0]


def choose_live_integration(identifier: str | None, integrations: Sequence[Integration]) -> Integration | None:
    """Return the data integration with an identifier, of any source. Without an identifier, return None.

    Raises ValueError if there is no such data integration.
    """
    if identifier is None:
        return None
    if (integration := find_integration(identifier, integrations)) is None:
        raise ValueError(f"--integration: {describe_missing_integration(identifier, integrations)}")
    return integration


def _find_exportable(identifier: str, integrations: Sequence[Integration]) -> Integration:
    integration = find_integration(identifier, integrations)
    if integration is None:
        raise ValueError(f"--integration: {describe_missing_integration(identifier, list_exportable(integrations))}")
    if not get_source_kind(integration).may_be_bulk_export:
        raise ValueError(
            f"--integration: the source of data integration {identifier!r} is {integration.source}, which is not a "
            "bulk export: choose a data integration whose source begins with AmazonConnect://"
        )
    return integration
