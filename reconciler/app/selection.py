"""Select targets by name and label, and manifests by name, with suggestions for unknown names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from reconciler.app.config import RunConfig
from reconciler.core.errors import UnknownTarget, UsageError
from reconciler.core.globs import matches_glob
from reconciler.core.manifests.selectors import Requirement, Selector, describe_labels
from reconciler.core.model import Desired, Manifest, Target
from reconciler.core.shards import Shard
from reconciler.core.suggestions import find_closest, format_suggestion, join_names


def select_targets(
    desired: Desired,
    globs: Sequence[str],
    new_state: Sequence[str] = (),
    requirements: Sequence[Requirement] = (),
) -> Desired:
    """Return the desired state with the selected targets only: one of the globs matches, and every label rule is met.

    Without globs, every name matches. Raises UnknownTarget for a glob of `globs` or `new_state` that matches no target,
    and if no target is selected.
    """
    declared_names = [target.name for target in desired.targets]
    for glob in new_state:
        if not any(matches_glob(name, glob) for name in declared_names):
            raise UnknownTarget(
                f"--new-state {glob!r} matches no target: use {_format_choice(declared_names)}, or '*' for all"
            )
    for glob in globs:
        if not any(matches_glob(name, glob) for name in declared_names):
            raise UnknownTarget(_describe_unknown_name(glob, declared_names, "--target"))
    selector = Selector(tuple(globs), tuple(requirements))
    targets = tuple(target for target in desired.targets if selector.has_match(target.name, target.labels))
    if not targets:
        also = " of --target" if globs else ""
        labels = describe_labels(target.labels for target in desired.targets)
        raise UnknownTarget(f"--selector selects no target{also}: the Targets have {labels}")
    return replace(desired, targets=targets)


def select_configured_targets(desired: Desired, config: RunConfig) -> Desired:
    """Return the desired state with only the targets that a configuration selects. Raises UsageError."""
    try:
        selected = select_targets(desired, config.targets, config.new_state, config.selector)
    except UnknownTarget as error:
        raise UsageError(str(error)) from error
    return select_shard(selected, config.shard)


def select_shard(desired: Desired, shard: Shard | None) -> Desired:
    """Return the desired state with only the targets of a shard, which may have none. None keeps all targets."""
    if shard is None:
        return desired
    targets = tuple(each for each in desired.targets if shard.has_target(each.account, each.region))
    return replace(desired, targets=targets, shard=shard)


def find_named_target(desired: Desired, name: str) -> Target:
    """Return the target with this name, which is no glob. Raises UsageError."""
    for target in desired.targets:
        if target.name == name:
            return target
    raise UsageError(_describe_unknown_name(name, [target.name for target in desired.targets], "TARGET"))


def _describe_unknown_name(name: str, declared_names: Sequence[str], option: str) -> str:
    closest = find_closest(name, declared_names)
    hint = format_suggestion(repr(closest)) if closest else f"use {_format_choice(declared_names)}"
    problem = "matches no target" if option == "--target" and set(name) & set("*?") else "is not declared"
    return f"{option} {name!r} {problem}: {hint}"


def _format_choice(names: Sequence[str]) -> str:
    return f"{'one of ' if len(names) > 1 else ''}{join_names(names)}"


def find_manifest_target(
    manifest: str,
    desired: Desired,
    config: RunConfig,
    is_suitable: Callable[[Manifest], bool] = lambda _: True,
    noun: str = "manifests",
) -> Target:
    """Return the only target of the manifest with this name. Raises UsageError, like find_manifest_targets."""
    targets = find_manifest_targets(manifest, desired, config, is_suitable, noun)
    if len(targets) > 1:
        names = join_names([target.name for target in targets])
        raise UsageError(f"several targets have a manifest {manifest!r}: select one of {names} with --target")
    return targets[0]


def find_manifest_targets(
    manifest: str,
    desired: Desired,
    config: RunConfig,
    is_suitable: Callable[[Manifest], bool] = lambda _: True,
    noun: str = "manifests",
) -> tuple[Target, ...]:
    """Return the targets of the manifest with this name, in the order of the targets. Raises UsageError.

    The error about an unknown name suggests only suitable manifests, and `noun` says what they are.
    """
    targets = select_configured_targets(desired, config).targets
    matching_targets = tuple(
        target for target in targets if any(each.name == manifest for each in desired.manifests[target.name])
    )
    if matching_targets:
        return matching_targets
    manifests = (each for target in targets for each in desired.manifests[target.name])
    suitable_names = list(dict.fromkeys(each.name for each in manifests if is_suitable(each)))
    closest = find_closest(manifest, suitable_names)
    if closest:
        hint = format_suggestion(repr(closest))
    elif suitable_names:
        hint = f"use {_format_choice(suitable_names)}; `reconcile status` shows the records of removed manifests"
    else:
        hint = f"there are no {noun}; `reconcile status` shows the records of removed manifests"
    raise UsageError(f"no manifest has the name {manifest!r}: {hint}")
