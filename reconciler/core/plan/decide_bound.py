"""The part of the decision table for an association that is there: drift, change, and the Update that may follow."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.journal.records import Bound, Record, Sent
from reconciler.core.model import Live, Mode, Spec, natural_key
from reconciler.core.plan.decision import Adopt, Changed, Decision, Drifted, InSync, Settling, Update
from reconciler.core.plan.difference import compare
from reconciler.core.plan.inputs import Case
from reconciler.core.text import timestamp

NOT_KNOWN = "git and AWS differ, and the journal does not know which of them changed"
"""The reason of an association that was adopted and differs from git."""

_EXECUTION = "ExecutionConfiguration"
_REPEATS = "REPEATS the export"


def decide_present(case: Case, record: Record, bound: Bound, live: Live) -> Decision:
    """Tell drift from change, and an Update that has not shown from both."""
    bound = replace(bound, arn=live.arn, missing_since=None)
    ignore = case.manifest.policy.ignore
    if bound.update and not _drift(record.request, live, ignore):
        bound = replace(bound, update=None)  # List shows what was sent
    record = replace(record, state=bound)
    differences = compare(case.request, record.request, live.spec, ignore)
    if case.renamed_from:
        return Adopt(case.manifest, live, record, differences, f"renamed from {case.renamed_from}")
    if bound.update:
        before: Spec = {**record.request, _EXECUTION: record.former[-1]}
        if not _drift(before, live, ignore):
            return _decide_sent(case, record, bound.update, live, before)
    if any(difference.changed for difference in differences):
        return _decide_changed(case, record, live, record.request)
    record = case.heard(record)
    return Drifted(case.manifest, live, record, differences) if differences else InSync(case.manifest, live, record)


def _decide_sent(case: Case, record: Record, update: Sent, live: Live, before: Spec) -> Decision:
    """An Update was sent, and List still shows what was there `before`: wait, then say so; never send it again."""
    manifest, until = case.manifest, update.at + case.rules.options.settle_time
    differences = compare(case.request, before, live.spec, manifest.policy.ignore)
    sent = f"an update was sent at {timestamp(update.at)}"
    if not update.refused and case.rules.now < until:
        same = case.request == record.request  # else git asks for more, and its generation is for that
        reason = f"{sent} and does not show yet"
        return Settling(manifest, case.heard(record) if same else record, until, reason, live, differences)
    if case.request != record.request:
        return _decide_changed(case, record, live, before)
    if case.raised(record) and _allowed(case):
        reason = f"policy.generation was raised: an update, which {_REPEATS}"
        return Update(manifest, live, _sent(case, record, before), record, differences, reason)
    became = f"was refused: {update.refused}" if update.refused else "never showed"
    unless = "mode is create-and-update" if case.raised(record) else case.way_out(record)
    return Changed(manifest, live, record, differences, f"{sent} and {became}; it is not sent again, unless {unless}")


def _decide_changed(case: Case, record: Record, live: Live, before: Spec) -> Decision:
    """Git left what was applied: send it where that is possible, allowed and overwrites nobody's work.

    `before` is what was applied as far as List can show it.
    """
    differences = compare(case.request, before, live.spec, case.manifest.policy.ignore)
    if all(each.readable and each.updatable and each.desired == each.live for each in differences):
        adopted = _applied(case.heard(record), case.request, before, None)
        return Adopt(case.manifest, live, adopted, (), "live already is what git now asks for")
    if why := _not_sent(case, record, live, before):
        return Changed(case.manifest, live, record, differences, why)
    sent = _sent(case, record, before)
    return Update(case.manifest, live, sent, record, differences, f"{_what(case, record)}: an update, which {_REPEATS}")


def _not_sent(case: Case, record: Record, live: Live, before: Spec) -> str | None:
    """Return why a change of git is not sent."""
    generation = case.manifest.policy.generation
    differences = compare(case.request, before, live.spec)  # an update overwrites what policy.ignore hides, too
    if fixed := ", ".join(each.path for each in differences if each.changed and not each.updatable):
        same = natural_key(case.request) == record.key
        place = " and another DestinationURI or ClientId, since a mere new name takes this one over" if same else ""
        return f"{fixed} cannot be changed once created: put the new request under a new name{place}"
    if _EXECUTION not in case.request:
        return "an update cannot take ExecutionConfiguration away: restore it, or put the request under a new name"
    if not _allowed(case):
        also = f", and is sent once {case.way_out(record)}" if _was_asked(case, record) else ""
        return f"{_what(case, record)}; an update {_REPEATS}, and needs {_lacking(case)}{also}"
    if drifted := ", ".join(each.path for each in differences if each.drifted):
        return (
            f"{_what(case, record)}, and AWS left what was applied ({drifted}), which an update would overwrite: "
            "put into git what AWS shows, and change it then"
        )
    if generation < record.generation:
        return f"policy.generation is {generation} and was {record.generation}: an older revision? Nothing is sent"
    if case.request[_EXECUTION] in record.former and not case.raised(record):
        return f"{_what(case, record)}: it is sent once {case.way_out(record)}"
    return None


def _was_asked(case: Case, record: Record) -> bool:
    """Tell whether what git asks for is nothing new, and no word of git's has been raised since."""
    return case.request.get(_EXECUTION) in record.former and not case.raised(record)


def _what(case: Case, record: Record) -> str:
    """Say what happened, as far as that is known: of what was adopted as List shows it, it is not."""
    if not _was_asked(case, record):
        return "policy.generation was raised" if case.request.get(_EXECUTION) in record.former else "git changed it"
    if record.token is None:
        return f"{NOT_KNOWN} since it was adopted"
    return "git went back to what was applied before, as an older revision would"


def _allowed(case: Case) -> bool:
    return case.rules.options.mode.stricter(case.manifest.policy.mode) is Mode.CREATE_AND_UPDATE


def _lacking(case: Case) -> str:
    """Name what would have to be said for an update to be allowed: in the manifest, by the run, or both."""
    updates = Mode.CREATE_AND_UPDATE
    manifest = () if case.manifest.policy.mode is updates else (f"policy.mode {updates.value} in the manifest",)
    run = () if case.rules.options.mode is updates else (f"--mode {updates.value}",)
    return " and ".join((*manifest, *run))


def _drift(applied: Spec, live: Live, ignore: tuple[str, ...]) -> bool:
    """Tell whether live left a request."""
    return bool(compare(applied, applied, live.spec, ignore))


def _sent(case: Case, record: Record, before: Spec) -> Record:
    """Return the record to write before an Update: what git asks for counts as applied from then on."""
    if case.raised(record):
        record = replace(case.heard(record), former=())
    return _applied(record, case.request, before, Sent(case.rules.now))


def _applied(record: Record, request: Spec, before: Spec, update: Sent | None) -> Record:
    """Return the record with a new request as applied; what was applied, and what List shows last, is remembered."""
    assert isinstance(record.state, Bound)
    gone, shown = record.request.get(_EXECUTION), before.get(_EXECUTION)
    now = request.get(_EXECUTION)
    former = (*(each for each in (*record.former, gone) if each not in (shown, now)), shown)
    return replace(record, request=request, state=replace(record.state, update=update), former=former)
