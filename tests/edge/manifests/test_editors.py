"""The schemas work in editors and CI: each example names its schema, and a public checker accepts it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import REPOSITORY

from reconciler.edge.manifests import schema

MANIFESTS = sorted((REPOSITORY / "manifests").rglob("*.yaml"))
SCHEMAS = sorted((REPOSITORY / "schemas").glob("*.json"))
MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")


def run_check_jsonschema(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run check-jsonschema on local files, which needs no network, and return the result."""
    program = Path(sys.executable).with_name("check-jsonschema")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)


def find_named_schema(manifest: Path) -> Path:
    """Return the schema that the first line of a manifest names for editors."""
    modeline = MODELINE.match(manifest.read_text(encoding="utf-8"))
    assert modeline, f"{manifest.name} names no schema in its first line"
    return (manifest.parent / modeline[1]).resolve()


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.name)
def test_every_example_manifest_names_its_schema(manifest: Path) -> None:
    """Each example manifest names the schema of its kind in its first line."""
    kind = re.search(r"^kind: (\w+)$", manifest.read_text(encoding="utf-8"), re.MULTILINE)
    assert kind
    assert find_named_schema(manifest) == REPOSITORY / "schemas" / schema.SCHEMA_FILES[kind[1]]
    assert find_named_schema(manifest).is_file()


@pytest.mark.parametrize("file", ["data-integration-association.v1.json", "target.v1.json"])
def test_a_public_checker_accepts_the_examples(file: str) -> None:
    """check-jsonschema accepts the examples that name a schema."""
    examples = [manifest for manifest in MANIFESTS if find_named_schema(manifest).name == file]
    assert examples
    result = run_check_jsonschema("--schemafile", REPOSITORY / "schemas" / file, *examples)
    assert (result.returncode, result.stdout) == (0, "ok -- validation done\n"), result.stdout + result.stderr


def test_a_public_checker_accepts_the_snippet_of_a_target_set(tmp_path: Path) -> None:
    """check-jsonschema accepts the TargetSet that an editor inserts."""
    (snippet,) = schema.load_schema("target-set.v1.json")["defaultSnippets"]
    text = re.sub(r"\$\{\d:([^}]*)\}", r"\1", json.dumps(snippet["body"])).replace(r"^\"", "").replace(r"\"", "")
    (tmp_path / "set.json").write_text(text)
    result = run_check_jsonschema("--schemafile", REPOSITORY / "schemas" / "target-set.v1.json", tmp_path / "set.json")
    assert (result.returncode, result.stdout) == (0, "ok -- validation done\n"), result.stdout + result.stderr


def test_a_public_checker_accepts_placeholders(tmp_path: Path) -> None:
    """Editors and public checkers accept a placeholder where a pattern applies to the substituted value."""
    manifest = {
        "apiVersion": "appintegrations.reconciler/v1",
        "kind": "DataIntegrationAssociation",
        "metadata": {"name": "a"},
        "targets": {"matchExpressions": [{"key": "env", "operator": "NotIn", "values": ["staging"]}]},
        "spec": {
            "DataIntegrationIdentifier": "${source}",
            "DestinationURI": "s3://${bucket}/profiles",
            "ObjectConfiguration": {"CustomerProfiles": {"domainName": ["${domain}"]}},
            "ExecutionConfiguration": {
                "ExecutionMode": "ON_DEMAND",
                "OnDemandConfiguration": {"StartTime": "${start}"},
            },
        },
    }
    role = "arn:aws:iam::${target.accountId}:role/x"
    target = {
        "apiVersion": "appintegrations.reconciler/v1",
        "kind": "Target",
        "metadata": {"name": "a"},
        "spec": {"Region": "us-east-1", "AccountId": "123456789012", "RoleArn": role, "ExternalId": "${id}"},
    }
    for file, document in (("data-integration-association.v1.json", manifest), ("target.v1.json", target)):
        (tmp_path / file).write_text(json.dumps(document))
        result = run_check_jsonschema("--schemafile", REPOSITORY / "schemas" / file, tmp_path / file)
        assert (result.returncode, result.stdout) == (0, "ok -- validation done\n"), result.stdout + result.stderr


@pytest.mark.parametrize(
    ("example", "valid_text", "invalid_text", "expected"),
    [
        (
            "profiles-before-october.yaml",
            "ExecutionMode: ON_DEMAND",
            "ExecutionMode: ON_DEMND",
            "'ON_DEMND' is not one of",
        ),
        ("targets/production.yaml", "Burst: 5", "Brust: 5", "'Brust' was unexpected"),
    ],
)
def test_public_checker_rejects_a_broken_manifest(
    example: str, valid_text: str, invalid_text: str, expected: str, tmp_path: Path
) -> None:
    """check-jsonschema rejects a manifest with a mistake, so it really checks the schema."""
    manifest = REPOSITORY / "manifests" / example
    broken_file = tmp_path / manifest.name
    broken_file.write_text(manifest.read_text(encoding="utf-8").replace(valid_text, invalid_text), encoding="utf-8")
    result = run_check_jsonschema("--schemafile", find_named_schema(manifest), broken_file)
    assert result.returncode == 1
    assert expected in result.stdout


def test_a_public_checker_accepts_the_schemas() -> None:
    """Each schema is a valid JSON Schema of its draft, including the keywords for editors."""
    assert len(SCHEMAS) >= 4
    result = run_check_jsonschema("--check-metaschema", *SCHEMAS)
    assert (result.returncode, result.stdout) == (0, "ok -- validation done\n"), result.stdout + result.stderr


def test_public_checker_rejects_a_broken_schema(tmp_path: Path) -> None:
    """check-jsonschema rejects a broken schema, so it really checks the metaschema."""
    broken_file = tmp_path / "broken.json"
    text = (REPOSITORY / "schemas" / "target.v1.json").read_text(encoding="utf-8")
    broken_file.write_text(text.replace('"type": "boolean"', '"type": "truth"'), encoding="utf-8")
    assert run_check_jsonschema("--check-metaschema", broken_file).returncode == 1
