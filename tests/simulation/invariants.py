"""Invariants, checked by the calls that reach AWS and the writes that reach the store, without the code under test."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from simulation.aws import SIGNATURE_LIFETIME, Cloud
from simulation.exports import ExportChecker
from simulation.git import DELAY, Git
from simulation.history import History
from simulation.scenario import Scenario
from simulation.schedule import Schedule
from simulation.store import SharedStore
from simulation.trace import Call, Listing, Trace

from reconciler.core.apply.outcome import Created, Unknown, Updated
from reconciler.core.apply.result import Result
from reconciler.core.model import Manifest, Mode, NaturalKey, OnLoss, Unobserved, build_natural_key
from reconciler.core.plan.decision import Adopt, Blocked, get_exit_code, get_live
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.write import Update
from reconciler.core.request.token import compute_client_token

Arguments = ParamSpec("Arguments")
Check = Callable[Concatenate["Checker", Arguments], None]

MAX_INCARNATIONS = 20
MAX_INTENT_AGE = 60.0
"""Maximum age of an intent in seconds when its call is sent."""
MARGIN = 30.0
"""Seconds for reading, deciding and writing, beside the waits that are counted."""

STABLE_DECISIONS = frozenset((
    "in-sync", "retired", "finished", "drifted", "changed", "lost", "held", "blocked", "create, refused",
))  # fmt: skip
"""Decisions that may last for ever without faults."""

INVARIANTS = {
    "never-twice": "no second Create of one natural key and incarnation while the token or List prevents it",
    "incarnation": "another incarnation only after a raised generation, or after the loss of a listed association",
    "known-token": "a Create has the token of its own request and an incarnation",
    "observed-first": "a Create is sent only after a complete List of the data integration",
    "not-early": "no window is sent before it has ended and its delay has passed, by the clock of AWS",
    "retired": "nothing is sent for a manifest with policy.retired",
    "create-bound": "no run creates before all targets were looked at, nor more than all of them may create",
    "ignored": "Ignore takes what it matches out of the unmanaged associations, and nothing else",
    "one-update": "at most one Update for each ExecutionConfiguration and generation in git, and none without a change",
    "one-job": "no Update arrives while a job of its association may be running",
    "boundaries": "a window ends with a period, and a Create or an export of each period has exactly one",
    "old-revision": "a superseded declaration sends nothing unless the generation is raised",
    "no-gap": "each window begins where the completed exports end",
    "no-stretch-twice": "nothing that was exported is exported again without the word of a person",
    "all-due-done": "without faults, every due window is exported or reported",
    "dry-run": "a dry run writes nothing and takes no lock",
    "nothing-unknown": "each association in List is in the journal or in the report of the run",
    "ambiguous": "of several matching associations, none is adopted without policy.adopt",
    "no-lost-update": "serials grow by one, and no bound record is lost",
    "lease": "a lease goes to another run only after it was released or has expired",
    "answers-kept": "an answer that a run received is in the journal, or the run reports that it is not",
    "converges": "without faults, the decision on every manifest becomes stable",
    "no-internal-error": "every failure is a ReconcilerError",
    "checked": "no check fails itself",
}


def _report_check_errors(check: Check[Arguments]) -> Check[Arguments]:
    """Report a violation if the check itself fails.

    Otherwise the reconciler would take the exception of the check for a fault of AWS.
    """

    @wraps(check)
    def run_check(checker: Checker, /, *arguments: Arguments.args, **keywords: Arguments.kwargs) -> None:
        try:
            check(checker, *arguments, **keywords)
        except Exception as error:  # noqa: BLE001 - a check may fail in any way
            checker.report_violation("checked", f"{check.__name__}: {type(error).__name__}: {error}")

    return run_check


class Checker:
    """Observer of one simulation. It ends the simulation at the first violation."""

    def __init__(self, scenario: Scenario, schedule: Schedule, history: History) -> None:
        self._scenario, self._schedule, self._history = scenario, schedule, history
        self.violations: list[tuple[str, str]] = []
        self.cloud: Cloud
        self.store: SharedStore
        self.git: Git
        self.exports = ExportChecker(scenario, schedule, history, self.report_violation)
        self._executed_creates: defaultdict[NaturalKey, list[tuple[int, Call]]] = defaultdict(list)
        self._end_of_faults = scenario.start.timestamp() + scenario.horizon
        self._deciding_traces: dict[str, Trace] = {}
        self._sent_creates: set[tuple[NaturalKey, int]] = set()
        self._tokens_by_run: defaultdict[str, set[str]] = defaultdict(set)
        self._update_counts: Counter[tuple[str, str, int]] = Counter()
        self._sent_update_counts: Counter[tuple[str, str, int]] = Counter()
        self._listed_keys: dict[str, NaturalKey] = {}
        self._last_listed: defaultdict[str, float] = defaultdict(float)
        self._misses: defaultdict[str, dict[str, float]] = defaultdict(dict)
        self._lease_traces: dict[tuple[int, int], Trace] = {}

    def report_violation(self, invariant: str, text: str) -> None:
        """Record a violation, and end the simulation."""
        assert invariant in INVARIANTS
        self.violations.append((invariant, text))
        self._history.add_line("VIOLATED", f"{invariant}: {text}")
        self._schedule.halt()

    # calls to AWS

    @_report_check_errors
    def record_sent_call(self, call: Call) -> None:
        """Check a call when it is sent."""
        if call.trace.is_dry_run:
            self.report_violation("dry-run", f"{call.trace.run} sends {call.operation}")
        if call.trace.mode is Mode.OBSERVE:
            self.report_violation("dry-run", f"{call.trace.run} sends {call.operation} in mode observe")
        self.exports.record_sent_call(call)
        self._check_window(call)
        self._check_retired(call)
        if call.verb == "create":
            self._check_create_bound(call)
            self._check_sent_create(call)

    def _check_create_bound(self, call: Call) -> None:
        """Check the number of creates of a run. A Create that AWS throttled is sent again with the same token."""
        tokens, limit = self._tokens_by_run[call.trace.run], call.trace.create_limit
        tokens.add(call.request["ClientToken"])
        if limit is not None and len(tokens) > limit:
            self.report_violation("create-bound", f"{call.trace.run} creates {len(tokens)}, and may create {limit}")

    def _check_window(self, call: Call) -> None:
        window = call.request["ExecutionConfiguration"].get("OnDemandConfiguration") or {}
        declaration = self._scenario.declaration
        delay = declaration.delay if declaration else DELAY
        due_at = int(window.get("EndTime", 0)) / 1000 + delay.total_seconds()
        if window and self._schedule.now < due_at:
            early = due_at - self._schedule.now
            self.report_violation("not-early", f"{call.trace.run} sends a window {early:.0f} seconds early")

    def _check_retired(self, call: Call) -> None:
        """Check that a manifest of the run's revision that is not retired has the association of a call."""
        association = self.cloud.state.associations.get(call.request.get("DataIntegrationAssociationIdentifier", ""))
        request = call.request if call.verb == "create" else association.request if association else {}
        manifests = [each for each in call.trace.manifests if _is_same(each, request)]
        if manifests and all(each.policy.retired for each in manifests):
            self.report_violation("retired", f"{call.trace.run} sends {call.operation} for {manifests[0].name}")

    def _check_sent_create(self, call: Call) -> None:
        if not (call.listing and call.listing.is_complete):
            self.report_violation("observed-first", f"{call.trace.run} creates after an incomplete List")
            return
        key, incarnation = _identify_create(call)
        if incarnation is None:
            self.report_violation(
                "known-token", f"{call.trace.run} creates with the unknown token {call.request.get('ClientToken')}"
            )
            return
        earlier_creates = [first for earlier, first in self._executed_creates[key] if earlier < incarnation]
        bound_ids = _list_bound_ids(call.trace.base_journal, key)
        for earlier, first in self._executed_creates[key]:
            is_in_journal = first.epoch == self.store.epoch and first.association_id in bound_ids
            if earlier == incarnation and is_in_journal:
                self.report_violation(
                    "incarnation", f"{call.trace.run} sends the token of the bound {first.association_id}"
                )
        if earlier_creates and (key, incarnation) not in self._sent_creates:
            self._check_recreation(earlier_creates, call, key)
        self._sent_creates.add((key, incarnation))

    @_report_check_errors
    def record_listing(self, trace: Trace, listing: Listing) -> None:
        """Record the associations that a run saw, for later checks of lost ones."""
        for id_, key in listing.ids.items():
            self._listed_keys[id_] = key
        for id_, (integration, *_) in self._listed_keys.items():
            if integration == listing.integration and id_ not in listing.ids:
                self._misses[id_][trace.run] = listing.last_page_at

    def _count_misses(self, association_id: str) -> int:
        """Return how many runs missed an association since the last finished run that saw it."""
        return sum(at > self._last_listed[association_id] for at in self._misses[association_id].values())

    @_report_check_errors
    def record_execution(self, call: Call) -> None:
        """Check a call that AWS carried out."""
        self.exports.check_execution(call, self._deciding_traces.get(call.request.get("ClientToken", ""), call.trace))
        if call.verb == "create":
            self._check_created(call)
        else:
            self._check_updated(call)

    def _check_created(self, call: Call) -> None:
        key, incarnation = _identify_create(call)
        for earlier, first in self._executed_creates[key]:
            if earlier == incarnation:
                self._check_second_create(first, call)
        if incarnation:
            self._history.count_event("next incarnation")
        self._executed_creates[key].append((incarnation or 0, call))

    def _check_second_create(self, first: Call, second: Call) -> None:
        """Check whether a second Create of one incarnation could have been prevented."""
        assert second.listing
        scenario, history = self._scenario, self._history
        description = f"{first.association_id} by {first.trace.run}, {second.association_id} by {second.trace.run}"
        if first.association_id in second.listing.ids:
            if first.association_id in self._list_ids_of_others(second.trace):
                history.count_event("twice: policy.adopt gives the respelled association to another manifest")
                return
            self.report_violation("never-twice", f"{description}: List had shown the first association")
            return
        if min(first.epoch, second.epoch) != self.store.epoch:
            history.count_event("twice: state lost or restored")
            return
        if not self._is_listed(first.association_id, second.listing.started_at):
            history.count_event("twice: gone from List")
            return
        if scenario.hiding_seconds:
            history.count_event("twice: List hides, and tokens are ignored")
            return
        skew = abs(first.trace.skew - second.trace.skew)
        required_wait = scenario.behaviour.list_lag + skew + max(first.duration, second.duration) + MAX_INTENT_AGE
        if scenario.settle_time > required_wait + MARGIN:
            self.report_violation(
                "never-twice",
                f"{description}: the settle time of {scenario.settle_time} s is more than {required_wait:.0f} s",
            )
            return
        history.count_event("twice: neither token nor List protects")
        if scenario.settle_time > required_wait - max(first.duration, second.duration) + SIGNATURE_LIFETIME + MARGIN:
            history.count_event("twice: the run slept between its last look at the clock and the signature")

    def _check_recreation(self, earlier_creates: Sequence[Call], call: Call, key: NaturalKey) -> None:
        """Check whether a person or the loss of the previous association requested another incarnation."""
        assert call.listing
        description = f"{call.trace.run} recreates {earlier_creates[-1].association_id}"
        for id_ in (
            {each.association_id for each in earlier_creates} & call.listing.ids.keys()
        ) - self._list_ids_of_others(call.trace):
            self.report_violation("incarnation", f"{description}, and List shows {id_}")
        if earlier_creates[0].epoch != self.store.epoch:
            return  # the journal has lost the earlier incarnations
        manifest = _find_manifest(self._deciding_traces.get(call.request["ClientToken"], call.trace), key)
        if manifest and manifest.policy.generation > _get_generation(earlier_creates[-1].trace, key):
            return
        listed_ids = [id_ for id_, listed_key in self._listed_keys.items() if listed_key == key]
        if manifest is None or not self.git.is_recreation_requested(manifest):
            self.report_violation("incarnation", f"{description}, and git does not request it")
        elif not listed_ids:
            self.report_violation("incarnation", f"{description}, and List never showed it")
        elif all(self._count_misses(id_) < 2 for id_ in listed_ids):
            self.report_violation("incarnation", f"{description}, and fewer than two runs missed it")

    def _list_ids_of_others(self, trace: Trace) -> set[str]:
        """Return the ids that policy.adopt gives to other manifests, if List respells keys."""
        return _list_adopted_ids(trace) if self._scenario.respelling else set()

    def _is_listed(self, association_id: str, at: float) -> bool:
        """Tell whether List without lag would have shown an association at a time."""
        association = self.cloud.state.associations.get(association_id)
        forget_time = self._scenario.behaviour.list_forgets
        if association is None:
            return False
        return forget_time is None or association.runs_until is None or at < association.runs_until + forget_time

    @_report_check_errors
    def record_arrival(self, call: Call) -> None:
        """Check that git requests an Update that reached AWS, whatever its result."""
        if call.verb == "create":
            return
        self.exports.check_arrival(call)
        if self._scenario.declaration:
            return
        id_ = call.request["DataIntegrationAssociationIdentifier"]
        description, manifests = f"{call.trace.run} updates {id_}", list(self._list_requesting_manifests(call, id_))
        if not manifests or call.trace.mode is not Mode.CREATE_AND_UPDATE:
            self.report_violation("one-update", f"{description}, and no manifest requests it")
            return

    def _list_requesting_manifests(self, call: Call, association_id: str) -> Iterator[Manifest]:
        """Yield the manifests of the run's revision that request an Update."""
        association = self.cloud.state.associations.get(association_id)
        for manifest in call.trace.manifests:
            is_same = association is None or _is_same(manifest, association.request)
            is_requested = _format_execution(manifest.spec) == _format_execution(call.request)
            if is_same and is_requested and manifest.policy.mode is Mode.CREATE_AND_UPDATE:
                yield manifest

    def _check_updated(self, call: Call) -> None:
        """Check that git ever changed the configuration or its generation. An older revision counts as a change."""
        self._history.count_event("updated")
        if self._scenario.declaration:
            return
        association = self.cloud.state.associations[call.association_id]
        for requesting in self._list_requesting_manifests(call, call.association_id):
            change = (call.association_id, _format_execution(call.request), requesting.policy.generation)
            self._update_counts[change] += 1
            if self._update_counts[change] > 1 + self.store.epoch:
                description = f"{call.trace.run} updates {call.association_id}"
                self.report_violation("one-update", f"{description} a second time for one change in git")
            break
        manifests = [configuration.manifest for revision in self.git.revisions for configuration in revision]
        own_manifests = [each for each in manifests if _is_same(each, association.request)]
        if len({(_format_execution(each.spec), each.policy.generation) for each in own_manifests}) < 2:
            self.report_violation(
                "one-update", f"{call.trace.run} updates {call.association_id}, and git never changed it"
            )

    # writes to the store

    @_report_check_errors
    def record_access(self, trace: Trace, access: str) -> None:
        """Check that a run may write the journal."""
        if trace.is_dry_run:
            self.report_violation("dry-run", f"{trace.run}: {access}")

    @_report_check_errors
    def record_write(self, trace: Trace, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
        """Check a write that the store accepted."""
        if after["serial"] != (before["serial"] if before else 0) + 1:
            self.report_violation("no-lost-update", f"{trace.run} writes serial {after['serial']}")
        if before:
            keys = {build_natural_key(record["request"]) for record in after["records"].values()}
            for name, record in before["records"].items():
                is_bound = record["status"] == "bound"
                if is_bound and name not in after["records"] and build_natural_key(record["request"]) not in keys:
                    self.report_violation(
                        "no-lost-update", f"{trace.run} forgets {name}, bound to {record['associationId']}"
                    )
        for record in after["records"].values():
            if record["status"] == "intended":
                self._deciding_traces.setdefault(record["token"], trace)
        self._check_lease(trace, before and before["lease"], after)

    def _check_lease(self, trace: Trace, old_lease: dict[str, Any] | None, document: dict[str, Any]) -> None:
        new_lease = document["lease"]
        epoch = self.store.epoch
        if new_lease and (old_lease is None or old_lease["number"] != new_lease["number"]):
            self._lease_traces[epoch, new_lease["number"]] = trace
        if new_lease and self._lease_traces.get((epoch, new_lease["number"])) is trace:
            trace.written_journal, trace.written_epoch = document, epoch
        owner = self._lease_traces.get((epoch, old_lease["number"])) if old_lease else None
        if old_lease is None or owner is None or owner.run == trace.run or new_lease == old_lease:
            return
        if new_lease and new_lease["number"] == old_lease["number"]:
            self.report_violation("lease", f"{trace.run} renews the lease of {owner.run}")
            return
        now = self._schedule.now + trace.skew
        if now >= datetime.fromisoformat(old_lease["expires"]).timestamp():
            self._history.count_event("lease taken over: expired")
        elif self._scenario.is_local and self.store.owner is not None:
            self._history.count_event("lease taken over: holder dead")
        else:
            self.report_violation("lease", f"{trace.run} takes the lease of {owner.run} before it expires")

    # results of runs

    def check_result(self, trace: Trace, result: Result) -> None:
        """Check the result of a finished run."""
        for decision in result.plan.decisions:
            self._history.count_event(f"decision: {decision.kind}")
            self.exports.record_decision(
                decision.manifest.name, decision.kind, get_exit_code(decision, is_dry_run=False)
            )
            if isinstance(decision, Adopt):
                self._check_adoption(trace, decision)
        for outcome in result.outcomes.values():
            self._history.count_event(f"outcome: {type(outcome).__name__}")
        self._check_repeated_updates(trace, result)
        for listing in trace.listings.values():
            for id_ in listing.ids:
                self._last_listed[id_] = max(listing.last_page_at, self._last_listed[id_])
        self._check_reported(trace, result.plan)
        self._check_ignored(trace, result.plan)
        self._check_answers(trace, result)

    def _check_repeated_updates(self, trace: Trace, result: Result) -> None:
        """Check that a run repeats no Update that AWS may have carried out, for one change in git."""
        for write in result.plan.writes:
            outcome = result.outcomes.get(write.manifest.name)
            if isinstance(write, Update) and isinstance(outcome, Updated | Unknown):
                execution = json.dumps(write.execution, sort_keys=True)
                change = (write.association_id, execution, write.manifest.policy.generation)
                self._sent_update_counts[change] += 1
                if self._sent_update_counts[change] > 1 + self.store.epoch:
                    self.report_violation("one-update", f"{trace.run} repeats the Update of {write.association_id}")

    def _check_adoption(self, trace: Trace, decision: Adopt) -> None:
        if decision.manifest.policy.adopt or not trace.observation:
            return
        bound_ids = _list_bound_ids(trace.base_journal) | _list_adopted_ids(trace)
        if decision.live.id in bound_ids:
            return
        key = build_natural_key(decision.live.spec)
        matching_ids = [
            live.id
            for associations in _list_live_associations(trace)
            for live in associations
            if build_natural_key(live.spec) == key
        ]
        if len([id_ for id_ in matching_ids if id_ not in bound_ids]) > 1:
            self.report_violation("ambiguous", f"{trace.run} adopts {decision.live.id}, and {len(matching_ids)} match")

    def _check_reported(self, trace: Trace, plan: Plan) -> None:
        """Check that each association in List is in the journal or in the report."""
        reported_ids = (
            _list_bound_ids(trace.base_journal)
            | _list_bound_ids(self.store.document)
            | {live.id for live in plan.unmanaged}
            | {each.live.id for each in plan.ignored}
        )
        reported_ids |= {live.id for decision in plan.decisions if (live := get_live(decision))}
        texts = " ".join(decision.reason for decision in plan.decisions if isinstance(decision, Blocked))
        for id_ in {live.id for associations in _list_live_associations(trace) for live in associations} - reported_ids:
            if id_ not in texts:
                self.report_violation("nothing-unknown", f"{trace.run} saw {id_} and does not report it")

    def _check_ignored(self, trace: Trace, plan: Plan) -> None:
        """Check that Ignore matches the ignored associations, none of the unmanaged, and none of a manifest."""
        digits, own_ids = (
            self._scenario.ignored_digits,
            {live.id for each in plan.decisions if (live := get_live(each))},
        )
        for live in plan.unmanaged:
            if live.arn[-1] in digits:
                self.report_violation("ignored", f"{trace.run} does not ignore {live.id}")
        for each in plan.ignored:
            self._history.count_event("ignored")
            if each.live.arn[-1] not in digits or each.live.id in own_ids:
                self.report_violation("ignored", f"{trace.run} ignores {each.live.id}")

    def _check_answers(self, trace: Trace, result: Result) -> None:
        """Check that the journal has the answers of a run, unless another run has changed the record."""
        document, written_journal = self.store.document, trace.written_journal
        if result.error or document is None or written_journal is None or trace.written_epoch != self.store.epoch:
            return
        for name, outcome in result.outcomes.items():
            record = document["records"].get(name)
            is_unchanged = record is not None and record == written_journal["records"].get(name)
            if isinstance(outcome, Created) and is_unchanged and record["status"] == "intended":
                self.report_violation("answers-kept", f"{trace.run} created {name}, and the journal does not have it")

    def report_exception(self, trace: Trace, error: Exception) -> None:
        """Report an exception that no run may raise."""
        self.report_violation("no-internal-error", f"{trace.run}: {type(error).__name__}: {error}")

    def record_dry_run(self, plan: Plan) -> None:
        """Record the decisions of a dry run."""
        for decision in plan.decisions:
            self._history.count_event(f"dry run: {decision.kind}")

    def check_convergence(self, rounds: Sequence[Sequence[tuple[str, Manifest, str]]], source: str) -> None:
        """Check the last runs of one controller: (name, manifest, decision) for each decision of each run."""
        last, previous = rounds[-1], rounds[-2]
        previous_kinds = {name: kind for name, _, kind in previous}
        for name, manifest, word in last:
            if self._may_create_forever(manifest) or manifest.window:
                continue
            if "settling" in {word, previous_kinds[name]} and self._is_forgotten(manifest):
                continue
            # If no run sees the job of a repeated window run, the window is blocked a day after its Update.
            if word == "blocked" and self.exports.is_updated_since(self._end_of_faults, manifest):
                continue
            if word not in STABLE_DECISIONS or previous_kinds[name] != word:
                self.report_violation(
                    "converges", f"{source}: {name} was {previous_kinds[name]} and is {word} after {len(rounds)} rounds"
                )

    def _is_forgotten(self, manifest: Manifest) -> bool:
        """Tell whether List forgets an association of a manifest after the faults. The next runs then settle."""
        forget_time = self._scenario.behaviour.list_forgets
        ends = (each.runs_until for each in self.cloud.state.associations.values() if _is_same(manifest, each.request))
        return forget_time is not None and any(end and end + forget_time > self._end_of_faults for end in ends)

    def _may_create_forever(self, manifest: Manifest) -> bool:
        """Tell whether git requests new Creates for ever, because List forgets associations."""
        return self._scenario.behaviour.list_forgets is not None and manifest.policy.on_loss is OnLoss.RECREATE


def _is_same(manifest: Manifest, request: Mapping[str, Any]) -> bool:
    """Tell whether a manifest requests an association, regardless of its data integration."""
    return all(manifest.spec.get(member) == request.get(member) for member in ("ClientId", "DestinationURI"))


def _format_execution(request: Mapping[str, Any]) -> str:
    return json.dumps(request["ExecutionConfiguration"], sort_keys=True)


def _identify_create(call: Call) -> tuple[NaturalKey, int | None]:
    """Return the natural key and incarnation of a Create. The incarnation is None if no incarnation has its token."""
    request = {key: value for key, value in call.request.items() if key != "ClientToken"}
    token = call.request.get("ClientToken")
    return build_natural_key(request), next(
        (incarnation for incarnation in range(MAX_INCARNATIONS) if compute_client_token(request, incarnation) == token),
        None,
    )


def _find_manifest(trace: Trace, key: NaturalKey) -> Manifest | None:
    return next((each for each in trace.manifests if build_natural_key(each.spec)[1:] == key[1:]), None)


def _get_generation(trace: Trace, key: NaturalKey) -> int:
    manifest = _find_manifest(trace, key)
    return manifest.policy.generation if manifest else 1


def _get_id(arn: str) -> str:
    return arn.rpartition("/")[2]


def _list_bound_ids(journal: dict[str, Any] | None, key: NaturalKey | None = None) -> set[str]:
    """Return the ids of the bound records in a journal, for one natural key or for all."""
    records = journal["records"].values() if journal else ()
    bound_records = (record for record in records if record["status"] == "bound")
    return {record["associationId"] for record in bound_records if key in {None, build_natural_key(record["request"])}}


def _list_adopted_ids(trace: Trace) -> set[str]:
    """Return the ids in policy.adopt of the manifests."""
    return {_get_id(each.policy.adopt) for each in trace.manifests if each.policy.adopt}


def _list_live_associations(trace: Trace) -> Iterator[Any]:
    observation = trace.observation
    for associations in observation.associations.values() if observation else ():
        if not isinstance(associations, Unobserved):
            yield associations
