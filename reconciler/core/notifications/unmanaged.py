"""Find the unmanaged associations of a report, and those among them that a receiver does not know yet."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core.journal.records import Bound
from reconciler.core.model import Live
from reconciler.core.notifications.finding import Finding
from reconciler.core.notifications.state import Condition, KnownUnmanaged
from reconciler.core.report.report import TargetReport


@dataclass(frozen=True, slots=True)
class UnmanagedLook:
    """The unmanaged associations that a run saw, and the ARNs of the data integrations that it could not list."""

    findings: tuple[tuple[str, str, Finding], ...]
    unlisted: frozenset[str]


def look_at_unmanaged(place: str, report: TargetReport) -> UnmanagedLook:
    """Return the id, data integration and finding of each unmanaged association.

    If the journal has a record of it, its manifest was removed, or no longer selects the target.
    """
    orphans = {each.state.association_id: each.name for each in report.orphaned if isinstance(each.state, Bound)}
    return UnmanagedLook(
        tuple(
            (live.id, integration, _build_finding(place, report, live, integration, orphans.get(live.id)))
            for live in report.unmanaged
            for integration in (str(live.spec["DataIntegrationIdentifier"]),)
        ),
        frozenset(arn for arn, _ in report.unlisted),
    )


def record_first_unmanaged(look: UnmanagedLook) -> KnownUnmanaged:
    """Return what a receiver knows after its first look, which is no news."""
    return KnownUnmanaged(tuple(sorted(each[0] for each in look.findings)), tuple(sorted(look.unlisted)))


def find_new_unmanaged(known: KnownUnmanaged, look: UnmanagedLook) -> tuple[tuple[Finding, ...], KnownUnmanaged]:
    """Return the findings of the associations that are unmanaged since the last look, and what is known after it.

    In a data integration that no run has listed before, nothing is news. An association that a manifest has covered in
    between is news again, unless a data integration could not be listed.
    """
    known_ids, unseen_integrations = set(known.ids), set(known.unseen_integrations)
    findings = tuple(
        finding for id_, arn, finding in look.findings if id_ not in known_ids and arn not in unseen_integrations
    )
    ids = {id_ for id_, _, _ in look.findings} | (known_ids if look.unlisted else set())
    unseen = look.unlisted & unseen_integrations
    return findings, KnownUnmanaged(tuple(sorted(ids)), tuple(sorted(unseen)))


def _build_finding(place: str, report: TargetReport, live: Live, integration: str, orphan: str | None) -> Finding:
    name = orphan or str(live.spec.get("DestinationURI") or live.id)
    reason = "its manifest was removed or no longer selects this target; " if orphan else ""
    message = f"{reason}it belongs to the data integration {report.get_integration_name(integration)}"
    return Finding(place, Condition.UNMANAGED, name, arn=live.arn, message=message)
