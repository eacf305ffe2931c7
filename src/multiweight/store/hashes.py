"""Whether the bytes are the published ones: hash once, record it, trust the record while the file is unchanged.

Never imports torch.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from multiweight.errors import HashMismatchError
from multiweight.store.paths import SIDECAR, beside, published_hash

if TYPE_CHECKING:
    from multiweight.catalogue import Weights


class Record(NamedTuple):
    """What a file was when it was hashed.

    Attributes:
        sha256: The full SHA-256 in hexadecimal.
        size: Its size in bytes.
        mtime_ns: When it was last modified, in nanoseconds.
    """

    sha256: str
    size: int
    mtime_ns: int


# Files that keep no record beside them (a package's, a user's own, a read-only cache's) are hashed once a process.
_seen: dict[Path, Record] = {}


def expected_hash(weights: Weights) -> str | None:
    """What the SHA-256 of the entry's file must begin with: all of it where known, else what the name tells.

    A path is no URL: it is a user's own file, and digits in its name may be a date.
    """
    if weights.sha256:
        return weights.sha256.lower()
    return published_hash(weights.url) if "://" in weights.url else None


def fits(sha256: str, expected: str | None) -> bool:
    """Whether a SHA-256 is the expected one, of which only the beginning may be known, or nothing."""
    return expected is None or sha256.startswith(expected)


def hash_file(path: Path) -> Record:
    """Reads the whole file and hashes it."""
    with path.open("rb") as file:
        # Taken before the bytes are read: a file that is written to meanwhile then does not match its record.
        status = os.fstat(file.fileno())
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Record(sha256, status.st_size, status.st_mtime_ns)


def recorded(path: Path) -> Record | None:
    """What is on record for the file, if it is unchanged since."""
    status = path.stat()
    for record in (_seen.get(path), _read_sidecar(path)):
        if record is not None and (record.size, record.mtime_ns) == (status.st_size, status.st_mtime_ns):
            return record
    return None


def remember(path: Path, record: Record, *, sidecar: bool) -> None:
    """Keeps a record for this process, and beside the file for the others.

    A folder that cannot be written to is no error: every process then hashes for itself.
    """
    _seen[path] = record
    if sidecar:
        _write_sidecar(path, record)


def forget(path: Path) -> None:
    """Drops what this process and the sidecar say of the file."""
    _seen.pop(path, None)
    beside(path, SIDECAR).unlink(missing_ok=True)


def check(path: Path, *, expected: str | None, name: str, sidecar: bool = True) -> None:
    """Makes sure that a file is the published one, without reading it where that is on record.

    Args:
        path: The file.
        expected: What its SHA-256 must begin with, in hexadecimal; `None` where nothing is known.
        name: What the file is, for the error.
        sidecar: Whether a record is kept beside the file. Without one and with nothing expected, nothing is read.

    Raises:
        HashMismatchError: If it is another file, or a damaged one. It is left as it is.
    """
    if expected is None and not sidecar:
        return
    known = recorded(path)
    if known is not None and fits(known.sha256, expected):
        return
    found = hash_file(path)
    if not fits(found.sha256, expected):
        remedy = (
            f"Delete it, then run `multiweight download {name}` or use the weights again to have the published one."
            if sidecar
            else "It is not from the cache: put the right file there, or install the package again that brought it."
        )
        raise HashMismatchError(
            f"{name}: the file {path} is not the published one.\n"
            f"  its SHA-256 is {found.sha256}\n"
            f"  expected       {expected}{'' if len(expected or '') == 64 else '…'}\n"
            f"It is damaged, or another file of that name. {remedy}"
        )
    remember(path, found, sidecar=sidecar)


def _read_sidecar(path: Path) -> Record | None:
    try:
        fields: Any = json.loads(beside(path, SIDECAR).read_bytes())
        return Record(str(fields["sha256"]), fields["size"], fields["mtime_ns"])
    except (OSError, ValueError, TypeError, KeyError):  # absent, unreadable or not a record: as if there were none
        return None


def _write_sidecar(path: Path, record: Record) -> None:
    sidecar = beside(path, SIDECAR)
    # No other process or thread writes this name, and what is renamed is always whole.
    draft = sidecar.with_name(f"{sidecar.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        draft.write_text(json.dumps(record._asdict()), encoding="utf-8")
        os.replace(draft, sidecar)
    except OSError:  # read-only or full: the record is kept for this process alone
        with suppress(OSError):
            draft.unlink(missing_ok=True)
