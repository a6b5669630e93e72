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

from reconciler.core.errors import GitError, Stopped
from reconciler.edge.git import temporary_folders
from reconciler.edge.git.arguments import PROTOCOLS
from reconciler.edge.git.pipes import Hearing

MOST = 64 * 1024 * 1024
"""The longest answer in bytes, unless another was asked for: a tree can name itself without end."""

# A fetch runs the hook reference-transaction, also that of a person's core.hooksPath.
_OPTIONS = ("--no-pager", "-c", "core.hooksPath=/dev/null")
# Of git's own variables for one repository (`git rev-parse --local-env-vars`) those that choose another one, and those
# that would change what arguments mean. What a person configures by variables (GIT_CONFIG_COUNT, GIT_SSH, …) stays.
_MISLEADING = frozenset(
    f"GIT_{name}"
    for name in (
        "COMMON_DIR", "CONFIG", "DEFAULT_HASH", "DIR", "GLOB_PATHSPECS", "GRAFT_FILE", "ICASE_PATHSPECS",
        "IMPLICIT_WORK_TREE", "INDEX_FILE", "INTERNAL_SUPER_PREFIX", "NAMESPACE", "NOGLOB_PATHSPECS", "PREFIX",
        "REPLACE_REF_BASE", "SHALLOW_FILE", "WORK_TREE",
    )
)  # fmt: skip
_PRIVATE = "RECONCILER_"  # what this program is told, secrets among it: no other has a use for that
_QUARANTINE = frozenset(("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_OBJECT_DIRECTORY", "GIT_QUARANTINE_PATH"))
_OURS = {
    "GIT_LITERAL_PATHSPECS": "1",  # ls-tree takes :(top)x for x otherwise
    "GIT_NO_LAZY_FETCH": "1",  # what a partial clone lacks is an error, not a call
    "GIT_NO_REPLACE_OBJECTS": "1",  # refs/replace/… puts other contents in the place of what a commit names
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",  # complaints are matched in English
}
# A program without a terminal that asks a person can only open a window: it may where the person has said so. BatchMode
# would need GIT_SSH_COMMAND, which takes the place of a core.sshCommand.
_UNLESS_SAID = {"GIT_ASKPASS": "", "SSH_ASKPASS_REQUIRE": "never"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What git said: `output` where it is `well`, otherwise why not, in `complaint`, as git wrote it.

    `code` is its exit code, or the number of the signal that ended it, with a minus.
    """

    code: int
    output: bytes
    complaint: str

    @property
    def well(self) -> bool:
        """Whether git could do what it was asked for."""
        return self.code == 0


@dataclass(frozen=True, slots=True)
class Git:
    """The git program at one repository, or at none."""

    program: str
    given: Mapping[str, str]
    environment: Mapping[str, str]
    seconds: float
    stop: threading.Event
    options: tuple[str, ...] = _OPTIONS
    private: str = ""

    @classmethod
    def found(cls, environment: Mapping[str, str], seconds: float, stop: threading.Event) -> Git:
        """Return the program that PATH names, to be ended after so many seconds, or when told. Raises GitError."""
        program = shutil.which("git", path=environment.get("PATH", ""))
        if program is None:
            raise GitError("the program git was not found on PATH: install git, or read the manifests from a folder")
        # No protocol is allowed until `on_the_network`: git before 2.39.4 does not know GIT_NO_LAZY_FETCH.
        kept = {
            name: value
            for name, value in environment.items()
            if name not in _MISLEADING | _QUARANTINE and not name.startswith(_PRIVATE)
        }
        return cls(program, environment, _UNLESS_SAID | kept | _OURS | {"GIT_ALLOW_PROTOCOL": ""}, seconds, stop)

    def on_the_network(self, login: Mapping[str, str]) -> Git:
        """Return the program as it may use git's own protocols, or those of them that GIT_ALLOW_PROTOCOL leaves.

        `login` is what an Address says in variables.
        """
        limited = self.given.get("GIT_ALLOW_PROTOCOL")
        allowed = [each for each in PROTOCOLS if limited is None or each in limited.split(":")]
        return replace(self, environment={**self.environment, **login, "GIT_ALLOW_PROTOCOL": ":".join(allowed)})

    def at(self, repository: str) -> Git:
        """Return the program at just this folder of a repository (`.git`, or a bare one); it cannot use the network.

        Git does not look for one: that depends on settings (safe.bareRepository), and on what else there is. Objects
        that are being pushed to this very repository count (https://git-scm.com/docs/git-receive-pack).
        """
        environment = dict(self.environment)
        quarantine = self.given.get("GIT_QUARANTINE_PATH")
        if quarantine and os.path.realpath(Path(quarantine).parent) == os.path.realpath(Path(repository, "objects")):
            environment |= {name: self.given[name] for name in _QUARANTINE & self.given.keys()}
        return replace(self, environment=environment, options=(*_OPTIONS, "-C", "/", f"--git-dir={repository}"))

    def nowhere(self) -> Git:
        """Return the program at no repository, whatever there is where it happens to run."""
        return self.at("/dev/null")

    def looking(self, folder: str, *options: str) -> Git:
        """Return the program as it looks for the repository that a folder is or lies in; it cannot use the network."""
        return replace(self, options=(*_OPTIONS, *options, "-C", folder))

    def within(self, private: str) -> Git:
        """Return the program with a folder of its own for temporary files, whose name is in no complaint."""
        environment = {**self.environment, "TMPDIR": private}
        return replace(self, environment=environment, options=(*_OPTIONS, "-C", private), private=private)

    def beside(self, name: str, *options: str) -> Git:
        """Return another program that PATH names, run as git is, with no network of git's. Raises GitError."""
        program = shutil.which(name, path=self.given.get("PATH", ""))
        if program is None:
            raise GitError(f"the program {name} was not found on PATH: it checks signatures, so install it")
        return replace(self, program=program, options=options)

    def run(self, *arguments: str, stdin: bytes = b"", most: int = MOST) -> Answer:
        """Run one command. Raises GitError where it takes too long or says more than is wanted, and Stopped."""
        with (
            temporary_folders.placed(),
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
            heard = Hearing(process, memoryview(stdin), most)
            try:
                heard.hear_out(self.seconds, self.stop)
            finally:
                if process.returncode is None:
                    _end(process)
        if self.stop.is_set():
            raise Stopped("a stop was asked for while git was at work")
        name = Path(self.program).name
        if heard.is_late:
            raise GitError(f"{name} {arguments[0]} was ended: it took longer than {self.seconds:g} s")
        if len(heard.output) > most:
            raise GitError(f"{name} {arguments[0]} was ended: it said more than {most} bytes: name a smaller folder")
        return Answer(process.returncode, bytes(heard.output), self._public(heard.complaint.decode(errors="replace")))

    def _public(self, complaint: str) -> str:
        """Return a complaint without a name that is another one each time: the same fault gives the same words."""
        for private in {self.private, os.path.realpath(self.private)} if self.private else ():
            complaint = complaint.replace(f"{private}/", "").replace(private, "the folder for temporary files")
        return complaint


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
