"""The data file preserves the state of a sandbox, and an invalid file is reported and not changed."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox import Behaviour, DataFileError, ManualClock, Sandbox

REQUEST = {
    "DataIntegrationIdentifier": "profiles-export",
    "DestinationURI": "s3://exports/2026",
    "ClientToken": "t",
    "ExecutionConfiguration": {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": {"StartTime": "1"}},
}
LIST: dict[str, Any] = {"DataIntegrationIdentifier": "profiles-export"}


def fill_sandbox(sandbox: Sandbox) -> dict[str, Any]:
    """Create a data integration and an association, each in a different account and Region."""
    sandbox.call("210987654321", "mars-1", "CreateDataIntegration", {"Name": "n", "KmsKey": "k", "Tags": {"é": "ü"}})
    return sandbox.call("123456789012", "us-east-1", "CreateDataIntegrationAssociation", REQUEST)


def test_stored_state_survives_a_restart(tmp_path: Path, clock: ManualClock) -> None:
    """Associations, tokens, jobs, tags and executed writes survive a restart, per account and Region."""
    file = tmp_path / "new" / "sandbox.json"
    with closing(Sandbox(file, clock=clock)) as first:
        response = fill_sandbox(first)
        items = first.call("123456789012", "us-east-1", "ListDataIntegrationAssociations", LIST)
    with closing(Sandbox(file, clock=clock)) as second:
        assert second.call("123456789012", "us-east-1", "ListDataIntegrationAssociations", LIST) == items
        assert second.call("123456789012", "us-east-1", "CreateDataIntegrationAssociation", REQUEST) == response
        assert second.call("210987654321", "mars-1", "GetDataIntegration", {"Identifier": "n"})["Tags"] == {"é": "ü"}
        assert second.executed_writes == first.executed_writes
        assert len(second.executed_writes) == 1
        clock.advance(10)
        [item] = second.call("123456789012", "us-east-1", "ListDataIntegrationAssociations", LIST)[
            "DataIntegrationAssociations"
        ]
        assert item["LastExecutionStatus"]["ExecutionStatus"] == "COMPLETED"


def test_reading_creates_no_file(tmp_path: Path, clock: ManualClock) -> None:
    """A read-only sandbox creates and changes no file, even if another sandbox uses it."""
    file = tmp_path / "sandbox.json"
    with closing(Sandbox(file, clock=clock, is_read_only=True)) as read_only:
        fill_sandbox(read_only)
    assert list(tmp_path.iterdir()) == []
    with closing(Sandbox(file, clock=clock)) as owner:
        fill_sandbox(owner)
        content = file.read_bytes()
        with closing(Sandbox(file, clock=clock, is_read_only=True)) as reader:
            assert reader.executed_writes == owner.executed_writes
            reader.reset()
        assert file.read_bytes() == content
    (tmp_path / "sandbox.json.lock").unlink()
    with closing(Sandbox(file, clock=clock, is_read_only=True)):
        assert [each.name for each in tmp_path.iterdir()] == ["sandbox.json"]


def test_data_file_is_readable_json(tmp_path: Path, clock: ManualClock) -> None:
    """The data file is indented JSON without escaped letters, and its lock is the only other file."""
    file = tmp_path / "sandbox.json"
    with closing(Sandbox(file, clock=clock)) as sandbox:
        fill_sandbox(sandbox)
        text = file.read_text(encoding="utf-8")
    assert '"é": "ü"' in text
    assert len(text.splitlines()) > 50
    assert json.loads(text)["format"] == "reconciler/sandbox/v1"
    assert {each.name for each in tmp_path.iterdir()} == {"sandbox.json", "sandbox.json.lock"}


def test_write_with_a_lost_answer_is_stored(tmp_path: Path, clock: ManualClock) -> None:
    """An executed write is stored even if its answer is lost."""
    file = tmp_path / "sandbox.json"
    with (
        closing(Sandbox(file, Behaviour(lose_answers=1), clock=clock)) as sandbox,
        pytest.raises(Exception, match="failed to answer"),
    ):
        fill_sandbox(sandbox)
    with closing(Sandbox(file, clock=clock)) as second:
        assert len(second.executed_writes) == 1


def test_reads_and_refusals_do_not_write_the_file(tmp_path: Path, clock: ManualClock) -> None:
    """Reads and refused writes do not write the data file."""
    file = tmp_path / "sandbox.json"
    with closing(Sandbox(file, Behaviour(explicit_deny=True), clock=clock)) as sandbox:
        sandbox.call("123456789012", "us-east-1", "ListDataIntegrationAssociations", LIST)
        with pytest.raises(Exception, match="explicit deny"):
            sandbox.call("123456789012", "us-east-1", "CreateDataIntegrationAssociation", REQUEST)
    assert not file.exists()


def test_reset_clears_the_file(tmp_path: Path, clock: ManualClock) -> None:
    """A reset deletes the state in memory and in the data file."""
    file = tmp_path / "sandbox.json"
    with closing(Sandbox(file, clock=clock)) as sandbox:
        fill_sandbox(sandbox)
        sandbox.reset()
        assert sandbox.executed_writes == ()
        assert json.loads(file.read_text(encoding="utf-8"))["accounts"] == {}


def test_second_sandbox_on_the_same_file_is_rejected(tmp_path: Path) -> None:
    """A data file belongs to one sandbox at a time, and is free again once that sandbox is closed."""
    file = tmp_path / "sandbox.json"
    with closing(Sandbox(file)), pytest.raises(DataFileError, match="another sandbox uses this file"):
        Sandbox(file)
    Sandbox(file).close()


def test_closed_sandbox_changes_nothing(tmp_path: Path) -> None:
    """A closed sandbox refuses requests and does not write the data file."""
    sandbox = Sandbox(tmp_path / "sandbox.json")
    sandbox.close()
    with pytest.raises(Exception, match="closed"):
        fill_sandbox(sandbox)
    sandbox.reset()
    assert not (tmp_path / "sandbox.json").exists()


def build_data_file(change: str) -> str:
    """Return the JSON of a one-Region data file with one fault, or with none if `change` is unknown."""
    association: dict[str, Any] = {
        "id": "a",
        "integration_id": "i",
        "request": {},
        "execution": None,
        "former_execution": None,
        "created_at": 1,
        "updated_at": 1,
        "runs_until": None,
        "outcome": "COMPLETED",
        "tags": {},
    }
    integration: dict[str, Any] = {"id": "i", "request": {"Name": "n"}, "tags": {}, "associated": True}
    state: dict[str, Any] = {
        "dataIntegrations": [integration],
        "associations": [association],
        "tokens": [],
        "executedWrites": [],
    }
    match change:
        case "time":
            association["created_at"] = "yesterday"
        case "truth":
            association["updated_at"] = True
        case "orphan":
            association["integration_id"] = "j"
        case "nameless":
            integration["request"] = {}
        case "member":
            del association["tags"]
        case "list":
            state["associations"] = {}
        case "part":
            del state["tokens"]
        case _:
            pass
    return json.dumps({"format": "reconciler/sandbox/v1", "accounts": {"1": {"mars-1": state}}})


def test_sound_document_is_accepted(tmp_path: Path) -> None:
    """The document that the next test damages is valid."""
    file = tmp_path / "sandbox.json"
    file.write_text(build_data_file("nothing"), encoding="utf-8")
    with closing(Sandbox(file)) as sandbox:
        assert sandbox.call("1", "mars-1", "GetDataIntegration", {"Identifier": "n"})["Id"] == "i"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"format": "reconciler/sandbox/v2", "accounts": {}}',
        '{"format": "reconciler/sandbox/v1"}',
        '{"format": "reconciler/sandbox/v1", "accounts": {"1": []}}',
        '{"format": "reconciler/sandbox/v1", "accounts": {"1": {"r": {}}}}',
        "[" * 100_000,
        *map(build_data_file, ("time", "truth", "orphan", "nameless", "member", "list", "part")),
    ],
)
def test_corrupt_file_is_named_and_left_alone(tmp_path: Path, text: str) -> None:
    """An invalid data file is reported with its path, and is neither changed nor locked."""
    file = tmp_path / "sandbox.json"
    file.write_text(text, encoding="utf-8")
    for _ in range(2):
        with pytest.raises(DataFileError, match=r"sandbox\.json: the file is not a valid sandbox data file"):
            Sandbox(file)
    assert file.read_text(encoding="utf-8") == text


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    """A file that is not UTF-8, or is a folder, is reported as unreadable."""
    file = tmp_path / "sandbox.json"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(DataFileError, match="cannot be read"):
        Sandbox(file)
    with pytest.raises(DataFileError, match="cannot be read"):
        Sandbox(tmp_path)


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """If a part of the path of a data file is a file instead of a folder, the message names that part."""
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "sandbox.json", tmp_path / "file" / "sandbox" / "sandbox.json"):
        with pytest.raises(DataFileError, match=f"{tmp_path}/file is a file: choose the path of a folder"):
            Sandbox(path)


def test_failed_save_leaves_the_former_file(tmp_path: Path, clock: ManualClock) -> None:
    """A failed save leaves no temporary file."""
    file = tmp_path / "sandbox.json"
    with closing(Sandbox(file, clock=clock)) as sandbox:
        fill_sandbox(sandbox)
        file.unlink()
        file.mkdir()
        with pytest.raises(OSError, match="sandbox"):
            sandbox.reset()
    assert {each.name for each in tmp_path.iterdir()} == {"sandbox.json", "sandbox.json.lock"}
