"""The command `multiweight`, or `mw`: one file a subcommand, imported when it is called."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any, TextIO

import click

from multiweight.errors import MultiweightError, MultiweightWarning, UnknownNameError

COMMANDS = {
    "predict": "Say what is in pictures.",
    "list": "List the weights there are.",
    "show": "Show everything about weights.",
    "evaluate": "Measure how good weights are.",
    "train": "Train a network by a recipe.",
    "recipe": "Show recipes and what sets them apart.",
    "quantize": "Make 8-bit weights of weights in floating point.",
    "reproduce": "Train weights again and compare with what they claim.",
    "plot": "Draw accuracy over cost.",
    "download": "Fetch weights into the cache.",
    "push": "Put a weights file into a repository of the hub.",
    "verify": "Hash cached files again.",
    "cache": "List, measure and clear the cache.",
    "lock": "Pin the weights that a project uses.",
    "pack": "Put the locked weights into one file.",
    "unpack": "Put the weights of a pack into the cache.",
}
"""The subcommands, each in the file of its name, with the line that `--help` gives it."""


class Failure(click.ClickException):
    """An error of ours, shown as one message."""

    exit_code = 1


class UnknownName(Failure):
    """A name that does not exist: as any other wrong usage."""

    exit_code = 2


def _add_catalogues(ctx: click.Context, option: click.Parameter, paths: tuple[str, ...]) -> None:
    """Adds JSON catalogues for as long as the command runs."""
    if paths and not ctx.resilient_parsing:  # as for completion
        from multiweight.catalogue._registry import catalogues_added

        ctx.with_resource(catalogues_added(paths))


CATALOGUE = click.Option(
    ["--catalogue"],
    metavar="FILE",
    multiple=True,
    expose_value=False,
    is_eager=True,  # what other options name may be in it
    callback=_add_catalogues,
    help="Also the entries of this JSON file, as `list --json` prints it. May be given several times.",
)
"""The option that the command and all its subcommands have."""


class _Subcommands(click.Group):
    """Imports a subcommand when it is called, so that `--help` and `list` cost milliseconds."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS]  # the name `list` is the subcommand's module here, once that is imported

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"multiweight.cli.{cmd_name}").command
        if not any(option.name == CATALOGUE.name for option in command.params):
            command.params.append(CATALOGUE)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([*COMMANDS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[Any, ...]:
        from multiweight.errors import suggestions

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"There is no command {args[0]!r}.{suggestions(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            try:
                return super().invoke(ctx)
            except UnknownNameError as error:
                raise UnknownName(str(error)) from error
            except MultiweightError as error:
                raise Failure(str(error)) from error


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Our own warnings as a sentence, without the line of code that nobody at a terminal asked for."""
    if issubclass(category, MultiweightWarning):
        click.echo(f"Warning: {message}", err=True)
    else:
        click.echo(warnings.formatwarning(message, category, filename, lineno, line), err=True, nl=False)


@click.group(cls=_Subcommands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="multiweight")
def main() -> None:
    """Vision models for PyTorch whose weights can be used right.

    \b
    Examples:
      multiweight predict photo.jpg
      multiweight list "resnet*" --min-accuracy 80 --sort gflops
      multiweight show ResNet50_Weights.DEFAULT

    REF, wherever it is asked for, is an entry in any spelling (ResNet50_Weights.IMAGENET1K_V2,
    resnet50_weights.default), a variant (resnet50), which means its DEFAULT, or a weights file: here
    (run/best.safetensors) or elsewhere (https://…, hf://org/repo, s3://…, gs://…), with VARIANT= before one that does
    not say what it is (resnet50=checkpoint.pth).
    """


main.params.append(CATALOGUE)
