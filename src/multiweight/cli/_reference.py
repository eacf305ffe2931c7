"""What the shell offers where a subcommand asks for a REF."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from multiweight.errors import MultiweightError


def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The variants, enums and entries that begin with what was typed, in any case; after a dot, the entries only.

    What begins with a dot or a slash is left to the shell, which knows the files.
    """
    from multiweight.catalogue import list_models, weights_enums

    if incomplete.startswith((".", "/", "~")):
        return [CompletionItem(incomplete, type="file")]
    try:
        names = [str(entry) for enum in weights_enums().values() for entry in enum] if "." in incomplete else []
        names = names or [*list_models(), *(f"{enum}." for enum in weights_enums())]
    except MultiweightError:  # a damaged catalogue is said by the command itself
        return []
    return [CompletionItem(name) for name in names if name.lower().startswith(incomplete.lower())]
