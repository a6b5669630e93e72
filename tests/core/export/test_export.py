"""Export: live associations become manifests that adopt them and never cause a Create."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.builders import (
    ACCOUNT,
    INTEGRATION,
    NOW,
    ON_DEMAND,
    REGION,
    journal,
    live,
    manifest,
    observation,
    record,
    rules,
)
from support.previews import AMBIENT, EMPTY, preview, read_exported

from reconciler.core.apply.transitions import with_intents
from reconciler.core.errors import InvalidManifests
from reconciler.core.export.export import ExportedManifest, check_roundtrip, export_associations
from reconciler.core.journal.records import Bound, CreatePending, Journal, Record
from reconciler.core.manifests import build
from reconciler.core.model import (
    Execution,
    Integration,
    Live,
    Manifest,
    NaturalKey,
    Observation,
    OnLoss,
    Origin,
    Policy,
    Target,
    Unobserved,
    build_natural_key,
)
from reconciler.core.plan.decision import Adopt, Blocked, Changed, InSync, Lost, Settling, get_live
from reconciler.core.plan.integrations import find_integration
from reconciler.core.plan.write import Create
from reconciler.core.request.normalise import find_spec_problems, normalise, resolve_request
from reconciler.core.windows.declaration import Period, WindowDeclaration
from reconciler.edge.manifests.schema import get_fast_check
from reconciler.edge.manifests.zones import read_zone
from reconciler.render.manifest import render_yaml

DECLARED = Target("prod", REGION, ACCOUNT)
ARN = f"arn:aws:app-integrations:{REGION}:{ACCOUNT}:data-integration"


def list_arns(live_state: Observation) -> list[str]:
    """Return the ARNs of the listed associations."""
    listings = (
        associations for associations in live_state.associations.values() if not isinstance(associations, Unobserved)
    )
    return [each.arn for associations in listings for each in associations]


def is_left_out(each: ExportedManifest, target: Target, live_state: Observation) -> bool:
    """Tell whether the export would leave out this manifest."""
    try:
        (read_manifest,) = read_exported([each], target)
    except InvalidManifests:
        return True
    return check_roundtrip(read_manifest, each.live, live_state, rules()) is not None


ODD_TEXTS = [
    "profiles-export", "Profiles-Export", "PROFILES-EXPORT", "no", "No", "yes", "on", "null", "~", "1", "0o17", "1e3",
    "012345670123", "2026-10-01", "- x", "# x", "a: b", "a #b", "x:", "trailing ", "  leading", "tab\tbed", "new\nline",
    "'quoted'", '"double"', "back\\slash", "{a}", "[a]", "*a", "&a", "!a", "%a", "@a", "`a", "<<", "=", "Müller",
    "北京", "🙂", "\x1b[31mred", "\u202eright", "\ufeff", "\ud83d", "a" * 255, "ä" * 300, "---", "...", "-", "\x85",
    "\u2028",
]  # fmt: skip
VALID_TIMES = ["1790812800000", "1790812800123", "2026-10-01T00:00:00Z", "2026-10-01T02:00:00+02:00", "999999999999"]
ODD_TIMES = [
    "0",
    "17",
    "1790812800",
    "yesterday",
    "2026-10-01",
    "1790812800000.5",
    "9" * 14,
    1790812800000,
    1.7908128e12,
]
VALID_CLIENTS = [None, "", "crm-client", *ODD_TEXTS[1:-9], "ä" * 255]


@st.composite
def draw_integrations(draw: st.DrawFn) -> tuple[Integration, ...]:
    """Return data integrations whose names are odd, similar, or ids of others."""
    ids = [str(each) for each in draw(st.lists(st.uuids(), min_size=1, max_size=4, unique=True))]
    identifiers = [*ids, *(f"{ARN}/{id_}" for id_ in ids)]
    names = st.sampled_from([*ODD_TEXTS, *identifiers]) | st.text(min_size=1, max_size=30)
    return tuple(Integration(f"{ARN}/{id_}", draw(names)) for id_ in ids)


@st.composite
def draw_execution(draw: st.DrawFn) -> tuple[Any, bool]:
    """Return an ExecutionConfiguration that AWS may show, and whether a manifest can contain it."""
    is_valid = draw(st.integers(0, 9)) > 0
    times = st.sampled_from(VALID_TIMES if is_valid else [*VALID_TIMES, *ODD_TIMES])
    shapes: list[Any] = [
        None,
        {},
        {"ExecutionMode": "ON_DEMAND"},
        {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": {"StartTime": draw(times)}},
        {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": {"StartTime": "1", "EndTime": ""}},
        {
            "ExecutionMode": "SCHEDULED",
            "ScheduleConfiguration": {
                "FirstExecutionFrom": draw(times),
                "Object": "Account",
                "ScheduleExpression": draw(st.sampled_from(["rate(1 hour)", "cron(0 3 * * ? *)", "rate(5minutes)"])),
            },
        },
        {"ExecutionMode": "SCHEDULED", "ScheduleConfiguration": {"ScheduleExpression": "rate(1 day)", "Object": ""}},
    ]
    shapes[4]["OnDemandConfiguration"]["StartTime"] = draw(times)
    shape: Any = draw(st.sampled_from(shapes))
    if not is_valid:
        shape = draw(st.sampled_from([shape, {**(shape or {}), "New": {"Member": 1}}, {"ExecutionMode": "NEW"}]))
    return shape, is_valid


@st.composite
def draw_live_state(draw: st.DrawFn) -> tuple[Observation, frozenset[str]]:
    """Return an observation of AWS, and the ARNs of associations that a manifest may not be able to describe."""
    integrations = draw(draw_integrations())
    ids = draw(st.lists(st.uuids().map(str), min_size=1, max_size=5, unique=True))
    similar_ids = [f"{ids[0][:14]}{end}" for end in ("4111-8111-111111111111", "4222-8222-222222222222")]
    associations: dict[str, list[Live]] = {each.arn: [] for each in integrations}
    odd_arns = set()
    for id_ in dict.fromkeys([*ids, *similar_ids[: draw(st.integers(0, 2))]]):
        integration = draw(st.sampled_from(integrations))
        execution, is_valid = draw(draw_execution())
        members: dict[str, Any] = {
            "DataIntegrationIdentifier": integration.arn,
            "ClientId": draw(st.sampled_from(VALID_CLIENTS if is_valid else [*VALID_CLIENTS, *ODD_TEXTS, "a" * 256])),
            "DestinationURI": draw(
                st.sampled_from([None, "", "s3://a-b/c", "s3://a-b/2026-10", *([] if is_valid else ["s3://ä", "x"])])
            ),
            "ExecutionConfiguration": execution,
        }
        arn = f"{ARN}-association/{integration.uuid}/{id_}"
        last_execution = draw(
            st.sampled_from([None, Execution("COMPLETED", None), Execution("FAILED", "bad\n- x: y\x1b[2J")])
        )
        associations[integration.arn].append(Live(arn, normalise(members), last_execution))
        if not is_valid:
            odd_arns.add(arn)
    return Observation(integrations, {arn: tuple(listing) for arn, listing in associations.items()}), frozenset(
        odd_arns
    )


@dataclass(frozen=True, slots=True)
class ManagedAccount:
    """Observation of AWS with a valid revision and a journal, which cover a part of it under any name."""

    live_state: Observation
    manifests: tuple[Manifest, ...]
    stored_journal: Journal


def build_account(seed: int) -> ManagedAccount:
    """Return a world with a valid revision and a journal, which cover the live associations in any way or not.

    The names are those of this export, of another export, or chosen by people. The world is drawn from a seed, because
    a Hypothesis strategy takes ten times as long.
    """
    random = Random(seed)  # noqa: S311 - no secret
    ids = [str(UUID(int=random.getrandbits(128), version=4)) for _ in range(8)]
    ids[4] = f"{ids[3][:14]}{ids[4][14:]}"  # two ids with the same beginning
    integrations = tuple(
        Integration(f"{ARN}/{id_}", random.choice([*NAMES, ids[0], f"{ARN}/{ids[0]}"]))
        for id_ in ids[: random.randint(1, 3)]
    )
    live_associations = [build_live(random, random.choice(integrations), id_) for id_ in ids[3 : random.randint(4, 8)]]
    live_state = Observation(
        integrations,
        {
            each.arn: tuple(one for one in live_associations if one.spec["DataIntegrationIdentifier"] == each.arn)
            for each in integrations
        },
    )
    names = [
        *(each.name for each in export_associations(AMBIENT, preview(live_state))),
        *(f"mine-{number}" for number in range(7)),
    ]
    random.shuffle(names)
    manifests: list[Manifest] = []
    records: list[Record] = []
    for association in live_associations:
        name, coverage = names.pop(), random.choice(COVERAGES)
        if "manifest" in coverage:
            policy = Policy(adopt=association.arn) if "adopt" in coverage else Policy()
            manifests.append(Manifest(name, None, policy, association.spec, Origin(f"{name}.yaml", 1, 1)))
        if "bound" in coverage or "asked" in coverage:
            state = Bound(association.id, NOW, association.arn) if "bound" in coverage else CreatePending(1, NOW, NOW)
            hidden: Any = {"ObjectConfiguration": {"CustomerProfiles": {"objectType": ["_profile"]}}}
            request: Any = {**association.spec, **(hidden if "hidden" in coverage else {})}
            records.append(Record(name, request, "token", 0, 1, state))
    for _ in range(random.randint(0, 2)):
        spec = {
            "DataIntegrationIdentifier": integrations[0].arn,
            "DestinationURI": random.choice([*DESTINATIONS, "s3://new/one"]),
        }
        manifests.append(Manifest(names.pop(), None, Policy(), normalise(spec), Origin("more.yaml", 1, 1)))
    if random.random() < 0.5:
        records.append(record(names.pop(), "gone", DataIntegrationIdentifier=integrations[0].arn))
    valid_manifests: list[Manifest] = []
    for each in manifests:
        if not is_invalid_revision([*valid_manifests, each]):
            valid_manifests.append(each)
    return ManagedAccount(live_state, tuple(valid_manifests), journal(*records))


def build_live(random: Random, integration: Integration, id_: str) -> Live:
    """Return one live association. A few of them cannot be described by a manifest."""
    execution = random.choice([None, {"ExecutionMode": "ON_DEMAND"}, ON_DEMAND, SCHEDULED, {"ExecutionMode": "NEW"}])
    spec: Any = {
        "DataIntegrationIdentifier": integration.arn,
        "ClientId": random.choice([None, "", "crm-client", "no", "- x"]),
        "DestinationURI": random.choice(DESTINATIONS),
        "ExecutionConfiguration": execution,
    }
    return Live(f"{ARN}-association/{integration.uuid}/{id_}", normalise(spec), None)


NAMES = ["profiles-export", "Profiles Export", "no", "北京", " ", "a" * 256]
DESTINATIONS = [None, "s3://a-b/c", "s3://a-b/2026-10"]
SCHEDULED = {"ExecutionMode": "SCHEDULED", "ScheduleConfiguration": {"ScheduleExpression": "rate(1 day)"}}
COVERAGES = [
    "unmanaged", "manifest", "manifest, adopt", "manifest, bound", "manifest, bound, hidden", "manifest, adopt, bound",
    "manifest, asked", "bound", "bound, hidden", "asked",
]  # fmt: skip


def is_invalid_revision(manifests: Sequence[Manifest]) -> bool:
    """Tell whether these manifests make a revision invalid: a duplicate name, policy.adopt or natural key."""
    keys: dict[NaturalKey, list[Manifest]] = {}
    for each in manifests:
        keys.setdefault(build_natural_key(each.spec), []).append(each)
    has_duplicate_keys = any(
        len(duplicates) > 1 and not all(each.policy.adopt for each in duplicates) for duplicates in keys.values()
    )
    adopted_arns = [each.policy.adopt for each in manifests if each.policy.adopt]
    return (
        has_duplicate_keys
        or len(set(adopted_arns)) < len(adopted_arns)
        or len({each.name for each in manifests}) < len(manifests)
    )


def read_without_yaml(
    exported: Sequence[ExportedManifest], live_state: Observation
) -> list[tuple[ExportedManifest, Manifest]]:
    """Return the exported manifests that the program can read, with the manifests that they describe.

    The manifests are built directly, without the YAML text.
    """
    readable = []
    for each in exported:
        spec: Any = each.document["spec"]
        try:
            json.dumps(each.document, ensure_ascii=False).encode()
        except UnicodeEncodeError:  # UTF-8 cannot encode half a surrogate pair
            continue
        if get_fast_check("DataIntegrationAssociation")(dict(each.document)) and not list(find_spec_problems(spec)):
            built = build.build_manifest(each.document, Origin(f"{each.name}.yaml", 1, 1), {}, read_zone)
            # replace the name by the ARN, to compare manifests with different spellings
            (integration,) = [
                stored_journal
                for stored_journal in live_state.integrations
                if find_integration(built.integration, live_state.integrations) is stored_journal
            ]
            readable.append((each, replace(built, spec=resolve_request(built.spec, integration.arn))))
    return readable


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(generated=draw_live_state(), target=st.sampled_from([AMBIENT, DECLARED]))
def test_exported_manifests_adopt_and_are_then_in_sync(
    generated: tuple[Observation, frozenset[str]], target: Target
) -> None:
    """Read back from YAML, each manifest is either left out or adopts its association, which is then in sync."""
    live_state, odd_arns = generated
    exported = export_associations(target, preview(live_state, target=target))
    assert sorted(each.live.arn for each in exported) == sorted(list_arns(live_state))
    usable = [each for each in exported if not is_left_out(each, target, live_state)]
    assert {each.live.arn for each in exported} - {each.live.arn for each in usable} <= odd_arns
    manifests = read_exported(usable, target)
    by_name = {each.name: each.live.arn for each in usable}
    assert len(manifests) == len(by_name) == len(usable)
    first_preview = preview(live_state, manifests, target=target)
    for decision in first_preview.plan.decisions:
        assert isinstance(decision, Adopt)
        assert (decision.live.arn, decision.differences) == (by_name[decision.manifest.name], ())
    assert {each.arn for each in first_preview.plan.unmanaged} == {
        each.live.arn for each in exported if each not in usable
    }
    later = NOW + timedelta(minutes=1)
    adopted_journal = with_intents(EMPTY, first_preview.plan, later)
    assert all(
        isinstance(each, InSync)
        for each in preview(live_state, manifests, adopted_journal, target, later).plan.decisions
    )


@settings(max_examples=2000, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_exported_manifests_are_valid_alone_and_beside_existing_ones(seed: int) -> None:
    """A complete export is valid alone, the new manifests are valid beside git, and neither causes a new write.

    Writes that git planned before are still planned. The manifests beside git exclude managed associations, duplicates,
    and associations that a blocked manifest may mean.
    """
    account = build_account(seed)
    live_state, stored_journal = account.live_state, account.stored_journal
    preview_before = preview(live_state, account.manifests, stored_journal)
    readable = read_without_yaml(export_associations(AMBIENT, preview_before), live_state)
    unmanaged = [
        (each, one) for each, one in readable if not (each.managed_by or each.duplicates or each.blocked_manifests)
    ]
    pending = {write.manifest.name for write in preview_before.plan.reviewed_writes}
    for exported, existing in ((readable, ()), (unmanaged, account.manifests)):
        revision = [*existing, *(one for _, one in exported)]
        assert not is_invalid_revision(revision)
        plan = preview(live_state, revision, stored_journal).plan
        assert {write.manifest.name for write in plan.reviewed_writes} <= (pending if existing else set())
        by_name = {one.name: each.live.arn for each, one in exported}
        for decision in plan.decisions:
            association = get_live(decision)
            if decision.manifest.name in by_name:
                assert association
                assert association.arn == by_name[decision.manifest.name]


@settings(max_examples=400, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_exported_manifests_never_create(seed: int) -> None:
    """Exported manifests never cause a Create, even if every association leaves List, with any journal."""
    account = build_account(seed)
    live_state = account.live_state
    manifests = [
        one
        for _, one in read_without_yaml(
            export_associations(AMBIENT, preview(live_state, account.manifests, account.stored_journal)), live_state
        )
    ]
    empty_state = Observation(live_state.integrations, dict.fromkeys(live_state.associations, ()))
    for start_journal in (
        EMPTY,
        account.stored_journal,
        with_intents(account.stored_journal, preview(live_state, manifests, account.stored_journal).plan, NOW),
    ):
        stored_journal, now = start_journal, NOW
        for _ in range(4):
            now += timedelta(hours=1)
            plan = preview(empty_state, manifests, stored_journal, now=now).plan
            assert all(isinstance(each, Blocked | Settling | Lost) for each in plan.decisions)
            assert not plan.reviewed_writes
            stored_journal = with_intents(stored_journal, plan, now)


def test_declared_target_is_named_in_the_manifest() -> None:
    """A declared target is named in the manifest, and an ambient one is not."""
    assert "target" not in export_associations(AMBIENT, preview(observation(live())))[0].document
    assert export_associations(DECLARED, preview(observation(live())))[0].document["target"] == "prod"


def test_unlisted_associations_are_not_exported() -> None:
    """Associations that could not be listed are not exported."""
    assert export_associations(AMBIENT, preview(observation(unobserved="denied"))) == ()
    assert isinstance(observation(unobserved="denied").associations[INTEGRATION.arn], Unobserved)


def test_managed_association_has_a_comment_that_says_so() -> None:
    """An association that the journal, a natural key or policy.adopt binds is marked as managed."""
    bound_association = live("a1", DestinationURI="s3://corp-exports/other")
    stored_journal = journal(record("elsewhere", "a1", DestinationURI="s3://corp-exports/other"))
    manifests = [
        manifest("elsewhere", DestinationURI="s3://corp-exports/changed"),
        manifest("matching"),
        manifest("named", Policy(adopt=live("a3").arn), DestinationURI="s3://corp-exports/3"),
    ]
    live_state = observation(
        bound_association, live("a2"), live("a3", DestinationURI="s3://corp-exports/3"), live("a4", ClientId="c")
    )
    exported = {
        each.live.id: each for each in export_associations(AMBIENT, preview(live_state, manifests, stored_journal))
    }
    managing_names = {id_: each.managed_by.name if each.managed_by else None for id_, each in exported.items()}
    assert managing_names == {"a1": "elsewhere", "a2": "matching", "a3": "named", "a4": None}
    assert [exported[id_].name for id_ in ("a1", "a2", "a3")] == ["elsewhere", "matching", "named"]
    advice = "this manifest can replace that one, but must not be used beside it."
    expected = f"Already managed by 'matching' (matching.yaml:1): {advice}"
    assert expected in exported["a2"].comments
    assert not any("Already managed" in comment for comment in exported["a3"].comments)


def test_managed_association_keeps_the_name_of_its_manifest() -> None:
    """A managed association gets the name of its manifest if that is unique, known to the journal and short enough."""
    ambiguous, other = (
        manifest("torn", Policy(adopt=live("a2").arn)),
        live("a2", DestinationURI="s3://corp-exports/other"),
    )
    exported = export_associations(
        AMBIENT, preview(observation(live("a1"), other), [ambiguous], journal(record("torn", "a1")))
    )
    assert [each.managed_by for each in exported] == [ambiguous, ambiguous]
    assert [each.name for each in exported] == ["profiles-export-a1", "profiles-export-a2"]
    assert all("Already managed by 'torn'" in each.comments[1] for each in exported)
    pending = replace(record("october", "a9"), state=CreatePending(1, NOW, NOW))
    (single_export,) = export_associations(
        AMBIENT, preview(observation(live("a1")), [manifest("october")], journal(pending))
    )
    assert (single_export.managed_by, single_export.name) == (manifest("october"), "profiles-export-a1")
    for length, expected in ((200, "x" * 200), (201, "profiles-export-a1")):
        (single_export,) = export_associations(AMBIENT, preview(observation(live("a1")), [manifest("x" * length)]))
        assert single_export.name == expected


def test_duplicate_of_a_manifest_gets_advice() -> None:
    """A duplicate in git gets the ARN for its policy.adopt. With it, both manifests are valid together."""
    desired, live_state = manifest("october"), observation(live("a1"), live("a2"))
    stored_journal = journal(record("october", "a1"))
    managed, unmanaged = export_associations(AMBIENT, preview(live_state, [desired], stored_journal))
    assert (managed.managed_by, managed.duplicates) == (desired, ())
    (duplicate,) = unmanaged.duplicates
    assert (duplicate.manifest, duplicate.arn) == (desired, live("a1").arn)
    assert duplicate.advice == f"give 'october' policy.adopt: {live('a1').arn}"
    assert any(duplicate.advice in comment and "october.yaml:1" in comment for comment in unmanaged.comments)
    plan = preview(live_state, [desired, *read_exported([unmanaged])], stored_journal).plan
    assert all(isinstance(each, Blocked) for each in plan.decisions)
    assert all(
        each.managed_by
        for each in export_associations(
            AMBIENT, preview(live_state, [desired, *read_exported([unmanaged])], stored_journal)
        )
    )
    with_advice = replace(desired, policy=Policy(adopt=duplicate.arn))
    plan_with_advice = preview(live_state, [with_advice, *read_exported([unmanaged])], stored_journal).plan
    assert [type(each) for each in plan_with_advice.decisions] == [InSync, Adopt]
    assert plan_with_advice.unmanaged == ()


def test_association_that_blocks_a_manifest_has_a_warning() -> None:
    """An association that a blocked manifest may mean names that manifest, and warns of a second association."""
    blocked = manifest()
    similar = live("x1", DestinationURI="s3://corp-exports/2026-10/")
    (exported,) = export_associations(AMBIENT, preview(observation(similar), [blocked]))
    assert exported.blocked_manifests == (blocked,)
    (warning,) = (each for each in exported.comments if "may be the association of" in each)
    assert warning.startswith(f"This association may be the association of {blocked.name!r}")
    assert f"the next run creates a second association for {blocked.name!r}" in warning


def test_ambiguous_duplicate_is_left_to_a_person() -> None:
    """If the association of a duplicate is unknown, a person removes the duplicate or sets its policy.adopt."""
    desired, live_state = manifest("october"), observation(live("a1"), live("a2"))
    one, other = export_associations(AMBIENT, preview(live_state, [desired]))
    assert [each.duplicates[0].arn for each in (one, other)] == [None, None]
    assert "remove 'october'" in one.duplicates[0].advice
    after_removal = preview(live_state, read_exported([one, other])).plan
    assert all(isinstance(each, Adopt) for each in after_removal.decisions)
    with_adopt = replace(desired, policy=Policy(adopt=live("a1").arn))
    after_adopt = preview(live_state, [with_adopt, *read_exported([other])]).plan
    assert all(isinstance(each, Adopt) for each in after_adopt.decisions)


def test_hidden_members_are_exported_from_the_journal() -> None:
    """Members that AWS hides are exported from the journal, and the manifest then has no differences."""
    stored_journal, live_state = journal(record("october", "a1")), observation(live("a1"))
    (exported,) = export_associations(AMBIENT, preview(live_state, stored_journal=stored_journal))
    spec: Any = exported.document["spec"]
    assert spec["ObjectConfiguration"] == stored_journal.records["october"].request["ObjectConfiguration"]
    assert list(spec) == [
        "DataIntegrationIdentifier",
        "ObjectConfiguration",
        "DestinationURI",
        "ExecutionConfiguration",
    ]
    assert any("come from the journal" in comment for comment in exported.comments)
    (decision,) = preview(live_state, read_exported([exported]), stored_journal).plan.decisions
    assert isinstance(decision, Adopt)
    assert decision.differences == ()


def test_association_without_recorded_hidden_members_gets_the_comment() -> None:
    """Without hidden members in the journal, a comment asks to add them."""
    stored_journal = record("october", "a1", ObjectConfiguration=None)
    (exported,) = export_associations(
        AMBIENT, preview(observation(live("a1")), stored_journal=journal(replace(stored_journal, token=None)))
    )
    assert any("add them before the first run" in comment for comment in exported.comments)


def test_manifest_without_policy_adopt_recreates_a_lost_association() -> None:
    """A lost association is created again, with the whole request, only after a person removes policy.adopt."""
    (exported,) = export_associations(AMBIENT, preview(observation(live("a1"))))
    (adopting_manifest,) = read_exported([exported])
    stored_journal = with_intents(EMPTY, preview(observation(live("a1")), [adopting_manifest]).plan, NOW)
    complete = replace(adopting_manifest, spec=manifest().spec)
    state = stored_journal.records[adopting_manifest.name].state
    assert isinstance(state, Bound)
    lost = replace(stored_journal.records[adopting_manifest.name], state=replace(state, missing_since=NOW))
    later = NOW + timedelta(hours=1)

    def decide_with_policy(policy: Policy) -> object:
        (decision,) = preview(
            replace(observation(), aws_time=later), [replace(complete, policy=policy)], journal(lost), now=later
        ).plan.decisions
        return decision

    arn = adopting_manifest.policy.adopt
    assert isinstance(decide_with_policy(Policy(adopt=arn, generation=2, on_loss=OnLoss.RECREATE)), Lost)
    assert isinstance(decide_with_policy(Policy()), Lost)
    for policy in (Policy(generation=2), Policy(on_loss=OnLoss.RECREATE)):
        created = decide_with_policy(policy)
        assert isinstance(created, Create)
        assert "ObjectConfiguration" in created.request


def test_hidden_members_added_before_adoption_are_not_a_difference() -> None:
    """Hidden members that are added before the adoption are no difference. Added later, they are a change."""
    (exported,) = export_associations(AMBIENT, preview(observation(live("a1"))))
    (minimal,) = read_exported([exported])
    complete = replace(minimal, spec=manifest().spec)
    first = preview(observation(live("a1")), [complete]).plan
    assert isinstance(first.decisions[0], Adopt)
    assert first.decisions[0].differences == ()
    (second,) = preview(observation(live("a1")), [complete], with_intents(EMPTY, first, NOW)).plan.decisions
    assert isinstance(second, InSync)
    adopted_journal = with_intents(EMPTY, preview(observation(live("a1")), [minimal]).plan, NOW)
    (changed,) = preview(observation(live("a1")), [complete], adopted_journal).plan.decisions
    assert isinstance(changed, Changed)


def test_manifest_that_would_not_adopt_exactly_is_rejected() -> None:
    """A manifest that would not adopt its association unchanged is left out, with the reason."""
    adopt_policy = Policy(adopt=live("a1").arn)
    assert check_roundtrip(manifest(policy=adopt_policy), live("a1"), observation(live("a1")), rules()) is None
    other = check_roundtrip(manifest(policy=adopt_policy, ClientId="x"), live("a1"), observation(live("a1")), rules())
    assert other == "the exported manifest would differ from AWS at /ClientId"
    blocked_reason = check_roundtrip(
        manifest(policy=Policy(adopt=live("zz").arn)), live("a1"), observation(live("a1")), rules()
    )
    assert blocked_reason == "the exported manifest would be blocked"


def test_aws_text_cannot_break_out_of_a_comment() -> None:
    """A name with a line break stays on one line of a comment."""
    integration = replace(INTEGRATION, name="x\nkind: Target")
    (exported,) = export_associations(AMBIENT, preview(Observation((integration,), {integration.arn: (live(),)})))
    head = render_yaml(exported.document, exported.comments).partition("apiVersion")[0]
    assert all(line.startswith("# ") for line in head.splitlines())


def test_job_progress_does_not_change_the_manifest() -> None:
    """The last export of an association does not change its manifest."""
    later = replace(live(), last_execution=Execution("FAILED", "message"))
    (before,), (after,) = (export_associations(AMBIENT, preview(observation(each))) for each in (live(), later))
    assert render_yaml(before.document, before.comments) == render_yaml(after.document, after.comments)


def test_exported_manifest_does_not_claim_to_replace_recurring_windows() -> None:
    """The export of an association with recurring windows has only the window in List, and says so."""
    window = WindowDeclaration(Period.MONTH, "UTC", UTC, date(2026, 10, 1))
    recurring = replace(manifest("monthly"), window=window)
    (exported,) = export_associations(AMBIENT, preview(observation(live("a1")), [recurring]))
    assert any("this manifest lacks its recurring windows" in each for each in exported.comments)
