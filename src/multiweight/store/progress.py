"""How far a download is, on a terminal. Never imports torch."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager


@contextmanager
def shown_progress(name: str, *, enabled: bool) -> Generator[Callable[[int, int | None], None], None, None]:
    """Shows a progress bar on standard error while it is open; nothing where that is no terminal.

    Args:
        name: What is on its way.
        enabled: Whether to show anything.

    Yields:
        A function to call with the bytes that are here and the size of the whole, where known.
    """
    if not (enabled and sys.stderr is not None and sys.stderr.isatty()):  # a process without a console has none
        yield lambda done, size: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, size: bar.update(task, completed=done, total=size)
