"""The texts of a first Target and a first manifest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from reconciler.core.errors import InvalidManifests
from reconciler.core.init.texts import (
    TARGET_FILE,
    ExportKind,
    FirstExport,
    build_gitignore,
    build_live_texts,
    build_texts,
    list_open_points,
    list_schemas,
)
from reconciler.core.manifests.files import File
from reconciler.core.model import Desired, ensure_mapping
from reconciler.edge import manifests

EXPORT = FirstExport(
    "111122223333", "eu-central-1", "profiles-export", ExportKind.MONTHLY, "s3://corp/profiles", date(2026, 1, 15)
)


def load(export: FirstExport) -> Desired:
    """Return the desired state of the texts."""
    return load_texts(build_texts(export))


def load_texts(texts: dict[str, str]) -> Desired:
    """Return the desired state of texts by path. Raises InvalidManifests."""
    files = [File(path, text.encode()) for path, text in texts.items()]
    return manifests.load_manifests(files, datetime(2026, 1, 15, tzinfo=UTC))


@pytest.mark.parametrize("kind", [ExportKind.MONTHLY, ExportKind.WINDOW])
@pytest.mark.parametrize("account", ["111122223333", None])
@pytest.mark.parametrize("region", ["eu-central-1", None])
@pytest.mark.parametrize("destination", ["s3://corp", "s3://corp/a/b", "custom://x/y", None])
def test_texts_are_valid_without_warnings(
    kind: ExportKind, account: str | None, region: str | None, destination: str | None
) -> None:
    """Every combination of known and unknown values gives valid manifests without warnings."""
    desired = load(replace(EXPORT, kind=kind, account=account, region=region, destination=destination))
    assert (desired.manifest_count, desired.all_warnings) == (1, ())


def test_monthly_export_begins_with_the_last_complete_month() -> None:
    """The first window is the month that ended last, also across the turn of a year."""
    (manifest,) = load(EXPORT).manifests["main"]
    assert manifest.name == "profiles-export-monthly"
    assert manifest.window
    assert (manifest.window.every, manifest.window.first) == ("month", date(2025, 12, 1))


def test_window_is_the_last_complete_month() -> None:
    """A single export sends the month that ended last."""
    (manifest,) = load(replace(EXPORT, kind=ExportKind.WINDOW)).manifests["main"]
    assert manifest.name == "profiles-export-2025-12"
    window = ensure_mapping(ensure_mapping(manifest.spec["ExecutionConfiguration"])["OnDemandConfiguration"])
    start, end = (datetime(*day, tzinfo=UTC).timestamp() * 1000 for day in ((2025, 12, 1), (2026, 1, 1)))
    assert (window["StartTime"], window["EndTime"]) == (f"{start:.0f}", f"{end:.0f}")


def test_placeholder_of_the_destination_is_never_exported_to() -> None:
    """Without a destination, the manifest is suspended, and its bucket cannot exist."""
    for kind in (ExportKind.MONTHLY, ExportKind.WINDOW):
        (manifest,) = load(replace(EXPORT, kind=kind, destination=None)).manifests["main"]
        assert manifest.policy.suspend
        assert manifest.spec["DestinationURI"] == "s3://REPLACE-ME/profiles"


def test_placeholders_are_refused_without_suspend() -> None:
    """Without the line with suspend, each placeholder is a problem at its place, until a person has replaced it."""
    texts = build_texts(replace(EXPORT, destination=None))
    edited = {path: text.replace("  suspend: true", "") for path, text in texts.items()}
    with pytest.raises(InvalidManifests) as error:
        load_texts(edited)
    target, monthly = "manifests/target.yaml", "manifests/profiles-export-monthly.yaml"
    remedy = "write your bucket, or set policy.suspend to true in the manifest until then"
    assert [(each.file, each.pointer, each.message) for each in error.value.problems] == [
        (monthly, "/spec/DestinationURI", f"s3://REPLACE-ME is a placeholder: {remedy}"),
        (target, "/spec/AllowedDestinations/0", f"s3://REPLACE-ME is a placeholder: {remedy}"),
    ]
    real = {path: text.replace("REPLACE-ME", "corp") for path, text in edited.items()}
    (target_with_guard,) = load_texts(real).targets
    assert target_with_guard.allowed_destinations == ("s3://corp/*",)


def test_suspended_target_may_have_placeholders() -> None:
    """Nothing is sent to a suspended Target, and its placeholders are accepted."""
    texts = build_texts(replace(EXPORT, destination=None))
    texts[TARGET_FILE] += "  Suspend: true\n"
    manifest_path = "manifests/profiles-export-monthly.yaml"
    texts[manifest_path] = texts[manifest_path].replace("  suspend: true", "")
    assert load_texts(texts).all_warnings == ()


def test_target_allows_only_the_bucket_of_the_destination() -> None:
    """The Target has the account and the Region, and refuses other buckets."""
    (target,) = load(EXPORT).targets
    assert (target.account, target.region, target.allowed_destinations) == (
        "111122223333", "eu-central-1", ("s3://corp/*",),
    )  # fmt: skip
    (target,) = load(replace(EXPORT, destination="s3://corp")).targets
    assert target.allowed_destinations == ("s3://corp", "s3://corp/*")


@pytest.mark.parametrize(
    ("integration", "name"),
    [
        ("Ünï: code #1", "uni-code-1-monthly"),
        ("null", "null-monthly"),
        ("a${b}", "a-b-monthly"),
        ("arn:aws:app-integrations:eu-central-1:111122223333:data-integration/abc", "abc-monthly"),
        ("漢字", "export-monthly"),
        ("x" * 255, f"{'x' * 54}-monthly"),
    ],
)
def test_any_name_of_a_data_integration_is_kept(integration: str, name: str) -> None:
    """The manifest names the data integration exactly, and has a valid name of its own."""
    (manifest,) = load(replace(EXPORT, integration=integration)).manifests["main"]
    assert (manifest.spec["DataIntegrationIdentifier"], manifest.name) == (integration, name)


def test_journal_is_ignored_by_git() -> None:
    """The .gitignore has the folder of the journal as a line of its own."""
    assert ".reconciler/" in build_gitignore().splitlines()


def test_each_manifest_names_the_schema_of_its_kind() -> None:
    """The first line of each text leads from its folder to the schema of its kind."""
    for text in build_texts(EXPORT).values():
        kind = text.partition("kind: ")[2].split()[0]
        assert text.startswith(f"# yaml-language-server: $schema=../{list_schemas()[kind]}\n")


def test_exported_manifests_get_a_target_and_their_schema() -> None:
    """Each exported manifest begins with its schema. The Target allows each destination, which is live already."""
    texts = build_live_texts("111122223333", "eu-central-1", {"a.yaml": "kind: A\n"})
    assert list(texts) == [TARGET_FILE, "manifests/a.yaml"]
    first_line, rest = texts["manifests/a.yaml"].split("\n", 1)
    assert first_line.endswith(list_schemas()["DataIntegrationAssociation"])
    assert rest == "kind: A\n"
    assert "AllowedDestinations" not in texts[TARGET_FILE]


def test_open_points_name_each_placeholder() -> None:
    """A person is told about each value that is not known, and about nothing else."""
    assert list_open_points(EXPORT) == ()
    unknown = replace(EXPORT, account=None, region=None, integration=None, destination=None)
    assert list_open_points(unknown) == (
        (TARGET_FILE, "set AccountId and Region"),
        (unknown.file, "set DataIntegrationIdentifier to your data integration"),
        (TARGET_FILE, "set AllowedDestinations to your bucket"),
        (unknown.file, "set DestinationURI to your bucket, then remove the line with suspend"),
    )
    assert list_open_points(replace(EXPORT, region=None)) == ((TARGET_FILE, "set Region"),)
