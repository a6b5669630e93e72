"""Write the texts of a first Target and a first manifest, with comments for the person who edits them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from unicodedata import normalize

from reconciler.core.manifests.unset_values import UNSET_BUCKET

TARGET_FILE = "manifests/target.yaml"
GITIGNORE_FILE = ".gitignore"
GITIGNORE_LINE = ".reconciler/"

UNKNOWN_ACCOUNT = "000000000000"
"""The account in the files if the account is unknown. No account has this id."""
EXAMPLE_REGION = "us-east-1"
"""The Region in the files if the Region is unknown."""
EXAMPLE_INTEGRATION = "profiles-export"
"""The data integration in the files if none is known. A new sandbox has one of this name."""
_UNSET_DESTINATION = f"{UNSET_BUCKET}/profiles"
_MAX_SLUG_LENGTH = 54
"""Maximum number of characters from the name of a data integration. With the suffix they fit a DNS label."""


class ExportKind(StrEnum):
    """Kind of a first export: each month, the last month once, or what is live already."""

    MONTHLY = "monthly"
    WINDOW = "window"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class FirstExport:
    """The values of a first Target and manifest.

    `kind` is not LIVE. `integration` is the name or ARN of the data integration. `today` is in UTC. An `account` or
    `destination` of None becomes a placeholder with which no run exports anything. A `region` or `integration` of None
    becomes an example.
    """

    account: str | None
    region: str | None
    integration: str | None
    kind: ExportKind
    destination: str | None
    today: date

    @property
    def month(self) -> date:
        """The first day of the last complete month."""
        return (self.today.replace(day=1) - timedelta(days=1)).replace(day=1)

    @property
    def identifier(self) -> str:
        """The name or ARN of the data integration, or the example."""
        return self.integration or EXAMPLE_INTEGRATION

    @property
    def file(self) -> str:
        """The path of the manifest."""
        return f"manifests/{self.name}.yaml"

    @property
    def name(self) -> str:
        """The name of the manifest."""
        name = self.identifier.rpartition("/")[2] if self.identifier.startswith("arn:") else self.identifier
        ascii_name = normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
        slug = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:_MAX_SLUG_LENGTH].strip("-") or "export"
        return f"{slug}-{'monthly' if self.kind is ExportKind.MONTHLY else f'{self.month:%Y-%m}'}"


def build_texts(export: FirstExport) -> dict[str, str]:
    """Return the texts of the manifests, by the path of the file."""
    target = build_target_text(export.account, export.region, export.destination or _UNSET_DESTINATION)
    return {TARGET_FILE: target, export.file: _render_manifest(export)}


def build_target_text(account: str | None, region: str | None, destination: str | None) -> str:
    """Return the text of a Target. It allows only the bucket of a destination in S3, or each destination if None."""
    region_note = "" if region else "                 # replace this by the Region of the data integration"
    account_note = "runs with credentials of another account are refused"
    if not account:
        account_note = f"replace this by your account: {account_note}"
    lines = [
        _build_schema_line("Target"),
        "# The account and Region to which the manifests in this folder apply.",
        "apiVersion: appintegrations.reconciler/v1",
        "kind: Target",
        "metadata:",
        "  name: main",
        "spec:",
        f"  Region: {_quote(region or EXAMPLE_REGION)}{region_note}",
        f"  AccountId: {json.dumps(account or UNKNOWN_ACCOUNT)}         # {account_note}",
        "  MaxCreates: 1                     # a run that plans more creates than this sends none of them",
        *_list_allowed_destinations(destination),
        "  # RoleArn: arn:aws:iam::${target.accountId}:role/NAME   # a role that runs assume in this account",
    ]
    return "\n".join((*lines, ""))


def build_live_texts(account: str | None, region: str | None, exported_texts: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of the exported manifests and their Target, by the path of the file."""
    schema_line = _build_schema_line("DataIntegrationAssociation")
    manifests = {f"manifests/{name}": f"{schema_line}\n{text}" for name, text in exported_texts.items()}
    return {TARGET_FILE: build_target_text(account, region, None), **manifests}


def list_open_points(export: FirstExport) -> tuple[tuple[str, str], ...]:
    """Return what a person has to set before the first run: the path of a file, and the step."""
    members = {"AccountId": export.account, "Region": export.region}
    missing = [name for name, value in members.items() if not value]
    points = [(TARGET_FILE, f"set {' and '.join(missing)}")] if missing else []
    if not export.integration:
        points.append((export.file, "set DataIntegrationIdentifier to your data integration"))
    if export.destination is None:
        points.append((TARGET_FILE, "set AllowedDestinations to your bucket"))
        points.append((export.file, "set DestinationURI to your bucket, then remove the line with suspend"))
    return tuple(points)


def build_gitignore() -> str:
    """Return the text of the file that keeps the journal of this machine out of git."""
    return f"# The journal of runs on this machine.\n{GITIGNORE_LINE}\n"


def list_schemas() -> Mapping[str, str]:
    """Return the path of the schema of each kind of manifest. The first line of each manifest names its schema."""
    return {
        "DataIntegrationAssociation": "schemas/data-integration-association.v1.json",
        "Target": "schemas/target.v1.json",
    }


def _build_schema_line(kind: str) -> str:
    """Return the line that leads an editor from a manifest to the schema of its kind."""
    return f"# yaml-language-server: $schema=../{list_schemas()[kind]}"


def _list_allowed_destinations(destination: str | None) -> list[str]:
    """Return the line that allows only the bucket of a destination in S3."""
    bucket = re.match(r"s3://[A-Za-z0-9.-]+(?=/|$)", destination or "")
    if not bucket:
        return []
    places = f"{bucket[0]}/*" if destination != bucket[0] else f"{bucket[0]}, {bucket[0]}/*"
    return [f"  AllowedDestinations: [{places}]   # no run exports to another place"]


def _render_manifest(export: FirstExport) -> str:
    is_monthly = export.kind is ExportKind.MONTHLY
    subject = "each month" if is_monthly else f"{export.month:%B %Y}, once"
    lines = [
        _build_schema_line("DataIntegrationAssociation"),
        f"# Exports the changed customer profiles of {subject}.",
        "# Creating the association STARTS AN EXPORT, which nobody can stop.",
        "# The objects to export are set in the data integration (ObjectConfiguration), as in AWS's guide",
        '# "Set up bulk export".',
        "apiVersion: appintegrations.reconciler/v1",
        "kind: DataIntegrationAssociation",
        "metadata:",
        f"  name: {export.name}",
        *_list_policy_lines(export),
        *(_list_window_lines(export.month) if is_monthly else ()),
        "spec:",
        f"  DataIntegrationIdentifier: {_quote(export.identifier)}",
        f"  DestinationURI: {_quote(export.destination or _UNSET_DESTINATION)}",
        *(() if is_monthly else _list_execution_lines(export)),
    ]
    return "\n".join((*lines, ""))


def _list_policy_lines(export: FirstExport) -> list[str]:
    lines = []
    if export.kind is ExportKind.MONTHLY:
        lines += ["  mode: create-and-update           # without it, only the first month would be exported"]
    if export.destination is None:
        lines += ["  suspend: true                     # set DestinationURI to your bucket, then remove this line"]
    return ["policy:", *lines] if lines else []


def _list_window_lines(month: date) -> list[str]:
    return [
        "window:",
        "  every: month",
        "  timeZone: UTC                     # in which the months begin, such as Europe/Berlin",
        f"  first: {month}                 # the first month; it is exported once it has ended",
    ]


def _list_execution_lines(export: FirstExport) -> list[str]:
    return [
        "  ExecutionConfiguration:",
        "    ExecutionMode: ON_DEMAND",
        "    OnDemandConfiguration:",
        f"      StartTime: {export.month}T00:00:00Z",
        f"      EndTime: {export.today.replace(day=1)}T00:00:00Z",
    ]


def _quote(text: str) -> str:
    """Return a text as a YAML string, with each `${` written as `$${`. Quotes stand only where YAML may need them."""
    text = text.replace("${", "$${")
    is_plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]*|[a-z0-9]+://[A-Za-z0-9_./-]+", text) is not None
    return text if is_plain and text.lower() not in {"true", "false", "null"} else json.dumps(text, ensure_ascii=False)
