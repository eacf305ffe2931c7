"""`multiweight cache`: list, measure and clear the cache."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from multiweight.catalogue import WeightsEnum
from multiweight.cli._output import print_table, size
from multiweight.cli.list import entries

if TYPE_CHECKING:
    from multiweight.store import CachedFile


@click.group("cache")
def command() -> None:
    """List, measure and clear the cache of downloaded weights.

    The cache is torch.hub's folder, $TORCH_HOME/hub/checkpoints, so files that other programs put there are in it too.

    \b
    Examples:
      multiweight cache list
      multiweight cache size
      multiweight cache remove ResNet50_Weights.IMAGENET1K_V1
      multiweight cache remove --all
    """


@command.command("list")
def list_() -> None:
    """List the files in the cache, the entry each one belongs to, and whether its hash has been checked."""
    from multiweight import store

    names = _entries_by_path()
    rows = [
        [
            str(names.get(file.path, "-")),
            _mib(file),
            "unfinished" if file.partial else "checked" if file.verified else "not yet checked",
            os.path.relpath(file.path, store.checkpoints_dir()),
        ]
        for file in store.cached_files()
    ]
    if rows:
        print_table((("Entry", "left"), ("Size", "right"), ("Hash", "left"), ("File", "left")), rows)
    else:
        click.echo(f"{store.checkpoints_dir()} holds no weights.", err=True)


@command.command("size")
def size_() -> None:
    """Say how many files there are, how large they are together, and where."""
    from multiweight import store

    files = store.cached_files()
    total = sum(file.size for file in files) / 2**20
    click.echo(f"{len(files)} files, {size(total)}, in {store.checkpoints_dir()}")


@command.command("remove")
@click.argument("what", metavar="[REF|FILE]...", nargs=-1)
@click.option("--all", "all_", is_flag=True, help="Every file of the catalogue's entries; other programs' files stay.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(what: tuple[str, ...], all_: bool, yes: bool) -> None:
    """Remove files from the cache.

    REF removes an entry's file; FILE is a name that `cache list` shows.
    """
    from multiweight import store

    if bool(what) == all_:
        raise click.UsageError("Name entries or files to remove, or give --all.")
    by_path = {file.path: file for file in store.cached_files()}
    names = _entries_by_path()
    chosen = [path for path in by_path if path in names] if all_ else [_find(name, by_path) for name in what]
    if not chosen:
        click.echo("The cache holds no file of the catalogue's entries.", err=True)
        return
    total = sum(by_path[path].size for path in chosen) / 2**20
    if not yes:
        click.confirm(f"Remove {len(chosen)} files, {size(total)}?", abort=True, err=True)
    for path in chosen:
        store.remove(path)
        click.echo(f"removed {path}")


def _find(name: str, by_path: dict[Path, CachedFile]) -> Path:
    from multiweight import store
    from multiweight.catalogue import resolve
    from multiweight.catalogue._references import is_remote
    from multiweight.errors import UnknownWeightsError, suggestions
    from multiweight.store.references import cached_path

    by_name = {os.path.relpath(path, store.checkpoints_dir()): path for path in by_path}
    if name in by_name:
        return by_name[name]
    if is_remote(name):
        path = cached_path(name)
        if path not in by_path:
            raise click.UsageError(f"{name} is not in the cache.")
        return path
    try:
        entry = resolve(name)
    except UnknownWeightsError:
        raise UnknownWeightsError(
            f"{name!r} is no file in the cache and no entry.{suggestions(name, by_name)}"
        ) from None
    path = store.local_path(entry.url)
    if path not in by_path:
        raise click.UsageError(f"{entry} is not in the cache.")
    return path


def _entries_by_path() -> dict[Path, WeightsEnum]:
    from multiweight import store

    cached = (entry for entry in entries() if not entry.url.startswith("package://") and store.is_cached(entry.value))
    return {store.local_path(entry.url): entry for entry in cached}


def _mib(file: CachedFile) -> str:
    return size(file.size / 2**20)
