"""The commands that do not call AWS: help, version, schema and validate."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from support.paths import REPOSITORY
from support.program import EXPORT, SCRIPT, Program, create_environment

from reconciler.cli.commands.schema import _SCHEMA_FILES
from reconciler.cli.group import COMMANDS
from reconciler.cli.schema_references import resolve_references
from reconciler.core.manifests.document import Document
from reconciler.core.plan.inputs import RunOptions
from reconciler.edge.manifests.documents import read_documents
from reconciler.edge.manifests.schema import load_schema

FULL_SPEC = """\
policy: {mode: create, suspend: false, generation: 2, onLoss: report, ignore: [/ClientId]}
spec:
  ClientId: client
  ClientAssociationMetadata: {purpose: report}\
"""


def test_help_names_every_command_and_option(tmp_path: Path) -> None:
    """`reconcile --help` lists the commands and the options of a run."""
    output = Program(tmp_path).run("--help").out
    for word in (
        "controller", "validate", "schema", "sandbox", "--dry-run", "--file", "--output", "--state", "--target",
        "--region", "--profile", "--endpoint-url", "--mode", "--detailed-exitcode", "--sandbox", "--version",
        "--settle-time", "--lock-timeout",
    ):  # fmt: skip
        assert word in output


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_has_help(tmp_path: Path, command: str) -> None:
    """Every command prints its help, and nothing on standard error."""
    result = Program(tmp_path).run(command, "--help")
    assert (result.code, result.err) == (0, "")


@pytest.mark.parametrize("command", ["run", "controller", "explain"])
def test_commands_that_plan_have_every_option_of_a_plan(command: str) -> None:
    """Each field of RunOptions is an option of every command that shows or carries out a plan."""
    module = import_module(f"reconciler.cli.commands.{command}")
    assert {field.name for field in fields(RunOptions)} <= {each.name for each in module.command.params}


def test_version_is_one_line(tmp_path: Path) -> None:
    """`reconcile --version` prints one line, which fits into a bug report."""
    assert Program(tmp_path).run("--version").out.startswith("reconcile 0.")


@pytest.mark.parametrize("kind", list(_SCHEMA_FILES))
def test_schemas_are_printed(tmp_path: Path, kind: str) -> None:
    """Each printed schema is a valid JSON Schema without references."""
    output = Program(tmp_path).run("schema", kind).out
    document = json.loads(output)
    jsonschema.Draft202012Validator.check_schema(document)
    assert document["title"] == kind
    assert "$ref" not in output
    assert "$defs" not in output


def mutate(value: Any) -> Iterator[Any]:
    """Yield copies of a value, each with at most one mistake: a missing member, an extra one, or a wrong type."""
    yield from (None, True, 0, 1.5, "", " ", "A/b", "é" * 300, [], [1], {}, {"x": 1})
    if isinstance(value, dict):
        yield {**value, "ClientToken": "x"}
        for key, element in value.items():
            yield {name: member for name, member in value.items() if name != key}
            yield from ({**value, key: mutation} for mutation in mutate(element))
    if isinstance(value, list):
        yield from (
            [*value[:index], mutation, *value[index + 1 :]]
            for index in range(len(value))
            for mutation in mutate(value[index])
        )


def test_printed_schema_accepts_the_same_documents_as_the_file(tmp_path: Path) -> None:
    """A printed schema and its file accept the same documents, and reject the same mistakes."""
    program = Program(tmp_path)
    program.add("october", text=EXPORT.replace("spec:", FULL_SPEC, 1))
    report = program.run("--sandbox", "-o", "json").report
    (journal,) = (tmp_path / ".reconciler").rglob("*-us-east-1.json")
    documents = {
        "DataIntegrationAssociation": list(read_documents("", (tmp_path / "manifests" / "october.yaml").read_bytes())),
        "Target": list(read_documents("", (REPOSITORY / "manifests" / "targets" / "production.yaml").read_bytes())),
        "Report": list(read_documents("", json.dumps(report).encode())),
        "Journal": list(read_documents("", journal.read_bytes())),
    }
    for kind, (document,) in documents.items():
        assert isinstance(document, Document)
        file_schema, printed_schema = load_schema(_SCHEMA_FILES[kind]), json.loads(program.run("schema", kind).out)
        is_valid_in_file, is_valid_in_print = (
            jsonschema_rs.Draft202012Validator(each).is_valid for each in (file_schema, printed_schema)
        )
        assert is_valid_in_file(document.value)
        assert is_valid_in_print(document.value)
        validity = [(is_valid_in_file(mutation), is_valid_in_print(mutation)) for mutation in mutate(document.value)]
        assert {True, False} == {is_valid for is_valid, _ in validity}
        assert all(first == second for first, second in validity)


SCHEMA: dict[str, Any] = {
    "$defs": {
        "Name": {"title": "Name", "type": "string", "maxLength": 3},
        "a/b": {"$ref": "#/$defs/Name"},
        "Pair": {"type": "array", "prefixItems": [{"$ref": "#/$defs/a~1b"}], "default": {"$ref": "unresolved"}},
    },
    "properties": {
        "titled": {"$ref": "#/$defs/Name", "title": "Short name"},
        "limited": {"$ref": "#/$defs/Name", "minLength": 2, "maxLength": 9},
        "$ref": {"$ref": "#/$defs/Pair"},
        "$defs": {"allOf": [{"$ref": "#/$defs/Name"}, True]},
    },
}


def test_resolving_a_reference_keeps_the_keywords_beside_it() -> None:
    """A title beside a reference replaces the referenced title, and rules beside a reference apply in addition."""
    titled, limited, pair, combined = resolve_references(SCHEMA)["properties"].values()
    name = SCHEMA["$defs"]["Name"]
    assert titled == {**name, "title": "Short name"}
    assert limited == {"minLength": 2, "maxLength": 9, "allOf": [name]}
    assert pair == {"type": "array", "prefixItems": [name], "default": {"$ref": "unresolved"}}
    assert combined == {"allOf": [name, True]}
    assert "$defs" not in resolve_references(SCHEMA)


@pytest.mark.parametrize(
    ("reference", "message"), [("#/properties/a", "refers to itself"), ("other.json#/a", "leads out of the schema")]
)
def test_circular_schema_reference_is_rejected(reference: str, message: str) -> None:
    """A circular reference and a reference to another document are errors."""
    with pytest.raises(ValueError, match=message):
        resolve_references({"properties": {"a": {"properties": {"b": {"$ref": reference}}}}})


def test_validate_counts_manifests_without_credentials(tmp_path: Path) -> None:
    """`reconcile validate` accepts the example manifests, and prints their number."""
    result = Program(tmp_path).run("validate", "-f", str(REPOSITORY / "manifests"))
    assert (result.code, result.out, result.err) == (0, "2 manifests, 2 targets: valid\n", "")


def test_validate_warns_about_an_empty_folder(tmp_path: Path) -> None:
    """A folder without manifests is valid with a warning, even with --strict."""
    (tmp_path / "manifests").mkdir()
    program = Program(tmp_path)
    expected = (
        "warning: all given files: no file contains a DataIntegrationAssociation: nothing will be created\n"
        "no manifests in any target, 1 warning\n"
    )
    assert program.run("validate").out == expected
    for options in ((), ("--strict",)):
        result = program.run("validate", *options, "-o", "json")
        assert (result.code, result.report["valid"], len(result.report["warnings"])) == (0, True, 1)
    program.add("october")
    assert program.run("validate").out == "1 manifest: valid\n"


def test_validate_reports_every_problem_as_text_and_json(tmp_path: Path) -> None:
    """`reconcile validate` reports file, line, column and pointer of a problem, and exits with 3."""
    program = Program(tmp_path)
    program.add("october", text=EXPORT.replace("spec:", "spec:\n  ClientTokn: x"))
    text = program.run("validate")
    assert text.code == 3
    assert text.out.startswith("manifests/october.yaml:5:3: /spec/ClientTokn: unknown key 'ClientTokn'")
    document = json.loads(program.run("validate", "-o", "json").out)
    assert document["valid"] is False
    assert document["problems"][0]["pointer"] == "/spec/ClientTokn"


@pytest.mark.parametrize("arguments", ["--help", "--version", "schema", "run --help"])
def test_full_disk_or_closed_output_causes_no_traceback(tmp_path: Path, arguments: str) -> None:
    """A full or closed standard output causes an exit code, and no traceback."""
    for redirection, code in ((">/dev/full", 1), (">&-", None), ("| true", None)):
        result = subprocess.run(
            f"{SCRIPT} {arguments} {redirection}",
            shell=True, cwd=tmp_path, env=create_environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "Traceback" not in result.stderr
        assert "Exception" not in result.stderr
        assert "internal error" not in result.stderr
        assert code in {None, result.returncode}


def test_run_without_standard_streams_still_creates(tmp_path: Path) -> None:
    """A run with closed standard streams creates associations, and records them in the journal."""
    program = Program(tmp_path)
    program.add("october")
    result = subprocess.run(
        f"{SCRIPT} --sandbox >&- 2>&- <&-",
        shell=True, cwd=tmp_path, env=create_environment(), check=False,
    )  # fmt: skip
    assert result.returncode == 0
    assert program.run("--sandbox", "-o", "json").decisions == {"october": "in-sync"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("manifests/",), "No such command 'manifests/': did you mean -f manifests/?"),
        (("here.yml",), "did you mean -f here.yml?"),
        (("s3://bucket/state",), "did you mean --state s3://bucket/state?"),
        (("https://git.example/x.git",), "did you mean --git-url https://git.example/x.git?"),
        (("validate", "git@git.example:x.git"), "did you mean --git-url git@git.example:x.git?"),
        (("dryrun",), "did you mean `reconcile --dry-run`?"),
        (("plan",), "did you mean `reconcile --dry-run`?"),
        (("help",), "did you mean `reconcile --help`?"),
        (("apply",), "did you mean `reconcile` without a command?"),
        (("check",), "did you mean 'validate'?"),
        (("inti",), "did you mean 'init'?"),
        (("--listen", ":8080"), "No such option '--listen' here: it belongs to `reconcile controller` and other"),
        (("validate", "--target", "x"), "No such option '--target' here: it belongs to `reconcile run` and other"),
        (("--until", "x"), "it belongs to `reconcile windows`."),
        (("there",), "did you mean -f there?"),
        (("valdate",), "No such command 'valdate': did you mean 'validate'?"),
        (("Doctor",), "did you mean 'doctor'?"),
        (("xyzzy",), "use one of run, controller, health"),
        (("--dry-run", "manifests/"), "unexpected extra argument (manifests/): did you mean -f manifests/?"),
        (("validate", "manifests/"), "did you mean -f manifests/?"),
        (("--dry-run", "doctor"), "unexpected extra argument (doctor): write the command first: reconcile doctor …"),
        (("status", "nope"), "unexpected extra argument (nope): give files with -f: reconcile status -f nope"),
        (("validate", "nope"), "unexpected extra argument (nope): give files with -f: reconcile validate -f nope"),
        (("explain", "one", "two"), "unexpected extra argument (two): reconcile explain takes one NAME"),
        (("sandbox", "nope"), "unexpected extra argument (nope): reconcile sandbox takes only options"),
        (("unlock", "nope"), "TARGET 'nope' is not declared: use default"),
        (("unlock", "defualt"), "TARGET 'defualt' is not declared: did you mean 'default'?"),
        (("--target", "defualt"), "--target 'defualt' is not declared: did you mean 'default'?"),
        (("--dry-rum",), "Did you mean '--dry-run'?"),
        (("--nope",), "reconcile: No such option '--nope'.\n"),
        (("--mode", "none"), "'none' is not known: use one of observe, create, create-and-update"),
        (("--max-creates", "-1"), "-1 is out of range: it must be 0 or more"),
        (("schema", "x"), "'x' is not known: use one of DataIntegrationAssociation, Target, TargetSet,"),
    ],
)
def test_usage_error_suggests_the_likely_spelling(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    """Usage errors suggest the right option, command or target for misspelled and misplaced words."""
    program = Program(tmp_path, "http://127.0.0.1:9")
    program.add("october")
    (tmp_path / "there").mkdir()
    result = program.run(*arguments)
    assert result.code == 64
    assert message in result.err


def complete(folder: Path, *words: str, shell: str = "bash", **env: str) -> list[str]:
    """Return the completions that a shell offers for the last word."""
    line = {"COMP_WORDS": " ".join(("reconcile", *words)), "COMP_CWORD": str(len(words))}
    result = Program(folder).run(env={"_RECONCILE_COMPLETE": f"{shell}_complete", **line, **env})
    assert (result.code, result.err) == (0, "")
    return result.out.splitlines()


def test_shells_complete_commands_and_options(tmp_path: Path) -> None:
    """Completion offers commands and options with and without a command name, even if a variable is invalid."""
    assert complete(tmp_path, "") == [f"plain,{name}" for name in COMMANDS]
    assert complete(tmp_path, "st") == ["plain,status"]
    assert "plain,--state" in complete(tmp_path, "--st")
    assert {"plain,--dry-run", "plain,--help", "plain,--version"} <= set(complete(tmp_path, "-"))
    assert complete(tmp_path, "--dry-run", "--new") == ["plain,--new-state"]
    assert complete(tmp_path, "validate", "--str") == ["plain,--strict"]
    assert complete(tmp_path, "--mode", "o") == ["plain,observe"]
    assert complete(tmp_path, "doctor", "--sta", RECONCILER_STATE="") == ["plain,--state"]
    assert "file,mani" in complete(tmp_path, "-f", "mani")


def test_shells_complete_manifests_and_targets() -> None:
    """Names of manifests and of targets are completed from the default folder, and from that of -f."""
    assert complete(REPOSITORY, "explain", "profiles-b") == ["plain,profiles-before-october"]
    assert complete(REPOSITORY, "windows", "") == ["plain,profiles-monthly"]
    for command in (("--target",), ("status", "--target"), ("unlock",)):
        assert complete(REPOSITORY, *command, "") == ["plain,production", "plain,staging"]
    path = str(REPOSITORY / "manifests")
    assert complete(REPOSITORY / "docs", "explain", "-f", path, "profiles-m") == ["plain,profiles-monthly"]


def test_completion_is_silent_without_usable_manifests(tmp_path: Path) -> None:
    """Without manifests, with invalid ones, and with a repository, no name is completed, and nothing is printed."""
    assert complete(tmp_path, "explain", "") == [""]
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "broken.yaml").write_text("kind: [")
    assert complete(tmp_path, "explain", "") == [""]
    assert complete(REPOSITORY, "explain", "--git-url", "https://host/x", "") == [""]


def test_completion_without_a_shell_names_the_shells(tmp_path: Path) -> None:
    """Without its argument, the command says in one line what is missing and what would be right."""
    result = Program(tmp_path).run("completion")
    assert result.code == 64
    assert result.err.splitlines()[-1] == "reconcile: the shell is missing: use one of bash, zsh, fish"


def test_bash_completes_with_the_printed_script() -> None:
    """The script of `reconcile completion bash` works in bash."""
    lines = (
        f'eval "$({SCRIPT} completion bash)"',
        f"COMP_WORDS=({SCRIPT} explain profiles-b) COMP_CWORD=2",
        f"_reconcile_completion {SCRIPT}",
        'echo "${COMPREPLY[@]}"',
    )
    result = subprocess.run(
        ["bash", "--norc", "-c", "\n".join(lines)],
        cwd=REPOSITORY, env=create_environment(), capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert (result.stdout, result.stderr) == ("profiles-before-october\n", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(tmp_path: Path, shell: str) -> None:
    """There is a script for each shell, which calls the program."""
    result = Program(tmp_path).run("completion", shell)
    assert (result.code, result.err) == (0, "")
    assert f"_RECONCILE_COMPLETE={shell}_complete" in result.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion_script_is_printed(tmp_path: Path, shell: str) -> None:
    """The variable `_RECONCILE_COMPLETE` makes the program print a completion script for each shell."""
    assert "_RECONCILE_COMPLETE" in Program(tmp_path).run(env={"_RECONCILE_COMPLETE": f"{shell}_source"}).out
