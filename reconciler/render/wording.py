"""What several formats say alike: the kinds of things in a report, the calls, the values, the verdict."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never

from reconciler.core.apply.outcome import Created, NotSent, Refused, Skipped, Unknown, Updated
from reconciler.core.journal.records import Intended, Record
from reconciler.core.manifests.findings import Findings
from reconciler.core.model import Json, Live, Spec
from reconciler.core.plan.decide import MISSING
from reconciler.core.plan.decision import Create, Update, Write
from reconciler.core.plan.difference import Difference, leaves
from reconciler.core.report.report import Association, Report, TargetReport
from reconciler.core.request.times import readable
from reconciler.core.text import harmless, unheard

Level: TypeAlias = Literal["error", "warning", "note", "none"]

NO_PLAN = "there is no plan"
"""What is said instead of a digest where one was reviewed."""

_COLUMN = 72
_EXECUTION = "ExecutionConfiguration"


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of thing that a report tells: how it is counted, how grave it is, and what it means."""

    label: str
    level: Level
    meaning: str


KINDS = {
    "failed": Kind("failed", "error", "A call failed: AWS did nothing."),
    "unknown": Kind("unknown", "error", "A call had no answer: it may have been carried out."),
    "blocked": Kind("blocked", "error", "A person is needed; the reason says for what."),
    "lost": Kind("lost", "warning", "The association is known to the journal, and List no longer shows it."),
    "drifted": Kind(
        "drifted",
        "warning",
        "AWS no longer matches the last applied or adopted configuration. Drift is reported, not repaired.",
    ),
    "changed": Kind(
        "changed",
        "warning",
        "Git asks for something else than what was applied or adopted. It cannot be sent, or is not.",
    ),
    "update": Kind("to update", "note", "Git changed the execution. Sending it REPEATS the export."),
    "create": Kind("to create", "note", "Missing. Creating it starts an export that nobody can stop."),
    "held": Kind("held", "note", "A write that waits; the reason says for what."),
    "settling": Kind("settling", "note", "A call or List may lag: nothing is sent until it is settled."),
    "updated": Kind("updated", "note", "The update was taken, and the export runs again."),
    "created": Kind("created", "note", "The association was created, and its export has started."),
    "adopt": Kind("to adopt", "note", "Live, and not in the journal: it is bound to the manifest. AWS is not touched."),
    "unadopted": Kind(
        "not adopted", "note", "Live, and could not be written into the journal. The next run tries again."
    ),
    "in-sync": Kind("in sync", "none", "Git, journal and AWS agree, as far as AWS shows."),
    "unmanaged": Kind("unmanaged", "note", "Live, and no manifest covers it."),
    "orphaned": Kind("orphaned", "note", "In the journal, and its manifest is gone."),
    "unlisted": Kind(
        "not listed", "warning", "A data integration could not be listed: what is unmanaged is not known."
    ),
    "target-failed": Kind("target failed", "error", "A target could not be reconciled at all."),
    "plan-mismatch": Kind(
        "not as reviewed", "error", "The plan is not the one that was reviewed: nothing was written."
    ),
    "invalid-manifest": Kind(
        "invalid manifest", "error", "A manifest cannot be used; no manifest is, until it is put right."
    ),
    "unwise-manifest": Kind("unwise manifest", "warning", "A manifest is valid, and probably not what was meant."),
}
"""By their stable names: the associations' kinds first, the gravest first."""


def kind(association: Association) -> str:
    """Return the name of an association's kind: what became of the call, or else what was decided."""
    match association.outcome:
        case Unknown():
            return "unknown"
        case Refused() | NotSent():
            return "failed"
        case Created():
            return "created"
        case Updated():
            return "updated"
        case Skipped() if association.decision == "adopt":
            return "unadopted"
        case Skipped() | None:
            return "in-sync" if association.decision == "in-sync" else association.counted_as
        case other:
            assert_never(other)


def only_looked(report: Report) -> bool:
    """Return whether nothing was done: in a dry run, and where another plan had been reviewed."""
    return report.run.dry_run or report.mismatch is not None


def label(name: str, report: Report) -> str:
    """Return how a kind is counted."""
    return "adopted" if name == "adopt" and not only_looked(report) else KINDS[name].label


def plan(report: Report) -> str | None:
    """Return the digest of the plan, None where nothing was planned."""
    return report.plan_digest if report.planned else None


def kinds(report: Report) -> Counter[str]:
    """Return how many associations there are of each kind, each counted once."""
    return Counter(map(kind, report.associations))


def verdict(report: Report) -> str:
    """Return the report as one line."""
    counts = kinds(report)
    counts["unmanaged"] = report.summary["unmanaged"]
    said = [f"{counts[name]:,} {label(name, report)}" for name in KINDS if counts[name]]
    if failed := sum(bool(target.error) for target in report.targets):
        said.insert(0, f"{failed:,} target{'s' if failed > 1 else ''} failed")
    start = "Not the plan that was reviewed: " if report.mismatch else ""
    end = " Nothing was written." if only_looked(report) else ""
    return f"{'Dry run' if report.run.dry_run else 'Run'}: {start}{', '.join(said) or 'nothing to do'}.{end}"


def coverage(of: Report | TargetReport) -> str:
    """Return how much of what is live a manifest covers."""
    return f"{of.managed:,} of {of.live:,} live associations {'is' if of.managed == 1 else 'are'} managed"


def valid(found: Findings) -> str:
    """Return the findings as one line."""
    of = f" of commit {harmless(found.revision)}" if found.revision else ""
    if found.problems:
        count = found.total or len(found.problems)
        return f"{count:,} problem{'s' if count > 1 else ''} in the manifests{of}: none is used."
    counts = ((found.manifests, "manifest"), (found.targets, "target"))
    said = ", ".join(f"{count:,} {noun}{'' if count == 1 else 's'}" for count, noun in counts if count)
    warned = len(found.warnings)
    warnings = f", {warned:,} warning{'s' if warned > 1 else ''}" if warned else ""
    return f"{said or 'no manifests'}{of}: valid{warnings}."


def told(association: Association) -> tuple[str, ...]:
    """Return all there is to say of an association, line by line, none of which can break out of its line."""
    return (*sentences(association), *differences(association), *call(association))


def flow(association: Association) -> str:
    """Return from which data integration to which destination the data goes."""
    return harmless(f"{association.integration} → {association.destination or '(no destination)'}")


def sentences(association: Association) -> tuple[str, ...]:
    """Return why it is so, what is known of it, and what nobody can know."""
    return tuple(harmless(sentence) for sentence in _sentences(association))


def _sentences(association: Association) -> Iterator[str]:
    if association.reason and association.reason != MISSING:
        yield association.reason
    match association.outcome:
        case Refused(reason) | NotSent(reason) | Unknown(reason) | Skipped(reason):
            yield reason
        case Created(association_id):
            yield f"association {association_id}"
        case Updated() | None:
            pass
        case other:
            assert_never(other)
    if isinstance(association.outcome, Unknown):
        then = (
            "and waits before it sends anything"
            if association.decision == "create"
            else "and sends it in no case again"
        )
        yield f"it may have been carried out: the next run looks for it, {then}"
    if association.arn:
        yield f"live: {association.arn}"
    if ran := association.last_execution:
        message = f": {ran.message}" if ran.message else ""
        yield f"last job {ran.status.lower().replace('_', ' ')}{message}"
    if association.unverifiable:
        yield f"unverifiable, since AWS never shows it: {' '.join(association.unverifiable)}"


def differences(association: Association) -> tuple[str, ...]:
    """Return what is not the same everywhere, as the lines of a diff."""
    return tuple(line for difference in association.differences for line in _difference(difference))


def _difference(difference: Difference) -> Iterator[str]:
    yield f"  {harmless(difference.path)}"
    yield (
        f"- live     {exact(difference.live)}"
        if difference.readable
        else "- live     unverifiable: AWS does not show it"
    )
    if difference.changed:
        yield f"- applied  {exact(difference.applied)}"
    yield f"+ git      {exact(difference.desired)}"


def call(association: Association) -> tuple[str, ...]:
    """Return the call that was reviewed, is made or was made: what it does, and every member that it sends."""
    if not (write := association.write):
        return ()
    sent = [(harmless(path), exact(value)) for path, value in leaves(_body(write))]
    width = max((len(path) for path, _ in sent if len(path) <= _COLUMN), default=0)
    return (operation(write), *(f"+ {path:<{width}}  {value}" for path, value in sent))


def operation(write: Write) -> str:
    """Return what a call does, and by what AWS knows it."""
    match write:
        case Create():
            return harmless(f"CreateDataIntegrationAssociation, ClientToken {write.token}")
        case Update():
            said = f"UpdateDataIntegrationAssociation, association {write.association_id}, which REPEATS the export"
            return harmless(said)
        case other:
            assert_never(other)


def _body(write: Write) -> Spec:
    """Return what is sent of the manifest's spec: all of it, or of an Update its ExecutionConfiguration."""
    return write.request if isinstance(write, Create) else {_EXECUTION: write.request.get(_EXECUTION)}


def exact(value: Json) -> str:
    """Return a value as JSON on one line, so that no two values look alike, and a time for people behind it."""
    if value is None:
        return "(absent)"
    text = json.dumps(value, ensure_ascii=False)
    if not text.isprintable():
        text = text.translate({ord(char): json.dumps(char)[1:-1] for char in set(text) if not char.isprintable()})
    shown = readable(value) if isinstance(value, str) else value
    return unheard(f"{text} ({shown})" if shown != value else text)


def unmanaged(live: Live, target: TargetReport) -> str:
    """Return what is known of a live association that no manifest covers."""
    spec = live.spec
    client = f" for {spec['ClientId']}" if spec.get("ClientId") else ""
    integration = target.called(str(spec["DataIntegrationIdentifier"]))
    flow = f"{integration} → {spec.get('DestinationURI', '(no destination)')}{client}"
    return harmless(f"{live.arn}: {flow}")


def orphaned(record: Record, target: TargetReport) -> str:
    """Return what the journal remembers of an association whose manifest is gone."""
    integration, client, destination = record.key
    what = "its manifest is gone"
    if isinstance(record.state, Intended):
        what += f", and a Create of {record.state.last_attempt:%Y-%m-%d %H:%MZ} has no answer"
    to = " ".join(filter(None, (destination or "(no destination)", client)))
    return harmless(f"{record.name}: {target.called(integration)} → {to}: {what}")


def unlisted(arn: str, reason: str, target: TargetReport) -> str:
    """Return why a data integration could not be listed, and what follows."""
    return harmless(f"{target.identified(arn)}: {reason}; what is unmanaged there is not known")


def place(target: TargetReport) -> str:
    """Return a target's name, account and Region."""
    return harmless(" ".join(part for part in (target.name, target.account, target.region) if part))


def mismatch(report: Report) -> tuple[str, ...]:
    """Return how the plan differs from the one that was reviewed."""
    if not report.mismatch:
        return ()
    said = report.mismatch.differences
    if said is None:
        said = ("only the digest of the reviewed plan was given: what differs is not known",)
    return (
        f"reviewed {harmless(report.mismatch.reviewed)}",
        f"now {plan(report) or NO_PLAN}",
        *(harmless(sentence) for sentence in said),
    )


def shown(value: Json) -> str:
    """Return a value on one line, epoch milliseconds with the time that they mean."""
    if value is None:
        return "(absent)"
    if not isinstance(value, str):
        return harmless(json.dumps(value, ensure_ascii=False))
    time = readable(value)
    return harmless(value) if time == value else f"{value} ({time})"
