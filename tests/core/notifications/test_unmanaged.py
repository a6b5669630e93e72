"""Unmanaged associations: each is sent once when it appears, and none from before the first look."""

from __future__ import annotations

from datetime import timedelta

from support.builders import ACCOUNT, INTEGRATION, NOW, REGION, live, record

from reconciler.core.journal.records import Record
from reconciler.core.model import Live
from reconciler.core.notifications.changes import find_changes, record_first_look
from reconciler.core.notifications.finding import Finding
from reconciler.core.notifications.snapshots import snapshot_target
from reconciler.core.notifications.state import Condition, NotificationState, TargetAlerts, decode, encode
from reconciler.core.report.report import TargetReport

SECOND = timedelta(seconds=1)
UNLISTED = ((INTEGRATION.arn, "denied"),)


class Receiver:
    """A receiver of one target that runs every second. Its state is stored as JSON, and read again."""

    def __init__(self) -> None:
        self.state, self.now = NotificationState(), NOW

    def look(
        self,
        *unmanaged: Live,
        orphaned: tuple[Record, ...] = (),
        unlisted: tuple[tuple[str, str], ...] = (),
        error: str | None = None,
    ) -> list[Finding]:
        """Return the unmanaged associations that the receiver is notified of after a run."""
        self.now += SECOND
        names = {INTEGRATION.arn: INTEGRATION.name}
        report = TargetReport(
            "prod", ACCOUNT, REGION, error, (), unmanaged, (), orphaned, unlisted, integration_names=names
        )
        snapshots = {"prod": snapshot_target(report, self.now)}
        notifications, state = find_changes(record_first_look(self.state, snapshots), snapshots)
        self.state = decode(encode({"one": state}))["one"]
        return [each.finding for each in notifications if each.finding.condition is Condition.UNMANAGED]

    def hear(self, *unmanaged: str, unlisted: tuple[tuple[str, str], ...] = (), error: str | None = None) -> list[str]:
        """Return the ARNs' ids of `look`."""
        return [each.arn[-2:] for each in self.look(*map(live, unmanaged), unlisted=unlisted, error=error)]


def test_first_look_is_silent_and_each_later_one_is_sent_once() -> None:
    """What is unmanaged at the first look is no news. What appears later is sent once, also after a restart."""
    receiver = Receiver()
    assert receiver.hear("a1") == []
    assert receiver.hear("a1", "a2") == ["a2"]
    assert receiver.hear("a1", "a2") == []
    assert receiver.hear() == []
    assert receiver.hear("a2") == ["a2"]


def test_association_whose_manifest_no_longer_selects_the_target_is_sent() -> None:
    """An orphaned association has the name of its record, and the message says what happened to its manifest."""
    receiver = Receiver()
    receiver.look()
    (finding,) = receiver.look(live("a1"), orphaned=(record("october"),))
    assert (finding.name, finding.arn, finding.manifest) == ("october", live("a1").arn, "")
    assert finding.target == f"prod {ACCOUNT} {REGION}"
    assert finding.message == (
        "its manifest was removed or no longer selects this target; it belongs to the data integration "
        f"{INTEGRATION.name}"
    )
    (finding,) = receiver.look(live("a1"), live("b1", DestinationURI="s3://by-hand/x"))
    assert (finding.name, finding.message) == (
        "s3://by-hand/x",
        f"it belongs to the data integration {INTEGRATION.name}",
    )


def test_failed_list_neither_forgets_nor_invents_associations() -> None:
    """After a failed List or a failed run, known associations are no news, and a new one is."""
    receiver = Receiver()
    receiver.hear("a1")
    assert receiver.hear(unlisted=UNLISTED) == receiver.hear(error="denied") == []
    assert receiver.hear("a1") == []
    assert receiver.hear(unlisted=UNLISTED) == []
    assert receiver.hear("a1", "a2") == ["a2"]


def test_integration_that_the_first_look_could_not_list_begins_silently() -> None:
    """What the first successful List of a data integration shows is no news."""
    receiver = Receiver()
    assert receiver.hear(unlisted=UNLISTED) == receiver.hear(unlisted=UNLISTED) == receiver.hear("a1") == []
    assert receiver.hear("a1", "a2") == ["a2"]


def test_state_of_an_earlier_version_begins_silently() -> None:
    """A stored state that knows only completed exports is read, and what is unmanaged until then is no news."""
    receiver = Receiver()
    receiver.state = NotificationState({"prod": TargetAlerts(NOW, {}, completions={})})
    document = encode({"one": receiver.state})
    for name in ("written", "unmanaged"):
        del document["receivers"]["one"]["targets"]["prod"][name]
    assert decode(document) == {"one": receiver.state}
    assert receiver.hear("a1") == []
    assert receiver.hear("a1", "a2") == ["a2"]
