"""Begin a folder with the manifests of a first export: ask AWS where it is, and write the files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from os.path import lexists
from pathlib import Path

from reconciler.app.assemble import open_sandbox_if_requested
from reconciler.app.config import RunConfig
from reconciler.app.export import ExportResult, export_targets
from reconciler.app.state import build_connection_settings
from reconciler.core.errors import InvalidManifests, UsageError
from reconciler.core.init import texts
from reconciler.core.init.extras import Extra, build_extra_text
from reconciler.core.manifests.files import File
from reconciler.core.model import Integration
from reconciler.core.ports import Progress
from reconciler.edge import manifests, output_files
from reconciler.edge.aws import SharedModels, TargetSession
from reconciler.edge.aws.connection import resolve_region
from reconciler.edge.manifests.schema import SCHEMA_FILES, load_schema
from reconciler.edge.rate_limit import RateLimiter
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
    """Return the account and Region of the credentials, with the data integrations. Raises CloudError, SetupError."""
    clock, models, connection_settings = config.create_clock(), SharedModels(), build_connection_settings(config)
    (ambient_target,) = manifests.load_manifests((), clock.now()).targets
    with open_sandbox_if_requested(config):
        region = resolve_region(ambient_target, connection_settings, models)
        target = replace(ambient_target, region=SANDBOX_REGION) if config.sandbox and not region else ambient_target
        rate_limiter = RateLimiter(target.requests_per_second, target.burst, clock)
        with closing(TargetSession(target, connection_settings, rate_limiter, models)) as session:
            return Account(session.account, session.region, session.create_probe().list_integrations())


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


def refuse_used_folder(folder: Path) -> None:
    """Raise OutputError if a folder already has manifests or one of the schemas, and UsageError if it is a file."""
    if output_files.is_below_file(folder):
        raise UsageError(f"{folder} is not a folder: choose another folder")
    if entry := output_files.find_entry(folder / "manifests"):
        output_files.refuse_existing([entry])
    output_files.refuse_existing(folder / path for path in texts.list_schemas().values())


def refuse_extras(folder: Path, extras: Iterable[Extra]) -> None:
    """Raise OutputError if one of the files exists, and UsageError if a file has no effect in the folder."""
    root = find_repository_root(folder)
    for extra in extras:
        for path in extra.templates:
            if lexists(folder / path):
                raise output_files.OutputError(
                    f"{folder / path} already exists: nothing was written; move it away, or omit {extra.option}"
                )
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
    extra_texts = {
        path: build_extra_text(extra, read_template(template), account.id, account.region)
        for extra in extras
        for path, template in extra.templates.items()
    }
    new_files = {**manifest_texts, **schemas, **gitignore, **extra_texts}
    output_files.create_files(folder, new_files)
    return tuple(new_files)


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
