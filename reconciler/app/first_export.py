"""Begin a folder with the manifests of a first export: ask AWS where it is, and write the files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from os.path import lexists
from pathlib import Path

from reconciler.app.assemble import open_sandbox_if_requested
from reconciler.app.calls import create_call_queue, open_pace
from reconciler.app.config import RunConfig
from reconciler.app.export import ExportResult, export_targets
from reconciler.app.state import build_connection_settings
from reconciler.core.aws.regions import find_region_problem
from reconciler.core.errors import InvalidManifests, NoRegion, UsageError
from reconciler.core.init import texts
from reconciler.core.init.extras import Extra, build_extra_text
from reconciler.core.manifests.files import File
from reconciler.core.model import Integration
from reconciler.core.ports import Progress
from reconciler.edge import manifests, output_files
from reconciler.edge.aws import SharedClients, SharedModels, TargetSession
from reconciler.edge.aws.connection import resolve_region
from reconciler.edge.aws.region_names import load_region_patterns
from reconciler.edge.manifests.schema import SCHEMA_FILES, load_schema
from reconciler.edge.templates import read_template

SANDBOX_REGION = "us-east-1"
"""The Region of a sandbox if no Region is configured. A sandbox accepts every Region."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account and Region with its data integrations, as far as they are known."""

    id: str | None
    region: str | None
    integrations: tuple[Integration, ...]


def read_account(config: RunConfig) -> Account:
    """Return the account and Region of the credentials, with the data integrations. Raises CloudError, SetupError.

    If no Region is configured, the error names what a new folder can have. It has no Target yet.
    """
    clock, models, connection_settings = config.create_clock(), SharedModels(), build_connection_settings(config)
    (ambient_target,) = manifests.load_manifests((), clock.now()).targets
    with open_sandbox_if_requested(config):
        region = resolve_region(ambient_target, connection_settings, models)
        if not region and not config.sandbox:
            raise NoRegion("no Region is configured: use --region, or set AWS_REGION")
        target = ambient_target if region else replace(ambient_target, region=SANDBOX_REGION)
        with (
            closing(SharedClients(connection_settings, models, clock.monotonic)) as clients,
            closing(TargetSession(target, clients)) as session,
        ):
            probe = session.create_probe(open_pace(create_call_queue(clock), session, target))
            return Account(session.account, session.region, probe.list_integrations())


def check_account(account: str) -> str:
    """Return the id of an account. Raises UsageError for any other text, and for the placeholder."""
    if not re.fullmatch("[0-9]{12}", account):
        raise UsageError(f"{account!r} is not the id of an account: write its twelve digits")
    if account == texts.UNKNOWN_ACCOUNT:
        raise UsageError(f"{account} is a placeholder and no account: write the twelve digits of your account")
    return account


def check_region(region: str) -> str:
    """Return the name of a Region. Raises UsageError for any other text."""
    if problem := find_region_problem(region, load_region_patterns()):
        raise UsageError(problem)
    return region


def read_declared_place(folder: Path, now: datetime) -> Account:
    """Return the account and Region of the only Target in a folder with manifests, as far as they are known.

    Raises InvalidManifests.
    """
    files = manifests.find_files([str(folder / "manifests")], None)
    targets = manifests.load_manifests(files, now).targets
    return Account(targets[0].account, targets[0].region, ()) if len(targets) == 1 else Account(None, None, ())


def export_live(
    config: RunConfig, account: Account, integration: Integration | None, progress: Progress
) -> ExportResult:
    """Return the manifests of the live associations of a data integration, or of every one. Nothing is written."""
    target = texts.build_target_text(account.id, account.region, None)
    desired = manifests.load_manifests([File(texts.TARGET_FILE, target.encode())], config.create_clock().now())
    arn = integration.arn if integration else None
    with open_sandbox_if_requested(config):
        return export_targets(desired, config, progress, should_skip_managed=False, only_integration=arn)


def find_repository_root(folder: Path) -> Path | None:
    """Return the top folder of the repository that contains a folder, or None outside of a repository."""
    path = folder.resolve()
    return next((each for each in (path, *path.parents) if lexists(each / ".git")), None)


def refuse_file(folder: Path) -> None:
    """Raise UsageError if a path is not a folder, and cannot become one."""
    if output_files.is_below_file(folder):
        raise UsageError(f"{folder} is not a folder: choose another folder")


def has_manifests(folder: Path) -> bool:
    """Return whether a folder already has manifests. Raises OutputError if it cannot be read."""
    return output_files.find_entry(folder / "manifests") is not None


def refuse_used_folder(folder: Path) -> None:
    """Raise OutputError if a folder already has manifests or one of the schemas."""
    if entry := output_files.find_entry(folder / "manifests"):
        raise output_files.OutputError(
            f"{entry} already exists: nothing was written; choose another folder, or add files to this one with --ci, "
            "--pre-commit or --kubernetes"
        )
    output_files.refuse_existing(folder / path for path in texts.list_schemas().values())


def refuse_extras(folder: Path, extras: Iterable[Extra]) -> None:
    """Raise OutputError if one of the files exists, and UsageError if a file has no effect in the folder."""
    for extra in extras:
        for path in extra.templates:
            if lexists(folder / path):
                raise output_files.OutputError(
                    f"{folder / path} already exists: nothing was written; move it away, or omit {extra.option}"
                )
    refuse_extras_without_effect(folder, extras)


def refuse_extras_without_effect(folder: Path, extras: Iterable[Extra]) -> None:
    """Raise UsageError if a file has no effect in the folder, because it has to be in the top folder."""
    root = find_repository_root(folder)
    for extra in extras:
        if extra.needs_repository_root and root not in {None, folder.resolve()}:
            file = next(iter(extra.templates))
            raise UsageError(
                f"{extra.option}: {file} has no effect in {folder}, a folder inside the repository {root}: begin in "
                f"{root}, or omit {extra.option}"
            )


def write_first_export(
    folder: Path, manifest_texts: dict[str, str], extras: Iterable[Extra], account: Account, now: datetime
) -> tuple[str, ...]:
    """Write the files of a first export, and return their paths below the folder. Raises UsageError, OutputError.

    If one of the files exists or cannot be written, none is. Only an existing `.gitignore` is kept, and its path is not
    among the returned ones.
    """
    refuse_invalid_texts(manifest_texts, now)
    refuse_extras(folder, extras)
    gitignore = {} if lexists(folder / texts.GITIGNORE_FILE) else {texts.GITIGNORE_FILE: texts.build_gitignore()}
    schemas = {
        path: json.dumps(load_schema(SCHEMA_FILES[kind]), indent=2, ensure_ascii=False) + "\n"
        for kind, path in texts.list_schemas().items()
    }
    new_files = {**manifest_texts, **schemas, **gitignore, **_build_extra_texts(extras, account)}
    output_files.create_files(folder, new_files)
    return tuple(new_files)


def add_extras(folder: Path, extras: Iterable[Extra], account: Account) -> dict[str, bool]:
    """Write the requested files that a folder does not have yet, and return for each path whether it was written.

    Existing files are kept. If one of the other files cannot be written, none is. Raises UsageError, OutputError.
    """
    refuse_extras_without_effect(folder, extras)
    extra_texts = _build_extra_texts(extras, account)
    new_files = {path: text for path, text in extra_texts.items() if not lexists(folder / path)}
    output_files.create_files(folder, new_files)
    return {path: path in new_files for path in extra_texts}


def _build_extra_texts(extras: Iterable[Extra], account: Account) -> dict[str, str]:
    return {
        path: build_extra_text(extra, read_template(template), account.id, account.region)
        for extra in extras
        for path, template in extra.templates.items()
    }


def refuse_other_destination(destination: str | None) -> None:
    """Raise UsageError if a destination is not in S3. None stands for the placeholder."""
    if destination is not None and not destination.startswith("s3://"):
        raise UsageError(
            f"the destination {destination!r} is not in S3, where a bulk export goes: write s3://BUCKET/PREFIX"
        )


def refuse_invalid_texts(manifest_texts: dict[str, str], now: datetime) -> None:
    """Raise UsageError if the manifests would be invalid or have warnings, which options with wrong values cause."""
    try:
        files = [File(path, text.encode(errors="surrogateescape")) for path, text in manifest_texts.items()]
        problems = manifests.load_manifests(files, now).all_warnings
    except InvalidManifests as invalid:
        problems = invalid.problems
    if problems:
        reasons = "; ".join(f"{each.pointer.rpartition('/')[2] or each.file}: {each.message}" for each in problems)
        raise UsageError(f"the manifest from these values would be invalid: {reasons}")
