"""The page and the report of a controller grow with the number of associations, and not faster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache, partial

import pytest
from support import reports, statuses
from support.builders import NOW, live
from support.growth import count_calls

from reconciler.core.controller.controller_status import ControllerStatus, FinishedRun
from reconciler.core.errors import Problem
from reconciler.web.api import stream_json
from reconciler.web.page import html
from reconciler.web.page.page import Process, build_page
from reconciler.web.page.view import View

FEW, MANY = 50, 500
GROWTH = MANY / FEW
TOLERANCE = 1.05
PROCESS = Process(is_scheduler_running=True, is_stopping=False, stuck_after=timedelta(minutes=1))
PARAMETERS: tuple[dict[str, str], ...] = ({}, {"group": "target"}, {"q": "export-01"}, {"decision": "attention"})


@cache
def build_status(count: int) -> ControllerStatus:
    """Return a status with some targets, each with four associations, an unmanaged one, two warnings and two runs."""
    return statuses.build_status(
        *(
            statuses.build_target_status(
                replace(
                    reports.report(
                        *(
                            replace(reports.association(f"export-{each:02}", "in-sync"), since=NOW, arn=live("a1").arn)
                            for each in range(3)
                        ),
                        reports.build_drifted_association("export-03"),
                        unmanaged=(live("u1"),),
                        dry_run=False,
                    ),
                    warnings=tuple(_list_warnings(number)),
                ),
                f"account-{number:04}",
            )
            for number in range(count)
        ),
        finished_runs=tuple(
            FinishedRun(
                f"r{number:04}-{each}", f"account-{number:04}", NOW, NOW, is_success=True,
                write_count=0, drift_count=1, open_count=0,
            )
            for number in range(count)
            for each in range(2)
        ),
    )  # fmt: skip


def _list_warnings(number: int) -> Iterator[Problem]:
    for each in range(2):
        yield Problem(f"manifests/{number:04}.yaml", each + 1, 1, "/window/delay", "set window.delay to 30m or more")


def render_page(count: int, parameters: dict[str, str]) -> str:
    """Return the page of some targets."""
    return "".join(html.stream_page(build_page(build_status(count), View.from_parameters(parameters.items()), PROCESS)))


def render_json(count: int) -> str:
    """Return the report of some targets."""
    return "".join(stream_json(build_status(count), PROCESS))


RENDERINGS: list[Callable[[int], str]] = [
    render_json,
    *(partial(render_page, parameters=each) for each in PARAMETERS),
]
NAMES = ["json", *(f"page {each}" for each in PARAMETERS)]


def test_bytes_of_the_report_per_association_stay_the_same() -> None:
    """An association needs the same number of bytes in the report of 50 and of 500 targets."""
    few, many = len(render_json(FEW).encode()), len(render_json(MANY).encode())
    assert few * GROWTH / TOLERANCE <= many <= few * GROWTH * TOLERANCE


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_bytes_of_the_page_per_association_do_not_grow(parameters: dict[str, str]) -> None:
    """An association needs no more bytes on the page of 500 targets than on that of 50."""
    few, many = (len(render_page(count, parameters).encode()) for count in (FEW, MANY))
    assert many <= few * GROWTH


@pytest.mark.parametrize("render", RENDERINGS, ids=NAMES)
def test_calls_of_a_rendering_grow_with_the_associations(render: Callable[[int], str]) -> None:
    """Ten times as many targets need at most ten and a half times as many calls to render."""
    few, many = (count_calls(partial(render, count)) for count in (FEW, MANY))
    assert many <= few * GROWTH * TOLERANCE
