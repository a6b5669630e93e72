"""Where the journal is kept, and the lease under which it is written.

A location names its backend by its scheme: `s3://bucket/prefix`, or the path of a folder, which has none. A backend
is a module with `check_location` and `open_location`, and a line in SCHEMES. It is imported when a location names it,
so that a run that keeps its journal in a folder does not wait for S3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from reconciler.edge.state.store import StateLocation

SCHEMES: Mapping[str, str] = {"": "file", "s3": "s3"}
"""The module of each scheme. A location with another scheme is left to the folder, which says what would be right."""


def check_location(location: str) -> None:
    """Refuse a location that can name no place, whatever is there. Raises ValueError."""
    _import_backend(location).check_location(location)


def open_location(location: str, namespace: str, client: Callable[[str], Any]) -> StateLocation:
    """Return the place of all journals. Raises ValueError and CloudError.

    `namespace` is a folder below it, "" for none. `client` makes the client of an AWS service, by its name in boto3.
    """
    state_location: StateLocation = _import_backend(location).open_location(location, namespace, client)
    return state_location


def _import_backend(location: str) -> Any:
    scheme, separator, _ = location.partition("://")
    return import_module(f"{__name__}.{SCHEMES.get(scheme if separator else '', SCHEMES[''])}")
