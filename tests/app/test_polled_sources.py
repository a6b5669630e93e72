"""A folder that a controller polls: it reads one state of the files, never a mixture of two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reconciler.app.polled_sources import FolderSource
from reconciler.app.sources import Source
from reconciler.core.errors import Problem, ReconcilerError
from reconciler.core.manifests.files import File

TARGET = b"""\
apiVersion: appintegrations.reconciler/v1
kind: Target
metadata: {name: NAME}
spec: {AccountId: '123456789012', Region: us-east-1}
"""


@dataclass(frozen=True)
class ChangingSource(Source):
    """A folder with other files at each reading, and the same files after the last change."""

    readings: list[list[str]] = field(default_factory=list)

    def find_files(self) -> Iterator[File | Problem]:
        """Yield the files of the next reading."""
        names = self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]
        for name in names:
            yield File(f"{name}.yaml", TARGET.replace(b"NAME", name.encode()))


def build_source(*readings: str) -> FolderSource:
    """Return a source whose readings contain these targets."""
    return FolderSource(ChangingSource({}, (), None, "HEAD", ".", readings=[each.split() for each in readings]), ())


def test_half_replaced_folder_is_not_used() -> None:
    """The files are used only after two equal readings in a row."""
    source = build_source("old", "old new", "new")
    revision = source.load(source.read_version())
    assert [target.name for target in revision.desired.targets] == ["new"]


def test_folder_version_is_stable_across_readings() -> None:
    """The version of the same files is equal, whatever was read before."""
    assert (
        build_source("a b").read_version()
        == build_source("a", "a b").read_version()
        != build_source("a").read_version()
    )


def test_update_of_a_config_map_with_folders_is_detected(tmp_path: Path) -> None:
    """The controller reads the files that it hashed when Kubernetes replaces a ConfigMap behind links."""
    for name in ("old", "new"):
        (tmp_path / f"..{name}" / "eu").mkdir(parents=True)
        (tmp_path / f"..{name}" / "eu" / "a.yaml").write_bytes(TARGET.replace(b"NAME", name.encode()))
    (tmp_path / "..data").symlink_to("..old")
    (tmp_path / "eu").symlink_to("..data/eu")
    source = FolderSource(Source({}, (str(tmp_path),), None, "HEAD", "."), ())
    old_version = source.read_version()
    assert [target.name for target in source.load(old_version).desired.targets] == ["old"]
    (tmp_path / "..data_tmp").symlink_to("..new")
    (tmp_path / "..data_tmp").replace(tmp_path / "..data")
    new_version = source.read_version()
    assert [target.name for target in source.load(new_version).desired.targets] == ["new"]
    assert old_version != new_version


def test_folder_that_keeps_changing_is_rejected() -> None:
    """A folder that changes during each reading is an error that names the folder."""
    with pytest.raises(
        ReconcilerError, match=r"^manifests/: the files changed during each of 5 readings: replace them in one step"
    ):
        build_source(*"abcdefg").read_version()
