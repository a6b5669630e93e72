"""The scheme of a state location selects its backend, and the location reports obstacles to writing."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.bucket import Bucket

from reconciler.edge.aws import ConnectionSettings, SharedModels, create_ambient_client
from reconciler.edge.state import check_location, is_folder, is_url, list_patterns, list_url_patterns, open_location
from reconciler.edge.state.file import FileStore, FolderLocation, find_locked_file
from reconciler.sandbox import SandboxServer


def fail_to_create_client(service: str) -> object:
    """Fail the test, because a folder needs no AWS client."""
    raise AssertionError(service)


def test_path_without_scheme_is_a_folder(tmp_path: Path) -> None:
    """A path without a scheme is a folder. Opening it needs no AWS client and creates nothing."""
    location = open_location(str(tmp_path / "state"), "sandbox", fail_to_create_client)
    assert (location.name, location.is_shared, location.unchecked_write) == (f"{tmp_path}/state/sandbox", False, None)
    assert location.open_store("1-r.json").place == f"{tmp_path}/state/sandbox/1-r.json"
    assert "mount the folder" in location.restore_remedy
    assert (location.find_obstacle(), location.find_file_obstacle("1-r.json")) == (None, None)
    assert list(tmp_path.iterdir()) == []


def test_s3_url_is_a_prefix_of_a_bucket() -> None:
    """An S3 URL is a prefix of a bucket, and its write permission cannot be checked without a write."""
    with SandboxServer() as server:
        Bucket(server.url)
        connection = ConnectionSettings("0", endpoint_url=server.url, has_dummy_credentials=True)
        location = open_location(
            f"{Bucket.url}/", "sandbox", lambda service: create_ambient_client(service, connection, SharedModels())
        )
        store = location.open_store("1-r.json")
        assert store.load() is None
    assert store.place == f"{Bucket.url}/sandbox/1-r.json"
    assert location.is_shared
    assert "restore the object" in location.restore_remedy
    assert (location.find_obstacle(), location.find_file_obstacle("1-r.json")) == (None, None)
    assert location.unchecked_write
    assert location.unchecked_write.remedy.endswith(f"allow s3:PutObject below {Bucket.url}/")


@pytest.mark.parametrize(
    ("location", "message"), [("s3://b", "is not a valid bucket name"), ("gs://x", "is neither an S3 URL")]
)
def test_location_that_names_no_place_is_refused(location: str, message: str) -> None:
    """An invalid location is rejected before it is opened, and an unknown scheme does not count as a folder."""
    with pytest.raises(ValueError, match=message):
        check_location(location)
    with pytest.raises(ValueError, match=message):
        open_location(location, "", fail_to_create_client)


def test_location_in_s3_is_checked_without_a_client() -> None:
    """The syntax of an S3 URL is checked without an AWS client."""
    check_location("s3://bucket/prefix")


@pytest.mark.parametrize(
    ("location", "expected_folder", "expected_url"),
    [
        ("state", True, False), ("s3", True, False), ("./s3://x", True, False), ("gs://bucket/prefix", True, False),
        ("s3://bucket/prefix", False, True), ("S3://bucket/prefix", True, True), ("s3://", False, True),
    ],
)  # fmt: skip
def test_scheme_decides_between_folder_and_url(location: str, expected_folder: bool, expected_url: bool) -> None:
    """Only a text that begins with the scheme of a backend is a URL. A suggestion ignores the case."""
    assert (is_folder(location), is_url(location)) == (expected_folder, expected_url)


def test_patterns_name_every_kind_of_location() -> None:
    """Help shows the folder first, then the URLs."""
    assert list_patterns() == ("DIR", *list_url_patterns()) == ("DIR", "s3://BUCKET/PREFIX")


def test_obstacle_in_the_way_of_a_folder_is_named(tmp_path: Path) -> None:
    """A broken link, a file, a link loop and a read-only folder are reported as obstacles."""
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert FolderLocation(tmp_path / "link").find_obstacle() == f"{tmp_path}/link is a broken link"
    assert FolderLocation(tmp_path / "file").find_obstacle() == f"{tmp_path}/file is not a folder"
    assert "cannot be inspected: Too many levels" in str(FolderLocation(tmp_path / "loop").find_obstacle())
    assert FolderLocation(Path("/proc/self")).find_obstacle() in {None, "/proc/self is not writable by this user"}


def test_each_file_that_a_run_opens_is_checked(tmp_path: Path) -> None:
    """The lock file and the temporary file must be regular and writable. A missing file is no obstacle.

    If the folder itself is a file, the check of the folder reports it.
    """
    store = FileStore(tmp_path / "a.json")
    assert find_locked_file(store, has_access=lambda *_: False) is None
    for name in ("a.lock", "a.json.new"):
        path = tmp_path / name
        path.write_text("")
        assert find_locked_file(store) is None
        assert (
            find_locked_file(store, has_access=lambda *_: False) == f"{path} is not readable and writable by this user"
        )
        path.unlink()
        path.symlink_to(tmp_path / "elsewhere")
        assert find_locked_file(store) == f"{path} is not a regular file"
        path.unlink()
    (tmp_path / "file").write_text("")
    assert find_locked_file(FileStore(tmp_path / "file/a.json")) is None
    assert "cannot be inspected: File name too long" in (
        find_locked_file(FileStore(tmp_path / f"{'a' * 300}.json")) or ""
    )
