"""Reject misspelled names of safety variables, which would otherwise be ignored silently."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import click

from reconciler.core.suggestions import is_near

_PREFIX = "RECONCILER_"
_MAX_DISTANCE = 2
_SAFETY_SETTINGS = frozenset(
    _PREFIX + name for name in ("CONTAINER", "POD_INDEX", "WEBHOOK_SECRET", "WEBHOOK_SECRET_FILE")
)
"""Safety variables that are no options: the program reads them in `app/settings.py`."""
_OTHER_SETTINGS = frozenset(
    _PREFIX + name
    for name in (
        "DEBUG", "NOTIFY_URLS", "NOTIFY_URLS_FILE", "APPLY_ROLE_ARN", "ID_TOKEN", "IMAGE", "PLAN_ROLE_ARN", "SOURCE",
    )
)  # fmt: skip
"""Other variables of the program and of its job templates. Kubernetes may set more, such as RECONCILER_PORT."""


def list_variables(*, is_safety: bool) -> frozenset[str]:
    """Return the safety variables, or the others: those of the options, and those that are no options.

    This imports all commands, which takes a quarter of a second.
    """
    from reconciler.cli.group import app
    from reconciler.cli.options import EnvironmentOption

    context = click.Context(app)
    commands = filter(None, (app.get_command(context, name) for name in app.list_commands(context)))
    options = (each for command in commands for each in command.params if isinstance(each, EnvironmentOption))
    settings = _SAFETY_SETTINGS if is_safety else _OTHER_SETTINGS
    return settings.union(str(each.envvar) for each in options if each.is_safety == is_safety)


def list_variable_problems(environment: Mapping[str, str], own_variables: Collection[str] = ()) -> Iterator[str]:
    """Yield an error for each misspelled safety variable, and for each empty endpoint that boto3 would ignore.

    `own_variables` are those of the options of the command, which are certainly not misspelled.
    """
    for name in sorted(environment):
        if suggestion := _suggest_variable(name) if name not in own_variables else None:
            yield f"unknown variable {name}: write {suggestion}, or unset it"
        if name.startswith("AWS_ENDPOINT_URL") and not environment[name].strip():
            yield f"{name} is set but empty, so AWS itself would be called: give it a value, or unset it"


def _suggest_variable(name: str) -> str | None:
    """Return the safety variable that an unknown name resembles, or None."""
    is_setting = name in _SAFETY_SETTINGS | _OTHER_SETTINGS
    if is_setting or not is_near(name[: len(_PREFIX)].upper(), _PREFIX, _MAX_DISTANCE):
        return None
    safety_variables = list_variables(is_safety=True)
    if name in safety_variables | list_variables(is_safety=False):
        return None
    plain = name.upper()
    bare = plain.replace("_", "")
    for variable in sorted(safety_variables):
        if is_near(plain, variable, _MAX_DISTANCE) or is_near(bare, variable.replace("_", ""), _MAX_DISTANCE):
            return variable
    return None
