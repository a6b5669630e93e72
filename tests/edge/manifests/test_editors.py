"""The schemas work in editors and CI: each example names its schema, and a public checker accepts it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import REPOSITORY

from reconciler.edge.manifests import schema

MANIFESTS = sorted((REPOSITORY / "manifests").glob("*.yaml"))
SCHEMAS = sorted((REPOSITORY / "schemas").glob("*.json"))
MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")


def check(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run check-jsonschema on local files, which needs no network, and return the result."""
    program = Path(sys.executable).with_name("check-jsonschema")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)


def named(manifest: Path) -> Path:
    """Return the schema that the first line of a manifest names for editors."""
    modeline = MODELINE.match(manifest.read_text(encoding="utf-8"))
    assert modeline, f"{manifest.name} names no schema in its first line"
    return (manifest.parent / modeline[1]).resolve()


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.name)
def test_every_example_manifest_names_its_schema(manifest: Path) -> None:
    """Each example manifest names the schema of its kind in its first line."""
    kind = re.search(r"^kind: (\w+)$", manifest.read_text(encoding="utf-8"), re.MULTILINE)
    assert kind
    assert named(manifest) == REPOSITORY / "schemas" / schema.SCHEMA_FILES[kind[1]]
    assert named(manifest).is_file()


@pytest.mark.parametrize("file", schema.SCHEMA_FILES.values())
def test_a_public_checker_accepts_the_examples(file: str) -> None:
    """check-jsonschema accepts the examples that name a schema."""
    examples = [manifest for manifest in MANIFESTS if named(manifest).name == file]
    assert examples
    done = check("--schemafile", REPOSITORY / "schemas" / file, *examples)
    assert (done.returncode, done.stdout) == (0, "ok -- validation done\n"), done.stdout + done.stderr


@pytest.mark.parametrize(
    ("example", "right", "wrong", "said"),
    [
        (
            "profiles-export-2026-10.yaml",
            "ExecutionMode: ON_DEMAND",
            "ExecutionMode: ON_DEMND",
            "'ON_DEMND' is not one of",
        ),
        ("target.yaml", "Burst: 5", "Brust: 5", "'Brust' was unexpected"),
    ],
)
def test_public_checker_rejects_a_broken_manifest(
    example: str, right: str, wrong: str, said: str, tmp_path: Path
) -> None:
    """check-jsonschema rejects a manifest with a mistake, so it really checks the schema."""
    manifest = REPOSITORY / "manifests" / example
    broken = tmp_path / example
    broken.write_text(manifest.read_text(encoding="utf-8").replace(right, wrong), encoding="utf-8")
    done = check("--schemafile", named(manifest), broken)
    assert done.returncode == 1
    assert said in done.stdout


def test_a_public_checker_accepts_the_schemas() -> None:
    """Each schema is a valid JSON Schema of its draft, including the keywords for editors."""
    assert len(SCHEMAS) >= 4
    done = check("--check-metaschema", *SCHEMAS)
    assert (done.returncode, done.stdout) == (0, "ok -- validation done\n"), done.stdout + done.stderr


def test_public_checker_rejects_a_broken_schema(tmp_path: Path) -> None:
    """check-jsonschema rejects a broken schema, so it really checks the metaschema."""
    broken = tmp_path / "broken.json"
    text = (REPOSITORY / "schemas" / "target.v1.json").read_text(encoding="utf-8")
    broken.write_text(text.replace('"type": "boolean"', '"type": "truth"'), encoding="utf-8")
    assert check("--check-metaschema", broken).returncode == 1
