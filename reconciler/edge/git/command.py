"""Run the git program with a timeout. Only its arguments and the user's own settings control it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.core.errors import GitError, StopRequested
from reconciler.edge.git import temporary_folders
from reconciler.edge.git.arguments import PROTOCOLS
from reconciler.edge.git.pipes import ProcessPipes

MAX_OUTPUT_BYTES = 64 * 1024 * 1024
"""Default maximum output in bytes, because the listing of a tree can be arbitrarily long."""

# Without this option, a fetch runs the reference-transaction hook, even one in the user's core.hooksPath.
_OPTIONS = ("--no-pager", "-c", "core.hooksPath=/dev/null")
# Git's repository variables (`git rev-parse --local-env-vars`) that select another repository or change the meaning of
# arguments. Variables that configure git for the user (GIT_CONFIG_COUNT, GIT_SSH, …) are kept.
_MISLEADING_VARIABLES = frozenset(
    f"GIT_{name}"
    for name in (
        "COMMON_DIR", "CONFIG", "DEFAULT_HASH", "DIR", "GLOB_PATHSPECS", "GRAFT_FILE", "ICASE_PATHSPECS",
        "IMPLICIT_WORK_TREE", "INDEX_FILE", "INTERNAL_SUPER_PREFIX", "NAMESPACE", "NOGLOB_PATHSPECS", "PREFIX",
        "REPLACE_REF_BASE", "SHALLOW_FILE", "WORK_TREE",
    )
)  # fmt: skip
_PRIVATE_PREFIX = "RECONCILER_"  # the settings of this program, some of which are secret
_QUARANTINE_VARIABLES = frozenset(("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_OBJECT_DIRECTORY", "GIT_QUARANTINE_PATH"))
_FORCED_VARIABLES = {
    "GIT_LITERAL_PATHSPECS": "1",  # otherwise ls-tree treats :(top)x as x
    "GIT_NO_LAZY_FETCH": "1",  # a missing object of a partial clone is an error, and is not downloaded
    "GIT_NO_REPLACE_OBJECTS": "1",  # otherwise refs/replace/… changes the contents of a commit
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",  # error messages are matched in English
}
# Without a terminal, a password prompt opens a window. Only the user's own settings may allow that. BatchMode of ssh is
# not an alternative: it needs GIT_SSH_COMMAND, which overrides the user's core.sshCommand.
_DEFAULT_VARIABLES = {"GIT_ASKPASS": "", "SSH_ASKPASS_REQUIRE": "never"}


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The result of a git command: its `output` on success, or git's error message in `error_output`.

    `exit_code` is the exit code of git, or the negative number of the signal that ended git.
    """

    exit_code: int
    output: bytes
    error_output: str

    @property
    def has_succeeded(self) -> bool:
        """True if git exited with code 0."""
        return self.exit_code == 0


@dataclass(frozen=True, slots=True)
class GitCommand:
    """The git program, with or without a repository."""

    program: str
    caller_environment: Mapping[str, str]
    environment: Mapping[str, str]
    timeout_seconds: float
    stop: threading.Event
    options: tuple[str, ...] = _OPTIONS
    temporary_folder: str = ""

    @classmethod
    def find(cls, environment: Mapping[str, str], timeout_seconds: float, stop: threading.Event) -> GitCommand:
        """Return the git program on PATH. Raises GitError if PATH has none.

        Each command ends after `timeout_seconds`, or when `stop` is set.
        """
        program = shutil.which("git", path=environment.get("PATH", ""))
        if program is None:
            raise GitError("the program git was not found on PATH: install git, or read the manifests from a folder")
        # No protocol is allowed before `with_network`, because git before 2.39.4 does not know GIT_NO_LAZY_FETCH.
        caller_variables = {
            name: value
            for name, value in environment.items()
            if name not in _MISLEADING_VARIABLES | _QUARANTINE_VARIABLES and not name.startswith(_PRIVATE_PREFIX)
        }
        return cls(
            program,
            environment,
            _DEFAULT_VARIABLES | caller_variables | _FORCED_VARIABLES | {"GIT_ALLOW_PROTOCOL": ""},
            timeout_seconds,
            stop,
        )

    def with_network(self, login: Mapping[str, str]) -> GitCommand:
        """Return the program with network access by git's own protocols, except those that GIT_ALLOW_PROTOCOL forbids.

        `login` holds the variables from RepositoryUrl.build_environment.
        """
        allowed_by_caller = self.caller_environment.get("GIT_ALLOW_PROTOCOL")
        allowed = [each for each in PROTOCOLS if allowed_by_caller is None or each in allowed_by_caller.split(":")]
        return replace(self, environment={**self.environment, **login, "GIT_ALLOW_PROTOCOL": ":".join(allowed)})

    def with_repository(self, repository: str) -> GitCommand:
        """Return the program for exactly this repository folder (`.git` or bare), without network access.

        Git does not search for a repository, because the search depends on settings (safe.bareRepository) and on the
        parent folders. In a hook, git also reads the objects that are being pushed to this repository
        (https://git-scm.com/docs/git-receive-pack).
        """
        environment = dict(self.environment)
        quarantine = self.caller_environment.get("GIT_QUARANTINE_PATH")
        if quarantine and os.path.realpath(Path(quarantine).parent) == os.path.realpath(Path(repository, "objects")):
            environment |= {
                name: self.caller_environment[name] for name in _QUARANTINE_VARIABLES & self.caller_environment.keys()
            }
        return replace(self, environment=environment, options=(*_OPTIONS, "-C", "/", f"--git-dir={repository}"))

    def without_repository(self) -> GitCommand:
        """Return the program without a repository, even if its working folder is inside one."""
        return self.with_repository("/dev/null")

    def with_search_from(self, folder: str, *options: str) -> GitCommand:
        """Return the program that searches for the repository at or above a folder, without network access."""
        return replace(self, options=(*_OPTIONS, *options, "-C", folder))

    def with_temporary_folder(self, temporary_folder: str) -> GitCommand:
        """Return the program with its own temporary folder, whose path is removed from error messages."""
        environment = {**self.environment, "TMPDIR": temporary_folder}
        return replace(
            self,
            environment=environment,
            options=(*_OPTIONS, "-C", temporary_folder),
            temporary_folder=temporary_folder,
        )

    def find_other_program(self, name: str, *options: str) -> GitCommand:
        """Return another program on PATH, with the same environment. Raises GitError if it is not installed."""
        program = shutil.which(name, path=self.caller_environment.get("PATH", ""))
        if program is None:
            raise GitError(f"the program {name} was not found on PATH: install it to verify signatures")
        return replace(self, program=program, options=options)

    def run(self, *arguments: str, stdin: bytes = b"", max_output: int = MAX_OUTPUT_BYTES) -> CommandResult:
        """Run one command and return its result. Raises GitError on a timeout or too much output, and StopRequested."""
        with (
            temporary_folders.translate_os_errors(),
            subprocess.Popen(  # noqa: S603 - no shell; user input was validated, or comes after `--`
                [self.program, *self.options, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,  # not a file, because the error may be a full disk
                bufsize=0,
                env=self.environment,
                start_new_session=True,  # no terminal for prompts, and one process group to kill
            ) as process,
        ):
            pipes = ProcessPipes(process, memoryview(stdin), max_output)
            try:
                pipes.communicate(self.timeout_seconds, self.stop)
            finally:
                if process.returncode is None:
                    _kill(process)
        if self.stop.is_set():
            raise StopRequested("stopped by a signal while git was running")
        name = Path(self.program).name
        if pipes.has_timed_out:
            raise GitError(f"{name} {arguments[0]} timed out after {self.timeout_seconds:g} s")
        if len(pipes.output) > max_output:
            raise GitError(
                f"{name} {arguments[0]} was stopped: its output exceeds {max_output} bytes: choose a smaller folder"
            )
        return CommandResult(
            process.returncode,
            bytes(pipes.output),
            self._hide_temporary_folder(pipes.error_output.decode(errors="replace")),
        )

    def _hide_temporary_folder(self, error_output: str) -> str:
        """Return git's error without the random path, so that a repeated fault has the same message."""
        for path in {self.temporary_folder, os.path.realpath(self.temporary_folder)} if self.temporary_folder else ():
            error_output = error_output.replace(f"{path}/", "").replace(path, "the temporary folder")
        return error_output


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its child processes."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
