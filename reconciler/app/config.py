"""The configuration of runs. The command line fills each field from the option of the same name."""

from __future__ import annotations

import os
import stat
import threading
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reconciler.app.settings import Settings
from reconciler.core.aws.regions import find_region_problem
from reconciler.core.errors import UsageError
from reconciler.core.globs import matches_glob
from reconciler.core.manifests.selectors import Requirement
from reconciler.core.model import Mode
from reconciler.core.plan.inputs import RunOptions
from reconciler.core.plan.review import ReviewedPlan
from reconciler.core.shards import Shard
from reconciler.edge import state
from reconciler.edge.clock import SystemClock

DEFAULT_STATE = ".reconciler/"


@dataclass(frozen=True, slots=True)
class RunConfig:
    """The configuration of a run: targets, access to AWS, journal and limits. `state` is a location of `edge.state`.

    `targets` are globs, and `selector` the rules for labels. A target has to match both. `is_single` is true if nothing
    starts a later run. `clock_offset` is what the clock of a sandbox is ahead of the machine's, and `sandbox_switches`
    are its switches, as SWITCH=VALUE. `shard` is the shard whose targets run, or None for those of all shards.
    """

    settings: Settings
    targets: tuple[str, ...]
    region: str | None
    profile: str | None
    endpoint_url: str | None
    sandbox: bool
    state: str | None
    options: RunOptions = field(default_factory=RunOptions)
    lock_timeout: timedelta = timedelta(seconds=30)
    new_state: tuple[str, ...] = ()
    dry_run: bool = False
    revision: str | None = None
    reviewed: ReviewedPlan | None = None
    is_single: bool = False
    selector: tuple[Requirement, ...] = ()
    clock_offset: timedelta = timedelta()
    sandbox_switches: tuple[str, ...] = ()
    shard: Shard | None = None

    @classmethod
    def from_options(cls, **values: Any) -> RunConfig:
        """Return the configuration with the given fields, which are its own or those of `RunOptions`."""
        run_option_names = {each.name for each in fields(RunOptions)} & values.keys()
        options = RunOptions(**{name: values.pop(name) for name in run_option_names})
        return cls(options=options, **values)

    @property
    def is_simulated(self) -> bool:
        """True if a sandbox or another endpoint replaces AWS. No real credentials are sent then."""
        return self.sandbox or self.endpoint_url is not None

    @property
    def state_location(self) -> str:
        """The location of the journals."""
        return self.state or DEFAULT_STATE

    @property
    def state_namespace(self) -> str:
        """The folder below that location. A sandbox has its own folder, apart from the journals of real accounts."""
        return "sandbox" if self.is_simulated else ""

    @property
    def sandbox_folder(self) -> Path:
        """The folder of a sandbox in this process."""
        return Path(self.state_location) / self.state_namespace

    def create_clock(self, stop: threading.Event | None = None) -> SystemClock:
        """Return the clock of the run. Setting the event `stop` interrupts its sleeps."""
        return SystemClock(stop, self.clock_offset)

    def may_create_journal(self, target: str) -> bool:
        """Return whether a run may create the journal of a target if the journal is missing.

        A missing journal usually means an unmounted folder or a wrong location, not a first run. A run may create the
        journal with --new-state, in a sandbox, and in the default folder on a personal machine. In CI, a dry run with
        the default folder needs no journal, because a run that creates is refused there anyway.
        """
        is_personal_machine = not self.settings.is_container and (self.dry_run or not self.settings.is_ci)
        is_allowed_by_default = self.sandbox or (self.state is None and is_personal_machine)
        return is_allowed_by_default or any(matches_glob(target, glob) for glob in self.new_state)

    def check(self) -> None:
        """Raise UsageError for invalid or contradictory options, before AWS is called."""
        if self.state is not None:
            try:
                state.check_location(self.state)
            except ValueError as error:
                raise UsageError(f"--state {error}") from error
            if self.sandbox and not state.is_folder(self.state):
                raise UsageError(
                    "--sandbox keeps its journal in a folder: use a path for --state, or leave out --state"
                )
            if state.is_folder(self.state) and (file := _find_file(Path(self.state))):
                place = "" if file == Path(self.state) else f": {str(file)!r}"
                raise UsageError(f"--state {self.state!r}{place} is a file: give the path of a folder")
        if self.sandbox and self.endpoint_url:
            raise UsageError("--sandbox and --endpoint-url cannot be combined: use one of them")
        if self.clock_offset and not self.sandbox:
            raise UsageError("--sandbox-time needs --sandbox: the time of AWS cannot be set")
        if self.sandbox_switches and not self.sandbox:
            raise UsageError("--sandbox-set needs --sandbox: give a served sandbox its switches with --set")
        if self.region is not None:
            from reconciler.edge.aws.region_names import load_region_patterns

            if problem := find_region_problem(self.region, load_region_patterns()):
                raise UsageError(f"--region: {problem}")
        if self.endpoint_url is not None and not _is_endpoint(self.endpoint_url):
            raise UsageError(f"--endpoint-url {self.endpoint_url} is not an HTTP address: write http://HOST:PORT")
        may_create = not self.dry_run and self.options.mode is not Mode.OBSERVE and not self.sandbox
        if may_create and self.settings.is_ci and not self.state:
            raise UsageError(
                f"the folder {DEFAULT_STATE} is lost when the CI job ends, and a run without its journal may create "
                "associations twice: set --state or RECONCILER_STATE to a place that persists, or use --dry-run"
            )


def _find_file(folder: Path) -> Path | None:
    """Return the nearest existing part of a path if it is a file, or None. It may also be impossible to inspect."""
    nearest = next((each for each in (folder, *folder.parents) if os.path.lexists(each)), folder)
    try:
        return nearest if stat.S_ISREG(nearest.stat().st_mode) else None
    except OSError:
        return None


def _is_endpoint(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
