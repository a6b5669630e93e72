"""`reconcile init` as a process: a new folder that validates, and nothing overwritten."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest
from support.kustomize import run_kustomize, select_kind
from support.paths import REPOSITORY
from support.program import Program
from support.proxy import FaultProxy
from support.terminal import CTRL_C, END_OF_INPUT, HANG_UP, Keys

from reconciler.core.text import format_count
from reconciler.sandbox import Behaviour, SandboxServer

FILES = {
    ".gitignore", "manifests/target.yaml", "manifests/profiles-export-monthly.yaml",
    "schemas/data-integration-association.v1.json", "schemas/target.v1.json",
}  # fmt: skip
OFFLINE = ("--offline", "--account", "111122223333", "--region", "eu-west-2")


def list_files(folder: Path) -> set[str]:
    """Return the paths of the files below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_offline_folder_is_valid(tmp_path: Path) -> None:
    """Without AWS and credentials, the written folder passes the strictest validation, and names the next commands."""
    result = Program(tmp_path).run("init", "new/exports", *OFFLINE)
    assert (result.code, result.err) == (0, "")
    assert list_files(tmp_path / "new/exports") == FILES
    assert result.out.splitlines()[-4:] == [
        "Next in the folder new/exports, after a look at the manifests:",
        "  reconcile validate --strict",
        "  reconcile doctor",
        "  reconcile --dry-run",
    ]
    validation = Program(tmp_path / "new/exports").run("validate", "--strict")
    assert (validation.code, validation.out) == (0, "1 manifest, 1 target: valid\n")


def test_each_manifest_names_its_schema(tmp_path: Path) -> None:
    """The first line of each manifest leads an editor to a schema in the folder."""
    Program(tmp_path).run("init", *OFFLINE)
    for path in (tmp_path / "manifests").iterdir():
        match = re.match(r"# yaml-language-server: \$schema=(.+)\n", path.read_text())
        assert match
        assert json.loads((path.parent / match[1]).read_text())["title"] in path.read_text()


def test_sandbox_goes_from_nothing_to_a_created_export(tmp_path: Path) -> None:
    """In a sandbox, the written folder is checked, planned and created without a change to a file."""
    assert Program(tmp_path).run("init", "demo", "--sandbox").code == 0
    program = Program(tmp_path / "demo")
    assert program.run("validate", "--strict").code == 0
    assert program.run("doctor", "--sandbox").code == 0
    assert program.run("--dry-run", "--sandbox", "-o", "json").decisions == {"profiles-export-monthly": "create"}
    run = program.run("--sandbox")
    assert run.code == 0
    assert "1 created" in run.out


def test_account_and_region_come_from_aws(program: Program, server: SandboxServer) -> None:
    """The Target has the account and Region of the credentials, and the command writes nothing to AWS."""
    result = program.run(
        "init", "--integration", "profiles-backfill", "--export", "window", "--destination", "s3://b1x/y"
    )
    assert (result.code, result.err) == (0, "")
    target = (program.folder / "manifests/target.yaml").read_text()
    assert 'Region: us-east-1\n  AccountId: "123456789012"' in target
    assert f"  reconcile doctor --endpoint-url {server.url}" in result.out.splitlines()
    assert program.run("validate", "--strict").code == 0
    assert set(program.run("--dry-run", "-o", "json").decisions.values()) == {"create"}
    assert server.sandbox.executed_writes == ()


def test_placeholder_destination_is_held(program: Program) -> None:
    """Without a destination, a run exports nothing until the manifest was edited."""
    program.run("init", "--integration", "profiles-export")
    dry_run = program.run("--dry-run", "-o", "json")
    assert (dry_run.code, dry_run.decisions) == (0, {"profiles-export-monthly": "held"})


@pytest.mark.parametrize(
    "path",
    [
        "manifests",
        "manifests/target.yaml",
        "manifests/other.yaml",
        "schemas/target.v1.json",
    ],
)
def test_nothing_is_overwritten(tmp_path: Path, path: str) -> None:
    """If a file exists, the error names it, and no file is written or changed."""
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_text("mine")
    result = Program(tmp_path).run("init", *OFFLINE)
    assert (result.code, result.out) == (1, "")
    way_out = "move it away"
    if path.startswith("manifests"):
        way_out = "add files to this one with --ci, --pre-commit or --kubernetes"
    assert result.err == (
        f"reconcile: {path} already exists: nothing was written; choose another folder, or {way_out}\n"
    )
    assert (tmp_path / path).read_text() == "mine"
    assert list_files(tmp_path) == {path}


def test_existing_gitignore_is_kept(tmp_path: Path) -> None:
    """A new repository may have a .gitignore: it stays unchanged, and a line says what it needs."""
    (tmp_path / ".gitignore").write_text("mine\n")
    result = Program(tmp_path).run("init", *OFFLINE)
    assert result.code == 0
    assert "kept     .gitignore: make sure that it has the line .reconciler/" in result.out.splitlines()
    assert (tmp_path / ".gitignore").read_text() == "mine\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--account", "1"), "--account needs --offline: without --offline, the account is that of the credentials"),
        (("--offline", "--sandbox"), "--offline and --sandbox cannot be combined: with --offline, AWS is not called"),
        (("--offline", "--account", "1"), "--account: '1' is not the id of an account: write its twelve digits"),
        (("--offline", "--account", "000000000000"), "--account: 000000000000 is a placeholder and no account: write"),
        (("--offline",), "--offline needs --account and --region: AWS is not asked for them"),
        (("--offline", "--region", "eu-west-2"), "--offline needs --account and --region"),
        (("--offline", "--account", "111122223333"), "--offline needs --account and --region"),
        (("",), "it is empty: name a folder, or leave it out for the current folder"),
        ((" ", *OFFLINE), "it is empty: name a folder, or leave it out for the current folder"),
        (
            (*OFFLINE, "--destination", "http://foo"),
            "the destination 'http://foo' is not in S3, where a bulk export goes: write s3://BUCKET/PREFIX",
        ),
        ((*OFFLINE, "--destination", "b"), "DestinationURI: 'b' is not a valid URI"),
        (("--offline", "--export", "daily"), "'daily' is not known: use one of monthly, window, live"),
        (("--offline", "--export", "live"), "--offline and --export live cannot be combined: the live associations"),
        (("--export", "live", "--destination", "s3://b1x"), "--destination and --export live cannot be combined"),
        (("--offline", "--ci", "jenkins"), "'jenkins' is not known: use one of github, gitlab, none"),
        (("--offline", "--region", "mars"), "--region: 'mars' is not"),
        (("file", *OFFLINE), "file is not a folder: choose another folder"),
        ((*OFFLINE, "--integration", "\udcff"), "the manifest from these values would be invalid"),
    ],
)
def test_wrong_option_gives_one_line(tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    """A wrong or contradictory option gives exit code 64 and one line, and no file is written."""
    (tmp_path / "file").touch()
    result = Program(tmp_path).run("init", *options)
    assert result.code == 64
    assert message in result.err.splitlines()[-1]
    assert list_files(tmp_path) == {"file"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "choose one of profiles-export, profiles-backfill with --integration"),
        (("--integration", "crm-accounts"), "the source of data integration 'crm-accounts' is Salesforce://"),
        (("--integration", "profile-export"), "did you mean 'profiles-export'?"),
    ],
)
def test_unsuitable_integration_gives_one_line(program: Program, options: tuple[str, ...], message: str) -> None:
    """Without a terminal, nothing is guessed: the error names the data integrations that fit."""
    result = program.run("init", *options)
    assert (result.code, result.out, len(result.err.splitlines())) == (1, "", 1)
    assert message in result.err
    assert list_files(program.folder) == set()


def test_missing_access_names_doctor(tmp_path: Path) -> None:
    """If AWS cannot be asked, no file is written, and a line names the command that finds the cause."""
    result = Program(tmp_path).run("init", env={"AWS_REGION": "us-east-1"})
    assert result.code == 1
    assert "reconcile doctor" in result.err
    assert list_files(tmp_path) == set()


def test_password_of_the_endpoint_is_not_shown(program: Program, server: SandboxServer) -> None:
    """The next commands contain the endpoint, but not a password in it."""
    endpoint = server.url.replace("http://", "http://user:sekret-pass@")
    result = Program(program.folder, endpoint).run("init", "--integration", "profiles-export")
    assert "sekret" not in result.out + result.err


def test_terminal_asks_for_what_no_option_gives(program: Program) -> None:
    """At a terminal, the command asks for the kind, the data integration, the destination and other files."""
    keys = Keys("window\nprofiles-backfill\ns3://corp-exports/x\ngithub, pre-commit\n", "Export")
    code, screen = program.type_on_terminal("init", keys=keys)
    assert code == 0, screen
    (path,) = (program.folder / "manifests").glob("profiles-backfill-20*.yaml")
    assert "DestinationURI: s3://corp-exports/x\n" in path.read_text()
    assert (program.folder / ".github/workflows/reconcile.yml").exists()
    assert (program.folder / ".pre-commit-config.yaml").exists()


def test_destination_does_not_answer_what_to_export(program: Program) -> None:
    """With a destination, the question about the kind remains. The answer `live` would have no use for it."""
    options = ("--integration", "profiles-export", "--destination", "s3://b1x", "--ci", "none")
    code, screen = program.type_on_terminal("init", *options, keys=Keys("window\n", "Export"))
    assert (code, "live" in screen.partition("Export")[0]) == (0, False), screen
    assert program.run("--dry-run").code == 0
    assert list((program.folder / "manifests").glob("profiles-export-20*.yaml"))


def test_wrong_answer_is_asked_for_again(tmp_path: Path) -> None:
    """Each answer is checked at once. A wrong one gives one line, and the same question follows."""
    (tmp_path / ".gitlab-ci.yml").touch()
    places = ("1234", "000000000000", "111122223333", "mars", "eu-west-2")
    destinations = ("corp", "https://corp/x", "s3://corp/x")
    answers = (*places, "weekly", "monthly", *destinations, "gitlab", "github gitlab", "make", "")
    keys = Keys("".join(f"{each}\n" for each in answers), "Account, as twelve digits")
    code, screen = Program(tmp_path).type_on_terminal("init", "--offline", keys=keys)
    assert code == 0, screen
    remedy = "write letters or digits, ://, and a name, such as s3://bucket/prefix"
    assert re.findall(r"Error: (.*?)\r?\n", screen) == [
        "'1234' is not the id of an account: write its twelve digits",
        "000000000000 is a placeholder and no account: write the twelve digits of your account",
        "'mars' is not a Region: write a code such as us-east-1",
        "'weekly' is not known: use one of monthly, window",
        f"the manifest from these values would be invalid: DestinationURI: 'corp' is not a valid URI: {remedy}",
        "the destination 'https://corp/x' is not in S3, where a bulk export goes: write s3://BUCKET/PREFIX",
        ".gitlab-ci.yml already exists: nothing was written; move it away, or omit --ci gitlab",
        "github and gitlab cannot be combined: choose one of them",
        "'make' is not known: use one of github, gitlab, pre-commit, kubernetes",
    ]
    assert list_files(tmp_path) == FILES | {".gitlab-ci.yml"}
    target = (tmp_path / "manifests/target.yaml").read_text()
    assert 'Region: eu-west-2\n  AccountId: "111122223333"' in target


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--offline", "--account", "12345"),
            "--account: '12345' is not the id of an account: write its twelve digits",
        ),
        ((*OFFLINE, "--integration", "x" * 300), "DataIntegrationIdentifier: "),
    ],
)
def test_wrong_option_is_not_asked_for_at_a_terminal(tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    """A wrong option ends the command, because no answer to a question can correct it."""
    code, screen = Program(tmp_path).type_on_terminal("init", *options, keys=Keys("\n", "Export"))
    assert (code, message in screen, "Destination" in screen) == (64, True, False), screen
    assert list_files(tmp_path) == set()


def test_offline_does_not_claim_to_know_the_account(tmp_path: Path) -> None:
    """At a terminal, a line says that AWS was not asked for the account and the Region."""
    options = (*OFFLINE, "--export", "monthly", "--destination", "s3://b1x", "--ci", "none")
    code, screen = Program(tmp_path).type_on_terminal("init", *options, keys=Keys(""))
    assert code == 0
    assert "Account 111122223333, Region eu-west-2: AWS was not asked (--offline)" in screen
    assert "data integrations" not in screen


def test_options_answer_each_question(program: Program) -> None:
    """With an option for each question, the command asks nothing at a terminal."""
    options = ("--export", "monthly", "--integration", "profiles-export", "--destination", "", "--ci", "none")
    code, screen = program.type_on_terminal("init", *options, keys=Keys(""))
    assert (code, "?" in screen) == (0, False)
    assert list_files(program.folder) == FILES


def test_requested_files_fit_the_account(program: Program) -> None:
    """The workflow, the hook and the overlay are written, and a line for each says what remains to be done."""
    options = ("--integration", "profiles-export", "--destination", "s3://b1x/y", "--kubernetes", "--pre-commit")
    result = program.run("init", *options, "--ci", "github")
    assert (result.code, result.err) == (0, "")
    assert [line for line in result.out.splitlines() if line.startswith("to do")] == [
        "to do    .github/workflows/reconcile.yml: its first lines say what to set",
        "to do    .pre-commit-config.yaml: run `pre-commit install` in each clone",
        "to do    kubernetes/overlay/kustomization.yaml: its first lines say what to set",
    ]
    assert program.run("validate", "--strict").code == 0


def test_overlay_builds(tmp_path: Path) -> None:
    """The tool kustomize builds the written overlay into the controller."""
    Program(tmp_path).run("init", *OFFLINE, "--kubernetes")
    documents = run_kustomize(tmp_path / "kubernetes/overlay")
    assert len(select_kind(documents, "Deployment")) == 1
    (account,) = select_kind(documents, "ServiceAccount")
    assert "::111122223333:" in account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"]


@pytest.mark.parametrize(
    ("option", "path"),
    [
        (("--ci", "github"), ".github/workflows/reconcile.yml"),
        (("--ci", "gitlab"), ".gitlab-ci.yml"),
        (("--pre-commit",), ".pre-commit-config.yaml"),
        (("--kubernetes",), "kubernetes/controller/service.yaml"),
    ],
)
def test_requested_file_is_not_overwritten(tmp_path: Path, option: tuple[str, ...], path: str) -> None:
    """If a requested file exists, the error names it and its option, and nothing at all is written."""
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text("mine")
    result = Program(tmp_path).run("init", *OFFLINE, *option)
    assert (result.code, result.err) == (
        1, f"reconcile: {path} already exists: nothing was written; move it away, or omit {' '.join(option)}\n",
    )  # fmt: skip
    assert list_files(tmp_path) == {path}


def test_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    """If the last file cannot be written, the first ones are removed, and the command can be repeated."""
    (tmp_path / "kubernetes").touch()
    result = Program(tmp_path).run("init", *OFFLINE, "--kubernetes")
    assert (result.code, result.out) == (1, "")
    assert result.err.endswith("nothing was written\n")
    assert list_files(tmp_path) == {"kubernetes"}


def test_job_in_a_folder_inside_a_repository_is_refused(tmp_path: Path) -> None:
    """A CI service and pre-commit read files only from the top folder, which the error names."""
    (tmp_path / ".git").mkdir()
    result = Program(tmp_path).run("init", "exports", *OFFLINE, "--ci", "github")
    assert (result.code, f"begin in {tmp_path}, or omit --ci github" in result.err) == (64, True)
    assert Program(tmp_path).run("init", "../outside", *OFFLINE, "--ci", "github").code == 0
    assert Program(tmp_path).run("init", *OFFLINE, "--ci", "github").code == 0
    assert Program(tmp_path).run("init", "exports", *OFFLINE, "--kubernetes").code == 0


def test_live_associations_are_adopted(program: Program, server: SandboxServer) -> None:
    """The manifests of live associations pass the strictest validation, and a run only adopts them."""
    program.add("first")
    program.add("other", **{"profiles-export": "profiles-backfill"})
    assert program.run("--new-state").code == 0
    created_writes = server.sandbox.executed_writes
    for options, count in ((), 2), (("--integration", "profiles-backfill"), 1):
        folder = f"new{count}"
        result = program.run("init", folder, "--export", "live", *options)
        assert (result.code, result.err) == (0, "")
        new_program = Program(program.folder / folder, program.endpoint)
        assert new_program.run("validate", "--strict").out == f"{format_count(count, 'manifest')}, 1 target: valid\n"
        dry_run = new_program.run("--dry-run", "-o", "json")
        assert list(dry_run.decisions.values()) == ["adopt"] * count
    assert server.sandbox.executed_writes == created_writes


def test_iam_page_names_the_calls_of_init(program: Program, server: SandboxServer) -> None:
    """The command calls only STS and the List actions that deploy/iam/README.md names for it."""
    program.add("october")
    assert program.run("--new-state").code == 0
    page = " ".join((REPOSITORY / "deploy/iam/README.md").read_text().split())
    assert "`init` needs ListDataIntegrations, and with `--export live` also ListDataIntegrationAssociations." in page
    assert "| `init` | `observe.json` |" in page
    list_associations = "ListDataIntegrationAssociation"  # the proxy's name of the operation
    for kind, calls in (("monthly", set()), ("live", {list_associations})):
        with FaultProxy(server.url) as proxy:
            options = ("--export", kind, "--integration", "profiles-export")
            assert Program(program.folder, proxy.url).run("init", kind, *options).code == 0
            assert {each.operation for each in proxy.requests} == {"STS", "ListDataIntegrations", *calls}


def test_account_without_live_associations_gives_one_line(program: Program) -> None:
    """Without a live association, nothing is written, and the line names another kind of export."""
    result = program.run("init", "--export", "live")
    problem = "this account and Region have no live association: nothing was written"
    assert result.code == 1
    assert result.err == f"reconcile: {problem}; use --export monthly or --export window\n"
    assert list_files(program.folder) == set()


def test_unlisted_associations_give_one_line(program: Program, server: SandboxServer) -> None:
    """If associations cannot be listed, the reason is shown, and no file is written."""
    server.sandbox.set_behaviour(Behaviour(list_denied="profiles-export"))
    result = program.run("init", "--export", "live")
    assert result.code == 1
    assert list_files(program.folder) == set()


def test_next_commands_show_the_time_of_the_sandbox(tmp_path: Path) -> None:
    """With --sandbox-time, the next commands run at the same time, because the manifest was written for it."""
    result = Program(tmp_path).run("init", "--sandbox", "--sandbox-time", "2031-03-02T10:00:00Z")
    assert result.out.splitlines()[-2:] == [
        "  reconcile doctor --sandbox --sandbox-time 2031-03-02T10:00:00Z",
        "  reconcile --dry-run --sandbox --sandbox-time 2031-03-02T10:00:00Z",
    ]


@pytest.mark.parametrize(
    ("keys", "code", "reason"),
    [
        (END_OF_INPUT, 1, "the question has no answer"),
        (CTRL_C, 130, "the question was interrupted"),
        (signal.SIGINT, 130, "the question was interrupted"),
        (signal.SIGTERM, 143, "the question was interrupted"),
        (signal.SIGHUP, 129, "the question was interrupted"),
    ],
)
@pytest.mark.parametrize("prompt", ["Account, as", "Export", "Destination", "Names, separated"])
def test_interrupted_question_writes_nothing(
    tmp_path: Path, keys: str | signal.Signals, code: int, reason: str, prompt: str
) -> None:
    """Ctrl-D, Ctrl-C and the signals that end a process give one line and no file at each question."""
    options = {
        "Account, as": ("--offline",),
        "Export": OFFLINE,
        "Destination": (*OFFLINE, "--export", "monthly"),
        "Names, separated": (*OFFLINE, "--export", "monthly", "--destination", "s3://b1x"),
    }
    result = Program(tmp_path).type_on_terminal("init", *options[prompt], keys=Keys(keys, prompt))
    assert (result[0], result[1].splitlines()[-1]) == (code, f"reconcile: nothing was written, because {reason}")
    assert list_files(tmp_path) == set()


def test_closed_terminal_ends_the_question(tmp_path: Path) -> None:
    """If the terminal is closed at a question, no file is written, and the exit code is that of SIGHUP."""
    code, _ = Program(tmp_path).type_on_terminal("init", *OFFLINE, keys=Keys(HANG_UP, "Export"))
    assert (code, list_files(tmp_path)) == (129, set())


def test_missing_region_names_what_a_new_folder_can_have(tmp_path: Path) -> None:
    """Without a Region, the error names an option and a variable. It names no Target, which `init` has yet to write."""
    result = Program(tmp_path).run("init")
    assert (result.code, result.err.splitlines()[0]) == (
        1, "reconcile: no Region is configured: use --region, or set AWS_REGION",
    )  # fmt: skip
    assert list_files(tmp_path) == set()


def list_lines(text: str, word: str) -> set[str]:
    """Return the paths in the lines that begin with a word."""
    return {line.split()[1] for line in text.splitlines() if line.startswith(word)}


def test_requested_files_are_added_later(tmp_path: Path) -> None:
    """In a folder with manifests, only the missing requested files are written, for its Target and without AWS."""
    program = Program(tmp_path)
    assert program.run("init", *OFFLINE).code == 0
    before = {path: (tmp_path / path).read_bytes() for path in FILES}
    result = program.run("init", "--ci", "github")
    workflow = ".github/workflows/reconcile.yml"
    assert (result.code, result.err, list_files(tmp_path)) == (0, "", FILES | {workflow})
    assert result.out.splitlines() == [f"written  {workflow}", f"to do    {workflow}: its first lines say what to set"]
    assert "arn:aws:iam::111122223333:role/" in (tmp_path / workflow).read_text()
    (tmp_path / workflow).write_text("mine")
    result = program.run("init", "--ci", "github", "--pre-commit", "--kubernetes")
    assert (result.code, result.err, list_lines(result.out, "kept")) == (0, "", {workflow})
    assert list_lines(result.out, "written") == list_files(tmp_path) - FILES - {workflow}
    assert workflow not in result.out.partition("to do")[2]
    assert (tmp_path / workflow).read_text() == "mine"
    assert {path: (tmp_path / path).read_bytes() for path in FILES} == before


def test_requested_files_are_added_to_own_manifests(tmp_path: Path) -> None:
    """In a folder that a person filled, the files are written as well. Without a Target, they have a placeholder."""
    program = Program(tmp_path)
    program.add("october")
    assert program.run("init", "--kubernetes").code == 0
    assert "arn:aws:iam::000000000000:role/" in (tmp_path / "kubernetes/overlay/kustomization.yaml").read_text()
    assert not (tmp_path / "schemas").exists()


@pytest.mark.parametrize("option", ["integration", "export", "destination", "account", "region"])
def test_options_for_manifests_are_refused_where_manifests_exist(tmp_path: Path, option: str) -> None:
    """An option for the first manifest has no effect on existing ones, so the command writes nothing."""
    program = Program(tmp_path)
    program.add("october")
    value = {"account": "111122223333", "export": "window"}.get(option, "s3://b1x")
    result = program.run("init", "--offline", "--ci", "github", f"--{option}", value)
    assert (result.code, f"--{option} has no effect on manifests, which exists already" in result.err) == (64, True)
    assert list_files(tmp_path) == {"manifests/october.yaml"}


def test_file_that_cannot_be_added_leaves_nothing_behind(tmp_path: Path) -> None:
    """If one of the added files cannot be written, none is, and the manifests stay."""
    program = Program(tmp_path)
    program.add("october")
    (tmp_path / "kubernetes").touch()
    result = program.run("init", "--pre-commit", "--kubernetes")
    assert (result.code, result.out, result.err.endswith("nothing was written\n")) == (1, "", True)
    assert list_files(tmp_path) == {"manifests/october.yaml", "kubernetes"}


def test_job_is_not_added_to_a_folder_inside_a_repository(tmp_path: Path) -> None:
    """A workflow outside of the top folder has no effect, also beside manifests that exist."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "exports").mkdir()
    Program(tmp_path / "exports").add("october")
    result = Program(tmp_path).run("init", "exports", "--ci", "github")
    assert (result.code, f"begin in {tmp_path}, or omit --ci github" in result.err) == (64, True)
    assert list_files(tmp_path) == {"exports/manifests/october.yaml"}


def test_job_is_never_asked(program: Program) -> None:
    """In CI, the command asks nothing, even at a terminal."""
    code, screen = program.type_on_terminal("init", keys=Keys(""), env={"CI": "true"})
    assert (code, "choose one of" in screen) == (1, True)
