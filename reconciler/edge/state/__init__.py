"""Store the journal, and write it under a lease.

A location is a URL, such as `s3://bucket/prefix`, or the path of a folder. The scheme of the location selects the
backend. A backend is a module that implements `Backend`, and an entry in SCHEMES. It is imported only if a location
selects it, because importing the S3 backend takes time that a run with a folder need not spend.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from reconciler.edge.state.store import StateLocation


class Backend(Protocol):
    """A module that stores journals in one kind of location."""

    def check_location(self, location: str, /) -> None:
        """Reject an invalid location without accessing it. Raises ValueError."""

    def open_location(self, location: str, namespace: str, client: Callable[[str], Any], /) -> StateLocation:
        """Return the location of the journals, as `open_location` of this package does."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """A scheme of locations: the pattern of a location, for help, and the function that imports the backend."""

    pattern: str
    import_backend: Callable[[], Backend]


def _import_file() -> Backend:
    from reconciler.edge.state import file

    return file


def _import_s3() -> Backend:
    from reconciler.edge.state import s3

    return s3


_FOLDER = ""
SCHEMES: Mapping[str, Scheme] = {
    _FOLDER: Scheme("DIR", _import_file),
    "s3": Scheme("s3://BUCKET/PREFIX", _import_s3),
}
"""The schemes by name. The folder backend also gets locations with an unknown scheme, and rejects them."""


def check_location(location: str) -> None:
    """Reject an invalid location without accessing it. Raises ValueError."""
    _find_scheme(location).import_backend().check_location(location)


def open_location(location: str, namespace: str, client: Callable[[str], Any]) -> StateLocation:
    """Return the location of the journals. Raises ValueError and CloudError.

    `namespace` is a subfolder of the location, or "". `client` takes the boto3 name of an AWS service and returns a
    client.
    """
    return _find_scheme(location).import_backend().open_location(location, namespace, client)


def is_folder(location: str) -> bool:
    """Return whether a valid location is the path of a folder, not a URL."""
    return _find_scheme(location) is SCHEMES[_FOLDER]


def is_url(word: str) -> bool:
    """Return whether a word begins with the scheme of a backend, in any case. The rest may be invalid."""
    return not is_folder(word.lower())


def list_url_patterns() -> tuple[str, ...]:
    """Return the pattern of each URL, such as s3://BUCKET/PREFIX."""
    return tuple(scheme.pattern for name, scheme in SCHEMES.items() if name != _FOLDER)


def list_patterns() -> tuple[str, ...]:
    """Return the pattern of each kind of location: DIR, then those of the URLs."""
    return (SCHEMES[_FOLDER].pattern, *list_url_patterns())


def _find_scheme(location: str) -> Scheme:
    name, separator, _ = location.partition("://")
    return SCHEMES.get(name if separator else _FOLDER, SCHEMES[_FOLDER])
