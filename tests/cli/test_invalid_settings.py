"""A misspelled safety setting is rejected, and never weakens a run silently."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from support.program import Program

from reconciler.app.settings import Settings
from reconciler.cli import options
from reconciler.cli.group import app
from reconciler.cli.options import EnvironmentOption
from reconciler.cli.variables import list_variable_problems, list_variables
from reconciler.sandbox import SandboxServer

S3_FORM = "write s3://bucket/prefix"
LOCATIONS = [
    ('"s3://b/p"', S3_FORM),
    ("'s3://b/p'", S3_FORM),
    ("\u201cs3://b/p\u201d", S3_FORM),
    (" s3://b/p", S3_FORM),
    ("s3://b/p ", S3_FORM),
    ("s3://b/p\n", S3_FORM),
    ("\ufeffs3://b/p", S3_FORM),
    ("\u00a0s3://b/p", S3_FORM),
    ("arn:aws:s3:::b/p", S3_FORM),
    ("/srv/arn:aws:s3:::b/p", S3_FORM),
    ("s3:b/p", S3_FORM),
    ("s3:/b/p", S3_FORM),
    ("s3//b/p", S3_FORM),
    ("//b/p", S3_FORM),
    ("S3://bucket/p", S3_FORM),
    ("gs://bucket/p", S3_FORM),
    ("file:///var/lib/x", S3_FORM),
    ("https://bucket.s3.amazonaws.com/p", S3_FORM),
    ("bucket.s3.amazonaws.com/p", S3_FORM),
    ("bucket:p", S3_FORM),
    ("${X}", "a variable"),
    ("$HOME/x", "a variable"),
    ("/var/$(hostname)/x", "a variable"),
    ("%S/reconciler", "a variable"),
    ("{{ state }}", "a variable"),
    ("s3://<BUCKET>/p", "is not a valid bucket name"),
    ("<BUCKET>/p", "a variable"),
    ("~/x", "write the full path"),
    ("~root/x", "write the full path"),
]


@pytest.mark.parametrize(("location", "message"), LOCATIONS)
@pytest.mark.parametrize("source", ["option", "variable"])
def test_unclear_state_location_is_rejected(
    program: Program, server: SandboxServer, location: str, message: str, source: str
) -> None:
    """An ambiguous --state is a usage error, and no folder of that name is created."""
    program.add("october")
    paths = sorted(program.folder.rglob("*"))
    result = (
        program.run(f"--state={location}") if source == "option" else program.run(env={"RECONCILER_STATE": location})
    )
    assert result.code == 64
    assert message in result.err
    assert sorted(program.folder.rglob("*")) == paths
    assert server.sandbox.executed_writes == ()


@pytest.mark.parametrize("location", ["state", "./state", "../x/state", "state/a b", "/var/lib/it's", "x.y/state-1_é"])
def test_plain_state_path_is_accepted(program: Program, location: str) -> None:
    """A plain path is accepted as --state."""
    program.add("october")
    assert program.run("status", "--state", location).code == 0


def test_option_name_is_not_accepted_as_an_option_value(program: Program, server: SandboxServer) -> None:
    """`--state $UNSET --dry-run` is rejected, because it would otherwise write."""
    program.add("october")
    for arguments in (
        ("--state", "--dry-run"),
        ("--mode", "--dry-run"),
        ("--target", "--strict"),
        ("--expect-plan", "--strict"),
    ):
        result = program.run(*arguments)
        assert result.code == 64, result
    assert "--state needs a value, but --dry-run is an option" in program.run("--state", "--dry-run").err
    assert program.run("--state", "").code == 64
    assert server.sandbox.executed_writes == ()


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("RECONCILER_DRYRUN", "RECONCILER_DRY_RUN"),
        ("RECONCILER_DRY_RUNS", "RECONCILER_DRY_RUN"),
        ("RECONCILER_D_R_Y_R_U_N", "RECONCILER_DRY_RUN"),
        ("RECONCILER_dry_run", "RECONCILER_DRY_RUN"),
        ("reconciler_dry_run", "RECONCILER_DRY_RUN"),
        ("RECONCILE_DRY_RUN", "RECONCILER_DRY_RUN"),
        ("RECONCLIER_STATE", "RECONCILER_STATE"),
        ("RECONCILER_STAT", "RECONCILER_STATE"),
        ("RECONCILER_STATES", "RECONCILER_STATE"),
        ("RECONCILER_MOED", "RECONCILER_MODE"),
        ("RECONCILER_MAX_CREATE", "RECONCILER_MAX_CREATES"),
        ("RECONCILER_MAXCREATE", "RECONCILER_MAX_CREATES"),
        ("RECONCILER_TARGETS", "RECONCILER_TARGET"),
        ("RECONCILER_SANBOX", "RECONCILER_SANDBOX"),
        ("RECONCILER_ENDPOINTURL", "RECONCILER_ENDPOINT_URL"),
        ("RECONCILER_GIT_VERIFY_KEYS", "RECONCILER_GIT_VERIFY_KEY"),
        ("RECONCILER_SETTLETIME", "RECONCILER_SETTLE_TIME"),
        ("RECONCILER_EXPECTED_PLAN", "RECONCILER_EXPECT_PLAN"),
    ],
)
def test_mistyped_safety_variable_is_rejected(name: str, suggestion: str) -> None:
    """The error for a misspelled safety variable suggests the correct name."""
    assert list(list_variable_problems({name: "1"})) == [f"unknown variable {name}: write {suggestion}, or unset it"]


@pytest.mark.parametrize(
    "name",
    [
        *sorted(list_variables(is_safety=True) | list_variables(is_safety=False)),
        "RECONCILER_PORT", "RECONCILER_PORT_80_TCP", "RECONCILER_PORT_80_TCP_ADDR",
        "RECONCILER_PORT_80_TCP_PROTO", "RECONCILER_SERVICE_HOST", "RECONCILER_SERVICE_PORT",
        "RECONCILER_SERVICE_PORT_HTTP", "RECONCILER_VERSION", "RECONCILER_ENVIRONMENT", "STATE", "DRYRUN", "MODE", "",
        "_RECONCILE_COMPLETE", "RECONNECT_STATE",
    ],
)  # fmt: skip
def test_unrelated_variables_are_ignored(name: str) -> None:
    """Known variables, those of Kubernetes services and unrelated names are accepted."""
    assert list(list_variable_problems({name: "1"})) == []


def test_variable_of_every_option_is_a_safety_variable_or_another() -> None:
    """The variable of each option is known, and no command treats it as a safety variable unlike the others."""
    context = click.Context(app)
    commands = filter(None, (app.get_command(context, name) for name in app.list_commands(context)))
    names = {str(each.envvar) for command in commands for each in command.params if each.envvar}
    safety_variables, other_variables = list_variables(is_safety=True), list_variables(is_safety=False)
    assert names <= safety_variables | other_variables
    assert not safety_variables & other_variables


def test_options_are_safety_options_unless_they_say_otherwise() -> None:
    """The misspelled variable of a new option is rejected, and that of an option with `is_safety=False` is not."""
    decorators = (options.option("--new-limit"), options.option("--new-colour", is_safety=False))
    command = click.Command("new", params=[])
    options.combine_options(*decorators)(command)
    flags = {each.name: each.is_safety for each in command.params if isinstance(each, EnvironmentOption)}
    assert flags == {"new_limit": True, "new_colour": False}


@pytest.mark.parametrize(
    "variables",
    [
        {"RECONCILER_DRYRUN": "1"},
        {"RECONCILER_DRY_RUN": " "},
        {"RECONCILER_DRY_RUN": "ture"},
        {"RECONCILER_DRY_RUN": '"true"'},
        {"RECONCILER_TARGET": " "},
        {"RECONCILER_TARGET": '"default"'},
        {"RECONCILER_MODE": "observe "},
        {"RECONCILER_MODE": "OBSERVE"},
        {"RECONCILER_MAX_CREATES": '"0"'},
        {"RECONCILER_MAX_CREATES": "O"},
        {"RECONCILER_EXPECT_PLAN": " sha256:" + "0" * 64},
        {"RECONCILER_SETTLE_TIME": "15 m"},
        {"RECONCILER_SANDBOX": "\t"},
        {"RECONCILER_GIT_VERIFY_KEY": "keys"},
        {"AWS_ENDPOINT_URL": ""},
        {"AWS_ENDPOINT_URL_APPINTEGRATIONS": " "},
    ],
)
def test_mistyped_value_is_rejected(program: Program, server: SandboxServer, variables: dict[str, str]) -> None:
    """A blank, quoted or misspelled value is a usage error, and nothing is written."""
    program.add("october")
    result = program.run(env=variables)
    assert result.code == 64
    assert server.sandbox.executed_writes == ()
    assert not (program.folder / ".reconciler").exists()


@pytest.mark.parametrize(
    ("variables", "is_ci"),
    [
        ({}, False),
        *(({"CI": value}, False) for value in ("", "false", "False", "0", "no", "NO")),
        *(({"CI": value}, True) for value in ("true", "1", "yes", "woodpecker", "drone", "TRUE")),
        *(
            ({name: "x"}, True)
            for name in ("TF_BUILD", "JENKINS_URL", "TEAMCITY_VERSION", "CODEBUILD_BUILD_ID", "BITBUCKET_BUILD_NUMBER")
        ),
        ({"TF_BUILD": ""}, False),
    ],
)
def test_ci_is_detected_from_the_environment(variables: dict[str, str], is_ci: bool) -> None:
    """CI is detected from the variable CI and from the variables of services that do not set CI."""
    assert Settings.from_environment(variables).is_ci is is_ci


def test_ci_job_of_any_service_needs_a_lasting_state(program: Program, server: SandboxServer) -> None:
    """A run that may create needs --state in a CI job, whatever the service."""
    program.add("october")
    for variables in ({"CI": "woodpecker"}, {"TF_BUILD": "True"}, {"JENKINS_URL": "http://host/"}):
        assert program.run(env=variables).code == 64
    assert server.sandbox.executed_writes == ()


def test_state_location_is_shown_as_it_was_given(tmp_path: Path) -> None:
    """The error for --state shows the value with its leading blank."""
    program = Program(tmp_path)
    program.add("october")
    assert "--state ' s3://b/p' begins" in program.run("--state", " s3://b/p").err
