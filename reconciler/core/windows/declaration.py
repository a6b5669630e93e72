"""The `window` of a manifest: the periods whose data an association exports, one after another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum

DEFAULT_DELAY = timedelta(hours=1)
"""Default time from the end of a window of data to its export.

AWS may leave out data of the last 30 minutes before an export (Amazon Connect administrator guide, "Set up bulk
export").
"""


class Period(StrEnum):
    """Length of a window."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Missed(StrEnum):
    """Policy for several windows that are due: one export of all of them, or one export for each."""

    MERGE = "merge"
    EACH = "each"


@dataclass(frozen=True, slots=True)
class WindowDeclaration:
    """The recurring windows of a manifest.

    The first window begins at midnight of `first` in `zone`, whose name is `zone_name`. No period begins after `last`.
    A window is due once `delay` has passed since its end. `backfill` permits the first export of several due periods
    whose boundaries are not later than that date.

    `continue_from` and `skip` are the word of a person about an association that is blocked: the instant from which its
    windows continue, and the local dates on which the windows to pass over begin. Each has an effect once.
    """

    every: Period
    zone_name: str
    zone: tzinfo
    first: date
    last: date | None = None
    delay: timedelta = DEFAULT_DELAY
    missed: Missed = Missed.MERGE
    backfill: date | None = None
    continue_from: datetime | None = None
    skip: tuple[date, ...] = ()
