"""Where reports go: any number of formats, each to its file or to standard output."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, TypeAlias, TypeVar

import click

from reconciler import settings
from reconciler.cli.options import Decorator, option

T = TypeVar("T")
Format: TypeAlias = Callable[[T, bool], str]
"""Renders a value; is told whether it goes to a terminal that takes colours."""


@dataclass(frozen=True, slots=True)
class Output:
    """One wanted format, and the file it goes to; None for standard output."""

    format: str
    file: Path | None


def _outputs(known: str) -> Decorator:
    return option(
        "-o",
        "--output",
        "outputs",
        multiple=True,
        metavar="FORMAT[=FILE]",
        default=("text",),
        show_default=True,
        help=f"{known}, to standard output or a file. May be repeated.",
    )


outputs = _outputs("text, json, markdown, junit, sarif or github")
plain = _outputs("text or json")


def parse(values: tuple[str, ...], formats: Iterable[str]) -> tuple[Output, ...]:
    """Return the outputs asked for. Raises click.UsageError for one that cannot be written."""
    parsed = []
    for value in values:
        format_, given, file = value.partition("=")
        if format_ not in formats:
            raise click.UsageError(f"-o {value}: {format_!r} is no format: known are {', '.join(formats)}")
        if given and not file:
            raise click.UsageError(f"-o {value}: the name of a file is missing after '='")
        path = Path(file) if file else None
        if path and (why := _unwritable(path)):
            raise click.UsageError(f"-o {value}: {path} cannot be written: {why}")
        parsed.append(Output(format_, path))
    files = [output.file for output in parsed if output.file]
    if len(set(files)) < len(files):
        raise click.UsageError("several outputs go to one file: give each its own")
    if sum(output.file is None for output in parsed) > 1:
        raise click.UsageError(
            "several outputs go to standard output: give all but one a file, as in -o json=plan.json"
        )
    return tuple(parsed)


def _unwritable(path: Path) -> str | None:
    """Return why a file cannot be written, as far as that shows before it is: a run that wrote to AWS has to report."""
    if path.is_dir():
        return "it is a folder"
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    return None if os.access(path if path.exists() else path.parent, os.W_OK) else "that is not allowed"


def write(value: T, wanted: tuple[Output, ...], formats: Mapping[str, Format[T]]) -> None:
    """Write a value in every format asked for. Raises click.ClickException after all that can be written is."""
    failed = []
    for output in wanted:
        text = formats[output.format](value, output.file is None and fancy())
        try:
            if output.file:
                output.file.write_text(text, encoding="utf-8")
            else:
                click.echo(text, nl=False)
        except OSError as error:
            failed.append(f"{output.file or 'standard output'} cannot be written: {error.strerror}")
    if failed:
        raise click.ClickException("; ".join(failed))


def fancy() -> bool:
    """Tell whether standard output takes colours and symbols."""
    here = settings.read()
    return on_terminal(sys.stdout) and not here.no_color and not here.dumb_terminal


def on_terminal(stream: TextIO | None) -> bool:
    """Tell whether a standard stream is there and is a terminal."""
    return stream is not None and stream.isatty()
