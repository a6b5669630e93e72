"""The part of the decision table for an association that is there: drift, change, and the Update that may follow."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.case import Case, moment
from reconciler.core.decisions import Adopt, Changed, Decision, Drifted, InSync, Settling, Update
from reconciler.core.diff import Difference, compare
from reconciler.core.journal import Bound, Record, Sent
from reconciler.core.model import Live, Mode, Spec

_EXECUTION = "ExecutionConfiguration"
_REPEATS = "REPEATS the export"


def decide_present(case: Case, record: Record, bound: Bound, live: Live) -> Decision:
    """Tell drift from change, and an Update that has not shown from both."""
    bound = replace(bound, arn=live.arn, missing_since=None)
    if bound.update and not _drift(case, record.request, live):
        bound = replace(bound, update=None)  # List shows what was sent
    record = replace(record, state=bound)
    differences = compare(case.request, record.request, live.spec, case.manifest.policy.ignore)
    if case.renamed_from:
        return Adopt(case.manifest, live, case.heard(record), differences, f"renamed from {case.renamed_from}")
    if bound.update:
        before: Spec = {**record.request, _EXECUTION: bound.former[-1]}
        if not _drift(case, before, live):
            return _decide_sent(case, record, bound.update, live, before)
    if not any(difference.changed for difference in differences):
        record = case.heard(record)
        return Drifted(case.manifest, live, record, differences) if differences else InSync(case.manifest, live, record)
    return _decide_changed(case, record, live, differences)


def _decide_sent(case: Case, record: Record, update: Sent, live: Live, before: Spec) -> Decision:
    """An Update was sent, and List still shows what was there `before`: wait, then say so; never send it again."""
    manifest, until = case.manifest, update.at + case.rules.settle
    differences = compare(case.request, before, live.spec, manifest.policy.ignore)
    sent = f"an update was sent at {moment(update.at)}"
    if not update.refused and case.rules.now < until:
        return Settling(manifest, case.heard(record), until, f"{sent} and does not show yet", live, differences)
    if case.request != record.request:
        return _decide_changed(case, record, live, differences)
    if case.raised(record) and _allowed(case):
        reason = f"policy.generation was raised: an update, which {_REPEATS}"
        return Update(manifest, live, _sent(case, record, before), record, differences, reason)
    became = f"was refused: {update.refused}" if update.refused else "never showed"
    reason = f"{sent} and {became}; it is not sent again, unless policy.generation is raised"
    return Changed(manifest, live, record, differences, reason)


def _decide_changed(case: Case, record: Record, live: Live, differences: tuple[Difference, ...]) -> Decision:
    """Git left what was applied: send it where that is possible, allowed and overwrites nobody's work."""
    if all(each.readable and each.desired == each.live for each in differences):
        adopted = _applied(case.heard(record), case.request, record.request, None)
        return Adopt(case.manifest, live, adopted, differences, "live already is what git now asks for")
    if why := _not_sent(case, record, differences):
        return Changed(case.manifest, live, record, differences, why)
    sent = _sent(case, record, record.request)
    return Update(case.manifest, live, sent, record, differences, f"git changed it: an update, which {_REPEATS}")


def _not_sent(case: Case, record: Record, differences: tuple[Difference, ...]) -> str | None:
    """Return why a change of git is not sent."""
    assert isinstance(record.state, Bound)
    generation = case.manifest.policy.generation
    if fixed := ", ".join(each.path for each in differences if each.changed and not each.updatable):
        return f"{fixed} cannot be changed once created: put the new request under a new name"
    if _EXECUTION not in case.request:
        return "an update cannot take ExecutionConfiguration away: restore it, or put the request under a new name"
    if not _allowed(case):
        return f"git changed it; an update {_REPEATS}, and needs mode create-and-update"
    if drifted := ", ".join(each.path for each in differences if each.drifted):
        return (
            f"git changed it, and AWS left what was applied ({drifted}), which an update would overwrite: "
            "put into git what AWS shows, and change it then"
        )
    if generation < record.generation:
        return f"policy.generation is {generation} and was {record.generation}: an older revision? Nothing is sent"
    if case.request[_EXECUTION] in record.state.former and not case.raised(record):
        return (
            "git went back to what was applied before, as an older revision would: raise policy.generation to send it"
        )
    return None


def _allowed(case: Case) -> bool:
    return case.rules.mode.stricter(case.manifest.policy.mode) is Mode.CREATE_AND_UPDATE


def _drift(case: Case, applied: Spec, live: Live) -> bool:
    """Tell whether live left a request."""
    return bool(compare(applied, applied, live.spec, case.manifest.policy.ignore))


def _sent(case: Case, record: Record, before: Spec) -> Record:
    """Return the record to write before an Update: what git asks for counts as applied from then on."""
    sent = _applied(record, case.request, before, Sent(case.rules.now))
    if not case.raised(record):
        return sent
    assert isinstance(sent.state, Bound)
    first = replace(sent.state, former=sent.state.former[-1:])
    return replace(sent, generation=case.manifest.policy.generation, state=first)


def _applied(record: Record, request: Spec, before: Spec, update: Sent | None) -> Record:
    """Return the record with a new request as applied; the ExecutionConfiguration before it is remembered, last."""
    bound, execution = record.state, before.get(_EXECUTION)
    assert isinstance(bound, Bound)
    former = (*(each for each in bound.former if each != execution), execution)
    return replace(record, request=request, state=replace(bound, update=update, former=former))
