"""Runs the git program so that nothing but its arguments and a person's own settings counts, and never without end."""

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
"""The longest answer in bytes, unless another was asked for: a tree can name itself without end."""

# A fetch runs the hook reference-transaction, also that of a person's core.hooksPath.
_OPTIONS = ("--no-pager", "-c", "core.hooksPath=/dev/null")
# Of git's own variables for one repository (`git rev-parse --local-env-vars`) those that choose another one, and those
# that would change what arguments mean. What a person configures by variables (GIT_CONFIG_COUNT, GIT_SSH, …) stays.
_MISLEADING_VARIABLES = frozenset(
    f"GIT_{name}"
    for name in (
        "COMMON_DIR", "CONFIG", "DEFAULT_HASH", "DIR", "GLOB_PATHSPECS", "GRAFT_FILE", "ICASE_PATHSPECS",
        "IMPLICIT_WORK_TREE", "INDEX_FILE", "INTERNAL_SUPER_PREFIX", "NAMESPACE", "NOGLOB_PATHSPECS", "PREFIX",
        "REPLACE_REF_BASE", "SHALLOW_FILE", "WORK_TREE",
    )
)  # fmt: skip
_PRIVATE_PREFIX = "RECONCILER_"  # what this program is told, secrets among it: no other has a use for that
_QUARANTINE_VARIABLES = frozenset(("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_OBJECT_DIRECTORY", "GIT_QUARANTINE_PATH"))
_FORCED_VARIABLES = {
    "GIT_LITERAL_PATHSPECS": "1",  # ls-tree takes :(top)x for x otherwise
    "GIT_NO_LAZY_FETCH": "1",  # what a partial clone lacks is an error, not a call
    "GIT_NO_REPLACE_OBJECTS": "1",  # refs/replace/… puts other contents in the place of what a commit names
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",  # complaints are matched in English
}
# A program without a terminal that asks a person can only open a window: it may where the person has said so. BatchMode
# would need GIT_SSH_COMMAND, which takes the place of a core.sshCommand.
_DEFAULT_VARIABLES = {"GIT_ASKPASS": "", "SSH_ASKPASS_REQUIRE": "never"}


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What git said: `output` where it is `well`, otherwise why not, in `complaint`, as git wrote it.

    `code` is its exit code, or the number of the signal that ended it, with a minus.
    """

    exit_code: int
    output: bytes
    error_output: str

    @property
    def has_succeeded(self) -> bool:
        """Whether git could do what it was asked for."""
        return self.exit_code == 0


@dataclass(frozen=True, slots=True)
class GitCommand:
    """The git program at one repository, or at none."""

    program: str
    caller_environment: Mapping[str, str]
    environment: Mapping[str, str]
    timeout_seconds: float
    stop: threading.Event
    options: tuple[str, ...] = _OPTIONS
    temporary_folder: str = ""

    @classmethod
    def find(cls, environment: Mapping[str, str], timeout_seconds: float, stop: threading.Event) -> GitCommand:
        """Return the program that PATH names, to be ended after so many seconds, or when told. Raises GitError."""
        program = shutil.which("git", path=environment.get("PATH", ""))
        if program is None:
            raise GitError("the program git was not found on PATH: install git, or read the manifests from a folder")
        # No protocol is allowed until `on_the_network`: git before 2.39.4 does not know GIT_NO_LAZY_FETCH.
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
        """Return the program as it may use git's own protocols, or those of them that GIT_ALLOW_PROTOCOL leaves.

        `login` is what an Address says in variables.
        """
        allowed_by_caller = self.caller_environment.get("GIT_ALLOW_PROTOCOL")
        allowed = [each for each in PROTOCOLS if allowed_by_caller is None or each in allowed_by_caller.split(":")]
        return replace(self, environment={**self.environment, **login, "GIT_ALLOW_PROTOCOL": ":".join(allowed)})

    def with_repository(self, repository: str) -> GitCommand:
        """Return the program at just this folder of a repository (`.git`, or a bare one); it cannot use the network.

        Git does not look for one: that depends on settings (safe.bareRepository), and on what else there is. Objects
        that are being pushed to this very repository count (https://git-scm.com/docs/git-receive-pack).
        """
        environment = dict(self.environment)
        quarantine = self.caller_environment.get("GIT_QUARANTINE_PATH")
        if quarantine and os.path.realpath(Path(quarantine).parent) == os.path.realpath(Path(repository, "objects")):
            environment |= {
                name: self.caller_environment[name] for name in _QUARANTINE_VARIABLES & self.caller_environment.keys()
            }
        return replace(self, environment=environment, options=(*_OPTIONS, "-C", "/", f"--git-dir={repository}"))

    def without_repository(self) -> GitCommand:
        """Return the program at no repository, whatever there is where it happens to run."""
        return self.with_repository("/dev/null")

    def with_search_from(self, folder: str, *options: str) -> GitCommand:
        """Return the program as it looks for the repository that a folder is or lies in; it cannot use the network."""
        return replace(self, options=(*_OPTIONS, *options, "-C", folder))

    def with_temporary_folder(self, temporary_folder: str) -> GitCommand:
        """Return the program with a folder of its own for temporary files, whose name is in no complaint."""
        environment = {**self.environment, "TMPDIR": temporary_folder}
        return replace(
            self,
            environment=environment,
            options=(*_OPTIONS, "-C", temporary_folder),
            temporary_folder=temporary_folder,
        )

    def find_other_program(self, name: str, *options: str) -> GitCommand:
        """Return another program that PATH names, run as git is, with no network of git's. Raises GitError."""
        program = shutil.which(name, path=self.caller_environment.get("PATH", ""))
        if program is None:
            raise GitError(f"the program {name} was not found on PATH: it checks signatures, so install it")
        return replace(self, program=program, options=options)

    def run(self, *arguments: str, stdin: bytes = b"", max_output: int = MAX_OUTPUT_BYTES) -> CommandResult:
        """Run one command. Raises GitError where it takes too long or says more than is wanted, and Stopped."""
        with (
            temporary_folders.translate_os_errors(),
            subprocess.Popen(  # noqa: S603 - no shell; what a person gave was checked, or stands behind `--`
                [self.program, *self.options, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,  # no file: the complaint may be that there is no room for one
                bufsize=0,
                env=self.environment,
                start_new_session=True,  # without a terminal nobody can be asked, and all of it can be ended at once
            ) as process,
        ):
            pipes = ProcessPipes(process, memoryview(stdin), max_output)
            try:
                pipes.communicate(self.timeout_seconds, self.stop)
            finally:
                if process.returncode is None:
                    _kill(process)
        if self.stop.is_set():
            raise StopRequested("a stop was asked for while git was at work")
        name = Path(self.program).name
        if pipes.has_timed_out:
            raise GitError(f"{name} {arguments[0]} was ended: it took longer than {self.timeout_seconds:g} s")
        if len(pipes.output) > max_output:
            raise GitError(
                f"{name} {arguments[0]} was ended: it said more than {max_output} bytes: name a smaller folder"
            )
        return CommandResult(
            process.returncode,
            bytes(pipes.output),
            self._hide_temporary_folder(pipes.error_output.decode(errors="replace")),
        )

    def _hide_temporary_folder(self, error_output: str) -> str:
        """Return a complaint without a name that is another one each time: the same fault gives the same words."""
        for path in {self.temporary_folder, os.path.realpath(self.temporary_folder)} if self.temporary_folder else ():
            error_output = error_output.replace(f"{path}/", "").replace(path, "the folder for temporary files")
        return error_output


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
