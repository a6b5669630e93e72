"""`reconcile validate`: manifests only; no AWS, no credentials."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import click

from reconciler.cli import EXIT_INVALID, options, output
from reconciler.core.errors import InvalidManifests, Problem
from reconciler.core.harmless import harmless


@dataclass(frozen=True, slots=True)
class _Findings:
    manifests: int
    targets: int
    problems: tuple[Problem, ...] = ()


@click.command("validate")
@options.manifests
@output.outputs
def command(files: tuple[str, ...], outputs: tuple[str, ...]) -> int:
    """Check manifests and report every problem of every file; exit 3 where there is one."""
    from reconciler.edge import manifests  # noqa: PLC0415

    wanted = output.parse(outputs, _FORMATS)
    try:
        desired = manifests.load(files, options.standard_input())
    except InvalidManifests as error:
        findings = _Findings(0, 0, error.problems)
    else:
        findings = _Findings(
            sum(len(found) for found in desired.manifests.values()),
            sum(bool(target.account) for target in desired.targets),
        )
    output.write(findings, wanted, _FORMATS)
    return EXIT_INVALID if findings.problems else 0


def _text(findings: _Findings) -> str:
    if findings.problems:
        return "".join(f"{harmless(str(problem))}\n" for problem in findings.problems)
    counts = ((findings.manifests, "manifest"), (findings.targets, "target"))
    said = ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts if count)
    return f"{said or 'no manifests'}: valid\n"


def _json(findings: _Findings) -> str:
    document = {"valid": not findings.problems, **asdict(findings)}
    return json.dumps(document, indent=2) + "\n"


_FORMATS: Mapping[str, output.Format[_Findings]] = {
    "text": lambda findings, _: _text(findings),
    "json": lambda findings, _: _json(findings),
}
