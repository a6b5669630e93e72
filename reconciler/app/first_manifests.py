"""Build the first manifests of `reconcile init` from its options, from AWS and from answers of a person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from reconciler import redaction
from reconciler.app.config import RunConfig
from reconciler.app.first_export import Account, export_live, refuse_invalid_texts, refuse_other_destination
from reconciler.core.errors import NothingToExport
from reconciler.core.init.integration import choose_integration, choose_live_integration, list_exportable
from reconciler.core.init.texts import (
    EXAMPLE_INTEGRATION,
    ExportKind,
    FirstExport,
    build_live_texts,
    build_texts,
    list_open_points,
)
from reconciler.core.ports import Progress

_SANDBOX_DESTINATION = "s3://example-exports/profiles"
T = TypeVar("T")


class Questions(Protocol):
    """Questions to a person. Each answer is checked, and a wrong one is asked for again."""

    def ask_kind(self, *, may_be_live: bool) -> ExportKind:
        """Ask what to export."""

    def ask_integration(self, names: Sequence[str], /) -> str:
        """Ask for one of several data integrations."""

    def ask_destination(self, build: Callable[[str], T], /) -> T:
        """Ask for the destination, and return what `build` makes of it. `build` raises UsageError."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options for the first manifest. An option that is not given is None.

    `is_offline` is true if AWS is not asked.
    """

    kind: str | None
    integration: str | None
    destination: str | None
    is_offline: bool


@dataclass(frozen=True, slots=True)
class FirstManifests:
    """The texts of the first manifests by path, the steps that remain for a person by path, and the failures."""

    texts: dict[str, str]
    open_points: tuple[tuple[str, str], ...] = ()
    failures: tuple[str, ...] = ()
    has_access_failure: bool = False


def build_first_manifests(
    wishes: Wishes, account: Account, config: RunConfig, questions: Questions | None, progress: Progress
) -> FirstManifests:
    """Return the first manifests. Raises UsageError for invalid values, and NothingToExport if nothing fits.

    `questions` is None if no person can answer questions.
    """
    kind = ExportKind(wishes.kind or ExportKind.MONTHLY)
    if wishes.kind is None and questions:
        kind = questions.ask_kind(may_be_live=not wishes.is_offline and wishes.destination is None)
    if kind is ExportKind.LIVE:
        return _build_live(wishes.integration, account, config, progress)
    return _build_new(kind, wishes, account, config, questions)


def _build_new(
    kind: ExportKind, wishes: Wishes, account: Account, config: RunConfig, questions: Questions | None
) -> FirstManifests:
    """Return the manifest of a new export, with its Target."""
    integration, now = _choose_integration(wishes, account, config, questions), config.create_clock().now()

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
        if questions:
            export = questions.ask_destination(build_export)
    return FirstManifests(build_texts(export), list_open_points(export))


def _choose_integration(wishes: Wishes, account: Account, config: RunConfig, questions: Questions | None) -> str | None:
    """Return how the manifest names the data integration, or None if it is not known."""
    identifier = wishes.integration
    names = [each.name for each in list_exportable(account.integrations)]
    if identifier is None and questions and len(names) > 1:
        identifier = questions.ask_integration(names)
    elif identifier is None and config.sandbox:
        identifier = EXAMPLE_INTEGRATION
    if wishes.is_offline:
        return identifier
    try:
        integration = choose_integration(identifier, account.integrations)
    except ValueError as error:
        raise NothingToExport(redaction.describe_error(error)) from error
    return identifier or integration.name


def _build_live(identifier: str | None, account: Account, config: RunConfig, progress: Progress) -> FirstManifests:
    """Return a manifest for each live association, with their Target."""
    try:
        integration = choose_live_integration(identifier, account.integrations)
    except ValueError as error:
        raise NothingToExport(redaction.describe_error(error)) from error
    result = export_live(config, account, integration, progress)
    failures = (*result.failures, *result.advice)
    if not result.texts and not failures:
        place = f"data integration {integration.name!r} has" if integration else "this account and Region have"
        raise NothingToExport(
            f"{place} no live association: nothing was written; use --export monthly or --export window"
        )
    texts = build_live_texts(account.id, account.region, result.texts) if result.texts else {}
    return FirstManifests(texts, failures=failures, has_access_failure=result.has_access_failure)
