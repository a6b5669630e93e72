"""The image of a release: its labels and the program in it. It is built on a Debian, as in tests/image."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from support.container_engine import BASE, create_engine

_IMAGE = "localhost/appintegrations-reconciler:release"


def check_image(repository: Path, archive: Path, arguments: dict[str, str]) -> dict[str, str]:
    """Build the image with the arguments of its labels, and check labels and program. Return the labels of OCI."""
    with TemporaryDirectory(prefix="image-", ignore_cleanup_errors=True) as folder:
        engine = create_engine(Path(folder))
        local = Path(folder) / "local"
        local.mkdir()
        engine.build_base(archive, local, BASE)
        engine.build(repository, _IMAGE, BASE=BASE, **arguments)
        inspected = engine.inspect_image(_IMAGE)
        result = engine.run(_IMAGE, "--version")
        engine.run_podman("rmi", "--all", "--force")
    prefix = "org.opencontainers.image."
    labels = {
        name.removeprefix(prefix): value
        for name, value in inspected["Config"]["Labels"].items()
        if name.startswith(prefix)
    }
    differing = {name for name, value in arguments.items() if labels.get(name.lower()) != value}
    assert not differing, f"the image has other labels: {differing}"
    assert {"base.name", "description", "licenses", "title"} <= labels.keys(), f"the image lacks labels: {labels}"
    assert result.stdout.strip().endswith(f" {arguments['VERSION']}"), f"the image contains {result}"
    return labels
