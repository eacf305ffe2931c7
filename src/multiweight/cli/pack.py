"""`multiweight pack`: put the locked weights into one file."""

from __future__ import annotations

from pathlib import Path

import click

from multiweight.catalogue._lock import current_lock


@click.command("pack")
@click.option("-o", "--output", metavar="FILE", default="weights.tar", show_default=True, help="Where to.")
def command(output: str) -> None:
    """Put the locked weights into one file, for a machine without network.

    FILE is a tar file with the lock that holds here and the files that it pins, each verified; what is not in the cache
    is downloaded. `multiweight unpack` puts them into the cache there. Files that come with a package are left out.

    \b
    Examples:
      multiweight pack
      multiweight pack -o /media/stick/weights.tar
    """
    from multiweight.store.pack import pack

    lock = current_lock()
    if lock is None:
        raise click.UsageError("There is no lock here. `multiweight lock REF...` makes one of what is to be packed.")
    packed = pack(lock, Path(output))
    for name in lock.entries:
        click.echo(f"{name}{'' if name in packed else ': left out, it comes with a package'}")
    click.echo(f"{output} has {Path(output).stat().st_size / 2**20:.1f} MiB.", err=True)
