"""Recurring windows of a simulation: when it takes place, and what people change in a declaration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from simulation.randomness import draw_bool

from reconciler.core.windows.declaration import Missed, Period, WindowDeclaration
from reconciler.edge.manifests.zones import read_zone

DAY = 86_400.0

_DAILY_PLACES = (
    ("UTC", date(2026, 2, 27)),  # the end of a month
    ("Europe/Berlin", date(2026, 3, 27)),  # a day of 23 hours
    ("Europe/Berlin", date(2026, 10, 23)),  # a day of 25 hours
    ("Asia/Beirut", date(2026, 3, 27)),  # a midnight that does not exist
    ("America/Havana", date(2026, 10, 30)),  # a midnight that occurs twice
    ("America/New_York", date(2026, 12, 30)),  # the end of a year
    ("Asia/Kolkata", date(2026, 6, 28)),
)
"""Time zones, and dates some days before their clocks are set or a month ends."""

_EDITS = ("zone", "every", "first", "missed", "skip", "continue", "last", "earlier")
_WEIGHTS = (3, 1, 2, 2, 2, 2, 1, 3)


@dataclass(frozen=True, slots=True)
class Season:
    """Time of a simulation with recurring windows. Durations are in seconds."""

    start: datetime
    horizon: float
    interval: float
    declaration: WindowDeclaration


def draw_season(random: Random) -> Season:
    """Return the time of a simulation, and the declaration of its manifests at the start."""
    every = random.choices((Period.DAY, Period.WEEK, Period.MONTH, Period.QUARTER), (6, 1, 2, 1))[0]
    zone_name, day = random.choice(_DAILY_PLACES)
    if every is Period.DAY and draw_bool(random, 0.3):  # several days are due, and runs follow one another quickly
        first, horizon, interval = day - timedelta(days=3), DAY / 6, random.choice((4, 8)) / 1440
    elif every is Period.DAY:
        first, horizon, interval = day - timedelta(days=random.randint(0, 4)), 4 * DAY, random.choice((3, 5, 8)) / 24
    elif every is Period.WEEK:
        first, horizon, interval = day - timedelta(days=random.randint(0, 10)), 24 * DAY, random.choice((0.9, 1.5))
    else:
        first = date(2026, random.choice((1, 2, 3, 9, 10, 11, 12)), random.choice((1, 15, 28)))
        is_month = every is Period.MONTH
        day = first + timedelta(days=random.randint(20, 75) if is_month else 85)
        horizon, interval = (95 * DAY, random.choice((3.0, 5.0))) if is_month else (200 * DAY, 9.0)
    start = datetime.combine(day, time(random.randrange(24)), UTC)
    last_day = (start + timedelta(seconds=horizon)).date()
    declaration = WindowDeclaration(
        every,
        zone_name,
        read_zone(zone_name),
        first,
        missed=random.choice((Missed.MERGE, Missed.MERGE, Missed.EACH)),
        backfill=last_day if draw_bool(random, 0.8) else None,
    )
    return Season(start, horizon, interval * DAY, declaration)


def change_declaration(
    random: Random, declaration: WindowDeclaration, earlier: Sequence[WindowDeclaration], now: datetime
) -> WindowDeclaration:
    """Return the declaration after an edit, which may also be an earlier declaration."""
    today = now.astimezone(declaration.zone).date()
    match random.choices(_EDITS, _WEIGHTS)[0]:
        case "zone":
            name = random.choice(_DAILY_PLACES)[0]
            return replace(declaration, zone_name=name, zone=read_zone(name))
        case "every":
            return replace(declaration, every=random.choice((Period.DAY, Period.WEEK)))
        case "first":
            first = declaration.first + timedelta(days=random.choice((-7, -1, 1, 7)))
            return replace(declaration, first=first.replace(day=min(first.day, 28)))
        case "missed":
            return replace(declaration, missed=Missed.EACH if declaration.missed is Missed.MERGE else Missed.MERGE)
        case "skip":
            days = {today - timedelta(days=number) for number in (1, 2)}
            return replace(declaration, skip=tuple(sorted({*declaration.skip, *days})))
        case "continue":
            midnight = datetime.combine(today - timedelta(days=random.randint(0, 2)), time(), UTC)
            return replace(declaration, continue_from=midnight)
        case "last":
            return replace(declaration, last=max(today, declaration.first))
        case _:
            return random.choice((*earlier, declaration))


def is_boundary(declaration: WindowDeclaration, instant: datetime) -> bool:
    """Tell whether a local date on which a period begins or ends begins at an instant, without the code under test."""
    zone, first = declaration.zone, declaration.first
    day, day_before = (each.astimezone(zone).date() for each in (instant, instant - timedelta(seconds=1)))
    if day == day_before or day < first:
        return False
    if declaration.last and day > declaration.last:
        return day == _find_last_end(declaration)
    return _starts_period(declaration, day)


def has_boundary_between(declaration: WindowDeclaration, start: datetime, end: datetime) -> bool:
    """Tell whether a boundary lies between two instants, without the code under test."""
    day, last_day = (each.astimezone(declaration.zone).date() for each in (start, end))
    while (day := day + timedelta(days=1)) < last_day:
        if day > declaration.first and _starts_period(declaration, day):
            return True
    return False


def _starts_period(declaration: WindowDeclaration, day: date) -> bool:
    first = declaration.first
    match declaration.every:
        case Period.DAY:
            return True
        case Period.WEEK:
            return (day - first).days % 7 == 0
        case Period.MONTH:
            return day.day == first.day
        case Period.QUARTER:
            return day.day == first.day and (day.month - first.month) % 3 == 0
        case Period.YEAR:
            return (day.day, day.month) == (first.day, first.month)


def _find_last_start(declaration: WindowDeclaration) -> date:
    """Return the date of the last period that begins."""
    assert declaration.last
    day = declaration.last
    while not _starts_period(declaration, day):
        day -= timedelta(days=1)
    return day


def _find_last_end(declaration: WindowDeclaration) -> date:
    """Return the date on which the last period ends."""
    day = _find_last_start(declaration) + timedelta(days=1)
    while not _starts_period(declaration, day):
        day += timedelta(days=1)
    return day
