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
    should_append: bool = False


def _build_outputs_option(format_names: str) -> Decorator:
    return option(
        "-o",
        "--output",
        "outputs",
        multiple=True,
        metavar="FORMAT[=FILE]",
        default=("text",),
        show_default=True,
        help=f"{format_names}, to standard output or a file. May be repeated.",
    )


outputs = _build_outputs_option(f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}")
plain_outputs = _build_outputs_option("text or json")


def parse(values: tuple[str, ...], formats: Iterable[str]) -> tuple[Output, ...]:
    """Return the outputs asked for. Raises UsageError for one that cannot be written."""
    parsed = []
    for value in values:
        format_, separator, file = value.partition("=")
        if format_ not in formats:
            raise UsageError(f"-o {value}: {format_!r} is no format: known are {', '.join(formats)}")
        if separator and not file:
            raise UsageError(f"-o {value}: the name of a file is missing after '='")
        path = Path(file) if file else None
        if path and (obstacle := _find_obstacle(path)):
            raise UsageError(f"-o {value}: {path} cannot be written: {obstacle}")
        parsed.append(Output(format_, path))
    file_identities = [_identify_file(output.file) for output in parsed]
    if sum(output.file is None for output in parsed) > 1:
        raise UsageError("several outputs go to standard output: give all but one a file, as in -o json=plan.json")
    if len(set(file_identities)) < len(file_identities):
        raise UsageError("several outputs go to one file: give each its own")
    return (*parsed, *_list_step_summaries(parsed))


def _list_step_summaries(outputs: Iterable[Output]) -> Iterator[Output]:
    """Yield the summary of a GitHub job step, which belongs to GitHub's format where there is one."""
    file = settings.read().step_summary
    if file and any(output.format == "github" for output in outputs):
        yield Output("markdown", Path(file), should_append=True)


def _identify_file(file: Path | None) -> object:
    """Return what is the same for two names of one file."""
    try:
        file_status = os.fstat(sys.stdout.fileno()) if file is None else file.stat()
    except (AttributeError, OSError, ValueError):  # standard output is closed, or there is no such file yet
        return file and os.path.realpath(file)
    return file_status.st_dev, file_status.st_ino


def is_same_file(one: Path, other: Path) -> bool:
    """Tell whether two names are those of one file."""
    return _identify_file(one) == _identify_file(other)


def _find_obstacle(path: Path) -> str | None:
    """Return why a file cannot be written, as far as that shows before it is: a run that wrote to AWS has to report."""
    try:
        if path.is_dir():
            return "it is a folder"
        if not path.parent.is_dir():
            return f"there is no folder {path.parent}"
        return None if os.access(path if path.exists() else path.parent, os.W_OK) else "that is not allowed"
    except OSError as error:
        return error.strerror


def write(value: T, outputs: Iterable[Output], formats: Mapping[str, Format[T]]) -> None:
    """Write a value in every format asked for. Raises click.ClickException after all that can be written is."""
    if failures := try_write(value, outputs, formats):
        raise click.ClickException("; ".join(failures))


def try_write(value: T, outputs: Iterable[Output], formats: Mapping[str, Format[T]]) -> tuple[str, ...]:
    """Write a value in every format asked for, files first; return a sentence for each that could not be."""
    failures = []
    for output in sorted(outputs, key=lambda each: each.file is None):
        text = formats[output.format](value, output.file is None and can_show_styles())
        try:
            if output.file:
                with output.file.open("a" if output.should_append else "w", encoding="utf-8") as file:
                    file.write(text)
            else:
                click.echo(text, nl=False)
        except OSError as error:
            file_name = (
                f"GITHUB_STEP_SUMMARY {output.file}" if output.should_append else output.file or "standard output"
            )
            failures.append(f"{file_name} cannot be written: {error.strerror}")
    return tuple(failures)


def can_show_styles() -> bool:
    """Tell whether standard output takes colours and symbols."""
    current_settings = settings.read()
    return is_terminal(sys.stdout) and not current_settings.no_color and not current_settings.is_dumb_terminal


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether a standard stream is there and is a terminal."""
    return stream is not None and stream.isatty()
