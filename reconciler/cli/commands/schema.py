"""`reconcile schema`: print a JSON Schema, for editors and CI."""

from __future__ import annotations

import json

import click

from reconciler.cli.command import Command
from reconciler.cli.parameters import Choice
from reconciler.edge.manifests.schema import SCHEMA_FILES, load_schema

_SCHEMA_FILES = {
    **SCHEMA_FILES,
    "Report": "report.v1.json",
    "Findings": "findings.v1.json",
    "Doctor": "doctor.v1.json",
    "Journal": "journal.v3.json",
}


@click.command(
    "schema",
    cls=Command,
    examples=(
        "reconcile schema > association.schema.json",
        "reconcile schema Target > target.schema.json",
    ),
)
@click.argument(
    "kind",
    type=Choice(list(_SCHEMA_FILES), case_sensitive=False),
    default="DataIntegrationAssociation",
    metavar="[KIND]",
)
def command(kind: str) -> None:
    """Print the JSON Schema of one kind of document. Every $ref is resolved.

    The kinds of manifests are DataIntegrationAssociation (the default), Target and TargetSet. The kinds of output are
    Report, Findings, Doctor and Journal.
    """
    from reconciler.cli.schema_references import resolve_references

    click.echo(json.dumps(resolve_references(load_schema(_SCHEMA_FILES[kind])), indent=2, ensure_ascii=False))
