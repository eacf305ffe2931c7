"""`multiweight download`: fetch weights into the cache."""

from __future__ import annotations

import click

from multiweight.catalogue import resolve
from multiweight.cli._reference import complete


@click.command("download")
@click.argument("references", metavar="REF...", nargs=-1, required=True, shell_complete=complete)
def command(references: tuple[str, ...]) -> None:
    """Fetch weights into the cache, verified, and print where each file is.

    A file that is there already is not fetched again. TORCH_HOME says where to, MULTIWEIGHT_MIRRORS rewrites from
    where.

    \b
    Examples:
      multiweight download resnet50
      multiweight download ResNet50_Weights.IMAGENET1K_V1 ResNet50_Weights.IMAGENET1K_V2
    """
    from multiweight import store

    entries = [resolve(reference) for reference in references]  # a misspelt last name costs no download
    for entry in entries:
        click.echo(f"{store.ensure(entry.value, name=str(entry), progress=True)}")
