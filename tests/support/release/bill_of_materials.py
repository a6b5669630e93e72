"""The bill of materials of a release, in the format CycloneDX: the program and the packages that it runs with."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from support.release.distributions import run


def write_bill(python: Path, project: Path, version: str, path: Path, time: str) -> None:
    """Write the bill of an environment, with the program as its main component."""
    # The tool reads a version only where it is static.
    text = project.read_text(encoding="utf-8").replace('dynamic = ["readme", "version"]', f'version = "{version}"')
    static = path.with_name("pyproject.toml")
    static.write_text(text, encoding="utf-8")
    command: list[str | Path] = [sys.executable, "-m", "cyclonedx_py", "environment", "--pyproject", static]
    run([*command, "--output-reproducible", "--validate", "--output-file", path, python], SOURCE_DATE_EPOCH=time)
    static.unlink()


def check_bill(path: Path, version: str, lock: Path) -> int:
    """Check that the bill has the program and its locked packages. Return the number of packages."""
    bill: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    program = bill["metadata"]["component"]
    assert (program["name"], program["version"]) == ("appintegrations-reconciler", version), f"{path.name}: {program}"
    listed = {(_normalise(each["name"]), each["version"]) for each in bill["components"]}
    pins = re.findall(r"^([a-z0-9-]+)==(\S+)( ;)?", lock.read_text(encoding="utf-8"), re.MULTILINE)
    # A pin with a marker may be for another system.
    needed = {(name, pinned) for name, pinned, marker in pins if not marker}
    assert needed <= listed, f"{path.name}: missing: {sorted(needed - listed)}"
    allowed = {(name, pinned) for name, pinned, _ in pins}
    assert listed <= allowed, f"{path.name}: not in {lock.name}: {sorted(listed - allowed)}"
    return len(listed)


def _normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
