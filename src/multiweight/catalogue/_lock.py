"""The lock that holds here: `weights.lock`, which pins what `DEFAULT` means and which bytes entries have.

`multiweight.store.lockfile` writes it. Never imports torch.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from multiweight.errors import LockError, suggestions

if TYPE_CHECKING:
    from multiweight.catalogue._schema import Weights, WeightsEnum

NAME = "weights.lock"
"""How the file is called."""

VARIABLE = "MULTIWEIGHT_LOCK"
"""The environment variable that says which file it is, or `0` for none."""

SCHEMA = 1
"""The version of the file that this release writes, and the only one it reads."""

_LONGEST = 2**24
_ROOTS = (".git", "pyproject.toml")
_SHA256 = re.compile(r"[0-9a-f]{64}")

_Entry = TypeVar("_Entry", bound="WeightsEnum")

_ignored: ContextVar[bool] = ContextVar("ignored", default=False)


@dataclass(frozen=True, kw_only=True)
class Locked:
    """What a lock says of an entry.

    Attributes:
        variant: The network.
        url: Where the file was published when it was locked.
        mirrors: Where else it is, in the order in which they are tried.
        sha256: The file's full SHA-256 in hexadecimal.
        size: The file's size in bytes.
        license: The licence of the weights, if one was stated.
    """

    variant: str | None
    url: str
    mirrors: tuple[str, ...] = ()
    sha256: str
    size: int
    license: str | None = None


@dataclass(frozen=True, kw_only=True)
class Lock:
    """A `weights.lock`.

    Attributes:
        path: The file.
        entries: The locked entries by their full names.
        defaults: What `DEFAULT` of an enum means, by the enum's name: the full name of a locked entry.
        strict: Whether entries that are not locked are refused.
    """

    path: Path
    entries: Mapping[str, Locked] = field(default_factory=dict[str, Locked])
    defaults: Mapping[str, str] = field(default_factory=dict[str, str])
    strict: bool = False


def find_lock() -> Path | None:
    """The lock that holds here.

    `MULTIWEIGHT_LOCK` says which file it is, and `0` that there is none. Unless set, it is the `weights.lock` of the
    working directory or of the nearest folder above it, up to the project's root: the first folder that has a `.git` or
    a `pyproject.toml`. Outside a project no folder above counts, as anyone may have put a file there.
    """
    said = os.environ.get(VARIABLE, "").strip()
    if said:
        return None if said.lower() in ("0", "false", "no", "off") else Path(said).expanduser().absolute()
    # Plain strings: this is asked for every DEFAULT.
    here = folder = os.getcwd()
    found: str | None = None
    while True:
        if found is None and os.path.isfile(path := os.path.join(folder, NAME)):
            found = path
        if any(os.path.exists(os.path.join(folder, root)) for root in _ROOTS):
            return Path(found) if found else None
        above = os.path.dirname(folder)
        if above == folder:
            return Path(found) if found and os.path.dirname(found) == here else None
        folder = above


def current_lock() -> Lock | None:
    """What the lock says that holds here; `None` where there is none.

    Raises:
        LockError: If the file cannot be read.
    """
    path = None if _ignored.get() else find_lock()
    if path is None:
        return None
    try:
        status = path.stat()
    except OSError as error:
        raise LockError(f"The lock {path} cannot be read: {error.strerror or error}. ({VARIABLE} names it.)") from error
    return _read(path, status.st_ino, status.st_size, status.st_mtime_ns)


@contextmanager
def lock_ignored() -> Generator[None, None, None]:
    """As long as it is open, in this thread, there is no lock."""
    token = _ignored.set(True)
    try:
        yield
    finally:
        _ignored.reset(token)


def pinned_default(enum: type[_Entry], default: _Entry) -> _Entry:
    """What `DEFAULT` of an enum means here.

    Args:
        enum: The enum.
        default: What it means where no lock says otherwise.

    Raises:
        LockError: If the lock cannot be read, or pins an entry that there is not.
    """
    lock = current_lock()
    pinned = lock.defaults.get(enum.__name__) if lock else None
    if lock is None or pinned is None:
        return default
    member = enum.__members__.get(pinned.partition(".")[2])
    if member is None:
        raise LockError(
            f"{lock.path} pins {enum.__name__}.DEFAULT to {pinned}, which there is not here."
            f"{suggestions(pinned.partition('.')[2], enum.__members__)} `multiweight lock --update` with the name of "
            "another entry pins that."
        )
    return member


def locked(weights: Weights, name: str) -> Locked | None:
    """What the lock that holds here says of an entry; `None` where there is none, or it says nothing of it.

    Args:
        weights: The entry.
        name: Its full name. One that two enums list is locked under either name.

    Raises:
        LockError: If the lock cannot be read, or is strict and does not have the entry.
    """
    from multiweight.catalogue._file import FileWeights

    lock = current_lock()
    member: WeightsEnum | None = weights.__dict__.get("_member")
    # A file that is named by its path is what it is.
    if lock is None or isinstance(member, FileWeights):
        return None
    found = lock.entries.get(name) or lock.entries.get(str(member))
    if found is None and lock.strict:
        raise LockError(
            f"{member or weights.url} is not in the lock {lock.path}, which is strict. "
            f"`multiweight lock {member or 'REF'}` adds it."
        )
    return found


def read_lock(path: Path) -> Lock:
    """Reads a lock.

    Raises:
        LockError: If the file cannot be read, is none, or is of another release's schema.
    """
    try:
        if path.stat().st_size > _LONGEST:
            raise LockError(f"{path} is no lock: it has more than {_LONGEST:,} bytes.")
        text = path.read_bytes()
    except OSError as error:
        raise LockError(f"The lock {path} cannot be read: {error.strerror or error}.") from error
    return parse_lock(text, path)


@lru_cache(maxsize=8)
def _read(path: Path, *status: int) -> Lock:
    return read_lock(path)


def parse_lock(text: bytes, path: Path) -> Lock:
    """The lock in a JSON text.

    Args:
        text: What a lock's file holds.
        path: Where it is from, for errors too.

    Raises:
        LockError: If it is none, or of another release's schema.
    """
    from multiweight.catalogue._file import FaultError
    from multiweight.catalogue._listed import checked_json

    try:
        return _parsed(checked_json(text), path)
    except FaultError as fault:
        raise LockError(f"{path} is no lock, or a damaged one: {str(fault).removesuffix('.')}.") from None


def _parsed(said: object, path: Path) -> Lock:
    from multiweight.catalogue._file import FaultError, converted, short

    if not isinstance(said, dict):
        raise FaultError(f"it is JSON, but {short(said)} and no object")
    about = cast("dict[str, Any]", said)
    schema = converted(int, about.get("schema"), "schema")
    if schema != SCHEMA:
        raise LockError(f"{path} is of schema {schema}; this release of multiweight reads schema {SCHEMA}.")
    entries: dict[str, Locked] = {}
    for name, facts in converted(dict[str, dict[str, Any]], about.get("entries"), "entries").items():
        kinds = {"url": str, "sha256": str, "size": int}
        known = {key: converted(kind, facts.get(key), f"{name}.{key}") for key, kind in kinds.items()}
        if not _SHA256.fullmatch(known["sha256"]):
            raise FaultError(
                f"{name}.sha256 is {short(known['sha256'])}; expected 64 hexadecimal digits, in lower case"
            )
        if known["size"] < 0:
            raise FaultError(f"{name}.size is {known['size']}; expected no less than 0")
        for key in ("variant", "license"):
            known[key] = converted(str | None, facts.get(key), f"{name}.{key}")
        known["mirrors"] = converted(tuple[str, ...], facts.get("mirrors", []), f"{name}.mirrors")
        entries[name] = Locked(**known)
    defaults = converted(dict[str, str], about.get("defaults", {}), "defaults")
    for enum, name in defaults.items():
        if name not in entries or name.partition(".")[0] != enum:
            raise FaultError(f"defaults.{enum} is {short(name)}; expected a locked entry of {enum}")
    strict = converted(bool, about.get("strict", False), "strict")
    return Lock(path=path, entries=entries, defaults=defaults, strict=strict)
