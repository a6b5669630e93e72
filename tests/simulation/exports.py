"""Invariants of exports: one job at a time, and every stretch of time once, in the order of the windows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from simulation.aws import Cloud
from simulation.git import Git
from simulation.history import History
from simulation.recurring import has_boundary_between, is_boundary
from simulation.scenario import Scenario
from simulation.schedule import Schedule
from simulation.store import SharedStore
from simulation.trace import Call, Trace

from reconciler.core.model import Manifest
from reconciler.core.windows.declaration import Missed, WindowDeclaration

MAX_INTENT_AGE = 60.0
MARGIN = 30.0
_SLACK = 20 * 3600.0
"""Time after the faults in which a due window is sent, if nothing is reported: three runs, and a job between them."""

Report = Callable[[str, str], None]
"""Reports a violation: the invariant, and a text."""
Window = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Export:
    """A job that AWS started for a call: its window of data in seconds, its end, and how it ends."""

    window: Window | None
    ends_at: float
    is_completed: bool
    manifest: Manifest | None
    call: Call


class ExportChecker:
    """Observer of the jobs of associations. It knows how each job ends."""

    def __init__(self, scenario: Scenario, schedule: Schedule, history: History, report: Report) -> None:
        self._scenario, self._schedule, self._history, self._report = scenario, schedule, history, report
        self.cloud: Cloud
        self.store: SharedStore
        self.git: Git
        self._exports: defaultdict[str, list[Export]] = defaultdict(list)
        self._exports_by_destination: defaultdict[str, list[Export]] = defaultdict(list)
        self._sent_windows: defaultdict[str, list[tuple[Call, Window]]] = defaultdict(list)
        self._write_counts: defaultdict[str, int] = defaultdict(int)
        self._last_decisions: dict[str, tuple[str, int]] = {}

    def record_sent_call(self, call: Call) -> None:
        """Record a window that ends with a period. If the Update gets lost, a person may have it sent once more."""
        association = self.cloud.state.associations.get(call.request.get("DataIntegrationAssociationIdentifier", ""))
        window = _read_window(call.request)
        if association is None or window is None:
            return
        manifest = next((each for each in call.trace.manifests if _is_same(each, association.request)), None)
        if manifest and manifest.window and is_boundary(manifest.window, datetime.fromtimestamp(window[1], UTC)):
            self._sent_windows[association.id].append((call, window))

    def check_arrival(self, call: Call) -> None:
        """Check that no job of an association may be running when its Update arrives."""
        id_ = call.request["DataIntegrationAssociationIdentifier"]
        exports = self._exports[id_]
        if not exports or self._is_touched(id_) or self._schedule.now >= exports[-1].ends_at:
            return
        description = f"{call.trace.run} updates {id_[:8]} while the job of {exports[-1].call.trace.run} runs"
        required_wait = exports[-1].call.duration + self._scenario.behaviour.status_lag + MAX_INTENT_AGE + MARGIN
        if exports[-1].call.epoch != self.store.epoch:
            self._history.count_event("update during a job: state lost or restored")
        elif not self._scenario.behaviour.updates_shown:
            self._history.count_event("update during a job: List never shows it")
        elif self._scenario.settle_time <= required_wait:
            self._history.count_event("update during a job: the settle time is short")
        else:
            self._report("one-job", description)

    def check_execution(self, call: Call, deciding_trace: Trace) -> None:
        """Check the window of a call that AWS carried out, and record its job.

        A run of an older revision may repeat a Create without an answer. The raised generation is then that of the
        manifest in `deciding_trace`, the run that decided the Create.
        """
        association = self.cloud.state.associations[call.association_id]
        window = _read_window(call.request)
        self._write_counts[association.id] += 1
        if association.runs_until is None or call.request["ExecutionConfiguration"]["ExecutionMode"] != "ON_DEMAND":
            return
        manifests = (each for trace in (call.trace, deciding_trace) for each in trace.manifests)
        own_manifests = (each for each in manifests if _is_same(each, association.request))
        manifest = max(own_manifests, key=lambda each: each.policy.generation, default=None)
        export = Export(window, association.runs_until, association.outcome == "COMPLETED", manifest, call)
        exports = self._exports_by_destination[association.request["DestinationURI"]]
        if window and manifest and not any(map(self._is_touched, {association.id, *map(_get_id, exports)})):
            self._check_export(export, window, manifest, exports)
        exports.append(export)
        self._exports[association.id].append(export)

    def _check_export(self, export: Export, window: Window, manifest: Manifest, earlier: list[Export]) -> None:
        recurring = [each for each in earlier if each.manifest and each.manifest.window]
        if manifest.window is None:
            is_known = recurring and (export.call.verb == "update" or recurring[-1].call.epoch == self.store.epoch)
            if is_known and manifest.policy.generation <= _get_generation(recurring[-1]):
                self._report("old-revision", f"{export.call.trace.run} ends the recurring windows")
            return
        self._check_boundaries(export, window, manifest.window, earlier)
        self._check_revision(export, manifest, recurring)
        self._check_stretch(export, window, recurring)

    def _check_boundaries(
        self, export: Export, window: Window, declaration: WindowDeclaration, earlier: list[Export]
    ) -> None:
        start, end = (datetime.fromtimestamp(each, UTC) for each in window)
        call = export.call
        sent_windows = [sent for other, sent in self._sent_windows[call.association_id] if other is not call]
        if window in sent_windows or any(window == each.window for each in earlier):
            return  # the same window once more
        is_update = call.verb == "update"
        declarations = [declaration] if is_update else list(self._list_declarations(export.manifest))
        fitting = [each for each in declarations if is_boundary(each, end)]
        if not fitting:
            self._report("boundaries", f"{call.trace.run} sends {start} to {end}, which does not end with a period")
        elif (call.verb == "create" or declaration.missed is Missed.EACH) and all(
            has_boundary_between(each, start, end) for each in fitting
        ):
            self._report("boundaries", f"{call.trace.run} sends {start} to {end}, which is more than one period")
        if not earlier and all(
            start.astimezone(each.zone).date() != each.first or not is_boundary(each, start) for each in declarations
        ):
            self._report("boundaries", f"{call.trace.run} begins at {start}, where the first period does not begin")

    def _list_declarations(self, manifest: Manifest | None) -> Iterator[WindowDeclaration]:
        for revision in self.git.revisions:
            for configuration in revision:
                if manifest and configuration.name == manifest.name and configuration.declaration:
                    yield configuration.declaration

    def _check_revision(self, export: Export, manifest: Manifest, recurring: list[Export]) -> None:
        """Check that a superseded declaration sends nothing without a raised generation."""
        rules = [_get_rule(each.manifest) for each in recurring]
        rule = _get_rule(manifest)
        if export.call.verb == "create" or not rules or rule == rules[-1] or rule not in rules:
            return
        generation = max(map(_get_generation, recurring))
        if manifest.policy.generation > generation or recurring[-1].call.epoch != self.store.epoch:
            return
        self._report("old-revision", f"{export.call.trace.run} sends a window of a declaration that was superseded")

    def _check_stretch(self, export: Export, window: Window, earlier: list[Export]) -> None:
        """Check that a window continues what was exported: without a gap, and without anything twice."""
        completed = [each.window for each in earlier if each.is_completed and each.window]
        if not earlier or earlier[0].window is None:
            return
        reach = earlier[0].window[0]
        for start, end in sorted(completed):
            reach = max(reach, end) if start <= reach else reach
        has_word = any(each.skip or each.continue_from for each in self._list_declarations(export.manifest))
        lost = self._is_lost(earlier)
        text = f"{export.call.trace.run} sends {_format(window)}"
        if window[0] > reach and not has_word:
            self._report("no-gap", f"{text}, and only everything before {_format_time(reach)} was exported")
        for number, each in enumerate(earlier):
            if not (each.is_completed and _overlap(each, export)):
                continue
            # The first call after `each` that exports it again needs a person. Later ones may repeat that call.
            repetition = next(later for later in (*earlier[number + 1 :], export) if _overlap(each, later))
            is_gone = self.store.epoch > each.call.epoch and _get_id(each) != _get_id(export)
            before = earlier[: earlier.index(repetition)] if repetition is not export else earlier
            if lost or is_gone or _get_generation(repetition) > max(map(_get_generation, before)):
                self._history.count_event("stretch twice: a person, or state lost")
                continue
            self._report("no-stretch-twice", f"{text}, and {each.call.trace.run} exported {_format(each.window)}")

    def _is_lost(self, earlier: list[Export]) -> bool:
        """Tell whether a loss of the journal took what List did not show yet, or never shows."""
        behaviour = self._scenario.behaviour
        if self.store.epoch and not behaviour.updates_shown:
            return True
        lag = max(behaviour.update_lag, behaviour.status_lag, behaviour.list_lag) + self._scenario.settle_time
        return any(
            each.call.sent_at - lag <= at <= each.ends_at + lag for at in self.store.loss_times for each in earlier
        )

    def record_decision(self, name: str, word: str, exit_code: int) -> None:
        """Record the last decision on a manifest, and its exit code."""
        self._last_decisions[name] = (word, exit_code)

    def check_end(self, last_run_at: float) -> None:
        """Check, after the runs without faults, that every due window was exported or is reported."""
        # A clock that is ahead dates an Update in the future of the other controllers, which wait for so much longer.
        slack = _SLACK + max(0.0, *(each.skew for each in self._scenario.controllers))
        for configuration in self.git.revisions[-1]:
            manifest, declaration = configuration.manifest, configuration.declaration
            word, exit_code = self._last_decisions.get(configuration.name, ("", 1))
            if declaration is None or manifest.policy.suspend or exit_code or word == "changed":
                continue
            exports = [each for exports in self._exports.values() for each in exports if _is_same_key(each, manifest)]
            if any(self._is_touched(each.call.association_id) for each in exports):
                continue
            last_sent_at = max((each.call.sent_at for each in exports), default=0.0)
            # A person may pass over a window whose job failed, and say that everything before a time was exported.
            declarations = list(self._list_declarations(manifest))
            has_skip = any(each.skip for each in declarations)
            continuations = [each.continue_from.timestamp() for each in declarations if each.continue_from]
            ends = [each.window[1] for each in exports if each.window and (each.is_completed or has_skip)]
            reach = max((*ends, *continuations), default=0.0)
            due = self._find_first_due(declaration, reach, last_run_at)
            if due and due + _SLACK < last_run_at and last_sent_at + slack < last_run_at:
                text = f"the window until {_format_time(due)} is due, and the last decision is {word}"
                self._report("all-due-done", f"{configuration.name}: {text}")

    def _find_first_due(self, declaration: WindowDeclaration, reach: float, now: float) -> float | None:
        """Return the first boundary after `reach` that is due at `now`."""
        first = datetime(declaration.first.year, declaration.first.month, declaration.first.day, tzinfo=UTC).timestamp()
        at = max(reach, first + 86_400) // 900 * 900 + 900
        while at + declaration.delay.total_seconds() < now:
            if is_boundary(declaration, datetime.fromtimestamp(at, UTC)):
                return at
            at += 900
        return None

    def is_updated_since(self, time: float, manifest: Manifest) -> bool:
        """Tell whether an Update for a manifest started a job after a time."""
        exports = [each for exports in self._exports.values() for each in exports if _is_same_key(each, manifest)]
        return any(each.call.verb == "update" and each.call.sent_at > time for each in exports)

    def _is_touched(self, association_id: str) -> bool:
        """Tell whether somebody else has written an association."""
        writes = self.cloud.state.executed_writes
        return sum(each.arn.endswith(association_id) for each in writes) > self._write_counts[association_id]


def _is_same(manifest: Manifest, request: Any) -> bool:
    return all(manifest.spec.get(member) == request.get(member) for member in ("ClientId", "DestinationURI"))


def _is_same_key(export: Export, manifest: Manifest) -> bool:
    return export.manifest is not None and _is_same(manifest, export.manifest.spec)


def _read_window(request: Any) -> Window | None:
    configuration = (request.get("ExecutionConfiguration") or {}).get("OnDemandConfiguration")
    return (
        (int(configuration["StartTime"]) / 1000, int(configuration["EndTime"]) / 1000)
        if configuration and "EndTime" in configuration
        else None
    )


def _get_id(export: Export) -> str:
    return export.call.association_id


def _get_generation(export: Export) -> int:
    return export.manifest.policy.generation if export.manifest else 1


def _get_rule(manifest: Manifest | None) -> object:
    declaration = manifest.window if manifest else None
    return declaration and (declaration.every, declaration.zone_name, declaration.first, declaration.delay)


def _overlap(one: Export, other: Export) -> bool:
    return bool(one.window and other.window and one.window[0] < other.window[1] and other.window[0] < one.window[1])


def _format(window: Window | None) -> str:
    if window is None:
        return "everything"
    return f"{_format_time(window[0])} to {_format_time(window[1])}"


def _format_time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%MZ}"
