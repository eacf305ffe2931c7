"""`multiweight verify`: hash cached files again."""

from __future__ import annotations

import click

from multiweight.catalogue import resolve
from multiweight.cli.list import entries


@click.command("verify")
@click.argument("references", metavar="[REF]...", nargs=-1)
@click.pass_context
def command(ctx: click.Context, references: tuple[str, ...]) -> None:
    """Hash cached files again, and say whether they are the published ones.

    Without REF, every entry whose file is in the cache or in the package. Exit status 1 if a file is not the
    published one.

    \b
    Examples:
      multiweight verify
      multiweight verify resnet50
    """
    from multiweight import store

    chosen = [resolve(reference) for reference in references]
    chosen = chosen or [entry for entry in entries() if store.local_path(entry.url).exists()]
    wrong = 0
    for entry in chosen:
        checked = store.verify(entry.value, name=str(entry))
        wrong += not checked.ok
        verdict = "right" if checked.ok else f"WRONG, expected {checked.expected}"
        click.echo(f"{entry}: {verdict}\n  {checked.path}\n  SHA-256 {checked.sha256}")
    if wrong:
        click.echo(
            f"{wrong} of {len(chosen)} files are not the published ones; remove them and download again.", err=True
        )
        ctx.exit(1)
