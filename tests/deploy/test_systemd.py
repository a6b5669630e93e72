"""The systemd units are valid and hardened, and match the options of the program."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest
from click.core import ParameterSource
from support.paths import DEPLOY

from reconciler.app.settings import Settings
from reconciler.cli.group import app
from reconciler.core.manifests.files import REQUIRED_MEMORY_BYTES

UNITS = DEPLOY / "systemd"
SERVICES = ["reconciler.service", "reconciler-once.service"]
PROGRAM = "/opt/reconciler/bin/reconcile"


def read_unit(file: str) -> dict[str, list[str]]:
    """Return the values of a unit by key, in order."""
    values: dict[str, list[str]] = {}
    for line in (UNITS / file).read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"(\w+)=(.*)", line):
            values.setdefault(match[1], []).append(match[2])
    return values


def parse_service(file: str, prefix: str = "") -> tuple[click.Context, dict[str, str]]:
    """Parse the arguments and variables of a service like the program, and return the variables too.

    With a `sign`, settings of the example that are commented out with it also count.
    """
    unit = read_unit(file)
    (command_line,) = unit["ExecStart"]
    program, name, *arguments = shlex.split(command_line)
    assert program == PROGRAM
    example = (UNITS / "environment.example").read_text(encoding="utf-8").splitlines()
    example_lines = (line.removeprefix(prefix) for line in example)
    lines = [*unit["Environment"], *(line for line in example_lines if re.match(r"[A-Z]\w+=", line))]
    variables = dict(line.split("=", 1) for line in lines)
    command = app.get_command(click.Context(app), name)
    assert command
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in variables.items():
            patch.setenv(variable, value)
        return command.make_context(name, arguments), variables


@pytest.fixture
def units_folder(tmp_path: Path) -> Path:
    """Return a folder with copies of the units that start an existing program."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    for unit in UNITS.glob("*.*"):
        text = unit.read_text(encoding="utf-8").replace(PROGRAM, str(shutil.which("true")))
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_units_are_valid(units_folder: Path) -> None:
    """Systemd knows every key and accepts every value of the units."""
    units = [units_folder / name for name in (*SERVICES, "reconciler-once.timer")]
    result = subprocess.run(["systemd-analyze", "verify", *units], check=False, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    invalid_unit = units_folder / "wrong.service"
    text = (units_folder / "reconciler.service").read_text(encoding="utf-8")
    invalid_unit.write_text(text.replace("ProtectSystem=strict", "ProtectSystem=stirct"), encoding="utf-8")
    result = subprocess.run(["systemd-analyze", "verify", invalid_unit], check=False, capture_output=True, text=True)
    assert "stirct" in result.stderr, "systemd-analyze must find the typing error"


@pytest.mark.parametrize("service", SERVICES)
def test_services_are_sandboxed(units_folder: Path, service: str) -> None:
    """Systemd rates the exposure of each service at 2.0 of 10 or lower."""
    security = ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager"]
    result = subprocess.run([*security, units_folder / service], check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(("service", "sign"), [*((service, "") for service in SERVICES), (SERVICES[0], "#")])
def test_unit_arguments_and_variables_are_options_of_the_program(service: str, sign: str) -> None:
    """Each argument and variable is an option or a setting of the program, including commented-out ones."""
    context, variables = parse_service(service, sign)
    assert ("RECONCILER_MANIFEST_URL" in variables) == bool(sign)
    options = {str(parameter.envvar): parameter for parameter in context.command.params}
    for name in (name for name in variables if name.startswith("RECONCILER_")):
        if name in options:
            assert context.get_parameter_source(str(options[name].name)) is ParameterSource.ENVIRONMENT, name
        else:
            assert Settings.from_environment({name: "1"}) != Settings.from_environment({}), name


@pytest.mark.parametrize("service", SERVICES)
def test_credentials_are_passed_where_the_variables_point(service: str) -> None:
    """Systemd passes each secret under the name that its variable points to."""
    unit = read_unit(service)
    credentials = {credential.partition(":")[0] for credential in unit["LoadCredential"]}
    file_names = {match[1] for line in unit["Environment"] if (match := re.search(r"=%d/(\w+)$", line))}
    assert credentials == file_names


@pytest.mark.parametrize("service", SERVICES)
def test_both_services_share_one_state_folder(service: str) -> None:
    """Both services use the same persistent journal folder and user."""
    unit = read_unit(service)
    assert unit["StateDirectory"] == ["reconciler"]
    assert unit["User"] == ["reconciler"]
    assert "RECONCILER_STATE=%S/reconciler" in unit["Environment"]


def test_both_services_have_the_same_hardening() -> None:
    """Both services have the same hardening settings."""
    controller, once = (read_unit(service) for service in SERVICES)
    differences = {
        "Description",
        "Type",
        "ExecStart",
        "ExecReload",
        "Restart",
        "RestartSec",
        "RestartPreventExitStatus",
    }
    differences |= {"KillSignal", "TimeoutStartSec", "TimeoutStopSec", "LoadCredential", "Environment", "WantedBy"}
    assert {key: value for key, value in controller.items() if key not in differences} == {
        key: value for key, value in once.items() if key not in differences
    }


def test_stop_timeout_exceeds_the_shutdown_timeout() -> None:
    """Systemd waits longer than --shutdown-timeout before it kills the program."""
    (seconds,) = read_unit("reconciler.service")["TimeoutStopSec"]
    assert int(seconds) >= parse_service("reconciler.service")[0].params["shutdown_timeout"].total_seconds() + 10


def test_reload_sends_sighup() -> None:
    """A reload sends SIGHUP, on which the program reconciles now."""
    assert read_unit("reconciler.service")["ExecReload"] == ["/bin/kill -HUP $MAINPID"]


@pytest.mark.parametrize("file", SERVICES)
def test_memory_limit_is_enough_for_the_largest_revision(file: str) -> None:
    """The memory limit is enough for the largest revision that the program reads."""
    (limit,) = read_unit(file)["MemoryMax"]
    assert int(limit.removesuffix("G")) << 30 >= REQUIRED_MEMORY_BYTES
