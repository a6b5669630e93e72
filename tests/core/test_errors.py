"""Errors: the docstring of the root shows the complete tree."""

from __future__ import annotations

import signal
from collections.abc import Iterator

from reconciler.core import errors
from reconciler.core.errors import Interrupted, ReconcilerError, is_access_failure


def list_subclasses(of: type[ReconcilerError]) -> Iterator[type[ReconcilerError]]:
    """Yield the errors of this module below a class."""
    for each in of.__subclasses__():
        if each.__module__ == errors.__name__:
            yield each
            yield from list_subclasses(each)


def test_docstring_of_the_root_draws_every_error() -> None:
    """The tree in the docstring lists every error class."""
    drawn = [line.split("── ")[1].split()[0] for line in str(ReconcilerError.__doc__).splitlines() if "── " in line]
    assert sorted(drawn) == sorted(each.__name__ for each in list_subclasses(ReconcilerError))


def test_interruption_names_its_signal() -> None:
    """The message of an interruption has the number of its signal, from which the exit code follows."""
    assert Interrupted(signal.SIGTERM).signal == 15


def test_failures_of_access_are_those_that_the_doctor_checks() -> None:
    """Errors of credentials, clock, Region, permissions and network are failures of access, and no others are."""
    kinds = [each for each in list_subclasses(ReconcilerError) if is_access_failure(each.__new__(each))]
    assert {each.__name__ for each in kinds} == {
        "AccessDenied", "ClockSkewed", "NoRegion", "StateUnreachable", "Unauthenticated", "Unreachable", "WrongAccount",
    }  # fmt: skip
