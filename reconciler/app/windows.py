"""List the windows of a manifest from its journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from reconciler.app.config import RunConfig
from reconciler.app.state import Journals, locate_target
from reconciler.core.errors import UsageError
from reconciler.core.model import Desired, Manifest, Target
from reconciler.core.report.window_list import WindowList, list_windows


@dataclass(frozen=True, slots=True)
class LocatedWindows:
    """The windows of a manifest with its target, account and Region."""

    windows: WindowList
    target: str
    account: str
    region: str


def has_windows(manifest: Manifest) -> bool:
    """Tell whether a manifest has recurring windows. A retired manifest has none to come."""
    return manifest.window is not None and not manifest.policy.retired


def read_windows(name: str, target: Target, desired: Desired, config: RunConfig, until: date | None) -> LocatedWindows:
    """Return the windows of the named manifest. Raises CloudError and StateError, and UsageError without windows."""
    manifest = next(each for each in desired.manifests[target.name] if each.name == name)
    account, region = locate_target(target, config)
    journal = Journals.from_config(config).get_reader(account, region).read()
    windows = list_windows(manifest, journal, config.create_clock().now(), until, is_suspended=target.suspend)
    if windows is None:
        if manifest.policy.retired:
            raise UsageError(f"the manifest {name!r} is retired and exports nothing: use reconcile explain {name}")
        raise UsageError(f"the manifest {name!r} has no `window`: name a manifest with recurring windows")
    return LocatedWindows(windows, target.name, account, region)
