"""Architecture: a dry run cannot write, core and render do no I/O, and the orchestrator stays small."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.paths import REPOSITORY

SOURCE = """
from reconciler.core.journal.records import Journal
from reconciler.core.ports import CloudReader, JournalReader
from reconciler.edge.aws import Reader, Writer
from reconciler.edge.state.reader import StoredJournalReader
from reconciler.edge.state.writer import StoredJournalWriter
from reconciler.core.run_context import Run
from reconciler.run import preview
def check(run: Run, aws: Reader, w: Writer, stored: StoredJournalReader, out: StoredJournalWriter, j: Journal) -> None:
    preview(run, aws, stored)
    preview(run, w, stored)
    preview(run, aws, out)
    cloud: CloudReader = aws
    cloud.create({}, "")
    journal: JournalReader = stored
    journal.lease(j, j)
    journal.swap(j, j)
    stored._store.put("", None)
"""
EXPECTED_ERRORS = {
    11: 'incompatible type "Writer"; expected "CloudReader"',
    12: 'incompatible type "StoredJournalWriter"; expected "JournalReader"',
    14: '"CloudReader" has no attribute "create"',
    16: '"JournalReader" has no attribute "lease"',
    17: '"JournalReader" has no attribute "swap"',
    18: '"ReadableStore" has no attribute "put"',
}

PACKAGE = REPOSITORY / "reconciler"
CODE = sorted(PACKAGE.rglob("*.py"))
LIBRARIES = {
    "app": {"starlette", "structlog"},
    "cli": {"click", "rich"},
    "edge": {
        "apprise", "apscheduler", "boto3", "botocore", "jsonschema", "jsonschema_rs", "mypy_boto3_appintegrations",
        "prometheus_client", "structlog", "yaml",
    },
    "sandbox": {"botocore", "moto", "werkzeug"},
    "web": {"anyio", "h11", "jinja2", "markupsafe", "starlette", "uvicorn"},
}  # fmt: skip
"""The libraries that each part may import. A part that is not listed imports none."""
LANGUAGE = {"__future__", "collections", "collections.abc", "dataclasses", "enum", "typing"}
"""Types and syntax."""
STANDARD_MODULES = {
    "core": {
        "array": "compact positions of the values of a document",
        "bisect": "the line of a position in a file",
        "calendar": "the lengths of months",
        "base64": "encoded secrets are found in a text",
        "contextlib": "`suppress`, and the type of a lease",
        "contextvars": "the run and the target that are active",
        "datetime": "times are values; ruff forbids `now`",
        "difflib": "suggestions for a misspelled name",
        "email.utils": "the Date header of AWS",
        "fnmatch": "globs over object keys",
        "functools": "`cached_property`",
        "hashlib": "tokens and digests",
        "html": "escaped secrets are found in a text",
        "heapq": "priority queues",
        "itertools": "iteration",
        "json": "the text of the journal, of requests and of plans",
        "re": "patterns",
        "reprlib": "short values in messages",
        "unicodedata": "names of exported manifests",
        "urllib.parse": "encoded secrets are found in a text; it opens no URL",
    },
    "render": {
        "datetime": "times are values; ruff forbids `now`",
        "hashlib": "fingerprints of SARIF results",
        "json": "the format json",
        "re": "patterns",
        "urllib.parse": "quotes a path; it opens no URL",
        "xml.etree": "writes JUnit; it parses nothing",
    },
}
"""The modules of the standard library that the pure parts may import, with the purpose. That purpose needs no I/O."""
IMPURE_BUILTINS = {"__import__", "breakpoint", "eval", "exec", "input", "open", "print"}


def find_imports(path: Path) -> Iterator[str]:
    """Yield the name of each imported module, as written. A relative import begins with a dot."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_part_imports_only_its_libraries(path: Path) -> None:
    """A part imports only the libraries that are listed for it: click only in cli, boto3 only in edge."""
    modules = {name.partition(".")[0] for name in find_imports(path)}
    libraries = modules - sys.stdlib_module_names - {"reconciler"}
    assert libraries - LIBRARIES.get(path.relative_to(PACKAGE).parts[0], set()) == set()


@pytest.mark.parametrize("part", ["core", "render"])
def test_pure_part_imports_no_module_with_io(part: str) -> None:
    """The core and render import only listed modules of the standard library, and call no builtin with I/O."""
    allowed_modules, used_modules = LANGUAGE | STANDARD_MODULES[part].keys(), set()
    for path in (PACKAGE / part).rglob("*.py"):
        modules = {name for name in find_imports(path) if name.partition(".")[0] != "reconciler"}
        assert modules - allowed_modules == set(), path
        names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
        assert names & IMPURE_BUILTINS == set(), path
        used_modules |= modules
    assert STANDARD_MODULES[part].keys() - used_modules == set(), "unused"


def test_dry_run_types_forbid_writing(tmp_path: Path) -> None:
    """Mypy rejects a dry run with a writer, and every path from its arguments to a Create or a lease."""
    source = tmp_path / "dry_run.py"
    source.write_text(SOURCE)
    process = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", str(source)],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    errors = {int(line.split(":")[1]): line for line in process.stdout.splitlines() if ": error:" in line}
    assert errors.keys() == EXPECTED_ERRORS.keys(), process.stdout + process.stderr
    for line, expected in EXPECTED_ERRORS.items():
        assert expected in errors[line]


def test_helpers_of_tests_are_in_support() -> None:
    """Beside tests, a folder of tests holds only fixtures, and no test imports from a `conftest.py`."""
    tests = REPOSITORY / "tests"
    programs = {tests / name for name in ("support", "simulation", "fleet_simulation", "soak")}
    files = [path for path in tests.rglob("*.py") if programs.isdisjoint(path.parents)]
    names = {path.name for path in files} - {"conftest.py", "__init__.py"}
    assert names
    assert [name for name in sorted(names) if not name.startswith("test_")] == []
    importers = [path for path in files if path.name != "conftest.py" and "conftest import" in path.read_text()]
    assert [path for path in importers if path != Path(__file__)] == []


def test_run_module_stays_under_100_lines() -> None:
    """The orchestrator `run.py` stays under 100 lines."""
    assert len((REPOSITORY / "reconciler" / "run.py").read_text().splitlines()) < 100
