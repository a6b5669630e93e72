"""The word of a person about one association: a manifest of several targets gives it for each target by name."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from reconciler.core.errors import InvalidManifests
from reconciler.core.manifests.files import File
from reconciler.core.model import Manifest
from reconciler.edge.manifests import load_manifests

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HEAD = "apiVersion: appintegrations.reconciler/v1\nkind: {}\nmetadata: {{name: {}}}\n"
TARGETS = "".join(
    HEAD.format("Target", name)
    + f'spec: {{Region: {region}, AccountId: "111111111111", Values: {{bucket: {name}}}}}\n---\n'
    for name, region in (("east", "us-east-1"), ("west", "us-west-2"))
)
MANIFEST = HEAD.format("DataIntegrationAssociation", "monthly") + (
    'targets: ["*"]\n'
    "policy: {mode: create-and-update, generation: {east: 3}}\n"
    "window:\n"
    "  every: month\n"
    "  timeZone: Europe/Berlin\n"
    "  first: 2026-01-01\n"
    "  continueFrom: {west: 2026-05-01}\n"
    "  skip: {east: [2026-02-01]}\n"
    'spec: {DataIntegrationIdentifier: profiles, DestinationURI: "s3://DESTINATION"}\n'
)


def read(destination: str, text: str = MANIFEST) -> dict[str, Manifest]:
    """Return the manifest of each target."""
    content = TARGETS + text.replace("DESTINATION", destination)
    desired = load_manifests([File("a.yaml", content.encode())], NOW)
    return {target: manifest for target, (manifest,) in desired.manifests.items()}


@pytest.mark.parametrize("destination", ["corp/profiles", "${bucket}/profiles"])
def test_each_target_gets_its_own_value(destination: str) -> None:
    """A target gets the value of its name, and the default if the map does not name it."""
    manifests = read(destination)
    assert {name: each.policy.generation for name, each in manifests.items()} == {"east": 3, "west": 1}
    windows = {name: each.window for name, each in manifests.items()}
    assert windows["east"]
    assert windows["west"]
    assert (windows["east"].continue_from, windows["east"].skip) == (None, (date(2026, 2, 1),))
    assert windows["west"].continue_from == datetime(2026, 4, 30, 22, tzinfo=UTC)
    assert windows["west"].skip == ()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("{east: 3}", "{eastt: 3}", "/policy/generation/eastt: no Target 'eastt' is declared: did you mean 'east'?"),
        ("{east: 3}", "{x1: 3}", "/policy/generation/x1: no Target 'x1' is declared: use the name of a Target"),
        ("{east: 3}", "{east: 0}", "/policy/generation/east: must be 1 or more, not 0"),
        ("{east: 3}", "{}", "/policy/generation"),
        ("{west: 2026-05-01}", "{west: 2026-05-99}", "/window/continueFrom/west: '2026-05-99' is neither a date nor"),
        ("{west: 2026-05-01}", "{west: 1999-05-01}", "/window/continueFrom/west: '1999-05-01' is out of range"),
        ("{west: 2026-05-01}", "{west: [2026-05-01]}", "/window/continueFrom/west: must be a string, not a list"),
        ("[2026-02-01]", "[2026-02-30]", "/window/skip/east/0: '2026-02-30' is not an existing date"),
        ("[2026-02-01]", "2026-02-01", "/window/skip/east: must be a list"),
    ],
)
def test_bad_value_is_reported_where_it_stands(old: str, new: str, problem: str) -> None:
    """A bad value in a map, and a name that is no Target, are reported at their place."""
    with pytest.raises(InvalidManifests) as error:
        read("corp/profiles", MANIFEST.replace(old, new))
    assert any(problem in str(each) for each in error.value.problems), error.value.problems


@pytest.mark.parametrize("selection", ["targets: [west]", "target: west"])
def test_value_for_a_target_of_another_manifest_is_a_warning(selection: str) -> None:
    """A value for a declared Target in which the manifest is not has no effect, and a warning says so."""
    text = MANIFEST.replace('targets: ["*"]', selection).replace("DESTINATION", "corp/x")
    warnings = load_manifests([File("a.yaml", (TARGETS + text).encode())], NOW).warnings
    message = "this manifest is not in target 'east', so this value has no effect: remove it"
    assert [(each.pointer, each.message) for each in warnings] == [
        ("/policy/generation/east", message),
        ("/window/skip/east", message),
    ]


def test_environment_is_named_default() -> None:
    """Without a Target, the only name is that of the environment: default."""
    text = MANIFEST.replace('targets: ["*"]\n', "").replace("west", "default").replace("east", "default")
    desired = load_manifests([File("a.yaml", text.replace("DESTINATION", "corp/x").encode())], NOW)
    (manifest,) = desired.manifests["default"]
    assert manifest.policy.generation == 3
