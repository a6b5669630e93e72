"""Ignored associations: they are not unmanaged, and they hide nothing from quotas or from checks against duplicates."""

from __future__ import annotations

from dataclasses import replace

from support.builders import NOW, journal, live, manifest, observation, rules

from reconciler.core.apply.preview import Preview
from reconciler.core.model import Execution, Ignored, IgnoreRule, Live, Manifest, Target
from reconciler.core.plan.decision import Adopt, Blocked, Held
from reconciler.core.plan.guardrails import MAX_EXPORTS
from reconciler.core.plan.plan import Plan

RULES = (IgnoreRule("*/q[1]", "brackets"), IgnoreRule("*/q?", "Q in Connect"), IgnoreRule("*/q1", "not reached"))
TARGET = Target("prod", ignore=RULES, associations_per_integration=99)


def plan(*live_associations: Live, manifests: tuple[Manifest, ...] = (), target: Target = TARGET) -> Plan:
    """Return the plan of a run without a journal."""
    live_state = observation(*live_associations)
    return Preview(Plan(), journal(), live_state, rules(), NOW).replan(target, manifests, live_state).plan


def test_associations_that_a_glob_matches_are_not_unmanaged() -> None:
    """The first rule that matches the ARN gives the reason. A bracket in a glob is an ordinary character."""
    result = plan(live("q1"), live("q22"), live("a1"))
    assert result.ignored == (Ignored(live("q1"), "Q in Connect"),)
    assert result.unmanaged == (live("a1"), live("q22"))


def test_ignored_association_still_prevents_a_create() -> None:
    """An ignored association acts on a Create like an unmanaged one: it is adopted by natural key, or blocks."""
    same = plan(live("q1"), manifests=(manifest(),))
    assert isinstance(same.decisions[0], Adopt)
    assert same.ignored == ()
    similar = plan(live("q1"), manifests=(manifest(DestinationURI="s3://corp-exports/2026-10/"),))
    assert isinstance(similar.decisions[0], Blocked)
    assert similar.ignored == (Ignored(live("q1"), "Q in Connect"),)


def test_ignored_associations_count_for_quotas() -> None:
    """An ignored association counts for AssociationsPerIntegration, and its running export for the exports at once."""
    new = manifest(DestinationURI="s3://corp-exports/new")
    limited = plan(live("q1"), manifests=(new,), target=replace(TARGET, associations_per_integration=1))
    assert isinstance(limited.decisions[0], Blocked)
    everything = replace(TARGET, ignore=(IgnoreRule("*", "all of them"),))
    running = tuple(
        replace(live(f"q{number}"), last_execution=Execution("IN_PROGRESS", None)) for number in range(MAX_EXPORTS)
    )
    held = plan(*running, manifests=(new,), target=everything)
    assert isinstance(held.decisions[0], Held)
    assert len(held.ignored) == MAX_EXPORTS
