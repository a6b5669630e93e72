"""Brings journal documents of older formats to the present one, a step at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

JournalDocument: TypeAlias = dict[str, Any]

V0 = "reconciler/journal/v0"
V1 = "reconciler/journal/v1"
V2 = "reconciler/journal/v2"
_V1_MEMBERS = {"lease", "written", "decisions"}


def migrate(document: JournalDocument) -> JournalDocument:
    """Return a document of a known older format in the present one, and any other as it is.

    Before its first release the program wrote documents that call themselves v1 and know neither lease nor
    decisions: those are v0. Raises KeyError and TypeError where such a document is malformed.
    """
    if document["format"] == V1 and not document.keys() & _V1_MEMBERS:
        document = {**document, "format": V0}
    while step := _STEPS.get(document["format"]):
        document = step(document)
    return document


def _migrate_v0_to_v1(document: JournalDocument) -> JournalDocument:
    """Add what v0 did not know: nothing was ever updated, and an association counts as never shown by List."""
    records = {name: {**record, "generation": 1, "former": []} for name, record in document["records"].items()}
    for record in records.values():
        if record["status"] == "bound":
            record |= {"arn": None, "missingSince": None, "update": None}
    return {**document, "format": V1, "written": None, "lease": None, "decisions": {}, "records": records}


def _migrate_v1_to_v2(document: JournalDocument) -> JournalDocument:
    """Add what v1 did not know: what List showed before a Create.

    Nothing counts as shown, so that whatever no record explains blocks the repeat.
    """
    records = {
        name: {**record, "seen": []} if record["status"] == "intended" else record
        for name, record in document["records"].items()
    }
    return {**document, "format": V2, "records": records}


_STEPS: Mapping[str, Callable[[JournalDocument], JournalDocument]] = {V0: _migrate_v0_to_v1, V1: _migrate_v1_to_v2}


def is_older_format(version: object) -> bool:
    """Tell whether a format is a known older one."""
    return version in _STEPS


OLDER_FORMATS = (V1,)
"""The older formats by the names that documents give them: v0 calls itself v1."""
