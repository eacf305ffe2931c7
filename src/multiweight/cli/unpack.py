"""`multiweight unpack`: put the weights of a pack into the cache."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from multiweight.catalogue._lock import NAME, VARIABLE, current_lock


@click.command("unpack")
@click.argument("file", metavar="FILE")
@click.pass_context
def command(ctx: click.Context, file: str) -> None:
    """Put the weights of a pack into the cache, each one verified before it is there.

    FILE is what `multiweight pack` has written. Where a lock holds here, such as the project's, the pack may not
    contradict it; else the pack's own lock becomes the working directory's weights.lock.

    Exit status 1 if something that the lock names is neither in the pack nor here.

    \b
    Examples:
      multiweight unpack weights.tar
      TORCH_HOME=/srv/torch multiweight unpack /media/stick/weights.tar
    """
    import os

    from multiweight.store.lockfile import check_lock, write_lock
    from multiweight.store.pack import read_packed_lock, travels, unpack

    pinned = current_lock()
    for placed in unpack(Path(file), pinned=pinned):
        click.echo(f"{placed.name}: {placed.path}{'' if placed.new else ' (was there)'}")
    lock = read_packed_lock(Path(file))
    if pinned is None and not os.environ.get(VARIABLE, "").strip():
        write_lock(replace(lock, path=Path.cwd() / NAME))
        click.echo(f"{Path.cwd() / NAME} is the pack's lock.", err=True)
    missing = [found for found in check_lock(lock) if not travels(lock.entries[found.name]) and found.text != "right"]
    for found in missing:
        click.echo(f"{found.name} comes with a package, and is not right here: {found.text}", err=True)
    if missing:
        ctx.exit(1)
