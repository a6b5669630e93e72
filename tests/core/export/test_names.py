"""The name of an exported manifest is unique, valid, and stays the same."""

from __future__ import annotations

from dataclasses import replace

from support.builders import INTEGRATION, journal, live, manifest, observation, record
from support.previews import AMBIENT, preview, read_exported

from reconciler.core.export.export import export_associations
from reconciler.core.model import Observation
from reconciler.core.plan.decision import Adopt


def test_exported_name_depends_on_the_association_alone() -> None:
    """The name consists of the data integration and the first eight digits of the id, whatever else is live."""
    one, other = live("0f1e2d3c-4b5a-4697-8877-665544332211"), live("aabbccdd-4b5a-4697-8877-665544332211")
    (exported,) = export_associations(AMBIENT, preview(observation(one)))
    assert exported.name == "profiles-export-0f1e2d3c"
    assert {each.name for each in export_associations(AMBIENT, preview(observation(other, one)))} >= {exported.name}
    (exported_again,) = export_associations(AMBIENT, preview(observation(one), read_exported([exported])))
    assert (exported_again.name, exported_again.comments) == (exported.name, exported.comments)


def test_taken_name_is_extended() -> None:
    """A name takes more digits if a similar id, another manifest or the journal uses it."""
    one, similar = live("0f1e2d3c-4b5a-4697-8877-665544332211"), live("0f1e2d3c-ffff-4697-8877-665544332211")
    assert {each.name for each in export_associations(AMBIENT, preview(observation(one, similar)))} == {
        "profiles-export-0f1e2d3c4b5a", "profiles-export-0f1e2d3cffff",
    }  # fmt: skip
    other_manifest = manifest("profiles-export-0f1e2d3c", DestinationURI="s3://corp-exports/other")
    stored_journal = journal(record("profiles-export-0f1e2d3c4b5a", "a9", DestinationURI="s3://corp-exports/gone"))
    (exported,) = export_associations(AMBIENT, preview(observation(one), [other_manifest], stored_journal))
    assert exported.name == "profiles-export-0f1e2d3c4b5a4697"


def test_ids_that_differ_only_in_case_get_different_names() -> None:
    """Ids that differ only in case get different names, although names are in lower case."""
    exported = export_associations(AMBIENT, preview(observation(live("ABC"), live("abc"))))
    assert len({each.name for each in exported}) == 2
    assert all(
        isinstance(each, Adopt)
        for each in preview(observation(live("ABC"), live("abc")), read_exported(exported)).plan.decisions
    )


def test_id_without_a_digit_still_gives_a_name() -> None:
    """An id and a data integration without usable characters still give a valid name."""
    integration = replace(INTEGRATION, name="北京")
    (exported,) = export_associations(AMBIENT, preview(Observation((integration,), {integration.arn: (live("---"),)})))
    assert exported.name.startswith("association-")
    assert [each.name for each in read_exported([exported])] == [exported.name]
