"""Documentation: pages match the program, and their links resolve."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from simulation.invariants import INVARIANTS
from support import cli_reference
from support.paths import REPOSITORY
from support.program import Program

from reconciler.core.manifests.files import File
from reconciler.edge.git import RepositoryAccess
from reconciler.edge.manifests import load_manifests
from reconciler.edge.manifests.schema import load_schema
from reconciler.render.kinds import ReportKind
from reconciler.sandbox import Behaviour

KUBERNETES = REPOSITORY / "deploy" / "kubernetes"
DOCUMENTS = sorted(
    path for path in (*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"), *REPOSITORY.glob("deploy/**/*.md"))
)
RECORDS = sorted((REPOSITORY / "docs" / "adr").glob("[0-9]*.md"))
SECTIONS = ["Context", "Alternatives considered", "Decision", "Consequences"]
PAGES = sorted({*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")})
BARE_LINK = re.compile(r"\s*(?:[-*] |\d+\. )?(?:\[[^\]]*\]\(\S+\)|\[[^\]]+\]: \S+|<?https?://\S+>?)[.,:;]?")


def test_readme_dry_run_output_is_exact(tmp_path: Path) -> None:
    """The output in the README is exactly the output of the command."""
    readme = (REPOSITORY / "README.md").read_text()
    match = re.search(r"<!-- tested: reconcile (.*?) -->\n```text\n(.*?)```", readme, re.DOTALL)
    assert match
    (tmp_path / "manifests").symlink_to(REPOSITORY / "manifests")
    assert Program(tmp_path).run(*match[1].split()).out == match[2]


def list_members(tree: dict[str, Any], root: dict[str, Any], prefix: str) -> Iterator[str]:
    """Yield the path of each member of a schema, with references resolved."""
    while "$ref" in tree:
        tree = root["$defs"][tree["$ref"].rpartition("/")[2]]
    for name, inner in tree.get("properties", {}).items():
        member_paths = list(list_members(inner, root, f"{prefix}{name}."))
        yield from member_paths or [f"{prefix}{name}"]


@pytest.mark.parametrize("kind", ["data-integration-association", "target"])
def test_manifest_reference_documents_every_member(kind: str) -> None:
    """docs/reference/manifests.md documents every member of the schemas."""
    reference = (REPOSITORY / "docs" / "reference" / "manifests.md").read_text()
    document = load_schema(f"{kind}.v1.json")
    for path in list_members(document, document, ""):
        name = path.removeprefix("metadata.")
        assert f"`{path}`" in reference or f"`{name}`" in reference, path


def test_git_page_states_the_fetch_limits() -> None:
    """docs/reference/git.md states the timeout of git and the size of `/tmp` in the pods."""
    page = " ".join((REPOSITORY / "docs" / "reference" / "git.md").read_text().split())
    (seconds,) = (field.default for field in fields(RepositoryAccess) if field.name == "timeout_seconds")
    assert f"longer than {seconds:g} s" in page
    for file in ("controller/deployment.yaml", "cronjob/cronjob.yaml"):
        size_limit = re.search(r"name: tmp\s+emptyDir:\s+sizeLimit: (\d+)Gi", (KUBERNETES / file).read_text())
        assert size_limit
        assert f"gives `/tmp` {size_limit[1]} GiB" in page


def test_sandbox_page_documents_every_switch() -> None:
    """docs/reference/sandbox.md documents each switch of the sandbox with its default."""
    page = (REPOSITORY / "docs" / "reference" / "sandbox.md").read_text()
    defaults = Behaviour()
    for field in fields(Behaviour):
        row = re.search(rf"^\| `{field.name}` \| (.*?) \|", page, re.MULTILINE)
        assert row, field.name
        text = "" if row[1] == "none" else row[1].strip("`")
        value = getattr(defaults, field.name)
        parsed = getattr(Behaviour.parse([f"{field.name}={text}"]), field.name)
        assert parsed == value, field.name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_document_links_resolve(document: Path) -> None:
    """Each relative link names an existing file and heading."""
    for link in re.findall(r"\]\((?!https?://)([^)]+)\)", document.read_text()):
        file, _, anchor = link.partition("#")
        target = document.parent / file if file else document
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}, link


def test_readme_and_reference_list_the_same_exit_codes() -> None:
    """README.md and docs/reference/cli.md list the same exit codes, with the same meaning."""
    pages = [(REPOSITORY / page).read_text() for page in ("README.md", "docs/reference/cli.md")]
    readme_table, reference_table = (re.search(r"\| code \| meaning \|\n(?:\|.*\n)+", page) for page in pages)
    assert readme_table
    assert reference_table
    assert readme_table[0] == reference_table[0]


def test_report_page_has_every_kind_of_entry() -> None:
    """The tables of docs/reference/report.md list each decision and each other kind of entry in a report."""
    page = (REPOSITORY / "docs" / "reference" / "report.md").read_text()
    cells = re.findall(r"^\| (`[a-z-]+`(?:, `[a-z-]+`)*) \|", page, re.MULTILINE)
    assert {f"`{kind.value}`" for kind in ReportKind} - set(", ".join(cells).split(", ")) == set()


def test_safety_page_names_existing_tests() -> None:
    """Each test that docs/explanation/safety.md names exists."""
    page = (REPOSITORY / "docs" / "explanation" / "safety.md").read_text()
    names = set(re.findall(r"`(test_\w+)`", page))
    source = "\n".join(path.read_text() for path in REPOSITORY.glob("tests/**/test_*.py"))
    defined = set(re.findall(r"^def (test_\w+)\(", source, re.MULTILINE))
    assert names
    assert names - defined == set()


def test_safety_page_names_existing_invariants() -> None:
    """Each invariant of the simulation that docs/explanation/safety.md names exists."""
    page = (REPOSITORY / "docs" / "explanation" / "safety.md").read_text()
    names = set(re.findall(r"`([a-z]+(?:-[a-z]+)*)`", page.partition("## Tests of each promise")[2]))
    assert names
    assert names - set(INVARIANTS) == set()


def find_long_lines(page: Path) -> list[str]:
    """Return lines over 120 characters, with their numbers. Tables, code and bare links may be longer."""
    lines, is_in_code = [], False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.lstrip().startswith("```"):
            is_in_code = not is_in_code
        elif not is_in_code and len(line) > 120 and not line.lstrip().startswith("|") and not BARE_LINK.fullmatch(line):
            lines.append(f"{number}: {line}")
    return lines


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_lines_of_pages_are_short(page: Path) -> None:
    """The lines of a page have at most 120 characters."""
    assert find_long_lines(page) == []


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_adr_has_every_section(record: Path) -> None:
    """An ADR has a number, a title, a status, a date, and each section once, in order."""
    text = record.read_text()
    number = int(record.stem.partition("-")[0])
    assert text.startswith(f"# {number}. ")
    assert re.search(r"^- Status: (accepted|superseded by \[)", text, re.MULTILINE)
    day = re.search(r"^- Date: (.+)$", text, re.MULTILINE)
    assert day
    assert date.fromisoformat(day[1]).isoformat() == day[1]
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    assert parts[1::2] == SECTIONS
    assert all(part.strip() for part in parts[2::2])


def test_adr_index_lists_every_record() -> None:
    """The index lists each ADR by number, title and date, in order, and nothing else."""
    index = (REPOSITORY / "docs" / "adr" / "README.md").read_text()
    rows = re.findall(r"^\| \[(\d+)\]\((\S+)\) \| (.+?) \| (\S+) \| .+ \|$", index, re.MULTILINE)
    expected = []
    for record in RECORDS:
        title, day = (
            re.search(r"^# (.+)$", record.read_text(), re.MULTILINE),
            re.search(r"Date: (.+)", record.read_text()),
        )
        assert title
        assert day
        number, _, title_text = title[1].partition(". ")
        expected.append((number, record.name, title_text, day[1]))
    assert rows == expected


def test_command_line_reference_is_generated() -> None:
    """docs/reference/cli.md shows the current options (otherwise run `make docs`)."""
    assert cli_reference.PAGE.read_text() == cli_reference.render()


MODULE_NAMES = {path.name for path in (REPOSITORY / "reconciler").rglob("*.py")}


def test_architecture_page_names_files_that_exist() -> None:
    """Each module and package that the architecture page names exists. The list of the core names those of the core."""
    page = (REPOSITORY / "docs" / "explanation" / "architecture.md").read_text()
    before, heading, rest = page.partition("## The packages of the core\n")
    core_list, next_heading, after = rest.partition("\n## ")
    assert heading
    assert next_heading
    folders = (REPOSITORY, REPOSITORY / "reconciler", REPOSITORY / "reconciler" / "core")
    paths = find_paths(before + after) + [path for path in find_paths(core_list) if "/" in path]
    modules = [path for path in find_paths(core_list) if "/" not in path]
    assert len(paths) > 50
    assert len(modules) > 10
    missing_paths = [path for path in paths if not any((folder / path).exists() for folder in folders)]
    assert [path for path in missing_paths if path not in MODULE_NAMES] == []
    assert [module for module in modules if not any((folders[-1]).rglob(module))] == []


def find_paths(text: str) -> list[str]:
    """Return the paths of modules and packages in a text, such as `core/plan/` and `run.py`."""
    return re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.py)?|[a-z_]+\.py)`", text)


TARGETED = """\
apiVersion: appintegrations.reconciler/v1
kind: Target
metadata: {name: prod}
spec:
  Region: us-east-1
  AccountId: "123456789012"
VALUES---
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata: {name: monthly}
target: prod
policy: {mode: create-and-update}
spec: {DataIntegrationIdentifier: profiles-export, DestinationURI: s3://corp-exports/profiles}
"""


def test_examples_of_environments_are_valid() -> None:
    """The manifests in docs/how-to/staging-and-production.md are valid, and describe what the page says."""
    page = (REPOSITORY / "docs" / "how-to" / "staging-and-production.md").read_text()
    example, window, target_set = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    desired = load_manifests([File("page.yaml", example.encode())], datetime(2026, 12, 1, tzinfo=UTC))
    assert desired.warnings == ()
    (manifest,) = desired.manifests["prod-us"]
    assert manifest.spec["DestinationURI"] == "s3://corp-exports-prod/profiles"
    assert desired.manifests["staging-us"] == ()
    with_value = "  Values: {first: 2026-10-01}\n"
    text = TARGETED.replace("VALUES", with_value) + window
    (monthly,) = load_manifests([File("page.yaml", text.encode())], datetime(2026, 12, 1, tzinfo=UTC)).manifests["prod"]
    assert monthly.window
    assert monthly.window.first == date(2026, 10, 1)
    targets = load_manifests([File("page.yaml", target_set.encode())], datetime(2026, 12, 1, tzinfo=UTC)).targets
    assert [(target.name, target.region, target.labels["env"]) for target in targets] == [
        ("berlin", "eu-central-1", "prod"),
        ("boston", "us-east-1", "prod"),
        ("austin", "us-east-1", "staging"),
    ]


def list_messages() -> Iterator[str]:
    """Yield each text in the code of the program, without docstrings. `…` stands for a value."""
    for path in (REPOSITORY / "reconciler").rglob("*.py"):
        tree = ast.parse(path.read_text())
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                yield node.value


def test_troubleshooting_quotes_messages_of_the_program() -> None:
    """Each part of a message that docs/troubleshooting.md quotes is a text of the program. `…` separates the parts."""
    page = (REPOSITORY / "docs" / "troubleshooting.md").read_text()
    quoted = {part.strip(" ,;") for text in re.findall(r'"([^"]+)"', page) for part in text.split("…")} - {""}
    messages = "\n".join(list_messages())
    assert len(quoted) > 40
    assert [text for text in quoted if text not in messages] == []


def list_pages() -> set[str]:
    """Return the paths of the pages in docs/, without the decision records and the index."""
    pages = {path.relative_to(REPOSITORY).as_posix() for path in REPOSITORY.glob("docs/**/*.md")}
    return {page for page in pages if not page.startswith("docs/adr/") and page != "docs/README.md"}


def test_index_lists_every_page() -> None:
    """docs/README.md links to each page in docs/."""
    links = re.findall(r"\]\(([a-z-]+(?:/[a-z-]+)?\.md)", (REPOSITORY / "docs" / "README.md").read_text())
    assert list_pages() - {f"docs/{link}" for link in links} == set()


def test_navigation_of_the_site_lists_every_page() -> None:
    """zensical.toml lists each page in docs/, and no page that does not exist."""
    listed = set(re.findall(r'= "(\S+\.md)"', (REPOSITORY / "zensical.toml").read_text()))
    assert list_pages() - listed == set()
    assert [page for page in listed if not (REPOSITORY / page).exists()] == []


def test_variables_without_an_option_are_documented() -> None:
    """docs/reference/environment-variables.md names each variable of the program that is not an option."""
    page = (REPOSITORY / "docs" / "reference" / "environment-variables.md").read_text()
    source = (REPOSITORY / "reconciler" / "app" / "settings.py").read_text()
    variables = set(re.findall(r'environment\.get\("(RECONCILER_\w+)"', source))
    assert len(variables) > 5
    assert [variable for variable in variables if f"`{variable}`" not in page] == []
