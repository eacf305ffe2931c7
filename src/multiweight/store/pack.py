"""Moves what a lock names to a machine without network: one tar file with the lock and the files. Never imports torch.

Its first member is `weights.lock`; then comes a member `files/SHA256` for each file, in the order of their names.
Nothing else may be in it: no folder, no link, no other name. Of the same lock come the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

from multiweight.catalogue import WeightsEnum, get_weight, weights_enums
from multiweight.catalogue._lock import NAME, Lock, Locked, parse_lock
from multiweight.errors import CorruptFileError, HashMismatchError, LockError, StoreError, UnknownNameError
from multiweight.store import checkpoints_dir, ensure
from multiweight.store.hashes import Record, fits, remember
from multiweight.store.lockfile import hashed, lock_text
from multiweight.store.paths import LOCK, SCHEMES, beside, local_path, published_hash, scheme_of
from multiweight.store.progress import shown_progress
from multiweight.store.writing import written_whole

_CHUNK = 2**20
_BLOCK = tarfile.BLOCKSIZE
_LONGEST_LOCK = 2**24


class Placed(NamedTuple):
    """A file of a pack on this machine.

    Attributes:
        name: The full name of the entry that it belongs to.
        path: Where it is.
        new: Whether it was not there before.
    """

    name: str
    path: Path
    new: bool


def travels(facts: Locked) -> bool:
    """Whether an entry's file is packed: one that is downloaded is, one that comes with a package is not."""
    return scheme_of(facts.url) in SCHEMES


def pack(lock: Lock, output: Path, *, progress: bool = True) -> list[str]:
    """Writes a lock and its files into one tar file; what is not in the cache is downloaded.

    Args:
        lock: The lock.
        output: Where to. It is there when it is whole.
        progress: Whether a terminal shows how far it is.

    Returns:
        The names of the entries whose files are in it. Those that come with a package are not.

    Raises:
        LockError: If a locked entry is not in the catalogue, or is a file of this machine.
        LicenseError: If the policy bars an entry's licence.
        HashMismatchError: If a file is not the locked one.
        StoreError: If a file cannot be had, or the tar file not be written.
    """
    files: dict[str, tuple[str, Locked, Path]] = {}
    entries = dict(lock.entries)
    for name, facts in sorted(lock.entries.items(), key=lambda entry: (entry[1].sha256, entry[0])):
        if scheme_of(facts.url) == "file":
            raise LockError(f"{name} is a file of this machine, {facts.url}. Only what is downloaded can be packed.")
        if travels(facts):
            entry = _entry(name, lock)
            path = ensure(entry.value, name=name, progress=progress)
            # Where it is looked for, which is another place if it was moved since it was locked.
            entries[name] = replace(facts, url=entry.url)
            files.setdefault(facts.sha256, (name, facts, path))
    total, done = sum(facts.size for _, facts, _ in files.values()), 0
    with written_whole(output) as file, shown_progress(output.name, enabled=progress) as show:
        _put_head(file, NAME, len(text := lock_text(replace(lock, entries=entries)).encode()))
        file.write(text + b"\0" * (-len(text) % _BLOCK))
        for sha256, (name, facts, path) in files.items():
            _put_head(file, f"files/{sha256}", facts.size)
            with path.open("rb") as source:
                chunks = iter(lambda source=source: source.read(_CHUNK), b"")
                found = _copy(chunks, file.write, lambda more, done=done: show(done + more, total))
            if found.sha256 != sha256 or found.size != facts.size:
                raise HashMismatchError(
                    f"{name}: the file {path} is not the locked one.\n  its SHA-256 is {found.sha256}\n"
                    f"  locked         {sha256}"
                )
            file.write(b"\0" * (-facts.size % _BLOCK))
            done += facts.size
        file.write(b"\0" * (2 * _BLOCK))
    return [name for name, facts in lock.entries.items() if travels(facts)]


def _entry(name: str, lock: Lock) -> WeightsEnum:
    try:
        return get_weight(name)
    except UnknownNameError as error:
        raise LockError(f"{lock.path} has {name}, which there is not here. {error}") from None


def _put_head(file: BinaryIO, name: str, size: int) -> None:
    head = tarfile.TarInfo(name)
    head.size, head.mode = size, 0o644
    file.write(head.tobuf(tarfile.GNU_FORMAT, "ascii", "strict"))


def _copy(chunks: Iterator[bytes], put: Callable[[bytes], object], show: Callable[[int], object]) -> Record:
    """Copies bytes, and hashes them on the way."""
    sha256, size = hashlib.sha256(), 0
    for chunk in chunks:
        put(chunk)
        sha256.update(chunk)
        size += len(chunk)
        show(size)
    return Record(sha256.hexdigest(), size, 0)


def read_packed_lock(path: Path) -> Lock:
    """The lock in a tar file that `pack` has written.

    Raises:
        CorruptFileError: If it is no such file, or a damaged one.
        LockError: If the lock in it is none.
        StoreError: If it cannot be read.
    """
    with _opened(path) as file:
        return _packed_lock(file, path)


def unpack(path: Path, *, pinned: Lock | None = None, progress: bool = True) -> list[Placed]:
    """Puts the files of a tar file into the cache, each one verified before it is there.

    Every name and size in the tar file is what its lock says, or nothing further of it is used. Files go where the
    store looks for their URLs, and nowhere else.

    Args:
        path: The tar file.
        pinned: A lock that the one in the tar file may not contradict, such as the project's.
        progress: Whether a terminal shows how far it is.

    Returns:
        The files, each under the name of one of the entries that it belongs to.

    Raises:
        CorruptFileError: If it is no such file, a damaged or a truncated one, or one that has something else in it.
        HashMismatchError: If a file is not what the lock, `pinned` or the catalogue says, or another is in its place.
        LockError: If the lock in it is none.
        StoreError: If it cannot be read, or the disk says no.
    """
    with _opened(path) as file, shown_progress(path.name, enabled=progress) as show:
        lock = _packed_lock(file, path)
        _check_against(lock, pinned, path)
        expected: dict[str, list[tuple[str, Locked]]] = {}
        for name, facts in sorted(lock.entries.items(), key=lambda entry: (entry[1].sha256, entry[0])):
            if travels(facts):
                expected.setdefault(facts.sha256, []).append((name, facts))
        placed, done = list[Placed](), 0
        total = sum(some[0][1].size for some in expected.values())
        for sha256, entries in expected.items():
            head = _head(file, path)
            if head is None or (head.name, head.size) != (f"files/{sha256}", entries[0][1].size):
                found = "ends" if head is None else f"has {head.name[:80]!r} of {head.size:,} bytes"
                raise CorruptFileError(
                    f"{path} {found} where files/{sha256} of {entries[0][1].size:,} bytes should be."
                )
            begin = file.tell()
            for name, facts in entries:
                file.seek(begin)
                placed.append(_place(file, name, facts, path, lambda more, done=done: show(done + more, total)))
            file.seek(begin + head.size + -head.size % _BLOCK)
            done += head.size
        if (head := _head(file, path)) is not None:
            raise CorruptFileError(f"{path} has {head.name[:80]!r}, which its lock does not name.")
    return placed


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}.") from error


def _packed_lock(file: BinaryIO, path: Path) -> Lock:
    head = _head(file, path)
    if head is None or head.name != NAME or head.size > _LONGEST_LOCK:
        raise CorruptFileError(f"{path} does not begin with a {NAME}: it is none that `multiweight pack` has written.")
    text = b"".join(_chunks(file, head.size, path))
    file.seek(-head.size % _BLOCK, os.SEEK_CUR)
    return parse_lock(text, path / NAME)


def _head(file: BinaryIO, path: Path) -> tarfile.TarInfo | None:
    """The next member's head; `None` at the end.

    tarfile reads whole archives, with links, sparse files and heads without bounds in them. Here there are none.
    """
    block = file.read(_BLOCK)
    if block == b"\0" * _BLOCK:
        return None
    try:
        head = tarfile.TarInfo.frombuf(block, "ascii", "strict")
    except (tarfile.HeaderError, ValueError) as error:
        raise CorruptFileError(f"{path} is no tar file, a damaged or a truncated one: {error}.") from None
    if head.type != tarfile.REGTYPE or head.size < 0:
        raise CorruptFileError(
            f"{path} has {head.name[:80]!r} in it, which is no ordinary file. Nothing of it is used."
        )
    return head


def _chunks(file: BinaryIO, size: int, path: Path) -> Iterator[bytes]:
    while size > 0:
        chunk = file.read(min(size, _CHUNK))
        if not chunk:
            raise CorruptFileError(f"{path} is truncated: {size:,} bytes of a file are missing.")
        size -= len(chunk)
        yield chunk


def _check_against(lock: Lock, pinned: Lock | None, path: Path) -> None:
    """Refuses what contradicts another lock, or what is published. It is the place that counts, not the name."""
    known: dict[Path, tuple[str, str]] = {}
    for entry in (entry for enum in weights_enums().values() for entry in enum):
        if entry.sha256 and scheme_of(entry.url) in SCHEMES:
            with suppress(StoreError):  # an address of another package that is none
                known[local_path(entry.url)] = (entry.sha256.lower(), "is published")
    others = dict(pinned.entries) if pinned else {}
    whose = f"{pinned.path} pins" if pinned else ""
    known |= {local_path(other.url): (other.sha256, whose) for other in others.values() if travels(other)}
    for name, facts in lock.entries.items():
        claims = [(others[name].sha256, whose)] if name in others else []
        if travels(facts):
            claims += [known[place]] if (place := local_path(facts.url)) in known else []
            claims += [(published, "is published")] if (published := published_hash(facts.url)) else []
        for expected, claimed in claims:
            if not fits(facts.sha256, expected):
                raise HashMismatchError(
                    f"{name}: {path} holds another file than {claimed}.\n  its SHA-256 is {facts.sha256}\n"
                    f"  expected       {expected}"
                )


def _place(file: BinaryIO, name: str, facts: Locked, path: Path, show: Callable[[int], object]) -> Placed:
    """Puts a file of a tar file where the store looks for its URL."""
    from filelock import FileLock

    place = local_path(facts.url)
    if checkpoints_dir().absolute() not in place.absolute().parents or ".." in place.parts:
        raise CorruptFileError(f"{path} would put {name} to {place}, which is not in the cache folder.")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(beside(place, LOCK)):
            if place.exists():
                there = hashed(place, sidecar=True)
                if there.sha256 == facts.sha256:
                    return Placed(name, place, False)
                raise HashMismatchError(
                    f"{name}: another file is at {place}.\n  its SHA-256 is {there.sha256}\n"
                    f"  expected       {facts.sha256}\nDelete it, and unpack again."
                )
            with written_whole(place) as output:
                found = _copy(_chunks(file, facts.size, path), output.write, show)
                if found.sha256 != facts.sha256:
                    raise HashMismatchError(
                        f"{name}: {path} is damaged, or not what it says.\n  its SHA-256 is {found.sha256}\n"
                        f"  expected       {facts.sha256}"
                    )
            remember(place, found._replace(mtime_ns=place.stat().st_mtime_ns), sidecar=True)
    except OSError as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"{name} cannot be written to {place}: {error.strerror or error}.") from error
    return Placed(name, place, True)
