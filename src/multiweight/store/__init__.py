"""Where the bytes of the weights are: one verified file an entry, in torch.hub's cache folder.

Importing this package imports neither torch nor anything for the network; `multiweight.store.load` is the one
module that knows torch.

Beside a cached file `NAME` may lie `NAME.sha256.json` (its hash, recorded when it was last read whole),
`NAME.partial` (the beginning of a download) and `NAME.lock`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from multiweight.catalogue._licenses import check_license
from multiweight.catalogue._lock import Locked, find_lock, locked
from multiweight.errors import HashMismatchError, LockError, StoreError
from multiweight.store.hashes import check, expected_hash, fits, forget, hash_file, recorded, remember
from multiweight.store.paths import (
    CHOICE,
    LOCK,
    PARTIAL,
    SCHEMES,
    SIDECAR,
    beside,
    checkpoints_dir,
    local_path,
    published_hash,
    scheme_of,
)

if TYPE_CHECKING:
    from multiweight.catalogue import Weights

__all__ = [
    "CachedFile",
    "VerifiedFile",
    "cached_files",
    "checkpoints_dir",
    "ensure",
    "is_cached",
    "local_path",
    "published_hash",
    "remove",
    "verify",
]


@dataclass(frozen=True)
class VerifiedFile:
    """What reading a whole file has shown.

    Attributes:
        path: The file.
        sha256: Its SHA-256 in hexadecimal.
        expected: What the hash should begin with; `None` where nothing is known but what first arrived.
        ok: Whether it is the right one.
    """

    path: Path
    sha256: str
    expected: str | None
    ok: bool


@dataclass(frozen=True)
class CachedFile:
    """A file in the cache folder, of this package or of torch.hub.

    Attributes:
        path: The file.
        size: Its size in bytes.
        verified: Whether its hash is on record and it is unchanged since.
        partial: Whether it is the beginning of a download.
    """

    path: Path
    size: int
    verified: bool
    partial: bool


def ensure(weights: Weights, *, name: str, progress: bool = True, by_lock: bool = True) -> Path:
    """The verified file of an entry, downloaded if need be.

    What is in the cache is hashed once, when this package first sees it, and again only after it has changed. A
    file that is not in the cache (`file://`, `package://`) gets no record beside it, and is hashed once a process
    if a hash is known.

    Args:
        weights: The entry.
        name: What errors and the progress bar call it.
        progress: Whether a terminal shows how far a download is.
        by_lock: Whether the lock that holds here says which file is the right one.

    Raises:
        LicenseError: If the policy bars the entry's licence.
        LockError: If the lock cannot be read, contradicts the catalogue, or is strict and does not have the entry.
        OfflineError: If it is not here and `MULTIWEIGHT_OFFLINE` is set.
        HashMismatchError: If the file here, or the one that arrives, is not the published or the locked one.
        DownloadError: If it cannot be had.
        StoreError: If the URL names nothing that can be had.
        MissingExtraError: If the library for the URL's scheme is not installed.
    """
    check_license(weights)
    path, remote = local_path(weights.url), scheme_of(weights.url) in SCHEMES
    pinned = _pinned(weights, name) if by_lock else None
    expected = pinned.sha256 if pinned else expected_hash(weights)
    try:
        if not path.exists():
            if not remote:
                raise StoreError(f"{name}: there is no file {path} (from {weights.url}).")
            from multiweight.store.fetch import fetch

            mirrors = (*pinned.mirrors, weights.url, pinned.url) if pinned else ()
            fetch(weights.url, path, expected=expected, name=name, progress=progress, mirrors=mirrors)
        check(path, expected=expected, name=name, sidecar=remote)
    except HashMismatchError as error:
        if pinned is None:
            raise
        raise HashMismatchError(
            f"{error}\nThe lock {find_lock()} pins the SHA-256 that is expected; if another file is right, "
            f"`multiweight lock --update {name}` pins that."
        ) from error
    return path


def _pinned(weights: Weights, name: str) -> Locked | None:
    """What the lock that holds here says of an entry, if it does not contradict what was published."""
    pinned = locked(weights, name)
    if pinned is not None and not fits(pinned.sha256, published := expected_hash(weights)):
        raise LockError(
            f"{name}: the lock {find_lock()} has the SHA-256 {pinned.sha256}, and the published one "
            f"{'is' if len(published or '') == 64 else 'begins with'} {published}. `multiweight lock --update {name}` "
            "pins what is published."
        )
    return pinned


def is_cached(weights: Weights) -> bool:
    """Whether an entry's file is on this machine. It is not read. What a URL that is none names is nowhere."""
    with suppress(StoreError):
        return local_path(weights.url).is_file()
    return False


def verify(weights: Weights, *, name: str) -> VerifiedFile:
    """Hashes an entry's file again, whatever is on record.

    Args:
        weights: The entry.
        name: What errors call it.

    Raises:
        StoreError: If the file is not on this machine.
        LockError: If the lock that holds here cannot be read.
    """
    path, pinned = local_path(weights.url), _pinned(weights, name)
    expected = pinned.sha256 if pinned else expected_hash(weights)
    if not path.is_file():
        raise StoreError(f"{name} is not in the cache: there is no {path}. `multiweight download {name}` gets it.")
    before, found = recorded(path), hash_file(path)
    # An unchanged file with another hash has decayed, also where only its first reading tells what it should be.
    ok = fits(found.sha256, expected) and (before is None or before.sha256 == found.sha256)
    if ok or expected is not None:
        # Also when it is wrong, for then no load trusts the older record. Without an expected hash that one is all
        # there is to tell right from wrong, and stays.
        remember(path, found, sidecar=scheme_of(weights.url) in SCHEMES)
    return VerifiedFile(path, found.sha256, expected, ok)


def cached_files() -> list[CachedFile]:
    """All files in the cache folder, torch.hub's included, by path; unfinished downloads too."""
    return sorted(_cached_files(), key=lambda file: file.path)


def _cached_files() -> Iterator[CachedFile]:
    folder = checkpoints_dir()
    if not folder.is_dir():
        return
    ours = (found for scheme in SCHEMES for found in (folder / scheme).rglob("*"))
    for path in (*folder.iterdir(), *ours):
        if path.name.endswith((LOCK, SIDECAR, CHOICE)) or not path.is_file():
            continue
        partial = path.name.endswith(PARTIAL)
        yield CachedFile(path, path.stat().st_size, not partial and recorded(path) is not None, partial)


def remove(path: Path) -> int:
    """Removes a file from the cache, with its record, its lock and what is there of a download of it.

    Args:
        path: A cached file, or one that ends in `.partial`.

    Returns:
        How many bytes are free now.

    Raises:
        StoreError: If the path is not in the cache folder, nothing is there, or another process downloads it now.
    """
    from filelock import FileLock, Timeout

    folder = checkpoints_dir()
    path = Path(str(path).removesuffix(PARTIAL))
    if folder.absolute() not in path.absolute().parents or ".." in path.parts:
        raise StoreError(f"{path} is not in the cache folder {folder}, so it is not removed.")
    remains = [each for each in (path, beside(path, PARTIAL)) if each.is_file()]
    if not remains:
        raise StoreError(f"There is no {path} in the cache.")
    try:
        with FileLock(beside(path, LOCK), timeout=0):
            freed = sum(each.stat().st_size for each in remains)
            for each in remains:
                each.unlink()
            forget(path)
            beside(path, LOCK).unlink(missing_ok=True)
    except Timeout:
        raise StoreError(f"{path} is being downloaded by another process; it is not removed.") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be removed: {error.strerror or error}.") from error
    for emptied in path.parents:
        if emptied == folder:
            break
        with suppress(OSError):
            emptied.rmdir()
    return freed
