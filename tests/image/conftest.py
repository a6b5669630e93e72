"""Build the image from the Dockerfile as a user does, on a Debian in place of the official slim image."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from support.container_engine import BASE, BUILD_ARGUMENTS, Engine, create_engine
from support.paths import REPOSITORY

ARCHIVE = REPOSITORY / "build" / "image-base.tar"
IMAGE = "localhost/appintegrations-reconciler:test"
# Files of the official image below /usr/local that Debian's python3 has elsewhere or lacks.
OFFICIAL_FILES = (
    "bin/idle3.13", "bin/pip3", "bin/pydoc3", "lib/python3.13/ensurepip/__init__.py",
    "lib/python3.13/site-packages/pip/__init__.py", "lib/python3.13/site-packages/pip-25.3.dist-info/METADATA",
)  # fmt: skip


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Yield the engine that builds and runs images. Its storage has a short path: podman allows 50 characters."""
    assert ARCHIVE.exists(), "the base image is missing: run `make image-test`"
    with TemporaryDirectory(prefix="image-", ignore_cleanup_errors=True) as folder:
        new_engine = create_engine(Path(folder))
        yield new_engine
        new_engine.run_podman("rmi", "--all", "--force")


@pytest.fixture(scope="session")
def image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the name of the image."""
    local = tmp_path_factory.mktemp("local")
    for name in OFFICIAL_FILES:
        (local / name).parent.mkdir(parents=True, exist_ok=True)
        (local / name).touch()
    engine.build_base(ARCHIVE, local, BASE)
    engine.build(REPOSITORY, IMAGE, BASE=BASE, **BUILD_ARGUMENTS)
    return IMAGE
