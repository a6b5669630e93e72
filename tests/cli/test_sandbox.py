"""The sandbox from the command line: in the process, over HTTP, and across restarts."""

from __future__ import annotations

import signal
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.paths import REPOSITORY
from support.program import Program, create_environment


@contextmanager
def serving(program: Program, *arguments: str) -> Iterator[str]:
    """Run `reconcile sandbox` and yield its endpoint. SIGTERM ends it with exit code 0."""
    process = program.start("sandbox", "--port", "0", *arguments)
    assert process.stdout
    line = process.stdout.readline()
    try:
        yield line.split()[3]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0


def test_example_manifests_run_in_the_sandbox(tmp_path: Path) -> None:
    """The example manifests are planned, created and then in sync, as the README shows."""
    program = Program(tmp_path)
    examples = ("--sandbox", "-f", str(REPOSITORY / "manifests"), "-o", "json", "--detailed-exitcode")
    dry = program.run(*examples, "--dry-run")
    assert (dry.code, set(dry.decisions.values())) == (2, {"create"})
    assert list(tmp_path.iterdir()) == []
    created = program.run(*examples)
    assert (created.code, set(created.decisions.values())) == (0, {"create"})
    again = program.run(*examples)
    assert (again.code, set(again.decisions.values())) == (0, {"in-sync"})
    assert again.decisions.keys() == {"crm-accounts-hourly", "profiles-export-2026-10"}
    assert again.report["planDigest"] != created.report["planDigest"] == dry.report["planDigest"]


def test_restarted_sandbox_server_keeps_its_data(tmp_path: Path) -> None:
    """A sandbox with --data keeps its associations after a restart."""
    program = Program(tmp_path)
    program.add("october")
    with serving(program, "--data", "data.json") as url:
        assert Program(tmp_path, url).run("-o", "json").decisions == {"october": "create"}
    with serving(program, "--data", "data.json") as url:
        assert Program(tmp_path, url).run("-o", "json").decisions == {"october": "in-sync"}
        assert Program(tmp_path, url).run("-o", "json", "--state", "other", "--new-state").decisions == {
            "october": "adopt"
        }


def test_misspelt_sandbox_switch_is_a_usage_error(tmp_path: Path) -> None:
    """--set changes the behaviour of the sandbox, and a misspelled switch is a usage error."""
    program = Program(tmp_path)
    program.add("october")
    with serving(program, "--set", "explicit_deny=true") as url:
        assert "explicit deny" in Program(tmp_path, url).run().out
    wrong = program.run("sandbox", "--set", "tokns=ignored")
    assert wrong.code == 64
    assert "tokens" in wrong.err


def test_port_in_use_is_a_one_line_error(tmp_path: Path) -> None:
    """A port in use is reported in one line with a remedy."""
    program = Program(tmp_path)
    with serving(program) as url:
        done = program.run("sandbox", "--port", url.rpartition(":")[2])
    assert done.code == 1
    assert "choose another port" in done.err


def test_invalid_host_name_is_a_one_line_error(tmp_path: Path) -> None:
    """An invalid host name is reported in one line, even if Python cannot encode it."""
    done = Program(tmp_path).run("sandbox", "--host", "nö..x")
    assert done.code == 1
    assert "cannot listen on n" in done.err
    assert "internal error" not in done.err


def test_broken_data_file_is_a_one_line_error(tmp_path: Path) -> None:
    """A broken data file is reported in one line, and stays unchanged."""
    (tmp_path / "data.json").write_text("{")
    done = Program(tmp_path).run("sandbox", "--port", "0", "--data", "data.json")
    assert done.code == 1
    assert "data.json" in done.err
    assert "Traceback" not in done.err
    assert (tmp_path / "data.json").read_text() == "{"
    in_process = Program(tmp_path)
    in_process.add("october")
    (tmp_path / ".reconciler" / "sandbox").mkdir(parents=True)
    (tmp_path / ".reconciler" / "sandbox" / "sandbox-data.json").write_text("{")
    done = in_process.run("--sandbox")
    assert done.code == 1
    assert "internal error" not in done.err


def test_missing_sandbox_extra_is_a_one_line_error(tmp_path: Path) -> None:
    """If the sandbox is not installed, one line says how to install it."""
    program = Program(tmp_path)
    program.add("october")
    (tmp_path / "moto.py").write_text("raise ImportError('no moto')")
    done = subprocess.run(
        program.build_command("--sandbox"),
        cwd=tmp_path, env={"PYTHONPATH": str(tmp_path), "PATH": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "appintegrations-reconciler[sandbox]" in done.stderr


def test_files_are_private_to_their_owner_under_any_umask(tmp_path: Path) -> None:
    """Only the owner can read the journal, the sandbox's data, their locks and their folders."""
    program = Program(tmp_path)
    program.add("october")
    command = program.build_command("--sandbox", "--state", "deep/state")
    done = subprocess.run(command, cwd=tmp_path, env=create_environment(), capture_output=True, check=False, umask=0)
    assert done.returncode == 0
    made = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "deep", *(tmp_path / "deep").rglob("*"))}
    assert len(made) > 5
    assert {mode for path, mode in made.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in made.items() if path.is_file()} == {0o600}
