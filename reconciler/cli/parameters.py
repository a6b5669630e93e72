"""Types of options: durations, choices, numbers, globs, label selectors, shards, dates, times and folders."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import click

from reconciler.cli.environment import read_environment
from reconciler.core.durations import parse_duration
from reconciler.core.manifests.selectors import Requirement, parse_requirements
from reconciler.core.request.times import parse_date, parse_instant
from reconciler.core.shards import Shard, parse_shard
from reconciler.edge.clock import SystemClock

_YEARS = range(2000, 2200)


class Duration(click.ParamType[timedelta]):
    """A duration such as 90s, 5m or 24h."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the duration. Fails if the text is not a duration, or longer than 366 days."""
        if isinstance(value, timedelta):
            return value
        try:
            return parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Choice(click.Choice[str]):
    """One of several words. The error shows the words as help shows them."""

    def get_invalid_choice_message(self, value: object, ctx: click.Context | None) -> str:  # noqa: ARG002 - click passes it
        """Return the error for a word that is not among the choices."""
        return f"{value!r} is not known: use {'one of ' if len(self.choices) > 1 else ''}{', '.join(self.choices)}"


class SandboxTime(click.ParamType[timedelta]):
    """A time from 2000 to 2199, as the offset that a clock needs to show this time now. A time without zone is UTC."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the offset. Fails if the text is not a time in the range."""
        if isinstance(value, timedelta):
            return value
        time = parse_instant(str(value))
        if time is None or time.year not in _YEARS:
            example = f"such as 2026-12-01T02:00:00Z, from {_YEARS[0]} to {_YEARS[-1]}"
            self.fail(f"{value!r} is not a time for the sandbox: write a date and a time, {example}", param, ctx)
        return time - SystemClock().now()


class CalendarDate(click.ParamType[date]):
    """A date such as 2026-12-31."""

    name = "date"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the date. Fails if the text is not a date."""
        day = value if isinstance(value, date) else parse_date(str(value))
        if day is None:
            self.fail(f"{value!r} is not a date: write YEAR-MONTH-DAY, such as 2026-12-31", param, ctx)
        return day


class LabelSelector(click.ParamType[tuple[Requirement, ...]]):
    """Rules for labels, as kubectl takes them."""

    name = "selector"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Requirement, ...]:
        """Return the rules. Fails if the text is not a selector."""
        if isinstance(value, tuple):
            return value
        try:
            return parse_requirements(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class WholeNumber(click.ParamType[int]):
    """A whole number from 0 to a maximum, if there is one."""

    name = "integer"

    def __init__(self, maximum: int | None = None) -> None:
        self._maximum = maximum

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number. Fails if the text is not a number in the range."""
        try:
            number = int(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a whole number: write one such as 10", param, ctx)
        if number < 0 or (self._maximum is not None and number > self._maximum):
            range_text = "0 or more" if self._maximum is None else f"from 0 to {self._maximum}"
            self.fail(f"{number} is out of range: it must be {range_text}", param, ctx)
        return number


class ShardOfMany(click.ParamType[Shard]):
    """A shard such as 0/4, or auto/4 with the number in a variable of Kubernetes."""

    name = "shard"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Shard:
        """Return the shard. Fails if the text names none, or if the variable is missing or wrong."""
        if isinstance(value, Shard):
            return value
        try:
            return parse_shard(str(value), read_environment())
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Glob(click.ParamType[str]):
    """A glob of * and ? over names. A variable may hold several, separated by blanks or commas."""

    name = "glob"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the glob. Fails if it has a bracket, which no name has."""
        glob = str(value)
        if set(glob) & set("[]"):
            self.fail(f"{glob!r} has a bracket: use * for any characters and ? for one, or several globs", param, ctx)
        return glob

    def split_envvar_value(self, rv: str) -> list[str]:
        """Return the globs of a variable."""
        return [each for each in re.split(r"[\s,]+", rv) if each]


class Folder(click.ParamType[Path]):
    """A folder, which may be missing. An empty text is refused: it is the value of a variable that is not set."""

    name = "folder"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path. Fails if the text is empty."""
        if not str(value).strip():
            self.fail("it is empty: name a folder, or leave it out for the current folder", param, ctx)
        return Path(str(value))
