"""Select targets and manifests by name, with suggestions for unknown names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from reconciler.app.config import RunConfig
from reconciler.core.errors import UnknownTarget, UsageError
from reconciler.core.model import Desired, Target
from reconciler.core.suggestions import find_closest, join_names


def select_targets(
    desired: Desired, names: Sequence[str], new_state: Sequence[str] = (), option: str = "--target"
) -> Desired:
    """Return the desired state with the named targets only, or with every target if there are no names.

    Raises UnknownTarget for a name that is not declared, and for a glob of `new_state` that matches no target. `option`
    is the option that holds the names, for messages.
    """
    declared_names = [target.name for target in desired.targets]
    for glob in new_state:
        if not any(fnmatchcase(name, glob) for name in declared_names):
            raise UnknownTarget(
                f"--new-state {glob!r} matches no target: use {_format_choice(declared_names)}, or '*' for all"
            )
    for name in names:
        if name not in declared_names:
            closest = find_closest(name, declared_names)
            hint = f"did you mean {closest!r}?" if closest else f"use {_format_choice(declared_names)}"
            raise UnknownTarget(f"{option} {name!r} is not declared: {hint}")
    target_names = names or declared_names
    return replace(desired, targets=tuple(target for target in desired.targets if target.name in target_names))


def select_configured_targets(desired: Desired, config: RunConfig, option: str = "--target") -> Desired:
    """Return the desired state with only the targets that a configuration names. Raises UsageError."""
    try:
        return select_targets(desired, config.targets, config.new_state, option)
    except UnknownTarget as error:
        raise UsageError(str(error)) from error


def _format_choice(names: Sequence[str]) -> str:
    return f"{'one of ' if len(names) > 1 else ''}{join_names(names)}"


def find_manifest_target(manifest: str, desired: Desired, config: RunConfig) -> Target:
    """Return the target of the manifest with this name. Raises UsageError."""
    targets = select_configured_targets(desired, config).targets
    matching_targets = [
        target for target in targets if any(each.name == manifest for each in desired.manifests[target.name])
    ]
    if len(matching_targets) == 1:
        return matching_targets[0]
    if matching_targets:
        names = join_names([target.name for target in matching_targets])
        raise UsageError(f"several targets have a manifest {manifest!r}: select one of {names} with --target")
    manifest_names = [each.name for target in targets for each in desired.manifests[target.name]]
    closest = find_closest(manifest, manifest_names)
    if closest:
        hint = f"did you mean {closest!r}?"
    elif manifest_names:
        hint = f"use {_format_choice(manifest_names)}; `reconcile status` shows the records of removed manifests"
    else:
        hint = "there are no manifests; `reconcile status` shows the records of removed manifests"
    raise UsageError(f"no manifest has the name {manifest!r}: {hint}")
