"""Find warnings that need an answer of AWS or the journal.

They are about the sources of data integrations, a quota that is nearly used up, window.continueFrom without effect,
data integrations that several manifests share, and windows that overlap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.core.errors import Problem
from reconciler.core.journal.records import Record
from reconciler.core.manifests.consistency import normalise_identifier
from reconciler.core.manifests.overlaps import ExportSpan, build_span, find_overlaps
from reconciler.core.manifests.warnings import describe_sharing
from reconciler.core.model import Integration, Manifest, Observation, Target, Unobserved, ensure_mapping
from reconciler.core.plan.decision import Drifted, Held, InSync, Settling, get_live
from reconciler.core.plan.integrations import index_integrations
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.source_kind import SourceKind, get_scheme, get_source_kind
from reconciler.core.plan.write import Create, Write
from reconciler.core.text import format_count, format_timestamp

_INTEGRATION_POINTER = "/spec/DataIntegrationIdentifier"
_NEARLY_FULL_PERCENT = 90
"""Percentage of AssociationsPerIntegration from which a warning is given: nine of the default of ten."""


def find_live_warnings(plan: Plan, target: Target, observation: Observation) -> tuple[Problem, ...]:
    """Return the warnings about the manifests of a plan. They change neither the plan nor an exit code.

    A data integration has one warning about its quota, at its first manifest.
    """
    counts = count_associations(plan, observation)
    counts.update(each.integration_arn for each in plan.decisions if isinstance(each, Create))
    integrations = index_integrations(observation.integrations)
    problems: list[Problem] = []
    counted_arns: set[str] = set()
    for decision in plan.decisions:
        manifest = decision.manifest
        integration = integrations.get(manifest.integration)
        if integration is None:
            continue
        if integration.arn not in counted_arns and (message := _describe_quota(counts, integration, target)):
            problems.append(_build_problem(manifest, _INTEGRATION_POINTER, message))
        counted_arns.add(integration.arn)
        if manifest.policy.retired:
            continue
        if warning := find_source_warning(manifest, integration, is_live=get_live(decision) is not None):
            problems.append(_build_problem(manifest, warning.pointer, f"{warning.reason}: {warning.remedy}"))
        if isinstance(decision, Write | InSync | Drifted | Held) and (
            message := _describe_unused_continue(manifest, decision.record)
        ):
            problems.append(_build_problem(manifest, "/window/continueFrom", message))
    return (*problems, *_find_hidden_sharing(plan, integrations), *_find_hidden_overlaps(plan, integrations))


def count_associations(plan: Plan, observation: Observation) -> Counter[str]:
    """Count the associations of each data integration by its ARN.

    The count includes the associations that List shows, and those that it may not show yet.
    """
    counts = Counter(
        {
            arn: len(associations)
            for arn, associations in observation.associations.items()
            if not isinstance(associations, Unobserved)
        }
    )
    settling = (each for each in plan.decisions if isinstance(each, Settling))
    counts.update(str(each.record.request["DataIntegrationIdentifier"]) for each in settling if each.live is None)
    return counts


@dataclass(frozen=True, slots=True)
class SourceWarning:
    """Warning that AWS documents another use of a source, with the remedy. `pointer` points into the document."""

    pointer: str
    reason: str
    remedy: str


def find_source_warning(manifest: Manifest, integration: Integration, *, is_live: bool = False) -> SourceWarning | None:
    """Return the warning about the source of a manifest's data integration, or None.

    If `is_live`, the association exists, and a warning about its Create would come too late. A manifest with
    policy.adopt creates nothing.
    """
    if manifest.policy.adopt:
        return None
    name = f"data integration {integration.name!r}"
    execution = ensure_mapping(manifest.spec.get("ExecutionConfiguration"))
    match get_source_kind(integration):
        case SourceKind.BULK_EXPORT if not manifest.window and execution.get("ExecutionMode") != "ON_DEMAND":
            return SourceWarning(
                "/spec/ExecutionConfiguration",
                f"AWS documents a bulk export only as ON_DEMAND with a window, and {name} is a bulk export",
                "set ExecutionMode to ON_DEMAND, and set StartTime and EndTime in OnDemandConfiguration",
            )
        case SourceKind.S3 if not is_live:
            return SourceWarning(
                _INTEGRATION_POINTER,
                "AWS is reported to answer a Create for an s3:// source with an explicit deny, and "
                f"{name} has such a source",
                "use another data integration",
            )
        case SourceKind.Q_IN_CONNECT if not is_live:
            return SourceWarning(
                _INTEGRATION_POINTER,
                f"Amazon Q in Connect creates the associations of {get_scheme(integration)} sources itself, and {name} "
                "has such a source",
                "check that this association is needed",
            )
        case _:
            return None


def _find_hidden_sharing(plan: Plan, integrations: Mapping[str, Integration]) -> Iterator[Problem]:
    """Yield the data integrations that several manifests share and name differently, which validation cannot see."""
    first_manifests: dict[str, dict[str, Manifest]] = {}
    for manifest in (each.manifest for each in plan.decisions):
        integration = integrations.get(manifest.integration)
        if integration is None:
            continue
        by_identifier = first_manifests.setdefault(integration.arn, {})
        identifier = normalise_identifier(manifest.integration)
        if identifier not in by_identifier and by_identifier and not (manifest.policy.adopt or manifest.policy.retired):
            earlier = next(iter(by_identifier.values()))
            message = describe_sharing(earlier.name, str(earlier.origin))
            yield _build_problem(manifest, _INTEGRATION_POINTER, message)
        by_identifier.setdefault(identifier, manifest)


def _find_hidden_overlaps(plan: Plan, integrations: Mapping[str, Integration]) -> Iterator[Problem]:
    """Yield the overlaps that validation cannot see: of manifests that name one data integration differently.

    One may have its name and the other its UUID.
    """
    spans: dict[str, list[ExportSpan]] = {}
    for number, manifest in enumerate(each.manifest for each in plan.decisions):
        integration = integrations.get(manifest.integration)
        if integration and (span := build_span(manifest, number)):
            spans.setdefault(integration.arn, []).append(span)
    for overlap in (each for of_integration in spans.values() for each in find_overlaps(of_integration)):
        manifests = overlap.earlier.manifest, overlap.later.manifest
        if len({normalise_identifier(each.integration) for each in manifests}) > 1:
            yield _build_problem(overlap.later.manifest, f"/{'/'.join(overlap.later.pointer)}", overlap.message)


def _describe_quota(counts: Mapping[str, int], integration: Integration, target: Target) -> str | None:
    """Return the warning about a data integration with nearly all of its associations, or None."""
    count, limit = counts[integration.arn], target.associations_per_integration
    if 100 * count < _NEARLY_FULL_PERCENT * limit:
        return None
    return (
        f"data integration {integration.name!r} has {format_count(count, 'association')}, and "
        f"AssociationsPerIntegration of target {target.name!r} is {limit}: AWS deletes no association, so update an "
        "existing one for the next export, use another data integration, or request a higher quota (L-3DEFA101)"
    )


def _describe_unused_continue(manifest: Manifest, record: Record | None) -> str | None:
    """Return the warning about a window.continueFrom that has no effect, or None."""
    continue_from = manifest.window.continue_from if manifest.window else None
    recurrence = record.recurrence if record else None
    if continue_from is None or recurrence is None or recurrence.continued_from == continue_from:
        return None
    place = f" in target {manifest.target!r}" if manifest.target else ""
    remedy = "remove it, or write a map with only the Targets that need it" if manifest.target else "remove it"
    return (
        f"continueFrom has no effect{place}, because exports continue from {format_timestamp(recurrence.watermark)}: "
        f"{remedy}, and set it only if the reason of a blocked association asks for it"
    )


def _build_problem(manifest: Manifest, pointer: str, message: str) -> Problem:
    return Problem(manifest.origin.file, manifest.origin.line, manifest.origin.column, pointer, message)
