"""Makes and checks `weights.lock`: for each entry the full SHA-256, the size and the sources. Never imports torch."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

from multiweight.catalogue import WeightsEnum, get_weight
from multiweight.catalogue._file import FileWeights
from multiweight.catalogue._licenses import check_license, license_of
from multiweight.catalogue._lock import SCHEMA, Lock, Locked
from multiweight.errors import LicenseError, LockError, UnknownNameError
from multiweight.store import ensure
from multiweight.store.fetch import candidates
from multiweight.store.hashes import Record, expected_hash, fits, hash_file, recorded, remember
from multiweight.store.paths import SCHEMES, local_path, scheme_of
from multiweight.store.writing import written_whole


class Finding(NamedTuple):
    """What is to be said of a locked entry.

    Attributes:
        name: The entry's full name.
        ok: Whether the lock can be used for it here.
        text: What there is to say.
    """

    name: str
    ok: bool
    text: str


def lock_entry(entry: WeightsEnum, *, by_lock: bool = True, progress: bool = True) -> Locked:
    """What a lock says of an entry: its file is downloaded if need be, and hashed.

    Args:
        entry: The entry.
        by_lock: Whether the lock that holds here says which file is the right one.
        progress: Whether a terminal shows how far a download is.

    Raises:
        LockError: If the entry is a file that is named by its path, which is what it is.
        LicenseError: If the policy bars the entry's licence.
        StoreError: If the file cannot be had.
    """
    if isinstance(entry, FileWeights):
        raise LockError(f"{entry} is a file that is named by its path. A lock has entries of a catalogue.")
    path = ensure(entry.value, name=str(entry), progress=progress, by_lock=by_lock)
    record = hashed(path, sidecar=scheme_of(entry.url) in SCHEMES)
    return Locked(
        variant=type(entry).variant,
        url=entry.url,
        mirrors=tuple(url for url in candidates(entry.url) if url != entry.url),
        sha256=record.sha256,
        size=record.size,
        license=license_of(entry),
    )


def hashed(path: Path, *, sidecar: bool) -> Record:
    """The hash of a file, from the record of it where it is unchanged since."""
    if (known := recorded(path)) is not None:
        return known
    found = hash_file(path)
    remember(path, found, sidecar=sidecar)
    return found


def with_entries(lock: Lock, entries: Iterable[tuple[WeightsEnum, Locked, bool]]) -> Lock:
    """A lock with further entries.

    Args:
        lock: The lock; it stays as it is.
        entries: Each entry, what `lock_entry` says of it, and whether `DEFAULT` of its enum shall mean it. The first
            one of an enum is its `DEFAULT` in any case, so that this always means an entry that is locked.
    """
    known, defaults = dict(lock.entries), dict(lock.defaults)
    for entry, facts, is_default in entries:
        name, enum = str(entry), type(entry).__name__
        before = known.get(name)
        # What is no mirror by today's settings may still be one; of other bytes it is none.
        kept = before.mirrors if before and before.sha256 == facts.sha256 else ()
        known[name] = replace(facts, mirrors=tuple(dict.fromkeys((*facts.mirrors, *kept))))
        if is_default or enum not in defaults:
            defaults[enum] = name
    return replace(lock, entries=known, defaults=defaults)


def without_entries(lock: Lock, names: Iterable[str]) -> Lock:
    """A lock without some of its entries, and without the defaults that mean them."""
    gone = {*names}
    entries = {name: facts for name, facts in lock.entries.items() if name not in gone}
    return replace(
        lock, entries=entries, defaults={enum: name for enum, name in lock.defaults.items() if name not in gone}
    )


def lock_text(lock: Lock) -> str:
    """A lock as it is written: JSON with a line a fact, in an order that depends on nothing."""
    entries = {name: asdict(facts) for name, facts in sorted(lock.entries.items())}
    said = {
        "schema": SCHEMA,
        "strict": lock.strict,
        "defaults": dict(sorted(lock.defaults.items())),
        "entries": entries,
    }
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"


def write_lock(lock: Lock) -> None:
    """Writes a lock to its path, whole or not at all.

    Raises:
        StoreError: If the disk says no.
    """
    with written_whole(lock.path) as file:
        file.write(lock_text(lock).encode())


def check_lock(lock: Lock) -> list[Finding]:
    """Compares a lock with the catalogue and with the files that are here, of which those not yet hashed are read."""
    return [_checked(name, facts) for name, facts in lock.entries.items()]


def _checked(name: str, facts: Locked) -> Finding:
    try:
        entry = get_weight(name)
        check_license(entry)
    except (UnknownNameError, LicenseError) as error:
        return Finding(name, False, str(error))
    path = local_path(entry.url)
    if fault := contradiction(entry, facts):
        return Finding(name, False, fault)
    if not path.is_file():
        return Finding(name, True, "not in the cache")
    found = hashed(path, sidecar=scheme_of(entry.url) in SCHEMES)
    if found.sha256 != facts.sha256:
        return Finding(name, False, f"the file {path} has the SHA-256 {found.sha256}, and the lock {facts.sha256}")
    if entry.url != facts.url:
        return Finding(name, True, f"right; it is published at {entry.url} now")
    return Finding(name, True, "right")


def contradiction(entry: WeightsEnum, facts: Locked) -> str | None:
    """What a catalogue knows that a lock denies, as text."""
    expected = expected_hash(entry.value)
    if not fits(facts.sha256, expected):
        return f"the lock has the SHA-256 {facts.sha256}, and the catalogue {expected}"
    return None
