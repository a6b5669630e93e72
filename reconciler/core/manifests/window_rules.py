"""Find problems in the `window` of a manifest that a JSON Schema cannot express, and build its declaration."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, datetime, tzinfo
from typing import Any

from reconciler.core.durations import parse_duration
from reconciler.core.model import OnLoss, ensure_mapping
from reconciler.core.request.times import parse_date
from reconciler.core.suggestions import find_closest, format_suggestion
from reconciler.core.text import shorten
from reconciler.core.windows.boundaries import find_midnight
from reconciler.core.windows.declaration import DEFAULT_DELAY, Missed, Period, WindowDeclaration

_MAX_DAY = 28
"""The last day of the month that every month has."""
_MONTHLY_PERIODS = ("month", "quarter", "year")
_REPLACED_MEMBERS = (("spec", "ExecutionConfiguration"), ("policy", "delay"), ("policy", "start"))
"""The members that must be removed beside a window."""
_DATES = ("first", "last", "backfill")
_DEFAULT_ZONE = "UTC"
_DELAY = re.compile("[0-9]{1,7}[smhd]")
_FINER_THAN_MILLIS = re.compile(r"[.,][0-9]{3}[0-9]*[1-9]")
_OFFSET = re.compile(r"(?:UTC|GMT|)(?P<sign>[+-])0?(?P<hours>[0-9]{1,2})(?::?00)?", re.IGNORECASE)
_MAX_LENGTH_DIFFERENCE = 3
_YEARS = range(2001, 2101)
"""The years of dates in a window. The journal keeps no time before 1970, and arithmetic fails after the year 9999."""


def find_window_problems(
    document: Mapping[str, Any], zone_names: Collection[str], rejected_pointers: Collection[str] = ()
) -> Iterator[tuple[str, str]]:
    """Yield (JSON Pointer into the document, message) for each problem of a manifest with a window.

    Members at `rejected_pointers`, which begin at the window, are skipped, because the schema rejected them.
    """
    window = document.get("window")
    if not isinstance(window, Mapping):
        return
    yield from _find_conflicts(document)
    members = {key: value for key, value in window.items() if f"/{key}" not in rejected_pointers}
    yield from _find_date_problems(members, rejected_pointers)
    yield from _find_zone_problem(members.get("timeZone", _DEFAULT_ZONE), zone_names)
    for member, text in _iterate_choices(members, "continueFrom"):
        yield from _find_instant_problem(f"/window/{member}", text)


def drop_replaced_members(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a manifest without the members that its window replaces. Other problems of these members do not matter."""
    if isinstance(document.get("window"), Mapping):
        for part, member in _REPLACED_MEMBERS:
            members = ensure_mapping(document.get(part))
            if member in members:
                document = {**document, part: {name: each for name, each in members.items() if name != member}}
    return document


def _iterate_choices(members: Mapping[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    """Yield (relative pointer, value) for a member, or for each value of its map by target name."""
    value = members.get(name)
    if isinstance(value, Mapping):
        yield from ((f"{name}/{target}", each) for target, each in value.items())
    elif value is not None:
        yield name, value


def _find_instant_problem(pointer: str, text: object) -> Iterator[tuple[str, str]]:
    if not isinstance(text, str):
        return
    instant = _parse_instant(text)
    if instant is None:
        remedy = "write 2026-10-01 or 2026-10-01T00:00:00Z"
        yield pointer, f"{shorten(text)} is neither a date nor a time with a time zone: {remedy}"
    elif _FINER_THAN_MILLIS.search(text):
        remedy = "write at most three digits after the point"
        yield pointer, f"{shorten(text)} is more precise than a millisecond, and AWS counts milliseconds: {remedy}"
    elif instant.year not in _YEARS:
        yield pointer, _describe_year(text)


def _describe_year(text: str) -> str:
    return f"{shorten(text)} is out of range: use a year from {_YEARS.start} to {_YEARS.stop - 1}"


def _find_conflicts(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the problems of members that the window replaces."""
    if "ExecutionConfiguration" in ensure_mapping(document.get("spec")):
        yield (
            "/spec/ExecutionConfiguration",
            "must not be set together with window, which computes it: remove it, or remove window",
        )
    policy = ensure_mapping(document.get("policy"))
    if "delay" in policy:
        delay = policy["delay"]
        remedy = f"set window.delay{f' to {delay}' if _is_delay(delay) else ''} instead"
        yield "/policy/delay", f"has no effect on a manifest with window: {remedy}"
    if "start" in policy:
        remedy = "remove it, because each window is sent after its end and window.delay"
        yield "/policy/start", f"has no effect on a manifest with window: {remedy}"
    if policy.get("onLoss") == OnLoss.RECREATE:
        remedy = "remove it, because only a raised policy.generation creates a lost association again"
        yield "/policy/onLoss", f"has no effect on a manifest with window: {remedy}"


def _is_delay(value: object) -> bool:
    return isinstance(value, str) and _DELAY.fullmatch(value) is not None


def _find_date_problems(members: Mapping[str, Any], rejected_pointers: Collection[str]) -> Iterator[tuple[str, str]]:
    texts = {member: members[member] for member in _DATES if member in members}
    for member, days in _iterate_choices(members, "skip"):
        texts |= {f"{member}/{index}": text for index, text in enumerate(days if isinstance(days, list) else ())}
    dates: dict[str, date] = {}
    for member, text in texts.items():
        if day := parse_date(text):
            dates[member] = day
            if day.year not in _YEARS:
                yield f"/window/{member}", _describe_year(text)
        elif isinstance(text, str) and f"/{member}" not in rejected_pointers:
            yield f"/window/{member}", f"{shorten(text)} is not an existing date: correct it"
    first = dates.get("first")
    if first and members.get("every") in _MONTHLY_PERIODS and first.day > _MAX_DAY:
        yield (
            "/window/first",
            f"the day of first is {first.day}, which some months do not have: use a day up to the {_MAX_DAY}th",
        )
    if first and "last" in dates and dates["last"] < first:
        yield "/window/last", f"last is before first ({first}), so there is no window: use a later date"


def _find_zone_problem(name: object, zone_names: Collection[str]) -> Iterator[tuple[str, str]]:
    if isinstance(name, str) and name not in zone_names:
        remedy = "write an IANA name, such as Europe/Berlin"
        if offset_zone := _find_offset_zone(name, zone_names):
            remedy = f"write {offset_zone}, in which the sign is reversed, or a place such as Europe/Berlin"
        elif not _OFFSET.match(name) and (closest := _find_similar_zone(name, zone_names)):
            remedy = format_suggestion(repr(closest))
        yield "/window/timeZone", f"{shorten(name)} is not a time zone: {remedy}"


def _find_offset_zone(name: str, zone_names: Collection[str]) -> str | None:
    """Return the zone of an offset from UTC in whole hours, such as UTC+1. The signs in IANA names are reversed."""
    if offset := _OFFSET.fullmatch(name):
        zone = f"Etc/GMT{'-' if offset['sign'] == '+' else '+'}{offset['hours']}"
        return zone if zone in zone_names else None
    return None


def _find_similar_zone(name: str, zone_names: Collection[str]) -> str | None:
    """Return the zone that an unknown name may mean: another case, a city alone, or typing errors."""
    zones, beginning = sorted(zone_names), name[:2].casefold()
    if zone := next((zone for zone in zones if zone.casefold() == name.casefold()), None):
        return zone
    if city := next((zone for zone in zones if zone.casefold().endswith(f"/{name.casefold()}")), None):
        return city
    similar_zones = (zone for zone in zones if zone[:2].casefold() == beginning)
    return find_closest(name, (zone for zone in similar_zones if abs(len(zone) - len(name)) <= _MAX_LENGTH_DIFFERENCE))


def build_window(window: Mapping[str, Any], read_zone: Callable[[str], tzinfo]) -> WindowDeclaration:
    """Return the declaration of a window without problems."""
    zone_name = window.get("timeZone", _DEFAULT_ZONE)
    zone = read_zone(zone_name)
    return WindowDeclaration(
        every=Period(window["every"]),
        zone_name=zone_name,
        zone=zone,
        first=date.fromisoformat(window["first"]),
        last=_build_date(window, "last"),
        delay=parse_duration(window["delay"]) if "delay" in window else DEFAULT_DELAY,
        missed=Missed(window.get("missed", Missed.MERGE)),
        backfill=_build_date(window, "backfill"),
        continue_from=_build_instant(window["continueFrom"], zone) if "continueFrom" in window else None,
        skip=tuple(map(date.fromisoformat, window.get("skip", ()))),
    )


def _build_date(window: Mapping[str, Any], member: str) -> date | None:
    return date.fromisoformat(window[member]) if member in window else None


def _build_instant(text: str, zone: tzinfo) -> datetime:
    instant = _parse_instant(text)
    assert instant
    return instant if isinstance(instant, datetime) else find_midnight(instant, zone)


def _parse_instant(text: str) -> date | datetime | None:
    """Return a date, or a time with a time zone. None for anything else."""
    if day := parse_date(text):
        return day
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else None
