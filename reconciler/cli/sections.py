"""Help in sections: each option stands below the title of its section, and examples follow the options."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import click

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]

MANIFESTS, TARGETS, AWS, WRITES, JOURNAL, RESULT = "Manifests", "Targets", "AWS", "Writes", "Journal", "Result"
SCHEDULE, PAGE, OTHER_FILES = "Schedule", "Page and webhooks", "Other files"
_OPTIONS = "Options"
"""Title of the options without a section."""
_ORDER = (MANIFESTS, OTHER_FILES, TARGETS, AWS, WRITES, JOURNAL, RESULT, SCHEDULE, PAGE, _OPTIONS)
_HELP_OPTION = ("-h, --help", "Show this message and exit.")


def section(title: str, *decorators: Decorator) -> Decorator:
    """Return one decorator that adds options below a title. Help shows them in the given order."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            earlier_count = len(_get_parameters(function))
            function = decorator(function)
            for parameter in _get_parameters(function)[earlier_count:]:
                vars(parameter)["section"] = title
        return function

    return decorate


def _get_parameters(function: Callable[..., Any]) -> list[click.Parameter]:
    """Return the parameters that click has added to a function, in the order in which they were added."""
    parameters: list[click.Parameter] = getattr(function, "__click_params__", [])
    return parameters


def group_by_section(parameters: Iterable[click.Parameter]) -> dict[str, list[click.Parameter]]:
    """Return the options by the title of their section, in the order of the sections. Arguments are left out."""
    groups: dict[str, list[click.Parameter]] = {title: [] for title in _ORDER}
    for parameter in parameters:
        if not isinstance(parameter, click.Argument):
            groups[vars(parameter).get("section", _OPTIONS)].append(parameter)
    return {title: group for title, group in groups.items() if group}


def write_options(
    context: click.Context, formatter: click.HelpFormatter, parameters: Iterable[click.Parameter]
) -> None:
    """Write the options in their sections, and at the end the option for help."""
    groups = group_by_section(parameters)
    for title, group in {**groups, _OPTIONS: groups.get(_OPTIONS, [])}.items():
        rows = [row for row in (each.get_help_record(context) for each in group) if row]
        with formatter.section(title):
            formatter.write_dl([*rows, _HELP_OPTION] if title == _OPTIONS else rows)


def write_examples(formatter: click.HelpFormatter, examples: Sequence[str]) -> None:
    """Write examples as they are typed, without line breaks of their own."""
    if examples:
        with formatter.section("Examples"):
            for example in examples:
                formatter.write(f"{'':{formatter.current_indent}}{example}\n")
