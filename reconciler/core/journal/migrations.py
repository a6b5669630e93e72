"""Migrate journal documents of older formats to the current one, one format at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

JournalDocument: TypeAlias = dict[str, Any]

V0 = "reconciler/journal/v0"
V1 = "reconciler/journal/v1"
V2 = "reconciler/journal/v2"
V3 = "reconciler/journal/v3"
_V1_MEMBERS = {"lease", "written", "decisions"}


def migrate(document: JournalDocument) -> JournalDocument:
    """Return a document of a known older format in the current one. Return any other document unchanged.

    Before its first release, the program wrote documents that have the format v1 but neither lease nor decisions.
    Their format here is v0. Raises KeyError and TypeError for a malformed document of an older format.
    """
    if document["format"] == V1 and not document.keys() & _V1_MEMBERS:
        document = {**document, "format": V0}
    while step := _STEPS.get(document["format"]):
        document = step(document)
    return document


def _migrate_v0_to_v1(document: JournalDocument) -> JournalDocument:
    """Add the members that v0 lacks. No association counts as updated, or as shown by List."""
    records = {name: {**record, "generation": 1, "former": []} for name, record in document["records"].items()}
    for record in records.values():
        if record["status"] == "bound":
            record |= {"arn": None, "missingSince": None, "update": None}
    return {**document, "format": V1, "written": None, "lease": None, "decisions": {}, "records": records}


def _migrate_v1_to_v2(document: JournalDocument) -> JournalDocument:
    """Add the associations that List showed before a Create, which v1 lacks.

    The list of them is empty, so every association without a record prevents a repeat of the Create.
    """
    records = {
        name: {**record, "seen": []} if record["status"] == "intended" else record
        for name, record in document["records"].items()
    }
    return {**document, "format": V2, "records": records}


def _migrate_v2_to_v3(document: JournalDocument) -> JournalDocument:
    """Turn the Update that List does not show yet into a job, and add the recurring windows, which v2 lacks.

    v2 does not tell an accepted Update from one without an answer. It counts as one without an answer.
    """
    records = {}
    for name, old_record in document["records"].items():
        record = {**old_record, "recurrence": None}
        if record["status"] == "bound":
            update = record.pop("update")
            record["earlyWindow"] = None
            record["job"] = update and {
                "source": "update",
                "sentAt": update["at"],
                "accepted": False,
                "refusal": update["refused"] and {"message": update["refused"], "denied": False},
                "refusals": 1 if update["refused"] else 0,
                "repetition": False,
                "shouldRepeat": False,
                "shownAt": None,
                "runningAt": None,
                "result": None,
                "endedAt": None,
                "previousWatermark": None,
            }
        records[name] = record
    return {**document, "format": V3, "records": records}


_STEPS: Mapping[str, Callable[[JournalDocument], JournalDocument]] = {
    V0: _migrate_v0_to_v1,
    V1: _migrate_v1_to_v2,
    V2: _migrate_v2_to_v3,
}


def is_older_format(version: object) -> bool:
    """Return whether a format is a known older one."""
    return version in _STEPS


OLDER_FORMATS = (V1, V2)
"""The older formats, by the names in the documents. Documents of v0 have the name v1."""
