"""Store the journal, and write it under a lease.

A location is a URL, such as `s3://bucket/prefix`, or the path of a folder. The scheme of the location selects the
backend. A backend is a module with `check_location` and `open_location`, and an entry in SCHEMES. It is imported only
if a location selects it, because importing the S3 backend takes time that a run with a folder need not spend.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from reconciler.edge.state.store import StateLocation

SCHEMES: Mapping[str, str] = {"": "file", "s3": "s3"}
"""The module of each scheme. The folder backend also gets locations with an unknown scheme, and rejects them."""


def check_location(location: str) -> None:
    """Reject an invalid location without accessing it. Raises ValueError."""
    _import_backend(location).check_location(location)


def open_location(location: str, namespace: str, client: Callable[[str], Any]) -> StateLocation:
    """Return the location of the journals. Raises ValueError and CloudError.

    `namespace` is a subfolder of the location, or "". `client` takes the boto3 name of an AWS service and returns a
    client.
    """
    state_location: StateLocation = _import_backend(location).open_location(location, namespace, client)
    return state_location


def _import_backend(location: str) -> Any:
    scheme, separator, _ = location.partition("://")
    return import_module(f"{__name__}.{SCHEMES.get(scheme if separator else '', SCHEMES[''])}")
