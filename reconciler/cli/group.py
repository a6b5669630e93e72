"""The commands by name, with suggestions for a misspelled command."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import click

from reconciler import __version__
from reconciler.cli.command import Command, suggest_option
from reconciler.cli.sections import write_examples, write_options
from reconciler.core.suggestions import find_closest, format_suggestion

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "run": "Reconcile once (the default command).",
    "controller": "Reconcile periodically until stopped.",
    "health": "Check whether the controller on this machine makes progress.",
    "init": "Write the first manifests of a new folder.",
    "validate": "Check manifests without AWS or credentials.",
    "render": "Print the manifests of each target with their values.",
    "explain": "Explain what a run would do with one association, and why.",
    "windows": "List the past and coming windows of one association.",
    "export": "Write live associations as manifests.",
    "status": "Show the records of the journal.",
    "unlock": "Free the lease of a dead run.",
    "doctor": "Check credentials, permissions, buckets and journal.",
    "completion": "Print the script that completes the command line in a shell.",
    "schema": "Print the JSON Schema of a manifest or an output.",
    "sandbox": "Serve a simulated AppIntegrations API over HTTP.",
}
_DEFAULT_COMMAND = "run"
_COMMAND_SYNONYMS = dict.fromkeys(("dry-run", "plan", "diff"), "`reconcile --dry-run`") | {
    "apply": "`reconcile` without a command",
    "check": "'validate'",
    "help": "`reconcile --help`",
    "list": "'status'",
    "version": "`reconcile --version`",
}
"""Words that people type as a command, and what does the same."""


def _suggest_command(name: str) -> str:
    """Return a suggestion for a word that is not the name of a command."""
    if option := suggest_option(name):
        return format_suggestion(f"{option} {name}")
    closest = find_closest(name.lower(), (*COMMANDS, *_COMMAND_SYNONYMS))
    if not closest:
        return f"use one of {', '.join(COMMANDS)}"
    return format_suggestion(_COMMAND_SYNONYMS.get(closest, repr(closest)))


class CommandGroup(click.Group):
    """The group of commands, which imports a command when it is called. Without a command name, `run` is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Import a command and return it, or return None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"reconciler.cli.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments as click does, and insert the default command before options."""
        group_options = {"--help", "-h", "--version"}
        should_insert_default = bool(args) or not ctx.resilient_parsing  # `reconcile <TAB>` completes command names
        if should_insert_default and (not args or (args[0].startswith("-") and args[0] not in group_options)):
            args = [_DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the named command. Raises click.UsageError with a suggestion for an unknown name."""
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            ctx.fail(f"No such command {args[0]!r}: {_suggest_command(args[0])}")
        return super().resolve_command(ctx, args)

    def find_option_owners(self, ctx: click.Context, option: str) -> list[str]:
        """Return the names of the commands that have an option."""
        commands = {name: self.get_command(ctx, name) for name in COMMANDS}
        return [
            name for name, each in commands.items() if each for parameter in each.params if option in parameter.opts
        ]

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Return the completions of a word: commands, or the options of the default command."""
        if not incomplete.startswith("-"):
            from click.shell_completion import CompletionItem

            completions = (CompletionItem(name, help=help_) for name, help_ in COMMANDS.items())
            return [each for each in completions if each.value.startswith(incomplete)]
        default = self.get_command(ctx, _DEFAULT_COMMAND)
        assert default
        return [*default.shell_complete(ctx, incomplete), *super().shell_complete(ctx, incomplete)]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of the default command, and the list of commands."""
        default = self.get_command(ctx, _DEFAULT_COMMAND)
        assert default
        write_options(ctx, formatter, (*default.params, *self.params))
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples of the default command."""
        default = self.get_command(ctx, _DEFAULT_COMMAND)
        assert isinstance(default, Command)
        write_examples(formatter, default.examples)


@click.group(
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    options_metavar=None,
    subcommand_metavar="[COMMAND] [OPTIONS]",
)
@click.version_option(__version__, prog_name="reconcile", message="%(prog)s %(version)s")
def app() -> None:
    """Reconcile the data-integration associations of Amazon AppIntegrations with the manifests in git.

    A run creates missing associations, and reports drift and other differences. It deletes and repairs nothing.
    Without a command, `reconcile` runs once.
    """
