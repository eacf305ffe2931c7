"""`multiweight lock`: pin the weights that a project uses."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from multiweight.catalogue import get_weight, resolve
from multiweight.catalogue._lock import NAME, VARIABLE, Lock, find_lock, lock_ignored, read_lock
from multiweight.catalogue._schema import spelling
from multiweight.cli._output import one_line, print_table, size
from multiweight.cli._reference import complete

if TYPE_CHECKING:
    from multiweight.store.lockfile import Finding


@click.command("lock")
@click.argument("references", metavar="[REF]...", nargs=-1, shell_complete=complete)
@click.option("--update", is_flag=True, help="Pin what REF means today, and the files that are published today.")
@click.option("--remove", is_flag=True, help="Take REF out of the lock.")
@click.option("--check", is_flag=True, help="Change nothing; compare the lock with the catalogue and the cache.")
@click.option("--strict/--no-strict", default=None, help="Whether weights that are not in the lock are refused.")
@click.pass_context
def command(
    ctx: click.Context, references: tuple[str, ...], update: bool, remove: bool, check: bool, strict: bool | None
) -> None:
    """Pin the weights that a project uses: which entry, which bytes, from where, and what DEFAULT means.

    REF is added to weights.lock: the one that holds here, else a new one in the working directory. A variant (resnet50)
    pins what its DEFAULT means; any other entry does so too if it is the first of its variant. Without REF, it is about
    the entries that are in the lock, and no DEFAULT changes. What is not in the cache is downloaded, as the SHA-256 is
    that of the file.

    A lock holds in its folder and below, inside one project: no further up than the folder with .git or pyproject.toml.
    MULTIWEIGHT_LOCK names another file, or 0 for none.

    \b
    Examples:
      multiweight lock resnet50 FCOS_ResNet50_FPN_Weights.COCO_V1
      multiweight lock --check
      multiweight lock --update resnet50
      multiweight lock --remove ResNet50_Weights.IMAGENET1K_V1
      multiweight lock --strict
    """
    if update + remove + check > 1 or (check and (references or strict is not None)) or (remove and not references):
        raise click.UsageError("Give one of --update [REF], --remove REF and --check.")
    path = _path()
    lock = read_lock(path) if path.is_file() else Lock(path=path)
    if check:
        _check(ctx, lock)
        return
    if not references and not path.is_file():
        raise click.UsageError("There is no lock yet. Name the weights that the project uses.")
    from dataclasses import replace

    from multiweight.store.lockfile import without_entries, write_lock

    gone = _locked_names(references, lock) if remove else []
    lock = without_entries(lock, gone) if remove else _with(lock, references, update=update)
    if strict is not None:
        lock = replace(lock, strict=strict)
    write_lock(lock)
    _print(lock)


def _path() -> Path:
    import os

    if os.environ.get(VARIABLE, "").strip() and find_lock() is None:
        raise click.UsageError(f"{VARIABLE}={os.environ[VARIABLE]} turns locks off.")
    return find_lock() or Path.cwd() / NAME


def _with(lock: Lock, references: Iterable[str], *, update: bool) -> Lock:
    """The lock with the entries that references mean; without references, with its own again."""
    from multiweight.store.lockfile import lock_entry, with_entries

    with lock_ignored() if update or not lock.path.is_file() else nullcontext():
        chosen = [(resolve(reference), _means_default(reference)) for reference in references]
        chosen = chosen or [(get_weight(name), False) for name in lock.entries]
    made = [
        (entry, lock_entry(entry, by_lock=str(entry) in lock.entries and not update), default)
        for entry, default in dict.fromkeys(chosen)
    ]
    return with_entries(lock, made)


def _means_default(reference: str) -> bool:
    """Whether a reference is that of a variant, or says `DEFAULT`."""
    _, dot, entry = reference.rpartition(".")
    return not dot or spelling(entry) == "DEFAULT"


def _locked_names(references: Iterable[str], lock: Lock) -> list[str]:
    """The locked entries that references mean; one that the catalogue no longer has is found by its name."""
    from multiweight.errors import LockError, suggestions

    names = [name if name in lock.entries else str(resolve(name)) for name in references]
    for name in names:
        if name not in lock.entries:
            raise LockError(f"{name} is not in the lock {lock.path}.{suggestions(name, lock.entries)}")
    return names


def _check(ctx: click.Context, lock: Lock) -> None:
    from multiweight.store.lockfile import check_lock

    if not lock.path.is_file():
        raise click.UsageError("There is no lock here to check.")
    findings: list[Finding] = check_lock(lock)
    for found in findings:
        click.echo(f"{one_line(found.name)}: {'' if found.ok else 'WRONG: '}{found.text}")
    for enum, name in lock.defaults.items():
        with lock_ignored():
            today = _default_today(enum)
        if today not in (None, name):
            click.echo(f"{enum}.DEFAULT is pinned to {name}; the catalogue's is {today}")
    if wrong := sum(not found.ok for found in findings):
        click.echo(f"{wrong} of {len(findings)} locked entries cannot be used as {lock.path} has them.", err=True)
        ctx.exit(1)


def _default_today(enum: str) -> str | None:
    from multiweight.errors import UnknownNameError

    try:
        return str(get_weight(f"{enum}.DEFAULT"))
    except UnknownNameError:
        return None


def _print(lock: Lock) -> None:
    rows = [
        [
            one_line(name),
            facts.sha256[:12],
            size(facts.size / 2**20),
            "DEFAULT" if name in lock.defaults.values() else "",
        ]
        for name, facts in sorted(lock.entries.items())
    ]
    print_table((("Entry", "left"), ("SHA-256", "left"), ("Size", "right"), ("Pinned", "left")), rows)
    count = f"{len(rows)} {'entry' if len(rows) == 1 else 'entries'}"
    click.echo(f"{lock.path} has {count}{', and no others are used' if lock.strict else ''}.", err=True)
