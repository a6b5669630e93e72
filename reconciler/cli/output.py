"""Where reports go: any number of formats, each to its file or to standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from reconciler import settings
from reconciler.cli.options import Decorator, option

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Output:
    """One wanted format, and the file it goes to; None for standard output."""

    format: str
    file: Path | None


outputs: Decorator = option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT[=FILE]",
    default=("text",),
    show_default=True,
    help="text or json, to standard output or a file. May be repeated.",
)


def parse(values: tuple[str, ...], formats: Mapping[str, Callable[[T], str]]) -> tuple[Output, ...]:
    """Return the outputs asked for. Raises click.UsageError for one that cannot be written."""
    parsed = []
    for value in values:
        format_, given, file = value.partition("=")
        if format_ not in formats:
            raise click.UsageError(f"-o {value}: {format_!r} is no format: known are {', '.join(formats)}")
        if given and not file:
            raise click.UsageError(f"-o {value}: the name of a file is missing after '='")
        path = Path(file) if file else None
        if path and (path.is_dir() or not path.parent.is_dir()):
            raise click.UsageError(
                f"-o {value}: {path} cannot be written: it is a folder, or its folder does not exist"
            )
        parsed.append(Output(format_, path))
    if sum(output.file is None for output in parsed) > 1:
        raise click.UsageError(
            "several outputs go to standard output: give all but one a file, as in -o json=plan.json"
        )
    return tuple(parsed)


def write(value: T, wanted: tuple[Output, ...], formats: Mapping[str, Callable[[T], str]]) -> None:
    """Write a value in every format asked for. Raises click.ClickException after all that can be written is."""
    failed = []
    for output in wanted:
        text = formats[output.format](value)
        if output.file is None:
            click.echo(text, nl=False)
            continue
        try:
            output.file.write_text(text, encoding="utf-8")
        except OSError as error:
            failed.append(f"{output.file} cannot be written: {error.strerror}")
    if failed:
        raise click.ClickException("; ".join(failed))


def fancy() -> bool:
    """Tell whether standard output takes colours and symbols."""
    here = settings.read()
    return sys.stdout.isatty() and not here.no_color and not here.dumb_terminal
