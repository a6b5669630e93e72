"""The recipe for kustomize builds valid manifests, and renames Targets together with their references."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from support.kustomize import build_with_kustomize, select_kind
from support.paths import DEPLOY
from support.program import SCRIPT

RECIPE = DEPLOY / "kustomize"


def validate(manifests: str) -> subprocess.CompletedProcess[str]:
    """Run `reconcile validate` on manifests from standard input."""
    command: list[str | Path] = [SCRIPT, "validate", "--strict", "-f", "-"]
    return subprocess.run(command, input=manifests, check=False, capture_output=True, text=True)


def write_overlay(folder: Path, kustomization: str) -> Path:
    """Copy the recipe to a folder, add an overlay of the base, and return the folder of the overlay."""
    shutil.copytree(RECIPE, folder / "recipe")
    overlay = folder / "recipe" / "overlay"
    overlay.mkdir()
    text = f"kind: Kustomization\nresources: [../base]\n{kustomization}"
    (overlay / "kustomization.yaml").write_text(text, encoding="utf-8")
    return overlay


@pytest.mark.parametrize(
    ("folder", "summary"),
    [
        ("staging", "1 manifest, 1 target: valid"),
        ("production", "1 manifest, 1 target: valid"),
        (".", "2 manifests, 2 targets: valid"),
    ],
)
def test_output_of_the_recipe_is_valid(folder: str, summary: str) -> None:
    """`reconcile validate` accepts what kustomize builds from each folder, without a warning."""
    result = validate(build_with_kustomize(RECIPE / folder))
    assert (result.returncode, result.stdout.strip(), result.stderr) == (0, summary, "")


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ("nameSuffix: -eu", "contact-centre-eu"),
        ("namePrefix: eu-", "eu-contact-centre"),
        ("commonAnnotations: {runbook: https://wiki.example.com/exports}\nnamespace: exports", "contact-centre"),
    ],
)
def test_renamed_target_is_renamed_in_its_associations(rule: str, name: str, tmp_path: Path) -> None:
    """A suffix or prefix reaches `target`. Annotations and a namespace change neither names nor validity."""
    output = build_with_kustomize(write_overlay(tmp_path, rule))
    documents = list(yaml.safe_load_all(output))
    (target,) = select_kind(documents, "Target")
    (association,) = select_kind(documents, "DataIntegrationAssociation")
    assert (target["metadata"]["name"], association["target"]) == (name, name)
    assert validate(output).returncode == 0


def select_with(overlay: Path, selection: str) -> None:
    """Replace `target` in the base of an overlay by another selection of Targets."""
    manifest = overlay.parent / "base" / "profiles-export-2026-10.yaml"
    text = manifest.read_text(encoding="utf-8").replace("target: contact-centre", selection)
    assert selection in text
    manifest.write_text(text, encoding="utf-8")


def test_renamed_target_is_renamed_in_a_list(tmp_path: Path) -> None:
    """A suffix reaches the names in `targets`. Globs keep their text."""
    overlay = write_overlay(tmp_path, "nameSuffix: -eu")
    select_with(overlay, 'targets: [contact-centre, "contact-*"]')
    output = build_with_kustomize(overlay)
    (association,) = select_kind(list(yaml.safe_load_all(output)), "DataIntegrationAssociation")
    assert association["targets"] == ["contact-centre-eu", "contact-*"]
    assert (validate(output).returncode, validate(output).stderr) == (0, "")


def test_label_rules_need_a_base_without_the_reference_of_lists(tmp_path: Path) -> None:
    """The README quotes the error of kustomize for label rules. Without the entry of `targets`, they are valid."""
    overlay = write_overlay(tmp_path, "nameSuffix: -eu\nlabels: [{pairs: {env: eu}}]")
    select_with(overlay, "targets: {matchLabels: {env: eu}}")
    message = "no 'name' field in node"
    assert message in (RECIPE / "README.md").read_text(encoding="utf-8")
    with pytest.raises(AssertionError, match=message):
        build_with_kustomize(overlay)
    reference = overlay.parent / "base" / "name-reference.yaml"
    lines = reference.read_text(encoding="utf-8").splitlines(keepends=True)
    reference.write_text("".join(lines[:-3]), encoding="utf-8")
    output = build_with_kustomize(overlay)
    assert (validate(output).returncode, validate(output).stderr) == (0, "")


@pytest.mark.parametrize(("name", "exit_code"), [("contact-centre-eu", 0), ("contact-centre", 3)])
def test_maps_by_name_need_the_new_name(name: str, exit_code: int, tmp_path: Path) -> None:
    """A map by the names of Targets in a patch of the overlay has the new names. An old name is rejected."""
    manifest = "metadata: {name: profiles-export-2026-10}\n"
    head = "apiVersion: appintegrations.reconciler/v1\nkind: DataIntegrationAssociation\n"
    patch = f"{head}{manifest}policy: {{generation: {{{name}: 2}}}}\n".replace("\n", "\n      ")
    output = build_with_kustomize(write_overlay(tmp_path, f"nameSuffix: -eu\npatches:\n  - patch: |-\n      {patch}"))
    assert validate(output).returncode == exit_code


def test_without_the_name_reference_the_output_is_invalid(tmp_path: Path) -> None:
    """The README of the recipe quotes the problem that a base without the configuration has."""
    overlay = write_overlay(tmp_path, "nameSuffix: -eu")
    base = overlay.parent / "base" / "kustomization.yaml"
    text = base.read_text(encoding="utf-8").partition("configurations:")[0]
    base.write_text(text, encoding="utf-8")
    result = validate(build_with_kustomize(overlay))
    assert result.returncode == 3
    assert "no Target 'contact-centre' is declared" in result.stdout + result.stderr
    assert "no Target 'contact-centre' is declared" in (RECIPE / "README.md").read_text(encoding="utf-8")


def test_base_without_its_patches_can_be_read_as_a_folder(tmp_path: Path) -> None:
    """A kustomization file beside manifests is skipped."""
    folder = tmp_path / "manifests"
    shutil.copytree(RECIPE / "base", folder)
    (folder / "name-reference.yaml").unlink()
    command: list[str | Path] = [SCRIPT, "validate", "-f", folder]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (result.returncode, result.stdout.strip()) == (0, "1 manifest, 1 target: valid")
