"""Build the first manifests of `reconcile init` from its options, from AWS and from answers at the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from reconciler import redaction
from reconciler.cli import init_questions
from reconciler.core.init.texts import EXAMPLE_INTEGRATION, ExportKind

if TYPE_CHECKING:
    from reconciler.app.config import RunConfig
    from reconciler.app.first_export import Account
    from reconciler.core.init.texts import FirstExport

_SANDBOX_DESTINATION = "s3://example-exports/profiles"


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options for the first manifest. An option that is not given is None.

    `may_ask` is true if a person at the terminal answers questions, and `is_offline` if AWS is not asked.
    """

    kind: str | None
    integration: str | None
    destination: str | None
    may_ask: bool
    is_offline: bool


@dataclass(frozen=True, slots=True)
class FirstManifests:
    """The texts of the first manifests by path, the steps that remain for a person by path, and the failures."""

    texts: dict[str, str]
    open_points: tuple[tuple[str, str], ...] = ()
    failures: tuple[str, ...] = ()
    has_access_failure: bool = False


def build_first_manifests(wishes: Wishes, account: Account, config: RunConfig) -> FirstManifests:
    """Return the first manifests. Raises UsageError for invalid values, and click.ClickException if nothing fits."""
    kind = ExportKind(wishes.kind or ExportKind.MONTHLY)
    if wishes.kind is None and wishes.may_ask:
        kind = init_questions.ask_kind(may_be_live=not wishes.is_offline and wishes.destination is None)
    if kind is ExportKind.LIVE:
        return _build_live(wishes.integration, account, config)
    return _build_new(kind, wishes, account, config)


def _build_new(kind: ExportKind, wishes: Wishes, account: Account, config: RunConfig) -> FirstManifests:
    """Return the manifest of a new export, with its Target."""
    from reconciler.app.first_export import refuse_invalid_texts, refuse_other_destination
    from reconciler.core.init.texts import FirstExport, build_texts, list_open_points

    integration, now = _choose_integration(wishes, account, config), config.create_clock().now()

    def build_export(destination: str | None) -> FirstExport:
        export = FirstExport(account.id, account.region, integration, kind, destination or None, now.date())
        refuse_invalid_texts(build_texts(export), now)
        refuse_other_destination(destination or None)
        return export

    if wishes.destination is not None:
        export = build_export(wishes.destination)
    elif config.sandbox:
        export = build_export(_SANDBOX_DESTINATION)
    else:
        export = build_export(None)  # refuses other invalid values before the question about the destination
        if wishes.may_ask:
            export = init_questions.ask_destination(build_export)
    return FirstManifests(build_texts(export), list_open_points(export))


def _choose_integration(wishes: Wishes, account: Account, config: RunConfig) -> str | None:
    """Return how the manifest names the data integration, or None if it is not known."""
    from reconciler.core.init.integration import choose_integration, list_exportable

    identifier = wishes.integration
    names = [each.name for each in list_exportable(account.integrations)]
    if identifier is None and wishes.may_ask and len(names) > 1:
        identifier = init_questions.ask_integration(names)
    elif identifier is None and config.sandbox:
        identifier = EXAMPLE_INTEGRATION
    if wishes.is_offline:
        return identifier
    try:
        integration = choose_integration(identifier, account.integrations)
    except ValueError as error:
        raise click.ClickException(redaction.describe_error(error)) from error
    return identifier or integration.name


def _build_live(identifier: str | None, account: Account, config: RunConfig) -> FirstManifests:
    """Return a manifest for each live association, with their Target."""
    from reconciler.app.first_export import export_live
    from reconciler.cli import progress
    from reconciler.core.init.integration import choose_live_integration
    from reconciler.core.init.texts import build_live_texts

    try:
        integration = choose_live_integration(identifier, account.integrations)
    except ValueError as error:
        raise click.ClickException(redaction.describe_error(error)) from error
    with progress.show_bars() as bars:
        result = export_live(config, account, integration, bars.update)
    failures = (*result.failures, *result.advice)
    if not result.texts and not failures:
        place = f"data integration {integration.name!r} has" if integration else "this account and Region have"
        raise click.ClickException(f"{place} no live association: nothing was written; use --export monthly")
    texts = build_live_texts(account.id, account.region, result.texts) if result.texts else {}
    return FirstManifests(texts, failures=failures, has_access_failure=result.has_access_failure)
