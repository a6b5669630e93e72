"""`reconcile completion`: print the script that lets a shell complete the command line."""

from __future__ import annotations

import click

from reconciler.cli.command import Command
from reconciler.cli.parameters import Choice

_VARIABLE = "_RECONCILE_COMPLETE"


@click.command(
    "completion",
    cls=Command,
    examples=(
        'eval "$(reconcile completion bash)"',
        "reconcile completion fish > ~/.config/fish/completions/reconcile.fish",
    ),
)
@click.argument("shell", type=Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the script with which SHELL completes commands, options, manifests and targets.

    bash, in ~/.bashrc: eval "$(reconcile completion bash)"

    zsh, in ~/.zshrc: eval "$(reconcile completion zsh)"

    fish: reconcile completion fish > ~/.config/fish/completions/reconcile.fish
    """
    from click.shell_completion import get_completion_class

    completion_class = get_completion_class(shell)
    assert completion_class
    script = completion_class(context.find_root().command, {}, "reconcile", _VARIABLE).source()
    # click's script for fish would cut each description at its first comma
    click.echo(script.replace('string split ","', 'string split --max 1 ","'))
