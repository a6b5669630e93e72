"""Begin a folder with the manifests of a first export: ask AWS where it is, and write the files."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from os.path import lexists
from pathlib import Path

from reconciler.app.assemble import open_sandbox_if_requested
from reconciler.app.config import RunConfig
from reconciler.app.state import build_connection_settings
from reconciler.core.errors import InvalidManifests, UsageError
from reconciler.core.init import texts
from reconciler.core.init.texts import FirstExport
from reconciler.core.manifests.files import File
from reconciler.core.model import Integration
from reconciler.edge import manifests, output_files
from reconciler.edge.aws import SharedModels, TargetSession
from reconciler.edge.aws.connection import resolve_region
from reconciler.edge.manifests.schema import SCHEMA_FILES, load_schema
from reconciler.edge.rate_limit import RateLimiter

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


def refuse_used_folder(folder: Path) -> None:
    """Raise OutputError if a folder already has manifests or one of the schemas, and UsageError if it is a file."""
    if output_files.is_below_file(folder):
        raise UsageError(f"{folder} is not a folder: choose another folder")
    if entry := output_files.find_entry(folder / "manifests"):
        output_files.refuse_existing([entry])
    output_files.refuse_existing(folder / path for path in texts.list_schemas().values())


def write_first_export(folder: Path, export: FirstExport, now: datetime) -> tuple[str, ...]:
    """Write the files of a first export, and return their paths below the folder. Raises UsageError, OutputError.

    An existing `.gitignore` is kept, and its path is not among the returned ones.
    """
    manifest_texts = texts.build_texts(export)
    _refuse_invalid_values(manifest_texts, now)
    gitignore = {} if lexists(folder / texts.GITIGNORE_FILE) else {texts.GITIGNORE_FILE: texts.build_gitignore()}
    schemas = {
        path: json.dumps(load_schema(SCHEMA_FILES[kind]), indent=2, ensure_ascii=False) + "\n"
        for kind, path in texts.list_schemas().items()
    }
    new_files = {**manifest_texts, **schemas, **gitignore}
    output_files.create_files(folder, new_files)
    return tuple(new_files)


def _refuse_invalid_values(manifest_texts: dict[str, str], now: datetime) -> None:
    """Raise UsageError if the manifests would be invalid or have warnings, which options with wrong values cause."""
    try:
        files = [File(path, text.encode(errors="surrogateescape")) for path, text in manifest_texts.items()]
        problems = manifests.load_manifests(files, now).all_warnings
    except InvalidManifests as invalid:
        problems = invalid.problems
    if problems:
        reasons = "; ".join(f"{each.pointer.rpartition('/')[2] or each.file}: {each.message}" for each in problems)
        raise UsageError(f"these values make no valid manifest: {reasons}")
