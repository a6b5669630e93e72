"""Receivers get each change once, across restarts, failed deliveries and several controllers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.builders import NOW
from support.fakes import FakeClock, FakeStore

from reconciler.core.controller.status import ControllerStatus, Revision, TargetStatus
from reconciler.core.errors import StateError
from reconciler.core.model import Origin
from reconciler.core.plan.decision import DecisionKind
from reconciler.core.report.report import AssociationReport, Report, RunInfo, TargetReport
from reconciler.edge.state.file import FileStore
from reconciler.edge.state.store import Store, StoredText
from reconciler.notifications.dispatcher import DispatchContext, Dispatcher
from reconciler.notifications.store import NotificationStore
from reconciler.render.notification import Message


@dataclass
class Person:
    """A receiver that rejects messages while it is `away`."""

    name: str = "json 1"
    titles: list[str] = field(default_factory=list)
    asked: int = 0
    away: bool = False
    meanwhile: Callable[[], object] = lambda: None

    def send(self, title: str, body: str, severity: str) -> bool:  # noqa: ARG002 - the tests compare titles only
        """Accept or reject a message."""
        self.asked += 1
        self.meanwhile()
        if not self.away:
            self.titles.append(title)
        return not self.away

    def heard(self) -> list[str]:
        """Return the titles received since the last call."""
        titles, self.titles = self.titles, []
        return titles


@dataclass
class World:
    """A target, a clock, receivers and a stored state, which several controllers may share."""

    clock: FakeClock = field(default_factory=FakeClock)
    store: Store | None = field(default_factory=FakeStore)
    decisions: dict[str, str] = field(default_factory=lambda: {"export": "in-sync"})
    people: list[Person] = field(default_factory=lambda: [Person()])
    heartbeat: timedelta = timedelta()
    troubles: list[str] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def board(self) -> ControllerStatus:
        """Return the controller status after a run that ends now."""
        now = self.clock.now()
        associations = tuple(
            AssociationReport(name, Origin(f"{name}.yaml", 1, 1), DecisionKind(decision), "because", "i", "s3://d")
            for name, decision in self.decisions.items()
        )
        report = Report(
            RunInfo("r", now, now, dry_run=False, revision=None, version="1"),
            (TargetReport("prod", None, None, associations=associations),),
        )
        target = TargetStatus("prod", None, None, None, 0, report, now)
        return ControllerStatus(now, NOW, now, Revision(None, NOW, 1), None, (target,), ())

    def courier(self, board: Callable[[], ControllerStatus] | None = None) -> Dispatcher:
        """Return the dispatcher of another process."""
        round_ = DispatchContext(
            board or self.board, lambda: [(each.name, each) for each in self.people], self.heartbeat, self.clock
        )
        return Dispatcher(round_, NotificationStore(self.store, self.troubles.append, self.clock.now), self)

    def on_delivered(self, receiver: str, message: Message) -> None:
        """Ignore the delivery."""

    def on_delivery_failed(self, receiver: str, failures: int, delay: float) -> None:  # noqa: ARG002 - the protocol requires them
        """Record the delay before the retry."""
        self.pauses.append(delay)

    @property
    def person(self) -> Person:
        """The first receiver."""
        return self.people[0]

    def goes(self, courier: Dispatcher, **decisions: str) -> list[str]:
        """Return the titles that the first receiver gets after these decisions."""
        self.decisions |= decisions
        self.clock.advance(seconds=1)
        courier.dispatch()
        return self.person.heard()


DRIFTED, LOST, RECOVERED = "reconcile: 1 drifted", "reconcile: 1 lost", "reconcile: 1 recovered"


@pytest.fixture
def world() -> World:
    """Provide a world without problems."""
    return World()


def test_each_change_is_notified_once(world: World) -> None:
    """The start, each change and the end of a problem are sent once each."""
    courier = world.courier()
    assert world.goes(courier) == []
    assert world.goes(courier, export="lost") == [LOST]
    assert world.goes(courier) == []
    assert world.goes(courier, export="blocked") == ["reconcile: 1 blocked"]
    assert world.goes(courier, export="held") == []
    assert world.goes(courier, export="in-sync") == [RECOVERED]
    assert world.goes(courier) == []


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_restart_does_not_repeat_notifications(world: World, kind: str, tmp_path: Path) -> None:
    """After a restart, no problem is sent again, and its recovery is still sent."""
    if kind == "file":
        world.store = FileStore(tmp_path / "state" / "notifications.json")
    assert world.goes(world.courier(), export="lost") == [LOST]
    assert world.goes(world.courier()) == []
    assert world.goes(world.courier(), export="in-sync") == [RECOVERED]
    assert world.goes(world.courier()) == []


def test_undelivered_changes_are_sent_later_in_one_message(world: World) -> None:
    """Retries have growing delays of up to 640 seconds, and one message has the changes in between."""
    courier = world.courier()
    world.person.away = True
    assert world.goes(courier, export="lost") == []
    assert world.goes(courier, other="lost") == []
    assert world.person.asked == 1
    for _ in range(4000):
        world.goes(courier)
    assert world.pauses[:9] == [10, 20, 40, 80, 160, 320, 640, 640, 640]
    world.person.away = False
    world.clock.advance(seconds=640)
    assert world.goes(courier) == ["reconcile: 2 lost"]
    world.person.away = True
    world.goes(courier, export="in-sync")
    assert world.pauses[-1] == 10


def test_undelivered_change_is_sent_after_a_restart(world: World) -> None:
    """A change that no receiver accepted is sent by the next process."""
    world.person.away = True
    world.goes(world.courier(), export="lost")
    world.person.away = False
    assert world.goes(world.courier()) == [LOST]


def test_failing_receiver_does_not_delay_the_others(world: World) -> None:
    """A receiver gets each change once, although another receiver fails and gets it later."""
    other = Person("slack 1", away=True)
    world.people = [world.person, other]
    courier = world.courier()
    assert world.goes(courier, export="lost") == [LOST]
    world.clock.advance(seconds=10)
    other.away = False
    assert world.goes(courier) == []
    assert other.heard() == [LOST]


def test_new_receiver_is_notified_of_open_problems(world: World) -> None:
    """A new receiver gets the open problems, but no recovery of earlier ones."""
    courier = world.courier()
    world.goes(courier, export="lost", other="lost")
    world.goes(courier, other="in-sync")
    world.people.append(Person("slack 1"))
    world.goes(courier)
    assert world.people[1].heard() == [LOST]


def test_two_controllers_on_one_state_notify_once(world: World) -> None:
    """A controller does not repeat a change that another one sent, even with an older report."""
    first, second = world.courier(), world.courier()
    world.goes(first)
    world.goes(second)
    assert world.goes(first, export="lost") == [LOST]
    assert world.goes(second) == []
    stale = world.board()
    assert world.goes(second, export="in-sync") == [RECOVERED]
    assert world.goes(first) == []
    assert world.goes(world.courier(lambda: stale)) == []


def test_concurrent_controllers_keep_each_others_notification_state(world: World) -> None:
    """Controllers that notify at the same time may repeat a change, but keep each other's state."""
    first, second = world.courier(), world.courier()
    nested = list[str]()

    def meanwhile() -> None:
        world.person.meanwhile = lambda: None
        nested.extend(world.goes(second, other="lost"))

    world.person.meanwhile = meanwhile
    told = [*world.goes(first, export="lost"), *nested]
    assert sorted(told) == ["reconcile: 1 lost", "reconcile: 2 lost"]
    assert world.goes(first) == world.goes(second) == world.goes(world.courier()) == []
    assert world.goes(world.courier(), export="in-sync", other="in-sync") == ["reconcile: 2 recovered"]


def test_controllers_of_one_machine_wait_for_each_other(world: World, tmp_path: Path) -> None:
    """A controller sends nothing while another one sends, and does not repeat the change later."""
    here = tmp_path / "notifications.json"
    world.store = FileStore(here)
    first = world.courier()
    world.store = FileStore(here)
    second = world.courier()
    nested = list[str]()
    world.person.meanwhile = lambda: nested.extend(world.goes(second))
    assert world.goes(first, export="lost") == [LOST]
    assert nested == []
    assert world.goes(second) == []


@pytest.mark.parametrize("restarted", [False, True])
def test_clock_set_back_does_not_suppress_notifications(world: World, *, restarted: bool) -> None:
    """After a clock was set back, recoveries, new problems and the summary are still sent once each."""
    world.heartbeat = timedelta(days=1)
    ahead = world.courier()
    world.clock.set(days=300)
    assert world.goes(ahead, export="lost") == [LOST, "reconcile: 1 problem"]
    world.clock.set(days=-300)
    right = world.courier() if restarted else ahead
    assert world.goes(right) == ["reconcile: 1 problem"]
    assert world.goes(right, export="in-sync", other="lost") == ["reconcile: 1 lost, 1 recovered"]
    assert world.goes(right) == world.goes(world.courier()) == []
    world.clock.advance(days=1)
    assert world.goes(right) == ["reconcile: 1 problem"]


@pytest.mark.parametrize("text", ["{", "[]", '{"format": "reconciler/notices/v9"}', "\ud7ff", "[" * 100_000])
def test_broken_notification_state_is_replaced(world: World, text: str) -> None:
    """A broken state causes one log line, open problems are sent again, and the new state can be read."""
    store = FakeStore()
    store.stored_text = StoredText(text, "1")
    world.store = store
    courier = world.courier()
    assert world.goes(courier) == []
    assert world.goes(courier, export="lost") == [LOST]
    assert world.goes(courier) == []
    assert len(world.troubles) == 1
    assert "a new one replaces it" in world.troubles[0]
    assert world.goes(world.courier()) == []


def test_lost_notification_state_is_replaced(world: World) -> None:
    """Without the stored state, open problems are sent again, no recovery is sent, and no error is logged."""
    world.goes(world.courier(), export="lost")
    world.store = FakeStore()
    assert world.goes(world.courier()) == [LOST]
    world.store = FakeStore()
    assert world.goes(world.courier(), export="in-sync") == []
    assert world.troubles == []


def test_unwritable_notification_state_repeats_nothing(world: World) -> None:
    """If writes fail, the state stays in memory, the reason is logged once, and a later write stores the state."""
    store = FakeStore()
    store.failing_puts = {1, 2}
    world.store = store
    courier = world.courier()
    assert world.goes(courier, export="lost") == [LOST]
    assert world.goes(courier) == []
    assert world.goes(courier, other="lost") == [LOST]
    assert world.troubles == ["the disk is full"]
    assert world.goes(courier, third="lost") == [LOST]
    assert world.goes(world.courier()) == []


class Unreadable(FakeStore):
    """A store that cannot be read while it is `down`."""

    down = True

    def load(self) -> StoredText | None:
        """Return what is stored."""
        if self.down:
            raise StateError("no answer")
        return super().load()


def test_notifications_wait_for_an_unreadable_state_for_ten_minutes(world: World) -> None:
    """Without the stored state, each problem would be sent again, so the first ten minutes send nothing."""
    store = Unreadable()
    world.store = store
    courier = world.courier()
    assert world.goes(courier, export="lost") == []
    world.clock.advance(minutes=10)
    assert world.goes(courier) == [LOST]
    assert world.goes(courier) == []
    assert world.troubles == ["no answer"]
    store.down = False
    assert world.goes(courier, other="lost") == [LOST]
    assert world.goes(world.courier()) == []


class Restless(FakeStore):
    """A store that another process changes after each read, and that cannot be read after `lasts` reads."""

    lasts = 100

    def load(self) -> StoredText | None:
        """Return the stored text, then replace it."""
        super().load()
        if self.loads > self.lasts:
            raise StateError("no answer")
        found, self.stored_text = self.stored_text, StoredText("{}", f"other {self.loads}")
        return found


@pytest.mark.parametrize("lasts", [100, 2])
def test_conflicting_writes_of_the_state_do_not_block_notifications(world: World, lasts: int) -> None:
    """After three conflicting writes, the change stays in memory and is not sent again."""
    store = Restless()
    store.lasts = lasts
    world.store = store
    courier = world.courier()
    assert world.goes(courier, export="lost") == [LOST]
    assert store.puts == 3
    assert world.goes(courier) == []


def test_unusable_state_folder_does_not_stop_notifications(world: World, tmp_path: Path) -> None:
    """Receivers are notified although the state can be neither locked nor stored."""
    (tmp_path / "file").touch()
    world.store = FileStore(tmp_path / "file" / "notifications.json")
    courier = world.courier()
    world.clock.advance(minutes=10)
    assert world.goes(courier, export="lost") == [LOST]
    assert world.goes(courier) == []


def test_dry_run_stores_no_notification_state(world: World) -> None:
    """Without a store, each process sends each open problem once."""
    world.store = None
    courier = world.courier()
    assert world.goes(courier, export="lost") == [LOST]
    assert world.goes(courier) == []
    assert world.goes(world.courier()) == [LOST]


def test_summary_is_sent_once_a_day(world: World) -> None:
    """A summary is sent once a day across restarts, and a summary that was not delivered is sent later."""
    world.heartbeat = timedelta(days=1)
    assert world.goes(world.courier()) == ["reconcile: no problems"]
    assert world.goes(world.courier()) == []
    assert world.goes(world.courier(), export="lost") == [LOST]
    world.clock.advance(days=1)
    world.person.away = True
    courier = world.courier()
    assert world.goes(courier) == []
    world.person.away = False
    world.clock.advance(minutes=1)
    assert world.goes(courier) == ["reconcile: 1 problem"]
    assert world.goes(courier) == []
    world.clock.advance(days=1)
    assert world.goes(world.courier(), export="in-sync") == [RECOVERED, "reconcile: no problems"]


def test_removed_manifest_is_dropped_from_the_notification_state(world: World) -> None:
    """A manifest that was removed from git leaves the state without a notification, so the state does not grow."""
    courier = world.courier()
    world.goes(courier, export="lost")
    del world.decisions["export"]
    assert world.goes(courier) == []
    assert isinstance(world.store, FakeStore)
    assert world.store.stored_text
    (ledger,) = json.loads(world.store.stored_text.text)["receivers"].values()
    assert ledger["targets"]["prod"]["open"] == []


def test_removed_target_is_dropped_from_the_notification_state(world: World) -> None:
    """The alerts of a removed target leave the state without a notification."""
    world.goes(world.courier(), export="lost")
    board = world.board()
    other = replace(board, targets=(replace(board.targets[0], target="other"),))
    world.decisions["export"] = "in-sync"
    assert (
        world.goes(world.courier(lambda: replace(other, targets=(replace(other.targets[0], last_report=None),)))) == []
    )
    assert isinstance(world.store, FakeStore)
    assert world.store.stored_text
    (ledger,) = json.loads(world.store.stored_text.text)["receivers"].values()
    assert ledger["targets"]["prod"]["open"] == []
