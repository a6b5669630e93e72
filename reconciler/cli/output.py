"""Where reports go: any number of formats, each to its file or to standard output."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, TypeAlias, TypeVar

import click

from reconciler import settings
from reconciler.cli.options import Decorator, option
from reconciler.core.errors import UsageError
from reconciler.render.formats import FORMATS

T = TypeVar("T")
Format: TypeAlias = Callable[[T, bool], str]
"""Renders a value; is told whether it goes to a terminal that takes colours."""


@dataclass(frozen=True, slots=True)
class Output:
    """One wanted format, and the file it goes to; None for standard output. A file may only be added to."""

    format: str
    file: Path | None
    added_to: bool = False


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


outputs = _outputs(f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}")
plain = _outputs("text or json")


def parse(values: tuple[str, ...], formats: Iterable[str]) -> tuple[Output, ...]:
    """Return the outputs asked for. Raises UsageError for one that cannot be written."""
    parsed = []
    for value in values:
        format_, given, file = value.partition("=")
        if format_ not in formats:
            raise UsageError(f"-o {value}: {format_!r} is no format: known are {', '.join(formats)}")
        if given and not file:
            raise UsageError(f"-o {value}: the name of a file is missing after '='")
        path = Path(file) if file else None
        if path and (why := _unwritable(path)):
            raise UsageError(f"-o {value}: {path} cannot be written: {why}")
        parsed.append(Output(format_, path))
    places = [_place(output.file) for output in parsed]
    if sum(output.file is None for output in parsed) > 1:
        raise UsageError("several outputs go to standard output: give all but one a file, as in -o json=plan.json")
    if len(set(places)) < len(places):
        raise UsageError("several outputs go to one file: give each its own")
    return (*parsed, *_summary(parsed))


def _summary(wanted: Iterable[Output]) -> Iterator[Output]:
    """Yield the summary of a GitHub job step, which belongs to GitHub's format where there is one."""
    file = settings.read().step_summary
    if file and any(output.format == "github" for output in wanted):
        yield Output("markdown", Path(file), added_to=True)


def _place(file: Path | None) -> object:
    """Return what is the same for two names of one file."""
    try:
        found = os.fstat(sys.stdout.fileno()) if file is None else file.stat()
    except (AttributeError, OSError, ValueError):  # standard output is closed, or there is no such file yet
        return file and os.path.realpath(file)
    return found.st_dev, found.st_ino


def same_file(one: Path, other: Path) -> bool:
    """Tell whether two names are those of one file."""
    return _place(one) == _place(other)


def _unwritable(path: Path) -> str | None:
    """Return why a file cannot be written, as far as that shows before it is: a run that wrote to AWS has to report."""
    try:
        if path.is_dir():
            return "it is a folder"
        if not path.parent.is_dir():
            return f"there is no folder {path.parent}"
        return None if os.access(path if path.exists() else path.parent, os.W_OK) else "that is not allowed"
    except OSError as error:
        return error.strerror


def write(value: T, wanted: Iterable[Output], formats: Mapping[str, Format[T]]) -> None:
    """Write a value in every format asked for. Raises click.ClickException after all that can be written is."""
    if failed := unwritten(value, wanted, formats):
        raise click.ClickException("; ".join(failed))


def unwritten(value: T, wanted: Iterable[Output], formats: Mapping[str, Format[T]]) -> tuple[str, ...]:
    """Write a value in every format asked for, files first; return a sentence for each that could not be."""
    failed = []
    for output in sorted(wanted, key=lambda each: each.file is None):
        text = formats[output.format](value, output.file is None and fancy())
        try:
            if output.file:
                with output.file.open("a" if output.added_to else "w", encoding="utf-8") as file:
                    file.write(text)
            else:
                click.echo(text, nl=False)
        except OSError as error:
            what = f"GITHUB_STEP_SUMMARY {output.file}" if output.added_to else output.file or "standard output"
            failed.append(f"{what} cannot be written: {error.strerror}")
    return tuple(failed)


def fancy() -> bool:
    """Tell whether standard output takes colours and symbols."""
    here = settings.read()
    return on_terminal(sys.stdout) and not here.no_color and not here.is_dumb_terminal


def on_terminal(stream: TextIO | None) -> bool:
    """Tell whether a standard stream is there and is a terminal."""
    return stream is not None and stream.isatty()
