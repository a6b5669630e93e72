"""The boundaries of recurring windows: instants at midnight of local dates.

A boundary depends on the declaration alone, and never on what was sent. Consecutive boundaries are therefore the same
for every run and every machine.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from reconciler.core.windows.declaration import Period, WindowDeclaration

_MONTHS = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}
_DAYS = {Period.DAY: 1, Period.WEEK: 7}
_SECOND = timedelta(seconds=1)


def compute_date(declaration: WindowDeclaration, number: int) -> date:
    """Return the local date of a boundary: `first` plus `number` periods. Raises OverflowError after the year 9999."""
    every, first = declaration.every, declaration.first
    if every in _DAYS:
        return first + timedelta(days=_DAYS[every] * number)
    months = first.month - 1 + _MONTHS[every] * number
    year, month = first.year + months // 12, months % 12 + 1
    if year > date.max.year:
        raise OverflowError(f"the year {year} is out of range")
    return date(year, month, min(first.day, monthrange(year, month)[1]))


def compute_first_boundary(declaration: WindowDeclaration) -> datetime:
    """Return the instant in UTC at which the first window begins."""
    return find_midnight(declaration.first, declaration.zone)


def find_midnight(day: date, zone: tzinfo) -> datetime:
    """Return the instant in UTC at which a local date begins.

    Of a midnight that occurs twice, it is the first. For a midnight that does not exist, because the clocks are set
    forward over it, it is the first instant after it.
    """
    midnight = datetime.combine(day, time(), zone)
    instant = midnight.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return instant
    # The offsets before and after the gap put midnight on both sides of the instant at which the clocks are set.
    before, after = sorted((instant, midnight.replace(fold=1).astimezone(UTC)))
    while after - before > _SECOND:
        middle = before + timedelta(seconds=(after - before) // _SECOND // 2)
        if middle.astimezone(zone).replace(tzinfo=None) < midnight.replace(tzinfo=None):
            before = middle
        else:
            after = middle
    return after


def list_boundaries(declaration: WindowDeclaration, after: datetime, until: datetime) -> tuple[datetime, ...]:
    """Return the boundaries later than `after` and not later than `until`, in order.

    The end of the last period is the last boundary. A local date that a zone leaves out begins together with the next
    date, and both give one boundary.
    """
    boundaries: list[datetime] = []
    for boundary in _iterate_boundaries(declaration, after):
        if boundary > until:
            break
        if boundary > after and boundary not in boundaries[-1:]:
            boundaries.append(boundary)
    return tuple(boundaries)


def find_next_boundaries(declaration: WindowDeclaration, after: datetime, count: int) -> tuple[datetime, ...]:
    """Return the first boundaries later than `after`: at most `count`, and fewer if no period begins any more."""
    boundaries: list[datetime] = []
    for boundary in _iterate_boundaries(declaration, after):
        if len(boundaries) == count:
            break
        if boundary > after and boundary not in boundaries[-1:]:
            boundaries.append(boundary)
    return tuple(boundaries)


def _iterate_boundaries(declaration: WindowDeclaration, start: datetime) -> Iterator[datetime]:
    """Yield boundaries in order, beginning with one not later than `start` unless `start` precedes all of them."""
    number = max(0, _count_periods(declaration, start.astimezone(declaration.zone).date()) - 1)
    while True:
        try:
            day = compute_date(declaration, number)
        except OverflowError:
            return
        yield find_midnight(day, declaration.zone)
        if declaration.last is not None and day > declaration.last:
            return
        number += 1


def is_start(declaration: WindowDeclaration, day: date) -> bool:
    """Tell whether a window begins on a local date."""
    number = _count_periods(declaration, day)
    is_boundary = number >= 0 and compute_date(declaration, number) == day
    return is_boundary and (declaration.last is None or day <= declaration.last)


def _count_periods(declaration: WindowDeclaration, day: date) -> int:
    """Return the number of whole periods from `first` to a local date. It is negative before `first`."""
    first = declaration.first
    if declaration.every in _DAYS:
        return (day - first).days // _DAYS[declaration.every]
    months = (day.year - first.year) * 12 + day.month - first.month - (day.day < first.day)
    return months // _MONTHS[declaration.every]
