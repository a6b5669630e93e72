"""Export: live associations become manifests that adopt them and never cause a Create."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
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

from reconciler.core.apply.preview import Preview
from reconciler.core.apply.transitions import with_intents
from reconciler.core.errors import InvalidManifests
from reconciler.core.export import ExportedManifest, check_roundtrip, export_associations
from reconciler.core.journal.records import Bound, CreatePending, Journal, Record
from reconciler.core.manifests import build
from reconciler.core.manifests.files import File
from reconciler.core.model import (
    Execution,
    Integration,
    Live,
    Manifest,
    Mode,
    NaturalKey,
    Observation,
    OnLoss,
    Origin,
    Policy,
    Target,
    Unobserved,
    natural_key,
)
from reconciler.core.plan.decision import Adopt, Blocked, Changed, Create, InSync, Lost, Plan, Settling, get_live
from reconciler.core.plan.integrations import find_integration
from reconciler.core.request.normalise import find_problems, normalise, resolve_request
from reconciler.edge.manifests.load import read_manifests
from reconciler.edge.manifests.schema import get_fast_check
from reconciler.render.manifest import render_yaml

AMBIENT, DECLARED = Target("default"), Target("prod", REGION, ACCOUNT)
EMPTY = Journal(ACCOUNT, REGION, "")
ARN = f"arn:aws:app-integrations:{REGION}:{ACCOUNT}:data-integration"


def looked(
    seen: Observation,
    manifests: Sequence[Manifest] = (),
    known: Journal = EMPTY,
    target: Target = AMBIENT,
    now: datetime = NOW,
) -> Preview:
    """Return the preview of a run."""
    return Preview(Plan(), known, seen, rules(Mode.CREATE_AND_UPDATE, now), now).replan(target, manifests, seen)


def written(found: Sequence[ExportedManifest], target: Target = AMBIENT) -> tuple[Manifest, ...]:
    """Return the manifests as one revision, read back from their YAML."""
    files = [File(f"{each.name}.yaml", render_yaml(each.document, each.comments).encode()) for each in found]
    if target.account:
        spec = {"Region": target.region, "AccountId": target.account}
        head = {"apiVersion": "appintegrations.reconciler/v1", "kind": "Target", "metadata": {"name": target.name}}
        files.append(File("target.json", json.dumps({**head, "spec": spec}).encode()))
    return read_manifests(files, NOW).manifests[target.name]


def arns(seen: Observation) -> list[str]:
    """Return the ARNs of the listed associations."""
    listed = (lives for lives in seen.associations.values() if not isinstance(lives, Unobserved))
    return [each.arn for lives in listed for each in lives]


def refused(each: ExportedManifest, target: Target, seen: Observation) -> bool:
    """Tell whether the export would leave out this manifest."""
    try:
        (alone,) = written([each], target)
    except InvalidManifests:
        return True
    return check_roundtrip(alone, each.live, seen, rules()) is not None


ODD = [
    "profiles-export", "Profiles-Export", "PROFILES-EXPORT", "no", "No", "yes", "on", "null", "~", "1", "0o17", "1e3",
    "012345670123", "2026-10-01", "- x", "# x", "a: b", "a #b", "x:", "trailing ", "  leading", "tab\tbed", "new\nline",
    "'quoted'", '"double"', "back\\slash", "{a}", "[a]", "*a", "&a", "!a", "%a", "@a", "`a", "<<", "=", "Müller",
    "北京", "🙂", "\x1b[31mred", "\u202eright", "\ufeff", "\ud83d", "a" * 255, "ä" * 300, "---", "...", "-", "\x85",
    "\u2028",
]  # fmt: skip
SANE_TIMES = ["1790812800000", "1790812800123", "2026-10-01T00:00:00Z", "2026-10-01T02:00:00+02:00", "999999999999"]
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
SANE_CLIENTS = [None, "", "crm-client", *ODD[1:-9], "ä" * 255]


@st.composite
def integrations(draw: st.DrawFn) -> tuple[Integration, ...]:
    """Return data integrations whose names are odd, similar, or ids of others."""
    ids = [str(each) for each in draw(st.lists(st.uuids(), min_size=1, max_size=4, unique=True))]
    taken = [*ids, *(f"{ARN}/{id_}" for id_ in ids)]
    names = st.sampled_from([*ODD, *taken]) | st.text(min_size=1, max_size=30)
    return tuple(Integration(f"{ARN}/{id_}", draw(names)) for id_ in ids)


@st.composite
def executions(draw: st.DrawFn) -> tuple[Any, bool]:
    """Return an ExecutionConfiguration that AWS may show, and whether a manifest can contain it."""
    sane = draw(st.integers(0, 9)) > 0
    times = st.sampled_from(SANE_TIMES if sane else [*SANE_TIMES, *ODD_TIMES])
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
    if not sane:
        shape = draw(st.sampled_from([shape, {**(shape or {}), "New": {"Member": 1}}, {"ExecutionMode": "NEW"}]))
    return shape, sane


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Observation, frozenset[str]]:
    """Return an observation of AWS, and the ARNs of associations that a manifest may not be able to describe."""
    found = draw(integrations())
    ids = draw(st.lists(st.uuids().map(str), min_size=1, max_size=5, unique=True))
    alike = [f"{ids[0][:14]}{end}" for end in ("4111-8111-111111111111", "4222-8222-222222222222")]
    associations: dict[str, list[Live]] = {each.arn: [] for each in found}
    odd = set()
    for id_ in dict.fromkeys([*ids, *alike[: draw(st.integers(0, 2))]]):
        integration = draw(st.sampled_from(found))
        execution, sane = draw(executions())
        shown: dict[str, Any] = {
            "DataIntegrationIdentifier": integration.arn,
            "ClientId": draw(st.sampled_from(SANE_CLIENTS if sane else [*SANE_CLIENTS, *ODD, "a" * 256])),
            "DestinationURI": draw(
                st.sampled_from([None, "", "s3://a-b/c", "s3://a-b/2026-10", *([] if sane else ["s3://ä", "x"])])
            ),
            "ExecutionConfiguration": execution,
        }
        arn = f"{ARN}-association/{integration.uuid}/{id_}"
        last = draw(st.sampled_from([None, Execution("COMPLETED", None), Execution("FAILED", "bad\n- x: y\x1b[2J")]))
        associations[integration.arn].append(Live(arn, normalise(shown), last))
        if not sane:
            odd.add(arn)
    return Observation(found, {arn: tuple(lives) for arn, lives in associations.items()}), frozenset(odd)


@dataclass(frozen=True, slots=True)
class LivedIn:
    """Observation of AWS with a valid revision and a journal, which cover a part of it under any name."""

    seen: Observation
    manifests: tuple[Manifest, ...]
    known: Journal


def lived_in(seed: int) -> LivedIn:
    """Return a world with a valid revision and a journal, which cover the live associations in any way or not.

    The names are those of this export, of another export, or chosen by people. The world is drawn from a seed, because
    a Hypothesis strategy takes ten times as long.
    """
    dice = Random(seed)  # noqa: S311 - no secret
    ids = [str(UUID(int=dice.getrandbits(128), version=4)) for _ in range(8)]
    ids[4] = f"{ids[3][:14]}{ids[4][14:]}"  # two ids with the same beginning
    found = tuple(
        Integration(f"{ARN}/{id_}", dice.choice([*NAMES, ids[0], f"{ARN}/{ids[0]}"]))
        for id_ in ids[: dice.randint(1, 3)]
    )
    lives = [shown(dice, dice.choice(found), id_) for id_ in ids[3 : dice.randint(4, 8)]]
    seen = Observation(
        found,
        {each.arn: tuple(one for one in lives if one.spec["DataIntegrationIdentifier"] == each.arn) for each in found},
    )
    names = [
        *(each.name for each in export_associations(AMBIENT, looked(seen))),
        *(f"mine-{number}" for number in range(7)),
    ]
    dice.shuffle(names)
    manifests: list[Manifest] = []
    records: list[Record] = []
    for live_ in lives:
        name, how = names.pop(), dice.choice(HOW)
        if "manifest" in how:
            policy = Policy(adopt=live_.arn) if "adopt" in how else Policy()
            manifests.append(Manifest(name, None, policy, live_.spec, Origin(f"{name}.yaml", 1, 1)))
        if "bound" in how or "asked" in how:
            state = Bound(live_.id, NOW, live_.arn) if "bound" in how else CreatePending(1, NOW, NOW)
            hidden: Any = {"ObjectConfiguration": {"CustomerProfiles": {"objectType": ["_profile"]}}}
            request: Any = {**live_.spec, **(hidden if "hidden" in how else {})}
            records.append(Record(name, request, "token", 0, 1, state))
    for _ in range(dice.randint(0, 2)):
        spec = {
            "DataIntegrationIdentifier": found[0].arn,
            "DestinationURI": dice.choice([*DESTINATIONS, "s3://new/one"]),
        }
        manifests.append(Manifest(names.pop(), None, Policy(), normalise(spec), Origin("more.yaml", 1, 1)))
    if dice.random() < 0.5:
        records.append(record(names.pop(), "gone", DataIntegrationIdentifier=found[0].arn))
    valid: list[Manifest] = []
    for each in manifests:
        if not clashing([*valid, each]):
            valid.append(each)
    return LivedIn(seen, tuple(valid), journal(*records))


def shown(dice: Random, integration: Integration, id_: str) -> Live:
    """Return one live association. A few of them cannot be described by a manifest."""
    execution = dice.choice([None, {"ExecutionMode": "ON_DEMAND"}, ON_DEMAND, SCHEDULED, {"ExecutionMode": "NEW"}])
    spec: Any = {
        "DataIntegrationIdentifier": integration.arn,
        "ClientId": dice.choice([None, "", "crm-client", "no", "- x"]),
        "DestinationURI": dice.choice(DESTINATIONS),
        "ExecutionConfiguration": execution,
    }
    return Live(f"{ARN}-association/{integration.uuid}/{id_}", normalise(spec), None)


NAMES = ["profiles-export", "Profiles Export", "no", "北京", " ", "a" * 256]
DESTINATIONS = [None, "s3://a-b/c", "s3://a-b/2026-10"]
SCHEDULED = {"ExecutionMode": "SCHEDULED", "ScheduleConfiguration": {"ScheduleExpression": "rate(1 day)"}}
HOW = [
    "unmanaged", "manifest", "manifest, adopt", "manifest, bound", "manifest, bound, hidden", "manifest, adopt, bound",
    "manifest, asked", "bound", "bound, hidden", "asked",
]  # fmt: skip


def clashing(manifests: Sequence[Manifest]) -> bool:
    """Tell whether these manifests make a revision invalid: a duplicate name, policy.adopt or natural key."""
    keys: dict[NaturalKey, list[Manifest]] = {}
    for each in manifests:
        keys.setdefault(natural_key(each.spec), []).append(each)
    alike = any(len(same) > 1 and not all(each.policy.adopt for each in same) for same in keys.values())
    adopted = [each.policy.adopt for each in manifests if each.policy.adopt]
    return alike or len(set(adopted)) < len(adopted) or len({each.name for each in manifests}) < len(manifests)


def understood(found: Sequence[ExportedManifest], seen: Observation) -> list[tuple[ExportedManifest, Manifest]]:
    """Return the exported manifests that the program can read, with the manifests that they describe.

    The manifests are built directly, without the YAML text.
    """
    good = []
    for each in found:
        spec: Any = each.document["spec"]
        try:
            json.dumps(each.document, ensure_ascii=False).encode()
        except UnicodeEncodeError:  # UTF-8 cannot encode half a surrogate pair
            continue
        if get_fast_check("DataIntegrationAssociation")(dict(each.document)) and not list(find_problems(spec)):
            one = build.build_manifest(each.document, Origin(f"{each.name}.yaml", 1, 1), {})
            # replace the name by the ARN, to compare manifests with different spellings
            (integration,) = [
                known for known in seen.integrations if find_integration(one.integration, seen.integrations) is known
            ]
            good.append((each, replace(one, spec=resolve_request(one.spec, integration.arn))))
    return good


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(world=worlds(), target=st.sampled_from([AMBIENT, DECLARED]))
def test_exported_manifests_adopt_and_are_then_in_sync(
    world: tuple[Observation, frozenset[str]], target: Target
) -> None:
    """Read back from YAML, each manifest is either left out or adopts its association, which is then in sync."""
    seen, odd = world
    found = export_associations(target, looked(seen, target=target))
    assert sorted(each.live.arn for each in found) == sorted(arns(seen))
    good = [each for each in found if not refused(each, target, seen)]
    assert {each.live.arn for each in found} - {each.live.arn for each in good} <= odd
    manifests = written(good, target)
    by_name = {each.name: each.live.arn for each in good}
    assert len(manifests) == len(by_name) == len(good)
    first = looked(seen, manifests, target=target)
    for decision in first.plan.decisions:
        assert isinstance(decision, Adopt)
        assert (decision.live.arn, decision.differences) == (by_name[decision.manifest.name], ())
    assert {each.arn for each in first.plan.unmanaged} == {each.live.arn for each in found if each not in good}
    later = NOW + timedelta(minutes=1)
    adopted = with_intents(EMPTY, first.plan, later)
    assert all(isinstance(each, InSync) for each in looked(seen, manifests, adopted, target, later).plan.decisions)


@settings(max_examples=2000, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_exported_manifests_are_valid_alone_and_beside_existing_ones(seed: int) -> None:
    """A complete export is valid alone, the new manifests are valid beside git, and neither causes a new write.

    Writes that git planned before are still planned. The manifests beside git exclude managed associations, duplicates,
    and associations that a blocked manifest may mean.
    """
    world = lived_in(seed)
    seen, known = world.seen, world.known
    before = looked(seen, world.manifests, known)
    good = understood(export_associations(AMBIENT, before), seen)
    new = [(each, one) for each, one in good if not (each.managed_by or each.duplicates or each.blocked_manifests)]
    pending = {write.manifest.name for write in before.plan.reviewed_writes}
    for handed_out, there in ((good, ()), (new, world.manifests)):
        revision = [*there, *(one for _, one in handed_out)]
        assert not clashing(revision)
        decided = looked(seen, revision, known).plan
        assert {write.manifest.name for write in decided.reviewed_writes} <= (pending if there else set())
        by_name = {one.name: each.live.arn for each, one in handed_out}
        for decision in decided.decisions:
            live_ = get_live(decision)
            if decision.manifest.name in by_name:
                assert live_
                assert live_.arn == by_name[decision.manifest.name]


@settings(max_examples=400, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_exported_manifests_never_create(seed: int) -> None:
    """Exported manifests never cause a Create, even if every association leaves List, with any journal."""
    world = lived_in(seed)
    seen = world.seen
    manifests = [
        one for _, one in understood(export_associations(AMBIENT, looked(seen, world.manifests, world.known)), seen)
    ]
    gone = Observation(seen.integrations, dict.fromkeys(seen.associations, ()))
    for known in (EMPTY, world.known, with_intents(world.known, looked(seen, manifests, world.known).plan, NOW)):
        journal_, now = known, NOW
        for _ in range(4):
            now += timedelta(hours=1)
            decided = looked(gone, manifests, journal_, now=now).plan
            assert all(isinstance(each, Blocked | Settling | Lost) for each in decided.decisions)
            assert not decided.reviewed_writes
            journal_ = with_intents(journal_, decided, now)


def test_exported_name_depends_on_the_association_alone() -> None:
    """The name consists of the data integration and the first eight digits of the id, whatever else is live."""
    one, other = live("0f1e2d3c-4b5a-4697-8877-665544332211"), live("aabbccdd-4b5a-4697-8877-665544332211")
    (alone,) = export_associations(AMBIENT, looked(observation(one)))
    assert alone.name == "profiles-export-0f1e2d3c"
    assert {each.name for each in export_associations(AMBIENT, looked(observation(other, one)))} >= {alone.name}
    (again,) = export_associations(AMBIENT, looked(observation(one), written([alone])))
    assert (again.name, again.comments) == (alone.name, alone.comments)


def test_taken_name_is_extended() -> None:
    """A name takes more digits if a similar id, another manifest or the journal uses it."""
    one, like = live("0f1e2d3c-4b5a-4697-8877-665544332211"), live("0f1e2d3c-ffff-4697-8877-665544332211")
    assert {each.name for each in export_associations(AMBIENT, looked(observation(one, like)))} == {
        "profiles-export-0f1e2d3c4b5a", "profiles-export-0f1e2d3cffff",
    }  # fmt: skip
    stranger = manifest("profiles-export-0f1e2d3c", DestinationURI="s3://corp-exports/other")
    known = journal(record("profiles-export-0f1e2d3c4b5a", "a9", DestinationURI="s3://corp-exports/gone"))
    (found,) = export_associations(AMBIENT, looked(observation(one), [stranger], known))
    assert found.name == "profiles-export-0f1e2d3c4b5a4697"


def test_ids_that_differ_only_in_case_get_different_names() -> None:
    """Ids that differ only in case get different names, although names are in lower case."""
    found = export_associations(AMBIENT, looked(observation(live("ABC"), live("abc"))))
    assert len({each.name for each in found}) == 2
    assert all(
        isinstance(each, Adopt) for each in looked(observation(live("ABC"), live("abc")), written(found)).plan.decisions
    )


def test_id_without_a_digit_still_gives_a_name() -> None:
    """An id and a data integration without usable characters still give a valid name."""
    odd = replace(INTEGRATION, name="北京")
    (found,) = export_associations(AMBIENT, looked(Observation((odd,), {odd.arn: (live("---"),)})))
    assert found.name.startswith("association-")
    assert [each.name for each in written([found])] == [found.name]


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("profiles-export", "profiles-export"),
        ("no", "no"),
        (" ", INTEGRATION.arn),
        ("\ud83d", INTEGRATION.arn),
        ("a" * 256, INTEGRATION.arn),
        (f"{ARN}/00000000-0000-4000-8000-000000000002", INTEGRATION.arn),
        ("00000000-0000-4000-8000-000000000002", INTEGRATION.arn),
    ],
)
def test_unusable_data_integration_name_is_exported_as_arn(name: str, spelled: str) -> None:
    """A data integration whose name is ambiguous or invalid is written as its ARN."""
    one = replace(INTEGRATION, name=name)
    other = Integration(f"{ARN}/00000000-0000-4000-8000-000000000002", "other")
    (found,) = export_associations(AMBIENT, looked(Observation((one, other), {one.arn: (live(),), other.arn: ()})))
    spec: Any = found.document["spec"]
    assert spec["DataIntegrationIdentifier"] == spelled


def test_declared_target_is_named_in_the_manifest() -> None:
    """A declared target is named in the manifest, and an ambient one is not."""
    assert "target" not in export_associations(AMBIENT, looked(observation(live())))[0].document
    assert export_associations(DECLARED, looked(observation(live())))[0].document["target"] == "prod"


def test_unlisted_associations_are_not_exported() -> None:
    """Associations that could not be listed are not exported."""
    assert export_associations(AMBIENT, looked(observation(unobserved="denied"))) == ()
    assert isinstance(observation(unobserved="denied").associations[INTEGRATION.arn], Unobserved)


def test_managed_association_has_a_comment_that_says_so() -> None:
    """An association that the journal, a natural key or policy.adopt binds is marked as managed."""
    bound = live("a1", DestinationURI="s3://corp-exports/other")
    known = journal(record("elsewhere", "a1", DestinationURI="s3://corp-exports/other"))
    manifests = [
        manifest("elsewhere", DestinationURI="s3://corp-exports/changed"),
        manifest("matching"),
        manifest("named", Policy(adopt=live("a3").arn), DestinationURI="s3://corp-exports/3"),
    ]
    seen = observation(bound, live("a2"), live("a3", DestinationURI="s3://corp-exports/3"), live("a4", ClientId="c"))
    found = {each.live.id: each for each in export_associations(AMBIENT, looked(seen, manifests, known))}
    covered = {id_: each.managed_by.name if each.managed_by else None for id_, each in found.items()}
    assert covered == {"a1": "elsewhere", "a2": "matching", "a3": "named", "a4": None}
    assert [found[id_].name for id_ in ("a1", "a2", "a3")] == ["elsewhere", "matching", "named"]
    replaces = "this manifest can replace that one, but must not be used beside it."
    said = f"Already managed by 'matching' (matching.yaml:1): {replaces}"
    assert said in found["a2"].comments
    assert not any("Already managed" in comment for comment in found["a3"].comments)


def test_managed_association_keeps_the_name_of_its_manifest() -> None:
    """A managed association gets the name of its manifest if that is unique, known to the journal and short enough."""
    torn, other = manifest("torn", Policy(adopt=live("a2").arn)), live("a2", DestinationURI="s3://corp-exports/other")
    both = export_associations(AMBIENT, looked(observation(live("a1"), other), [torn], journal(record("torn", "a1"))))
    assert [each.managed_by for each in both] == [torn, torn]
    assert [each.name for each in both] == ["profiles-export-a1", "profiles-export-a2"]
    assert all("Already managed by 'torn'" in each.comments[1] for each in both)
    lost = replace(record("october", "a9"), state=CreatePending(1, NOW, NOW))
    (found,) = export_associations(AMBIENT, looked(observation(live("a1")), [manifest("october")], journal(lost)))
    assert (found.managed_by, found.name) == (manifest("october"), "profiles-export-a1")
    for length, named in ((200, "x" * 200), (201, "profiles-export-a1")):
        (found,) = export_associations(AMBIENT, looked(observation(live("a1")), [manifest("x" * length)]))
        assert found.name == named


def test_duplicate_of_a_manifest_gets_advice() -> None:
    """A duplicate in git gets the ARN for its policy.adopt. With it, both manifests are valid together."""
    wanted, seen = manifest("october"), observation(live("a1"), live("a2"))
    known = journal(record("october", "a1"))
    kept, loose = export_associations(AMBIENT, looked(seen, [wanted], known))
    assert (kept.managed_by, kept.duplicates) == (wanted, ())
    (twin,) = loose.duplicates
    assert (twin.manifest, twin.arn) == (wanted, live("a1").arn)
    assert twin.advice == f"give 'october' policy.adopt: {live('a1').arn}"
    assert any(twin.advice in comment and "october.yaml:1" in comment for comment in loose.comments)
    beside = looked(seen, [wanted, *written([loose])], known).plan
    assert all(isinstance(each, Blocked) for each in beside.decisions)
    assert all(
        each.managed_by for each in export_associations(AMBIENT, looked(seen, [wanted, *written([loose])], known))
    )
    followed = replace(wanted, policy=Policy(adopt=twin.arn))
    both = looked(seen, [followed, *written([loose])], known).plan
    assert [type(each) for each in both.decisions] == [InSync, Adopt]
    assert both.unmanaged == ()


def test_ambiguous_duplicate_is_left_to_a_person() -> None:
    """If the association of a duplicate is unknown, a person removes the duplicate or sets its policy.adopt."""
    wanted, seen = manifest("october"), observation(live("a1"), live("a2"))
    one, other = export_associations(AMBIENT, looked(seen, [wanted]))
    assert [each.duplicates[0].arn for each in (one, other)] == [None, None]
    assert "remove 'october'" in one.duplicates[0].advice
    removed = looked(seen, written([one, other])).plan
    assert all(isinstance(each, Adopt) for each in removed.decisions)
    chosen = replace(wanted, policy=Policy(adopt=live("a1").arn))
    named = looked(seen, [chosen, *written([other])]).plan
    assert all(isinstance(each, Adopt) for each in named.decisions)


def test_hidden_members_are_exported_from_the_journal() -> None:
    """Members that AWS hides are exported from the journal, and the manifest then has no differences."""
    known, seen = journal(record("october", "a1")), observation(live("a1"))
    (found,) = export_associations(AMBIENT, looked(seen, known=known))
    spec: Any = found.document["spec"]
    assert spec["ObjectConfiguration"] == known.records["october"].request["ObjectConfiguration"]
    assert list(spec) == [
        "DataIntegrationIdentifier",
        "ObjectConfiguration",
        "DestinationURI",
        "ExecutionConfiguration",
    ]
    assert any("come from the journal" in comment for comment in found.comments)
    (decision,) = looked(seen, written([found]), known).plan.decisions
    assert isinstance(decision, Adopt)
    assert decision.differences == ()


def test_association_without_recorded_hidden_members_gets_the_comment() -> None:
    """Without hidden members in the journal, a comment asks to add them."""
    known = record("october", "a1", ObjectConfiguration=None)
    (found,) = export_associations(AMBIENT, looked(observation(live("a1")), known=journal(replace(known, token=None))))
    assert any("add them before the first run" in comment for comment in found.comments)


def test_manifest_without_policy_adopt_recreates_a_lost_association() -> None:
    """A lost association is created again, with the whole request, only after a person removes policy.adopt."""
    (found,) = export_associations(AMBIENT, looked(observation(live("a1"))))
    (adopting,) = written([found])
    known = with_intents(EMPTY, looked(observation(live("a1")), [adopting]).plan, NOW)
    complete = replace(adopting, spec=manifest().spec)
    state = known.records[adopting.name].state
    assert isinstance(state, Bound)
    lost = replace(known.records[adopting.name], state=replace(state, missing_since=NOW))
    later = NOW + timedelta(hours=1)

    def decided(policy: Policy) -> object:
        (decision,) = looked(observation(), [replace(complete, policy=policy)], journal(lost), now=later).plan.decisions
        return decision

    arn = adopting.policy.adopt
    assert isinstance(decided(Policy(adopt=arn, generation=2, on_loss=OnLoss.RECREATE)), Lost)
    assert isinstance(decided(Policy()), Lost)
    for asked in (Policy(generation=2), Policy(on_loss=OnLoss.RECREATE)):
        created = decided(asked)
        assert isinstance(created, Create)
        assert "ObjectConfiguration" in created.request


def test_hidden_members_added_before_adoption_are_not_a_difference() -> None:
    """Hidden members that are added before the adoption are no difference. Added later, they are a change."""
    (found,) = export_associations(AMBIENT, looked(observation(live("a1"))))
    (bare,) = written([found])
    complete = replace(bare, spec=manifest().spec)
    first = looked(observation(live("a1")), [complete]).plan
    assert isinstance(first.decisions[0], Adopt)
    assert first.decisions[0].differences == ()
    (second,) = looked(observation(live("a1")), [complete], with_intents(EMPTY, first, NOW)).plan.decisions
    assert isinstance(second, InSync)
    late = with_intents(EMPTY, looked(observation(live("a1")), [bare]).plan, NOW)
    (changed,) = looked(observation(live("a1")), [complete], late).plan.decisions
    assert isinstance(changed, Changed)


def test_manifest_that_would_not_adopt_exactly_is_rejected() -> None:
    """A manifest that would not adopt its association unchanged is left out, with the reason."""
    mine = Policy(adopt=live("a1").arn)
    assert check_roundtrip(manifest(policy=mine), live("a1"), observation(live("a1")), rules()) is None
    other = check_roundtrip(manifest(policy=mine, ClientId="x"), live("a1"), observation(live("a1")), rules())
    assert other == "the exported manifest would differ from AWS at /ClientId"
    strange = check_roundtrip(
        manifest(policy=Policy(adopt=live("zz").arn)), live("a1"), observation(live("a1")), rules()
    )
    assert strange == "the exported manifest would be blocked"


def test_times_are_readable_only_when_equivalent() -> None:
    """A time that cannot be converted exactly stays as AWS shows it."""
    windows = {"1790812800000": "2026-10-01T00:00:00Z", "17": "17", "soon": "soon"}
    for shown, said in windows.items():
        execution = {**ON_DEMAND, "OnDemandConfiguration": {"EndTime": shown, "StartTime": shown}}
        (found,) = export_associations(AMBIENT, looked(observation(live(ExecutionConfiguration=execution))))
        spec: Any = found.document["spec"]
        assert spec["ExecutionConfiguration"]["OnDemandConfiguration"] == {"StartTime": said, "EndTime": said}


def test_aws_text_cannot_break_out_of_a_comment() -> None:
    """A name with a line break stays on one line of a comment."""
    hostile = replace(INTEGRATION, name="x\nkind: Target")
    (found,) = export_associations(AMBIENT, looked(Observation((hostile,), {hostile.arn: (live(),)})))
    head = render_yaml(found.document, found.comments).partition("apiVersion")[0]
    assert all(line.startswith("# ") for line in head.splitlines())


def test_job_progress_does_not_change_the_manifest() -> None:
    """The last job of an association does not change its manifest."""
    later = replace(live(), last_execution=Execution("FAILED", "message"))
    (before,), (after,) = (export_associations(AMBIENT, looked(observation(each))) for each in (live(), later))
    assert render_yaml(before.document, before.comments) == render_yaml(after.document, after.comments)
