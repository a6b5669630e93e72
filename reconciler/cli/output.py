"""Write a result in any number of formats, each to a file or to standard output."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, TypeAlias, TypeVar

import click

from reconciler.app.sources import Source
from reconciler.cli.environment import read_settings
from reconciler.cli.options import option
from reconciler.cli.sections import RESULT, Decorator, section
from reconciler.core.errors import UsageError
from reconciler.render.formats import FORMATS

T = TypeVar("T")
Renderer: TypeAlias = Callable[[T, bool], str]
"""A function that renders a value as text. The second argument is true for a terminal with colours."""


@dataclass(frozen=True, slots=True)
class Output:
    """A requested format and its file; None means standard output. `should_append` keeps the content of the file."""

    format: str
    file: Path | None
    should_append: bool = False


def _build_outputs_option(format_names: str) -> Decorator:
    return section(
        RESULT,
        option(
            "-o",
            "--output",
            "outputs",
            multiple=True,
            metavar="FORMAT[=FILE]",
            default=("text",),
            show_default=True,
            is_safety=False,
            help=f"Format of the result: {format_names}. Without FILE, print the result. May be repeated.",
        ),
    )


outputs = _build_outputs_option(f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}")
plain_outputs = _build_outputs_option("text or json")


def parse(values: tuple[str, ...], formats: Iterable[str]) -> tuple[Output, ...]:
    """Return the requested outputs. Raises UsageError for an unknown format, and for a file that cannot be written."""
    parsed = []
    for value in values:
        format_, separator, file = value.partition("=")
        if format_ not in formats:
            raise UsageError(f"-o {value}: unknown format {format_!r}: use one of {', '.join(formats)}")
        if separator and not file:
            raise UsageError(f"-o {value}: the file name after '=' is missing: write {format_}=FILE, or leave out '='")
        path = Path(file) if file else None
        if path and (obstacle := _find_obstacle(path)):
            raise UsageError(f"-o {value}: {obstacle}")
        parsed.append(Output(format_, path))
    file_identities = [_identify_file(output.file) for output in parsed]
    if sum(output.file is None for output in parsed) > 1:
        raise UsageError("several outputs go to standard output: give a file to the others, such as -o json=plan.json")
    if len(set(file_identities)) < len(file_identities):
        raise UsageError("several outputs go to the same file: give each output its own file")
    return (*parsed, *_list_step_summaries(parsed))


def _list_step_summaries(outputs: Iterable[Output]) -> Iterator[Output]:
    """Yield the output for the job summary of GitHub Actions, if the format `github` is requested."""
    file = read_settings().step_summary
    if file and any(output.format == "github" for output in outputs):
        yield Output("markdown", Path(file), should_append=True)


def _identify_file(file: Path | None) -> object:
    """Return an identity that two names of the same file share."""
    try:
        file_status = os.fstat(sys.stdout.fileno()) if file is None else file.stat()
    except (AttributeError, OSError, ValueError):  # standard output is closed, or the file does not exist yet
        return file and os.path.realpath(file)
    return file_status.st_dev, file_status.st_ino


def refuse_to_replace_manifests(outputs: Iterable[Output], source: Source) -> None:
    """Raise UsageError for an output whose file is a manifest of the source, given by its path or in a folder."""
    for output in outputs:
        if output.file and source.has_file(output.file):
            raise UsageError(
                f"-o {output.format}={output.file} would replace a manifest: write the result to another file, outside "
                "the folder of the manifests"
            )


def is_same_file(one: Path, other: Path) -> bool:
    """Return whether two names belong to the same file."""
    return _identify_file(one) == _identify_file(other)


def _find_obstacle(path: Path) -> str | None:
    """Return why a file cannot be written, or None. The check comes before the run, so that its report is not lost."""
    try:
        if path.is_dir():
            return f"{path} is a folder"
        if not path.parent.is_dir():
            return f"the folder {path.parent} does not exist"
        return (
            None
            if os.access(path if path.exists() else path.parent, os.W_OK)
            else f"{path} cannot be written: permission denied"
        )
    except OSError as error:
        return f"{path} cannot be written: {error.strerror}"


def write(value: T, outputs: Iterable[Output], renderers: Mapping[str, Renderer[T]]) -> None:
    """Write a value to every output. Raises click.ClickException at the end if an output could not be written."""
    if failures := try_write(value, outputs, renderers):
        raise click.ClickException("; ".join(failures))


def try_write(value: T, outputs: Iterable[Output], renderers: Mapping[str, Renderer[T]]) -> tuple[str, ...]:
    """Write a value to every output, files first. Return an error message for each output that failed."""
    failures = []
    for output in sorted(outputs, key=lambda each: each.file is None):
        text = renderers[output.format](value, output.file is None and can_show_styles())
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
    """Return whether standard output can show colours and symbols."""
    return is_terminal(sys.stdout) and read_settings().can_show_colors


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a standard stream is open and is a terminal."""
    return stream is not None and stream.isatty()
