"""Complete the names of manifests and of targets for a shell. A fault completes nothing, and prints nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

from reconciler.app.sources import Source
from reconciler.cli.environment import read_environment
from reconciler.core.errors import ReconcilerError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from reconciler.core.model import Desired, Manifest

Completer = Callable[[click.Context, click.Parameter, str], "list[CompletionItem[str]]"]
"""A function that returns the completions of a word, as click calls it."""


def complete_targets(context: click.Context, _: click.Parameter, word: str) -> list[CompletionItem[str]]:
    """Return the names of the declared targets that begin with a word."""
    desired = _read_manifests(context)
    return _select([(each.name, each.region or "") for each in desired.targets], word) if desired else []


def complete_manifests(context: click.Context, _: click.Parameter, word: str) -> list[CompletionItem[str]]:
    """Return the names of the manifests that begin with a word."""
    return _complete_manifests(context, word, lambda _: True)


def complete_recurring_manifests(context: click.Context, _: click.Parameter, word: str) -> list[CompletionItem[str]]:
    """Return the names of the manifests with recurring windows that begin with a word."""
    return _complete_manifests(context, word, lambda manifest: manifest.window is not None)


def _complete_manifests(
    context: click.Context, word: str, is_wanted: Callable[[Manifest], bool]
) -> list[CompletionItem[str]]:
    if not (desired := _read_manifests(context)):
        return []
    manifests = (each for target in desired.targets for each in desired.manifests[target.name] if is_wanted(each))
    return _select([(each.name, f"{each.integration} → {each.spec.get('DestinationURI')}") for each in manifests], word)


def _select(names: Iterable[tuple[str, str]], word: str) -> list[CompletionItem[str]]:
    from click.shell_completion import CompletionItem

    matches = {name: text for name, text in names if name.startswith(word)}
    return [CompletionItem(name, help=text) for name, text in sorted(matches.items())]


def _read_manifests(context: click.Context) -> Desired | None:
    """Return the manifests of -f, or of the default folder. None if they are invalid, unreadable or in a repository."""
    if context.params.get("git_url"):
        return None
    files = tuple(each for each in context.params.get("files") or () if each != "-")
    source = Source(read_environment(), files, url=None, ref="HEAD", path="manifests")
    try:
        return source.read()[0]
    except (ReconcilerError, OSError):
        return None
