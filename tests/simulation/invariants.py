"""Invariants, checked by the calls that reach AWS and the writes that reach the store, without the code under test."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from simulation.aws import SIGNATURE, Cloud
from simulation.git import Git
from simulation.history import History
from simulation.scenario import Scenario
from simulation.schedule import Schedule
from simulation.store import Shelf
from simulation.trace import Call, Listing, Trace

from reconciler.core.apply.outcome import Created
from reconciler.core.apply.result import Result
from reconciler.core.model import Manifest, Mode, NaturalKey, OnLoss, Unobserved, natural_key
from reconciler.core.plan.decision import Adopt, Blocked, Plan, get_live
from reconciler.core.request.token import compute_client_token

Checked = ParamSpec("Checked")
Check = Callable[Concatenate["Checker", Checked], None]

INCARNATIONS = 20
FRESH = 60.0
"""Maximum age of an intent in seconds when its call is sent."""
EPSILON = 30.0
"""Seconds for reading, deciding and writing, beside the waits that are counted."""

INVARIANTS = {
    "never-twice": "no second Create of one natural key and incarnation while the token or List prevents it",
    "incarnation": "another incarnation only after a raised generation, or after the loss of a listed association",
    "known-token": "a Create has the token of its own request and an incarnation",
    "observed-first": "a Create is sent only after a complete List of the data integration",
    "one-update": "at most one Update for each ExecutionConfiguration and generation in git, and none without a change",
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


def _surely(check: Check[Checked]) -> Check[Checked]:
    """Report a violation if the check itself fails.

    Otherwise the reconciler would take the exception of the check for a fault of AWS.
    """

    @wraps(check)
    def checked(checker: Checker, /, *arguments: Checked.args, **named: Checked.kwargs) -> None:
        try:
            check(checker, *arguments, **named)
        except Exception as error:  # noqa: BLE001 - a check may fail in any way
            checker.violate("checked", f"{check.__name__}: {type(error).__name__}: {error}")

    return checked


class Checker:
    """Observer of one simulation. It ends the simulation at the first violation."""

    def __init__(self, scenario: Scenario, schedule: Schedule, history: History) -> None:
        self._scenario, self._schedule, self._history = scenario, schedule, history
        self.violations: list[tuple[str, str]] = []
        self.cloud: Cloud
        self.shelf: Shelf
        self.git: Git
        self._creates: defaultdict[NaturalKey, list[tuple[int, Call]]] = defaultdict(list)
        self._decided_by: dict[str, Trace] = {}
        self._sent: set[tuple[NaturalKey, int]] = set()
        self._updates: Counter[tuple[str, str, int]] = Counter()
        self._shown: dict[str, NaturalKey] = {}
        self._last_shown: defaultdict[str, float] = defaultdict(float)
        self._missed: defaultdict[str, dict[str, float]] = defaultdict(dict)
        self._lease_of: dict[tuple[int, int], Trace] = {}

    def violate(self, invariant: str, text: str) -> None:
        """Record a violation, and end the simulation."""
        assert invariant in INVARIANTS
        self.violations.append((invariant, text))
        self._history.tell("VIOLATED", f"{invariant}: {text}")
        self._schedule.halt()

    # calls to AWS

    @_surely
    def sent(self, call: Call) -> None:
        """Check a call when it is sent."""
        if call.trace.dry:
            self.violate("dry-run", f"{call.trace.run} sends {call.operation}")
        if call.trace.mode is Mode.OBSERVE:
            self.violate("dry-run", f"{call.trace.run} sends {call.operation} in mode observe")
        if call.verb == "create":
            self._create_sent(call)

    def _create_sent(self, call: Call) -> None:
        if not (call.listing and call.listing.complete):
            self.violate("observed-first", f"{call.trace.run} creates after an incomplete List")
            return
        key, incarnation = _identity(call)
        if incarnation is None:
            self.violate(
                "known-token", f"{call.trace.run} creates with the unknown token {call.request.get('ClientToken')}"
            )
            return
        former = [first for earlier, first in self._creates[key] if earlier < incarnation]
        known = _bound(call.trace.decided_from, key)
        for earlier, first in self._creates[key]:
            remembered = first.epoch == self.shelf.epoch and first.association_id in known
            if earlier == incarnation and remembered:
                self.violate("incarnation", f"{call.trace.run} sends the token of the bound {first.association_id}")
        if former and (key, incarnation) not in self._sent:
            self._again(former, call, key)
        self._sent.add((key, incarnation))

    @_surely
    def listed(self, trace: Trace, listing: Listing) -> None:
        """Record the associations that a run saw, for later checks of lost ones."""
        for id_, key in listing.ids.items():
            self._shown[id_] = key
        for id_, (integration, *_) in self._shown.items():
            if integration == listing.integration and id_ not in listing.ids:
                self._missed[id_][trace.run] = listing.seen

    def _misses(self, association_id: str) -> int:
        """Return how many runs missed an association since the last finished run that saw it."""
        return sum(at > self._last_shown[association_id] for at in self._missed[association_id].values())

    @_surely
    def carried_out(self, call: Call) -> None:
        """Check a call that AWS carried out."""
        if call.verb == "create":
            self._created(call)
        else:
            self._updated(call)

    def _created(self, call: Call) -> None:
        key, incarnation = _identity(call)
        for earlier, first in self._creates[key]:
            if earlier == incarnation:
                self._twice(first, call)
        if incarnation:
            self._history.reach("next incarnation")
        self._creates[key].append((incarnation or 0, call))

    def _twice(self, first: Call, second: Call) -> None:
        """Check whether a second Create of one incarnation could have been prevented."""
        assert second.listing
        scenario, history = self._scenario, self._history
        what = f"{first.association_id} by {first.trace.run}, {second.association_id} by {second.trace.run}"
        if first.association_id in second.listing.ids:
            if first.association_id in self._others(second.trace):
                history.reach("twice: policy.adopt gives the respelled association to another manifest")
                return
            self.violate("never-twice", f"{what}: List had shown the first association")
            return
        if min(first.epoch, second.epoch) != self.shelf.epoch:
            history.reach("twice: state lost or restored")
            return
        if not self._is_listed(first.association_id, second.listing.started):
            history.reach("twice: gone from List")
            return
        if scenario.hides:
            history.reach("twice: List hides, and tokens are ignored")
            return
        apart = abs(first.trace.skew - second.trace.skew)
        waits = scenario.behaviour.list_lag + apart + max(first.duration, second.duration) + FRESH
        if scenario.settle > waits + EPSILON:
            self.violate("never-twice", f"{what}: the settle time of {scenario.settle} s is more than {waits:.0f} s")
            return
        history.reach("twice: neither token nor List protects")
        if scenario.settle > waits - max(first.duration, second.duration) + SIGNATURE + EPSILON:
            history.reach("twice: the run slept between its last look at the clock and the signature")

    def _again(self, former: Sequence[Call], call: Call, key: NaturalKey) -> None:
        """Check whether a person or the loss of the previous association requested another incarnation."""
        assert call.listing
        who = f"{call.trace.run} recreates {former[-1].association_id}"
        for id_ in ({each.association_id for each in former} & call.listing.ids.keys()) - self._others(call.trace):
            self.violate("incarnation", f"{who}, and List shows {id_}")
        if former[0].epoch != self.shelf.epoch:
            return  # the journal has lost the earlier incarnations
        now = _manifest(self._decided_by.get(call.request["ClientToken"], call.trace), key)
        if now and now.policy.generation > _generation(former[-1].trace, key):
            return
        shown = [id_ for id_, its in self._shown.items() if its == key]
        if now is None or not self.git.asks_to_recreate(now):
            self.violate("incarnation", f"{who}, and git does not request it")
        elif not shown:
            self.violate("incarnation", f"{who}, and List never showed it")
        elif all(self._misses(id_) < 2 for id_ in shown):
            self.violate("incarnation", f"{who}, and fewer than two runs missed it")

    def _others(self, trace: Trace) -> set[str]:
        """Return the ids that policy.adopt gives to other manifests, if List respells keys."""
        return _adopted(trace) if self._scenario.respelt else set()

    def _is_listed(self, association_id: str, at: float) -> bool:
        """Tell whether List without lag would have shown an association at a time."""
        association = self.cloud.state.associations.get(association_id)
        forgets = self._scenario.behaviour.list_forgets
        if association is None:
            return False
        return forgets is None or association.runs_until is None or at < association.runs_until + forgets

    @_surely
    def arrived(self, call: Call) -> None:
        """Check an Update that reached AWS, whatever its result. Each change in git allows one."""
        if call.verb == "create":
            return
        id_ = call.request["DataIntegrationAssociationIdentifier"]
        who, asking = f"{call.trace.run} updates {id_}", list(self._asking(call, id_))
        if not asking or call.trace.mode is not Mode.CREATE_AND_UPDATE:
            self.violate("one-update", f"{who}, and no manifest requests it")
            return
        change = (id_, _execution(call.request), asking[0].policy.generation)
        self._updates[change] += 1
        if self._updates[change] > 1 + self.shelf.epoch:
            self.violate("one-update", f"{who} a second time for one change in git")

    def _asking(self, call: Call, association_id: str) -> Iterator[Manifest]:
        """Yield the manifests of the run's revision that request an Update."""
        association = self.cloud.state.associations.get(association_id)
        for manifest in call.trace.manifests:
            same = association is None or _is_same(manifest, association.request)
            wanted = _execution(manifest.spec) == _execution(call.request)
            if same and wanted and manifest.policy.mode is Mode.CREATE_AND_UPDATE:
                yield manifest

    def _updated(self, call: Call) -> None:
        """Check that git ever changed the configuration. An older revision counts as a change, too."""
        association = self.cloud.state.associations[call.association_id]
        manifests = [wish.manifest for revision in self.git.revisions for wish in revision]
        if len({_execution(each.spec) for each in manifests if _is_same(each, association.request)}) < 2:
            self.violate("one-update", f"{call.trace.run} updates {call.association_id}, and git never changed it")
        self._history.reach("updated")

    # writes to the store

    @_surely
    def touched(self, trace: Trace, what: str) -> None:
        """Check that a run may write the journal."""
        if trace.dry:
            self.violate("dry-run", f"{trace.run}: {what}")

    @_surely
    def written(self, trace: Trace, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
        """Check a write that the store accepted."""
        if after["serial"] != (before["serial"] if before else 0) + 1:
            self.violate("no-lost-update", f"{trace.run} writes serial {after['serial']}")
        if before:
            kept = {natural_key(record["request"]) for record in after["records"].values()}
            for name, record in before["records"].items():
                bound = record["status"] == "bound"
                if bound and name not in after["records"] and natural_key(record["request"]) not in kept:
                    self.violate("no-lost-update", f"{trace.run} forgets {name}, bound to {record['associationId']}")
        for record in after["records"].values():
            if record["status"] == "intended":
                self._decided_by.setdefault(record["token"], trace)
        self._check_lease(trace, before and before["lease"], after)

    def _check_lease(self, trace: Trace, before: dict[str, Any] | None, document: dict[str, Any]) -> None:
        after = document["lease"]
        epoch = self.shelf.epoch
        if after and (before is None or before["number"] != after["number"]):
            self._lease_of[epoch, after["number"]] = trace
        if after and self._lease_of.get((epoch, after["number"])) is trace:
            trace.wrote, trace.wrote_epoch = document, epoch
        owner = self._lease_of.get((epoch, before["number"])) if before else None
        if before is None or owner is None or owner.run == trace.run or after == before:
            return
        if after and after["number"] == before["number"]:
            self.violate("lease", f"{trace.run} renews the lease of {owner.run}")
            return
        now = self._schedule.now + trace.skew
        if now >= datetime.fromisoformat(before["expires"]).timestamp():
            self._history.reach("lease taken over: expired")
        elif self._scenario.local and self.shelf.owner is not None:
            self._history.reach("lease taken over: holder dead")
        else:
            self.violate("lease", f"{trace.run} takes the lease of {owner.run} before it expires")

    # results of runs

    def finished(self, trace: Trace, result: Result) -> None:
        """Check the result of a finished run."""
        for decision in result.plan.decisions:
            self._history.reach(f"decision: {decision.kind}")
            if isinstance(decision, Adopt):
                self._check_adoption(trace, decision)
        for outcome in result.outcomes.values():
            self._history.reach(f"outcome: {type(outcome).__name__}")
        for listing in trace.listings.values():
            for id_ in listing.ids:
                self._last_shown[id_] = max(listing.seen, self._last_shown[id_])
        self._check_known(trace, result.plan)
        self._check_answers(trace, result)

    def _check_adoption(self, trace: Trace, decision: Adopt) -> None:
        if decision.manifest.policy.adopt or not trace.observation:
            return
        bound = _bound(trace.decided_from) | _adopted(trace)
        if decision.live.id in bound:
            return
        key = natural_key(decision.live.spec)
        same = [live.id for lives in _lives(trace) for live in lives if natural_key(live.spec) == key]
        if len([id_ for id_ in same if id_ not in bound]) > 1:
            self.violate("ambiguous", f"{trace.run} adopts {decision.live.id}, and {len(same)} match")

    def _check_known(self, trace: Trace, plan: Plan) -> None:
        """Check that each association in List is in the journal or in the report."""
        known = _bound(trace.decided_from) | _bound(self.shelf.document) | {live.id for live in plan.unmanaged}
        known |= {live.id for decision in plan.decisions if (live := get_live(decision))}
        texts = " ".join(decision.reason for decision in plan.decisions if isinstance(decision, Blocked))
        for id_ in {live.id for lives in _lives(trace) for live in lives} - known:
            if id_ not in texts:
                self.violate("nothing-unknown", f"{trace.run} saw {id_} and does not report it")

    def _check_answers(self, trace: Trace, result: Result) -> None:
        """Check that the journal has the answers of a run, unless another run has changed the record."""
        document, wrote = self.shelf.document, trace.wrote
        if result.error or document is None or wrote is None or trace.wrote_epoch != self.shelf.epoch:
            return
        for name, outcome in result.outcomes.items():
            record = document["records"].get(name)
            same = record is not None and record == wrote["records"].get(name)
            if isinstance(outcome, Created) and same and record["status"] == "intended":
                self.violate("answers-kept", f"{trace.run} created {name}, and the journal does not have it")

    def failed(self, trace: Trace, error: Exception) -> None:
        """Report an exception that no run may raise."""
        self.violate("no-internal-error", f"{trace.run}: {type(error).__name__}: {error}")

    def dry(self, plan: Plan) -> None:
        """Record the decisions of a dry run."""
        for decision in plan.decisions:
            self._history.reach(f"dry run: {decision.kind}")

    def converged(self, rounds: Sequence[Sequence[tuple[str, Manifest, str]]], who: str) -> None:
        """Check the last runs of one controller: (name, manifest, decision) for each decision of each run."""
        last, before = rounds[-1], rounds[-2]
        words = {name: word for name, _, word in before}
        for name, manifest, word in last:
            if self._may_go_on(manifest):
                continue
            stable = word in {"in-sync", "drifted", "changed", "lost", "held", "blocked", "create, refused"}
            if not stable or words[name] != word:
                self.violate("converges", f"{who}: {name} was {words[name]} and is {word} after {len(rounds)} rounds")

    def _may_go_on(self, manifest: Manifest) -> bool:
        """Tell whether git requests new Creates for ever, because List forgets associations."""
        return self._scenario.behaviour.list_forgets is not None and manifest.policy.on_loss is OnLoss.RECREATE


def _is_same(manifest: Manifest, request: Mapping[str, Any]) -> bool:
    """Tell whether a manifest requests an association, regardless of its data integration."""
    return all(manifest.spec.get(member) == request.get(member) for member in ("ClientId", "DestinationURI"))


def _execution(request: Mapping[str, Any]) -> str:
    return json.dumps(request["ExecutionConfiguration"], sort_keys=True)


def _identity(call: Call) -> tuple[NaturalKey, int | None]:
    """Return the natural key and incarnation of a Create. The incarnation is None if no incarnation has its token."""
    request = {key: value for key, value in call.request.items() if key != "ClientToken"}
    token = call.request.get("ClientToken")
    return natural_key(request), next(
        (n for n in range(INCARNATIONS) if compute_client_token(request, n) == token), None
    )


def _manifest(trace: Trace, key: NaturalKey) -> Manifest | None:
    return next((each for each in trace.manifests if natural_key(each.spec)[1:] == key[1:]), None)


def _generation(trace: Trace, key: NaturalKey) -> int:
    manifest = _manifest(trace, key)
    return manifest.policy.generation if manifest else 1


def _id(arn: str) -> str:
    return arn.rpartition("/")[2]


def _bound(journal: dict[str, Any] | None, key: NaturalKey | None = None) -> set[str]:
    """Return the ids of the bound records in a journal, for one natural key or for all."""
    records = journal["records"].values() if journal else ()
    bound = (record for record in records if record["status"] == "bound")
    return {record["associationId"] for record in bound if key in {None, natural_key(record["request"])}}


def _adopted(trace: Trace) -> set[str]:
    """Return the ids in policy.adopt of the manifests."""
    return {_id(each.policy.adopt) for each in trace.manifests if each.policy.adopt}


def _lives(trace: Trace) -> Iterator[Any]:
    observation = trace.observation
    for lives in observation.associations.values() if observation else ():
        if not isinstance(lives, Unobserved):
            yield lives
