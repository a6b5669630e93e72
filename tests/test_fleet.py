"""Many targets: one failure, foreseen or not, stays one failure."""

from __future__ import annotations

from builders import SETTLE, manifest
from fakes import FakeClock, FakeCloud, FakeJournal

from reconciler.core.errors import Denied
from reconciler.core.model import Desired, Mode, Target
from reconciler.fleet import Conditions, Site, pass_over


class Fleet:
    """Targets that each have a cloud and a journal of their own; two are broken, each in its way."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.clouds = {name: FakeCloud(self.clock) for name in "abcd"}
        targets = tuple(Target(name) for name in "abcd")
        self.desired = Desired(targets, {name: (manifest(),) for name in "abcd"})

    def __call__(self, target: Target) -> Site:
        """Reach a target."""
        if target.name == "b":
            raise Denied("AssumeRole: denied")
        if target.name == "c":
            raise ZeroDivisionError("division by zero")
        cloud, journal = self.clouds[target.name], FakeJournal(self.clock)
        if target.name == "d":
            cloud.observe = None  # type: ignore[method-assign,assignment]
        return Site(target.name, "r", cloud, journal.reader, journal.writers(cloud))


def test_every_target_is_reconciled_whatever_befalls_another() -> None:
    """What was foreseen is told in its words, what was not as an internal error; the rest is done."""
    fleet = Fleet()
    conditions = Conditions(Mode.CREATE, SETTLE, fleet.clock, lambda *_: None, lambda: False)
    reports = pass_over(fleet.desired, fleet, conditions)
    assert [report.name for report in reports] == list("abcd")
    assert [report.associations[0].decision for report in reports] == ["create", "blocked", "blocked", "blocked"]
    assert reports[1].error == "AssumeRole: denied"
    assert "internal error, please report it: ZeroDivisionError" in str(reports[2].error)
    assert "internal error" in str(reports[3].error)
    assert len(fleet.clouds["a"].service.carried_out) == 1
