"""Receivers get each change once, across restarts, failed deliveries and several controllers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from support.builders import NOW
from support.fakes import FakeClock, FakeStore

from reconciler.core.controller.controller_status import ControllerStatus, Revision, TargetStatus
from reconciler.core.errors import StateError
from reconciler.core.journal.jobs import Job, JobSource
from reconciler.core.model import Origin
from reconciler.core.notifications.kinds import ALL_KINDS, Kind
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.report.exports import KnownExport
from reconciler.core.report.report import AssociationReport, Report, RunInfo, TargetReport
from reconciler.edge.state.file import FileStore
from reconciler.edge.state.store import Store, StoredText
from reconciler.notifications.dispatcher import DispatchContext, Dispatcher
from reconciler.notifications.store import NotificationStore
from reconciler.render.notification import Message


@dataclass
class FakeReceiver:
    """A receiver that rejects messages while it `is_down`."""

    name: str = "json 1"
    titles: list[str] = field(default_factory=list)
    attempts: int = 0
    is_down: bool = False
    on_send: Callable[[], object] = lambda: None
    kinds: frozenset[Kind] = ALL_KINDS - {Kind.WRITES}

    def send(self, title: str, body: str, severity: str) -> bool:  # noqa: ARG002 - the tests compare titles only
        """Accept or reject a message."""
        self.attempts += 1
        self.on_send()
        if not self.is_down:
            self.titles.append(title)
        return not self.is_down

    def take_titles(self) -> list[str]:
        """Return the titles received since the last call."""
        titles, self.titles = self.titles, []
        return titles


def build_export(day: str) -> KnownExport:
    """Return an export that was sent and completed on a day, or at a time."""
    sent_at = datetime.fromisoformat(day if "T" in day else f"{day}T00:00Z")
    job = Job(JobSource.UPDATE, sent_at, is_accepted=True, shown_at=sent_at, result="COMPLETED", ended_at=sent_at)
    return KnownExport(("i", "", "s3://d"), None, job)


@dataclass
class DispatcherScenario:
    """A target, a clock, receivers and a stored state, which several controllers may share."""

    clock: FakeClock = field(default_factory=FakeClock)
    store: Store | None = field(default_factory=FakeStore)
    decisions: dict[str, str] = field(default_factory=lambda: {"export": "in-sync"})
    receivers: list[FakeReceiver] = field(default_factory=lambda: [FakeReceiver()])
    summary_interval: timedelta = timedelta()
    errors: list[str] = field(default_factory=list)
    retry_delays: list[float] = field(default_factory=list)
    completed: list[str] = field(default_factory=list)

    def build_status(self) -> ControllerStatus:
        """Return the controller status after a run that ends now."""
        now = self.clock.now()
        associations = tuple(
            AssociationReport(
                name,
                Origin(f"{name}.yaml", 1, 1),
                DecisionKind(decision),
                "because",
                "i",
                "s3://d",
                exports=tuple(map(build_export, self.completed)),
            )
            for name, decision in self.decisions.items()
        )
        report = Report(
            RunInfo("r", now, now, dry_run=False, revision=None, version="1"),
            (TargetReport("prod", None, None, associations=associations),),
        )
        target = TargetStatus("prod", None, None, None, 0, report, now)
        return ControllerStatus(now, NOW, now, Revision(None, NOW, 1), None, (target,), ())

    def create_dispatcher(self, build_status: Callable[[], ControllerStatus] | None = None) -> Dispatcher:
        """Return the dispatcher of another process."""
        dispatch_context = DispatchContext(
            build_status or self.build_status,
            lambda: [(each.name, each) for each in self.receivers],
            self.summary_interval,
            self.clock,
        )
        return Dispatcher(dispatch_context, NotificationStore(self.store, self.errors.append, self.clock.now), self)

    def on_delivered(self, receiver: str, message: Message) -> None:
        """Ignore the delivery."""

    def on_delivery_failed(self, receiver: str, failures: int, delay: float) -> None:  # noqa: ARG002 - the protocol requires them
        """Record the delay before the retry."""
        self.retry_delays.append(delay)

    @property
    def receiver(self) -> FakeReceiver:
        """The first receiver."""
        return self.receivers[0]

    def dispatch(self, dispatcher: Dispatcher, **decisions: str) -> list[str]:
        """Return the titles that the first receiver gets after these decisions."""
        self.decisions |= decisions
        self.clock.advance(seconds=1)
        dispatcher.dispatch()
        return self.receiver.take_titles()


DRIFTED, LOST, RECOVERED = "reconcile: 1 drifted", "reconcile: 1 lost", "reconcile: 1 recovered"
COMPLETED = "reconcile: 1 export completed"


@pytest.fixture
def scenario() -> DispatcherScenario:
    """Provide a world without problems."""
    return DispatcherScenario()


def test_each_change_is_notified_once(scenario: DispatcherScenario) -> None:
    """The start, each change and the end of a problem are sent once each."""
    dispatcher = scenario.create_dispatcher()
    assert scenario.dispatch(dispatcher) == []
    assert scenario.dispatch(dispatcher, export="lost") == [LOST]
    assert scenario.dispatch(dispatcher) == []
    assert scenario.dispatch(dispatcher, export="blocked") == ["reconcile: 1 blocked"]
    assert scenario.dispatch(dispatcher, export="held") == []
    assert scenario.dispatch(dispatcher, export="in-sync") == [RECOVERED]
    assert scenario.dispatch(dispatcher) == []


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_restart_does_not_repeat_notifications(scenario: DispatcherScenario, kind: str, tmp_path: Path) -> None:
    """After a restart, no problem is sent again, and its recovery is still sent."""
    if kind == "file":
        scenario.store = FileStore(tmp_path / "state" / "notifications.json")
    assert scenario.dispatch(scenario.create_dispatcher(), export="lost") == [LOST]
    assert scenario.dispatch(scenario.create_dispatcher()) == []
    assert scenario.dispatch(scenario.create_dispatcher(), export="in-sync") == [RECOVERED]
    assert scenario.dispatch(scenario.create_dispatcher()) == []


def test_completed_exports_are_notified_once_across_restarts(scenario: DispatcherScenario, tmp_path: Path) -> None:
    """The first start is silent about earlier exports. Later ones are sent once, also those of a time without us."""
    scenario.store = FileStore(tmp_path / "state" / "notifications.json")
    scenario.completed = ["2026-09-01"]
    assert scenario.dispatch(scenario.create_dispatcher()) == []
    assert scenario.dispatch(scenario.create_dispatcher()) == []
    scenario.completed += ["2026-10-01", "2026-10-02"]  # while no controller runs
    dispatcher = scenario.create_dispatcher()
    assert scenario.dispatch(dispatcher) == ["reconcile: 2 exports completed"]
    assert scenario.dispatch(dispatcher) == scenario.dispatch(scenario.create_dispatcher()) == []
    scenario.completed.append("2026-10-03")
    assert scenario.dispatch(dispatcher) == [COMPLETED]


def test_new_receiver_is_not_notified_of_earlier_exports(scenario: DispatcherScenario) -> None:
    """A new receiver learns of what is completed after its first dispatch, and only of that."""
    scenario.completed = ["2026-09-01"]
    dispatcher = scenario.create_dispatcher()
    scenario.dispatch(dispatcher)
    scenario.receivers.append(FakeReceiver("slack 1"))
    assert scenario.dispatch(dispatcher) == []
    scenario.completed.append("2026-10-01")
    assert scenario.dispatch(dispatcher) == [COMPLETED]
    assert scenario.receivers[1].take_titles() == [COMPLETED]


def test_receiver_that_is_down_from_the_start_misses_no_completed_export(scenario: DispatcherScenario) -> None:
    """A receiver that accepts nothing at first gets what was completed meanwhile, and nothing from before."""
    scenario.completed = ["2026-09-01"]
    scenario.receiver.is_down = True
    assert scenario.dispatch(scenario.create_dispatcher(), export="lost") == []
    scenario.completed.append("2026-10-01")
    assert scenario.dispatch(scenario.create_dispatcher()) == []
    scenario.receiver.is_down = False
    assert scenario.dispatch(scenario.create_dispatcher()) == ["reconcile: 1 lost, 1 export completed"]


def test_two_controllers_notify_of_a_completed_export_once(scenario: DispatcherScenario) -> None:
    """An older report of another controller neither repeats a completed export nor forgets it."""
    first, second = scenario.create_dispatcher(), scenario.create_dispatcher()
    scenario.dispatch(first)
    scenario.dispatch(second)
    scenario.completed = ["2026-10-01"]
    assert scenario.dispatch(first) == [COMPLETED]
    scenario.completed = []  # the run of the second controller read the journal earlier
    assert scenario.dispatch(second) == []
    scenario.completed = ["2026-10-01"]
    assert scenario.dispatch(second) == scenario.dispatch(first) == []


def test_removed_target_keeps_its_completed_exports(scenario: DispatcherScenario) -> None:
    """A target that leaves git and returns repeats no completed export, and misses none."""
    scenario.completed = ["2026-10-01"]
    scenario.dispatch(scenario.create_dispatcher(), export="lost")
    status = scenario.build_status()
    other = replace(status, targets=(replace(status.targets[0], target="other"),))
    scenario.dispatch(scenario.create_dispatcher(lambda: other))
    scenario.completed.append("2026-10-02")
    assert scenario.dispatch(scenario.create_dispatcher()) == ["reconcile: 1 lost, 1 export completed"]


def test_receiver_gets_only_the_kinds_that_it_chose(scenario: DispatcherScenario) -> None:
    """A change of another kind is not sent, and is no news if the receiver chooses its kind later."""
    scenario.summary_interval = timedelta(days=1)
    scenario.receiver.kinds = frozenset((Kind.WRITES, Kind.COMPLETIONS))
    dispatcher = scenario.create_dispatcher()
    assert scenario.dispatch(dispatcher, export="lost") == []
    scenario.completed = ["2026-10-01"]
    assert scenario.dispatch(dispatcher) == ["reconcile: 1 updated, 1 export completed"]
    scenario.receiver.kinds = ALL_KINDS
    assert scenario.dispatch(scenario.create_dispatcher()) == ["reconcile: 1 problem"]
    scenario.receiver.kinds = frozenset((Kind.PROBLEMS,))
    scenario.completed.append("2026-10-02")
    assert scenario.dispatch(dispatcher) == []
    assert scenario.dispatch(dispatcher, export="in-sync") == [RECOVERED]


def test_first_report_after_the_start_shows_the_writes_since_then(scenario: DispatcherScenario) -> None:
    """What an earlier run since the start has written is sent. Later, a new receiver gets no earlier write."""
    scenario.receiver.kinds = frozenset((Kind.WRITES,))
    scenario.clock.advance(seconds=60)
    scenario.completed = [(NOW + timedelta(seconds=30)).isoformat(), (NOW - timedelta(days=1)).isoformat()]
    assert scenario.dispatch(scenario.create_dispatcher()) == ["reconcile: 1 updated"]
    scenario.receivers.append(FakeReceiver("slack 1", kinds=scenario.receiver.kinds))
    scenario.clock.advance(seconds=600)
    assert scenario.dispatch(scenario.create_dispatcher()) == scenario.receivers[1].take_titles() == []


def test_undelivered_changes_are_sent_later_in_one_message(scenario: DispatcherScenario) -> None:
    """Retries have growing delays of up to 640 seconds, and one message has the changes in between."""
    dispatcher = scenario.create_dispatcher()
    scenario.receiver.is_down = True
    assert scenario.dispatch(dispatcher, export="lost") == []
    assert scenario.dispatch(dispatcher, other="lost") == []
    assert scenario.receiver.attempts == 1
    for _ in range(4000):
        scenario.dispatch(dispatcher)
    assert scenario.retry_delays[:9] == [10, 20, 40, 80, 160, 320, 640, 640, 640]
    scenario.receiver.is_down = False
    scenario.clock.advance(seconds=640)
    assert scenario.dispatch(dispatcher) == ["reconcile: 2 lost"]
    scenario.receiver.is_down = True
    scenario.dispatch(dispatcher, export="in-sync")
    assert scenario.retry_delays[-1] == 10


def test_undelivered_change_is_sent_after_a_restart(scenario: DispatcherScenario) -> None:
    """A change that no receiver accepted is sent by the next process."""
    scenario.receiver.is_down = True
    scenario.dispatch(scenario.create_dispatcher(), export="lost")
    scenario.receiver.is_down = False
    assert scenario.dispatch(scenario.create_dispatcher()) == [LOST]


def test_failing_receiver_does_not_delay_the_others(scenario: DispatcherScenario) -> None:
    """A receiver gets each change once, although another receiver fails and gets it later."""
    other = FakeReceiver("slack 1", is_down=True)
    scenario.receivers = [scenario.receiver, other]
    dispatcher = scenario.create_dispatcher()
    assert scenario.dispatch(dispatcher, export="lost") == [LOST]
    scenario.clock.advance(seconds=10)
    other.is_down = False
    assert scenario.dispatch(dispatcher) == []
    assert other.take_titles() == [LOST]


def test_new_receiver_is_notified_of_open_problems(scenario: DispatcherScenario) -> None:
    """A new receiver gets the open problems, but no recovery of earlier ones."""
    dispatcher = scenario.create_dispatcher()
    scenario.dispatch(dispatcher, export="lost", other="lost")
    scenario.dispatch(dispatcher, other="in-sync")
    scenario.receivers.append(FakeReceiver("slack 1"))
    scenario.dispatch(dispatcher)
    assert scenario.receivers[1].take_titles() == [LOST]


def test_two_controllers_on_one_state_notify_once(scenario: DispatcherScenario) -> None:
    """A controller does not repeat a change that another one sent, even with an older report."""
    first, second = scenario.create_dispatcher(), scenario.create_dispatcher()
    scenario.dispatch(first)
    scenario.dispatch(second)
    assert scenario.dispatch(first, export="lost") == [LOST]
    assert scenario.dispatch(second) == []
    old_status = scenario.build_status()
    assert scenario.dispatch(second, export="in-sync") == [RECOVERED]
    assert scenario.dispatch(first) == []
    assert scenario.dispatch(scenario.create_dispatcher(lambda: old_status)) == []


def test_concurrent_controllers_keep_each_others_notification_state(scenario: DispatcherScenario) -> None:
    """Controllers that notify at the same time may repeat a change, but keep each other's state."""
    first, second = scenario.create_dispatcher(), scenario.create_dispatcher()
    nested_titles = list[str]()

    def dispatch_second() -> None:
        scenario.receiver.on_send = lambda: None
        nested_titles.extend(scenario.dispatch(second, other="lost"))

    scenario.receiver.on_send = dispatch_second
    titles = [*scenario.dispatch(first, export="lost"), *nested_titles]
    assert sorted(titles) == ["reconcile: 1 lost", "reconcile: 2 lost"]
    assert (
        scenario.dispatch(first) == scenario.dispatch(second) == scenario.dispatch(scenario.create_dispatcher()) == []
    )
    assert scenario.dispatch(scenario.create_dispatcher(), export="in-sync", other="in-sync") == [
        "reconcile: 2 recovered"
    ]


def test_controllers_of_one_machine_wait_for_each_other(scenario: DispatcherScenario, tmp_path: Path) -> None:
    """A controller sends nothing while another one sends, and does not repeat the change later."""
    path = tmp_path / "notifications.json"
    scenario.store = FileStore(path)
    first = scenario.create_dispatcher()
    scenario.store = FileStore(path)
    second = scenario.create_dispatcher()
    nested_titles = list[str]()
    scenario.receiver.on_send = lambda: nested_titles.extend(scenario.dispatch(second))
    assert scenario.dispatch(first, export="lost") == [LOST]
    assert nested_titles == []
    assert scenario.dispatch(second) == []


@pytest.mark.parametrize("is_restarted", [False, True])
def test_clock_set_back_does_not_suppress_notifications(scenario: DispatcherScenario, *, is_restarted: bool) -> None:
    """After a clock was set back, recoveries, new problems and the summary are still sent once each."""
    scenario.summary_interval = timedelta(days=1)
    early_dispatcher = scenario.create_dispatcher()
    scenario.clock.set(days=300)
    assert scenario.dispatch(early_dispatcher, export="lost") == [LOST, "reconcile: 1 problem"]
    scenario.clock.set(days=-300)
    dispatcher = scenario.create_dispatcher() if is_restarted else early_dispatcher
    assert scenario.dispatch(dispatcher) == ["reconcile: 1 problem"]
    assert scenario.dispatch(dispatcher, export="in-sync", other="lost") == ["reconcile: 1 lost, 1 recovered"]
    assert scenario.dispatch(dispatcher) == scenario.dispatch(scenario.create_dispatcher()) == []
    scenario.clock.advance(days=1)
    assert scenario.dispatch(dispatcher) == ["reconcile: 1 problem"]


@pytest.mark.parametrize("text", ["{", "[]", '{"format": "reconciler/notices/v9"}', "\ud7ff", "[" * 100_000])
def test_broken_notification_state_is_replaced(scenario: DispatcherScenario, text: str) -> None:
    """A broken state causes one log line, open problems are sent again, and the new state can be read."""
    store = FakeStore()
    store.stored_text = StoredText(text, "1")
    scenario.store = store
    dispatcher = scenario.create_dispatcher()
    assert scenario.dispatch(dispatcher) == []
    assert scenario.dispatch(dispatcher, export="lost") == [LOST]
    assert scenario.dispatch(dispatcher) == []
    assert len(scenario.errors) == 1
    assert "a new one replaces it" in scenario.errors[0]
    assert scenario.dispatch(scenario.create_dispatcher()) == []


def test_lost_notification_state_is_replaced(scenario: DispatcherScenario) -> None:
    """Without the stored state, open problems are sent again, no recovery is sent, and no error is logged."""
    scenario.dispatch(scenario.create_dispatcher(), export="lost")
    scenario.store = FakeStore()
    assert scenario.dispatch(scenario.create_dispatcher()) == [LOST]
    scenario.store = FakeStore()
    assert scenario.dispatch(scenario.create_dispatcher(), export="in-sync") == []
    assert scenario.errors == []


def test_unwritable_notification_state_repeats_nothing(scenario: DispatcherScenario) -> None:
    """If writes fail, the state stays in memory, the reason is logged once, and a later write stores the state."""
    store = FakeStore()
    store.failing_puts = {1, 2}
    scenario.store = store
    dispatcher = scenario.create_dispatcher()
    assert scenario.dispatch(dispatcher, export="lost") == [LOST]
    assert scenario.dispatch(dispatcher) == []
    assert scenario.dispatch(dispatcher, other="lost") == [LOST]
    assert scenario.errors == ["the disk is full"]
    assert scenario.dispatch(dispatcher, third="lost") == [LOST]
    assert scenario.dispatch(scenario.create_dispatcher()) == []


class UnreadableStore(FakeStore):
    """A store that cannot be read while it `is_down`."""

    is_down = True

    def load(self) -> StoredText | None:
        """Return what is stored."""
        if self.is_down:
            raise StateError("no answer")
        return super().load()


def test_notifications_wait_for_an_unreadable_state_for_ten_minutes(scenario: DispatcherScenario) -> None:
    """Without the stored state, each problem would be sent again, so the first ten minutes send nothing."""
    store = UnreadableStore()
    scenario.store = store
    dispatcher = scenario.create_dispatcher()
    assert scenario.dispatch(dispatcher, export="lost") == []
    scenario.clock.advance(minutes=10)
    assert scenario.dispatch(dispatcher) == [LOST]
    assert scenario.dispatch(dispatcher) == []
    assert scenario.errors == ["no answer"]
    store.is_down = False
    assert scenario.dispatch(dispatcher, other="lost") == [LOST]
    assert scenario.dispatch(scenario.create_dispatcher()) == []


class ContestedStore(FakeStore):
    """A store that another process changes after each read, and that can be read `readable_loads` times."""

    readable_loads = 100

    def load(self) -> StoredText | None:
        """Return the stored text, then replace it."""
        super().load()
        if self.loads > self.readable_loads:
            raise StateError("no answer")
        stored_text, self.stored_text = self.stored_text, StoredText("{}", f"other {self.loads}")
        return stored_text


@pytest.mark.parametrize("readable_loads", [100, 2])
def test_conflicting_writes_of_the_state_do_not_block_notifications(
    scenario: DispatcherScenario, readable_loads: int
) -> None:
    """After three conflicting writes, the change stays in memory and is not sent again."""
    store = ContestedStore()
    store.readable_loads = readable_loads
    scenario.store = store
    dispatcher = scenario.create_dispatcher()
    assert scenario.dispatch(dispatcher, export="lost") == [LOST]
    assert store.puts == 3
    assert scenario.dispatch(dispatcher) == []


def test_unusable_state_folder_does_not_stop_notifications(scenario: DispatcherScenario, tmp_path: Path) -> None:
    """Receivers are notified although the state can be neither locked nor stored."""
    (tmp_path / "file").touch()
    scenario.store = FileStore(tmp_path / "file" / "notifications.json")
    dispatcher = scenario.create_dispatcher()
    scenario.clock.advance(minutes=10)
    assert scenario.dispatch(dispatcher, export="lost") == [LOST]
    assert scenario.dispatch(dispatcher) == []


def test_dry_run_stores_no_notification_state(scenario: DispatcherScenario) -> None:
    """Without a store, each process sends each open problem once."""
    scenario.store = None
    dispatcher = scenario.create_dispatcher()
    assert scenario.dispatch(dispatcher, export="lost") == [LOST]
    assert scenario.dispatch(dispatcher) == []
    assert scenario.dispatch(scenario.create_dispatcher()) == [LOST]


def test_summary_is_sent_once_a_day(scenario: DispatcherScenario) -> None:
    """A summary is sent once a day across restarts, and a summary that was not delivered is sent later."""
    scenario.summary_interval = timedelta(days=1)
    assert scenario.dispatch(scenario.create_dispatcher()) == ["reconcile: no problems"]
    assert scenario.dispatch(scenario.create_dispatcher()) == []
    assert scenario.dispatch(scenario.create_dispatcher(), export="lost") == [LOST]
    scenario.clock.advance(days=1)
    scenario.receiver.is_down = True
    dispatcher = scenario.create_dispatcher()
    assert scenario.dispatch(dispatcher) == []
    scenario.receiver.is_down = False
    scenario.clock.advance(minutes=1)
    assert scenario.dispatch(dispatcher) == ["reconcile: 1 problem"]
    assert scenario.dispatch(dispatcher) == []
    scenario.clock.advance(days=1)
    assert scenario.dispatch(scenario.create_dispatcher(), export="in-sync") == [RECOVERED, "reconcile: no problems"]


def test_removed_manifest_is_dropped_from_the_notification_state(scenario: DispatcherScenario) -> None:
    """A manifest that was removed from git leaves the state without a notification, so the state does not grow."""
    dispatcher = scenario.create_dispatcher()
    scenario.dispatch(dispatcher, export="lost")
    del scenario.decisions["export"]
    assert scenario.dispatch(dispatcher) == []
    assert isinstance(scenario.store, FakeStore)
    assert scenario.store.stored_text
    (receiver_state,) = json.loads(scenario.store.stored_text.text)["receivers"].values()
    assert receiver_state["targets"]["prod"]["open"] == []


def test_removed_target_is_dropped_from_the_notification_state(scenario: DispatcherScenario) -> None:
    """The alerts of a removed target leave the state without a notification."""
    scenario.dispatch(scenario.create_dispatcher(), export="lost")
    status = scenario.build_status()
    other = replace(status, targets=(replace(status.targets[0], target="other"),))
    scenario.decisions["export"] = "in-sync"
    assert (
        scenario.dispatch(
            scenario.create_dispatcher(lambda: replace(other, targets=(replace(other.targets[0], last_report=None),)))
        )
        == []
    )
    assert isinstance(scenario.store, FakeStore)
    assert scenario.store.stored_text
    (receiver_state,) = json.loads(scenario.store.stored_text.text)["receivers"].values()
    assert receiver_state["targets"]["prod"]["open"] == []
