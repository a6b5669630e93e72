"""The `window` of a manifest is checked as a whole, and becomes a declaration."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from reconciler.core.errors import InvalidManifests
from reconciler.core.manifests.files import File
from reconciler.core.model import Manifest, Mode
from reconciler.core.windows.declaration import Missed, Period, WindowDeclaration
from reconciler.edge.manifests import load_manifests

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HEAD = "apiVersion: appintegrations.reconciler/v1\nkind: DataIntegrationAssociation\nmetadata: {name: monthly}\n"
SPEC = "spec: {DataIntegrationIdentifier: profiles%s}\n"
UPDATES = "{mode: create-and-update}"
EXECUTION = (
    ", ExecutionConfiguration: {ExecutionMode: ON_DEMAND, OnDemandConfiguration: {StartTime: '2026-01-01T00:00:00Z'}}"
)
ADOPTION = (
    "{mode: create-and-update, adopt: "
    "'arn:aws:app-integrations:us-east-1:123456789012:data-integration-association/i/a'}"
)
TARGET = (
    "apiVersion: appintegrations.reconciler/v1\nkind: Target\nmetadata: {name: prod}\n"
    'spec: {Region: us-east-1, AccountId: "123456789012", Policy: %s}\n---\n'
)


def build_document(window: str, policy: str | None = UPDATES, spec: str = "") -> str:
    """Return the text of a manifest with a window."""
    return HEAD + (f"policy: {policy}\n" if policy else "") + f"window: {{{window}}}\n" + SPEC % spec


def load(text: str) -> Manifest:
    """Return the only manifest of a file."""
    (manifests,) = load_manifests([File("a.yaml", text.encode())], NOW).manifests.values()
    (manifest,) = manifests
    return manifest


def list_problems(text: str) -> list[str]:
    """Return the problems of a file."""
    with pytest.raises(InvalidManifests) as error:
        load(text)
    return [str(problem) for problem in error.value.problems]


def test_window_with_defaults() -> None:
    """Only `every` and `first` are required."""
    manifest = load(build_document("every: month, first: 2026-01-01"))
    declaration = manifest.window
    assert declaration
    assert "ExecutionConfiguration" not in manifest.spec
    assert declaration == WindowDeclaration(Period.MONTH, "UTC", declaration.zone, date(2026, 1, 1))
    assert (declaration.delay, declaration.missed) == (timedelta(hours=1), Missed.MERGE)
    assert manifest.policy.delay == declaration.delay


def test_window_with_every_member() -> None:
    """Each member of a window has its place in the declaration. A date of continueFrom begins in the zone."""
    declaration = load(
        build_document(
            "every: week, timeZone: Europe/Berlin, first: '2026-01-05', last: 2026-12-01, delay: 2d, missed: each, "
            "backfill: 2026-06-01, continueFrom: 2026-03-01, skip: [2026-02-02, 2026-02-09]"
        )
    ).window
    assert declaration
    assert declaration.zone_name == "Europe/Berlin"
    assert declaration.zone.utcoffset(NOW) == ZoneInfo("Europe/Berlin").utcoffset(NOW)
    assert (declaration.every, declaration.missed, declaration.delay) == (Period.WEEK, Missed.EACH, timedelta(days=2))
    assert (declaration.first, declaration.last) == (date(2026, 1, 5), date(2026, 12, 1))
    assert declaration.backfill == date(2026, 6, 1)
    assert declaration.continue_from == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert declaration.skip == (date(2026, 2, 2), date(2026, 2, 9))


def test_continue_from_is_an_instant() -> None:
    """ContinueFrom is a time with a zone, too."""
    declaration = load(
        build_document("every: day, first: 2026-01-05, continueFrom: '2026-03-01T02:00:00+02:00'")
    ).window
    assert declaration
    assert declaration.continue_from == datetime(2026, 3, 1, tzinfo=UTC)
    milliseconds = build_document("every: day, first: 2026-01-05, continueFrom: '2026-03-01T00:00:00.123000Z'")
    assert load(milliseconds).window


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ("first: 2026-01-01", "a.yaml:5:9: /window: 'every' is missing"),
        ("every: month", "a.yaml:5:9: /window: 'first' is missing"),
        ("every: hour, first: 2026-01-01", "/window/every: "),
        ("every: month, first: 2026-02-30", "/window/first: '2026-02-30' is not an existing date: correct it"),
        (
            "every: , first: 2026-01-01",
            "/window/every: must be one of day, week, month, quarter, year, but has no value",
        ),
        (
            "every: [month], first: 2026-01-01",
            "/window/every: must be one of day, week, month, quarter, year, not a",
        ),
        ("every: month, first: [2026-01-01]", "/window/first: must be a string, not a list: write YEAR-MONTH-DAY"),
        ("every: month, first: ", "/window/first: must be a string, but has no value: write YEAR-MONTH-DAY"),
        ("every: month, first: 1.2.2026", "/window/first: '1.2.2026' is not a date: write YEAR-MONTH-DAY"),
        ("every: month, first: 2026-01-29", "/window/first: the day of first is 29"),
        ("every: quarter, first: 2026-01-31", "/window/first: the day of first is 31"),
        ("every: year, first: 2024-02-29", "use a day up to the 28th"),
        (
            "every: month, first: 2000-01-01",
            "/window/first: '2000-01-01' is out of range: use a year from 2001 to 2100",
        ),
        ("every: month, first: 2026-01-01, last: 9999-12-31", "/window/last: '9999-12-31' is out of range"),
        ("every: month, first: 2026-01-01, last: 2025-12-31", "/window/last: last is before first (2026-01-01)"),
        ("every: month, first: 2026-01-01, skip: [2026-02-30]", "/window/skip/0: '2026-02-30' is not an existing date"),
        (
            "every: month, first: 2026-01-01, backfill: 2026-04-31",
            "/window/backfill: '2026-04-31' is not an existing date",
        ),
        ("every: month, first: 2026-01-01, timeZone: Europe/Berlln", "did you mean 'Europe/Berlin'?"),
        ("every: month, first: 2026-01-01, timeZone: utc", "did you mean 'UTC'?"),
        ("every: month, first: 2026-01-01, timeZone: berlin", "did you mean 'Europe/Berlin'?"),
        ("every: month, first: 2026-01-01, timeZone: qqqqqqqqqqqq", "write an IANA name, such as Europe/Berlin"),
        (
            "every: month, first: 2026-01-01, timeZone: UTC+1",
            "'UTC+1' is not a time zone: write Etc/GMT-1, in which the sign is reversed, or a place",
        ),
        ("every: month, first: 2026-01-01, timeZone: '-03:00'", "write Etc/GMT+3, in which the sign is reversed"),
        ("every: month, first: 2026-01-01, timeZone: GMT+5:30", "write an IANA name, such as Europe/Berlin"),
        ("every: month, first: 2026-01-01, timeZone: UTC+19", "write an IANA name, such as Europe/Berlin"),
        (
            "every: month, first: 2026-01-01, continueFrom: '2026-03-01T00:00:00.123456Z'",
            "is more precise than a millisecond, and AWS counts milliseconds: write at most three digits after the",
        ),
        ("every: month, first: 2026-01-01, continueFrom: some-other-day", "is neither a date nor a time"),
        ("every: month, first: 2026-01-01, continueFrom: '2026-03-01T00:00:00'", "is neither a date nor a time"),
        ("every: month, first: 2026-01-01, continueFrom: 2026-W01-1", "is neither a date nor a time"),
        (
            "every: month, first: 2026-01-01, continueFrom: '0001-01-01T00:00:00Z'",
            "continueFrom: '0001-01-01T00:00:00Z' is",
        ),
        ("every: month, first: 2026-01-01, delay: soon", "/window/delay: 'soon' is not a duration"),
        ("every: month, first: 2026-01-01, skip: 2026-02-01", "/window/skip: must be a list"),
        ("every: month, first: 2026-01-01, skip: [5.1.26]", "/window/skip/0: '5.1.26' is not a date: write"),
        ("every: month, first: 2026-01-01, backfill: 7", "/window/backfill: the number 7 is not a date"),
    ],
)
def test_bad_window_has_a_problem_with_its_place(window: str, expected: str) -> None:
    """Each problem of a window names its member and the remedy."""
    (problem,) = list_problems(build_document(window))
    assert expected in problem


def test_window_that_is_no_mapping_is_one_problem() -> None:
    """A window that is a single value gets one problem, and no problems about members."""
    text = build_document("every: month").replace("{every: month}", "month")
    (problem,) = list_problems(text)
    assert "/window: must be a mapping, not the string 'month'" in problem


@pytest.mark.parametrize("every", ["day", "week"])
def test_days_and_weeks_may_begin_on_any_date(every: str) -> None:
    """Only months, quarters and years need a date that every month has."""
    assert load(build_document(f"every: {every}, first: 2026-01-31")).window


def test_execution_configuration_beside_a_window_is_refused() -> None:
    """A window computes ExecutionConfiguration, which must not be set beside it."""
    (problem,) = list_problems(build_document("every: month, first: 2026-01-01", spec=EXECUTION))
    assert "/spec/ExecutionConfiguration: must not be set together with window" in problem
    for execution in ("{}", "[]", "{ExecutionMode: SCHEDULED}"):
        spec = f", ExecutionConfiguration: {execution}"
        (problem,) = list_problems(build_document("every: month, first: 2026-01-01", spec=spec))
        assert problem.endswith("together with window, which computes it: remove it, or remove window")


@pytest.mark.parametrize(
    ("member", "remedy"),
    [
        ("delay: 2h", "set window.delay to 2h instead"),
        ("delay: 5", "set window.delay instead"),
        ("delay: soon", "set window.delay instead"),
        ("start: now", "remove it, because each window is sent after its end and window.delay"),
        ("start: at-once", "remove it, because each window is sent after its end and window.delay"),
        ("onLoss: recreate", "remove it, because only a raised policy.generation creates a lost association again"),
    ],
)
def test_policy_of_a_fixed_window_beside_a_window_is_refused(member: str, remedy: str) -> None:
    """policy.delay, policy.start and recreate belong to fixed windows. No message recommends a short delay."""
    (problem,) = list_problems(
        build_document("every: month, first: 2026-01-01", f"{{mode: create-and-update, {member}}}")
    )
    assert problem.endswith(f"/policy/{member.partition(':')[0]}: has no effect on a manifest with window: {remedy}")
    assert load(build_document("every: month, first: 2026-01-01, delay: 0s")).window


@pytest.mark.parametrize(
    ("policy", "pointer"), [(None, "/window"), ("{mode: create}", "/policy/mode"), ("{generation: 2}", "/window")]
)
def test_window_needs_updates_in_git(policy: str | None, pointer: str) -> None:
    """A window without an effective create-and-update in git is a validation error, where the mode stands."""
    (problem,) = list_problems(build_document("every: month, first: 2026-01-01", policy))
    assert f"{pointer}: a window needs updates, and policy.mode is create" in problem


@pytest.mark.parametrize("selection", ["", "target: prod\n", "targets: [prod]\n"])
def test_window_with_another_problem_still_needs_updates(selection: str) -> None:
    """A wrong date and a mode that permits no updates are both reported at once."""
    targets = TARGET % "{}" if selection else ""
    problems = list_problems(targets + build_document("every: month, first: 2026-10-31", None) + selection)
    assert len(problems) == 2
    assert "/window/first: the day of first is 31" in "".join(problems)
    assert "/window: a window needs updates" in "".join(problems)


@pytest.mark.parametrize(
    ("target", "policy", "selection"),
    [
        ("{mode: 1}", None, "target: prod"),
        ("{mode: create-and-update}", None, "target: prd"),
        ("{mode: create-and-update}", "1", "target: prod"),
        ("{mode: create-and-update}", "{mode: 1}", "target: prod"),
        ("{mode: create-and-update}", "{mode: Create}", "targets: [prod]"),
        ("{mode: create}", None, "targets: 1"),
    ],
)
def test_unknown_mode_of_a_window_is_one_problem(target: str, policy: str | None, selection: str) -> None:
    """If the Target or the mode is wrong itself, nothing is said about the updates that a window needs."""
    text = TARGET % target + build_document("every: month, first: 2026-01-01", policy) + selection + "\n"
    (problem,) = list_problems(text)
    assert "a window needs updates" not in problem


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (
            "skip: [2026-02-15]",
            ["no window begins on 2026-02-15: write dates on which a window begins, or remove those that had their"],
        ),
        ("skip: [2025-12-01, 2026-02-01, 2026-05-01], last: 2026-04-30", ["begins on 2025-12-01, 2026-05-01: write"]),
        ("skip: [2026-02-01, 2026-04-01], last: 2026-04-01, backfill: 2026-02-01", []),
        ("backfill: 2025-06-01", ["/window/backfill: backfill permits no window, because the first one ends on 2026-"]),
        ("backfill: 2026-01-31", ["because the first one ends on 2026-02-01: write this date or a later one"]),
    ],
)
@pytest.mark.parametrize("policy", [UPDATES, "{mode: observe}", ADOPTION])
def test_date_without_a_window_is_a_warning(members: str, expected: list[str], policy: str) -> None:
    """A date of skip on which no window begins, and a backfill before the end of the first, are warnings."""
    text = build_document(f"every: month, first: 2026-01-01, {members}", policy)
    warnings = [str(each) for each in load_manifests([File("a.yaml", text.encode())], NOW).warnings]
    assert len(warnings) == len(expected)
    assert all(part in warning for part, warning in zip(expected, warnings, strict=True))


def test_retired_windows_have_no_warning() -> None:
    """A retired manifest sends no window, and its dates are not checked."""
    text = build_document("every: month, first: 2026-01-01, skip: [2026-02-15]", "{mode: observe, retired: replaced}")
    assert load_manifests([File("a.yaml", text.encode())], NOW).warnings == ()


@pytest.mark.parametrize("member", ["first", "last", "backfill"])
def test_date_with_a_time_is_one_problem(member: str) -> None:
    """A date with a time is one mistake, and not also a text that is too long."""
    window = {"first": "2026-01-01", member: "2026-02-01T00:00:00Z"}
    members = ", ".join(f"{name}: {text}" for name, text in window.items())
    (problem,) = list_problems(build_document(f"every: month, {members}"))
    assert f"/window/{member}: '2026-02-01T00:00:00Z' is not a date: write YEAR-MONTH-DAY" in problem


@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.CREATE_AND_UPDATE])
def test_window_may_observe(mode: Mode) -> None:
    """A manifest that only observes may have a window."""
    assert load(build_document("every: month, first: 2026-01-01", f"{{mode: {mode}}}")).policy.mode is mode


@pytest.mark.parametrize(
    ("target_policy", "policy", "is_valid"),
    [
        ("{mode: create-and-update}", None, True),
        ("{mode: create-and-update}", "{mode: create}", False),
        ("{mode: create}", None, False),
        ("{mode: create}", "{mode: create-and-update}", True),
    ],
)
def test_mode_of_a_window_may_come_from_its_target(target_policy: str, policy: str | None, is_valid: bool) -> None:
    """The Policy of the Target applies to a window whose manifest has no policy.mode."""
    text = TARGET % target_policy + build_document("every: month, first: 2026-01-01", policy)
    if is_valid:
        assert load(text).window
    else:
        (problem,) = list_problems(text)
        assert "a window needs updates" in problem
