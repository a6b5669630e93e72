"""Run `python -m support.release --version 1.2.3`: build and check a release in a folder, and publish nothing.

Without --version, it is a rehearsal with the current version: its changelog section needs no date, and the metadata may
have the placeholder of the owner. Its last line says what a release still needs.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from support.paths import REPOSITORY
from support.release.bill_of_materials import check_bill, write_bill
from support.release.distributions import build, check_contents, check_metadata, write_checksums
from support.release.installation import check_program, find_interpreters, install, list_folders
from support.release.versions import (
    describe_rest,
    find_owner_problems,
    find_problems,
    read_notes,
    read_version,
    resolve_links,
)

_LOCK = REPOSITORY / "requirements.lock"
_PROJECT = REPOSITORY / "pyproject.toml"


def main() -> int:
    """Check a release, print what was checked, and return 1 if something prevents the release."""
    options = _parse_options()
    problems = find_problems(REPOSITORY, options.version or None)
    if options.version or options.repository:
        problems += find_owner_problems(_PROJECT.read_text(encoding="utf-8"), options.repository)
    for problem in problems:
        _print(f"release: {problem}")
    if problems or options.only_version:
        return int(bool(problems))
    try:
        _check_release(options.folder.resolve(), options.image_base, read_version(REPOSITORY))
    except AssertionError as error:
        _print(f"release: {error}")
        return 1
    if not options.version:
        _print(f"rehearsal    {describe_rest(REPOSITORY, options.repository)}")
    return 0


def _check_release(folder: Path, image_base: Path | None, version: str) -> None:
    _print(f"version      {version}, and its section in the changelog")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    time = _ask_git("show", "--no-patch", "--format=%ct", "HEAD")
    wheel, source = build(REPOSITORY, folder, time)
    _print(f"build        {wheel.name}, {source.name}")
    check_metadata(wheel, source)
    check_contents(source, REPOSITORY)
    _print("twine        passed")
    bill = folder / f"appintegrations-reconciler-{version}.cdx.json"
    with TemporaryDirectory(prefix="release-") as place:
        for number, (python, path) in enumerate(find_interpreters(list_folders()).items()):
            installed = install(path, wheel, _LOCK, Path(place) / path.name)
            check_program(installed, version, REPOSITORY)
            _print(f"installed    with Python {python[0]}.{python[1]}")
            if not number:
                write_bill(installed, _PROJECT, version, bill, time)
    _print(f"CycloneDX    {bill.name}: {check_bill(bill, version, _LOCK)} packages")
    if image_base:
        from support.release.image import check_image  # noqa: PLC0415 - a machine without the tools has no use for it

        labels = check_image(REPOSITORY, image_base, _fill_labels(version, int(time)))
        _print(f"image        {', '.join(sorted(labels))}")
    else:
        _print("image        not checked: RELEASE_IMAGE=no, or tools are missing (make check-image names them)")
    notes = resolve_links(read_notes(REPOSITORY, version), _read_url(), version)
    (folder / "NOTES.md").write_text(notes, encoding="utf-8")
    _print(f"checksums    {write_checksums(folder).name}")


def _fill_labels(version: str, time: int) -> dict[str, str]:
    created = datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    revision = _ask_git("rev-parse", "HEAD")
    return {"CREATED": created, "REVISION": revision, "SOURCE": _read_url(), "VERSION": version}


def _read_url() -> str:
    url: str = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]["urls"]["Repository"]
    return url


def _ask_git(*arguments: str) -> str:
    result = subprocess.run(["git", *arguments], cwd=REPOSITORY, check=True, capture_output=True, text=True)
    return result.stdout.strip()


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m support.release", description=__doc__)
    parser.add_argument("--version", default="", help="the version to release; without it, a rehearsal")
    parser.add_argument("--repository", default="", help="OWNER/NAME, which the metadata must name")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "build" / "release", help="where to put the files")
    parser.add_argument(
        "--only-version", action="store_true", help="check the version and its changelog, build nothing"
    )
    parser.add_argument("--image-base", type=Path, help="archive of the base of the image; without it, no image")
    return parser.parse_args()


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
