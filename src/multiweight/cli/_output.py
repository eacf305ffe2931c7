"""Tables and numbers as the subcommands print them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from multiweight.catalogue import WeightsEnum


def console() -> Console:
    """A console on standard output; in a pipe as wide as its lines, so that nothing is cut there."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 10_000, highlight=False, markup=False, emoji=False)


def print_table(columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]]) -> None:
    """Prints a table.

    Args:
        columns: Title and alignment (`"left"`, `"right"`) of each column.
        rows: The cells, as text.
    """
    if not sys.stdout.isatty():
        _print_plain(columns, rows)
        return
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, (title, justify) in enumerate(columns):
        # The name of the entry is what one copies from here: it is folded, never cut.
        table.add_column(
            title,
            justify="right" if justify == "right" else "left",
            overflow="fold" if number == 0 else "ellipsis",
            no_wrap=number != 0,
        )
    for row in rows:
        table.add_row(*row)
    console().print(table)


def _print_plain(columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]]) -> None:
    lines = [[title for title, _ in columns], *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (
            cell.rjust(width) if justify == "right" else cell.ljust(width)
            for cell, width, (_, justify) in zip(line, widths, columns, strict=True)
        )
        print("  ".join(cells).rstrip())


def one_line(text: str) -> str:
    """The text with escapes for what cannot be printed: line breaks, and what would command the terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def size(mib: float) -> str:
    """A file size as text: `97.8 MiB`."""
    return f"{mib / 1024:.1f} GiB" if mib >= 1024 else f"{mib:.1f} MiB"


def license_shown(entry: WeightsEnum) -> str:
    """An entry's licence as text, with a word where the policy bars it."""
    from multiweight.catalogue._licenses import UNSTATED, is_allowed, license_of

    license = license_of(entry)
    return one_line(license or UNSTATED) + ("" if is_allowed(license) else " (barred)")
