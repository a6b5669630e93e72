"""Tests for the diagnosis as text and JSON: a line for each check, the fix and JSON below it, no terminal escapes."""

from __future__ import annotations

import json

import jsonschema
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.doctor.diagnosis import Check, CheckResult, Diagnosis, TargetChecks
from reconciler.edge.manifests.schema import load_schema
from reconciler.render.doctor import render_json, render_text

VALIDATOR = jsonschema.Draft202012Validator(load_schema("doctor.v1.json"))
PROGRAM = (
    Check("versions", CheckResult.OK, "all new"),
    Check("manifests", CheckResult.SKIPPED, "not checked", "name some"),
)
TARGET = TargetChecks(
    "prod",
    "123456789012",
    "us-east-1",
    (
        Check("clock", CheckResult.WARNING, "70 s", "set it"),
        Check("bucket-region", CheckResult.FAILED, "gone", "make it", "b"),
        Check("bucket-policy", CheckResult.FAILED, "none", "add this:", "b", {"Effect": "Allow"}),
        Check("bucket-policy", CheckResult.FAILED, "none", "add this:", "c", {"Effect": "Allow"}),
    ),
)
DIAGNOSIS = Diagnosis(PROGRAM, (TARGET, TargetChecks("dev", None, None, ())))
PLAIN = """\
this machine
  ok       versions       all new
  skipped  manifests      not checked
      name some

prod  123456789012 us-east-1
  warning  clock          70 s
      set it
  failed   bucket-region  gone
      make it
  failed   bucket-policy  none
      add this:
      {
        "Effect": "Allow"
      }
  failed   bucket-policy  none

dev

Checks: 1 ok, 1 warning, 3 failed, 1 skipped. Nothing was written.
"""


def test_plain_diagnosis_is_rendered_exactly() -> None:
    """The plain text of a diagnosis has aligned columns across every target."""
    assert render_text(DIAGNOSIS, is_terminal=False) == PLAIN


def test_a_terminal_gets_symbols_and_colours() -> None:
    """A terminal gets a symbol and a colour for each result."""
    output = render_text(DIAGNOSIS, is_terminal=True)
    for symbol, color, word in (("✓", 32, "ok"), ("!", 33, "warning"), ("✗", 31, "failed"), ("·", 2, "skipped")):
        assert f"\x1b[{color}m{symbol} {word:<7}\x1b[0m" in output
    assert "\x1b[1mprod\x1b[0m  123456789012 us-east-1\n" in output


def test_json_diagnosis_fits_its_schema() -> None:
    """The JSON of a diagnosis fits doctor.v1.json and contains every check."""
    document = json.loads(render_json(DIAGNOSIS))
    VALIDATOR.validate(document)
    assert document["summary"] == {"ok": 1, "warning": 1, "failed": 3, "skipped": 1}
    assert document["targets"][0]["checks"][1] == {
        "name": "bucket-region", "about": "b", "result": "failed", "seen": "gone", "fix": "make it",
        "paste": None,
    }  # fmt: skip
    assert document["targets"][0]["checks"][2]["paste"] == {"Effect": "Allow"}


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_texts_cannot_inject_escapes_or_lines(text: str) -> None:
    """Names and messages from outside cannot add lines or invisible characters to a diagnosis."""
    check = Check("integration", CheckResult.FAILED, text, text, text, {text: text})
    diagnosis = Diagnosis((check,), (TargetChecks(f"t{text}", None, text, (check,)),))
    output = render_text(diagnosis, is_terminal=False)
    assert len(output.splitlines()) == 15
    assert all(line.isprintable() for line in output.splitlines())
    document = render_json(diagnosis)
    assert document.isascii()
    VALIDATOR.validate(json.loads(document))
