"""Brings a file into the cache: mirrors, retries, resuming, one process at a time, whole and hashed or not at all.

Never imports torch. These environment variables are read at every call:

| variable | means | unless set |
| --- | --- | --- |
| `MULTIWEIGHT_OFFLINE` | `1`: nothing is downloaded | `0` |
| `MULTIWEIGHT_MIRRORS` | `prefix=replacement,…`: a URL with the prefix is first tried as rewritten | none |
| `MULTIWEIGHT_TIMEOUT` | seconds that a connection may take, and that nothing may come | 30 |
| `MULTIWEIGHT_RETRIES` | how many times in a row a failure may happen before it is final | 5 |
| `MULTIWEIGHT_RETRY_DELAY` | seconds before the first new attempt; twice as many before each further one | 0.5 |
"""

from __future__ import annotations

import errno
import hashlib
import os
import random
import shutil
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from multiweight.errors import DownloadError, HashMismatchError, OfflineError, StoreError
from multiweight.store.hashes import Record, fits, remember
from multiweight.store.paths import LOCK, PARTIAL, beside, shown
from multiweight.store.progress import shown_progress
from multiweight.store.sources import PassingError, RefusalError, open_url

_LONGEST_DELAY = 30.0
_LONGEST_ASKED_DELAY = 120.0
_RETRIES_WITHOUT_SERVER = 3
"""Where no server was ever reached there is mostly no network, and someone waits for the error."""

_MIB = 2**20


@dataclass(frozen=True)
class Settings:
    """How patient a download is; see the table above."""

    timeout: float = 30.0
    retries: float = 5
    delay: float = 0.5

    @classmethod
    def from_environment(cls) -> Self:
        """Reads the settings.

        Raises:
            StoreError: For a value that is no number, or a negative one.
        """
        return cls(
            timeout=_number("MULTIWEIGHT_TIMEOUT", cls.timeout),
            retries=_number("MULTIWEIGHT_RETRIES", cls.retries),
            delay=_number("MULTIWEIGHT_RETRY_DELAY", cls.delay),
        )


def is_offline() -> bool:
    """Whether `MULTIWEIGHT_OFFLINE` is set to anything but `0`, `false`, `no` or `off`."""
    return os.environ.get("MULTIWEIGHT_OFFLINE", "").strip().lower() not in ("", "0", "false", "no", "off")


def candidates(url: str) -> list[str]:
    """The URLs that are tried for one, in order: those of the mirrors that have its prefix, then itself.

    Raises:
        StoreError: If `MULTIWEIGHT_MIRRORS` is not made of `prefix=replacement`.
    """
    found: list[str] = []
    for rule in filter(None, map(str.strip, os.environ.get("MULTIWEIGHT_MIRRORS", "").split(","))):
        prefix, equals, replacement = rule.partition("=")
        if not (prefix and equals and replacement):
            raise StoreError(
                f"MULTIWEIGHT_MIRRORS has {rule!r}, which is not of the form prefix=replacement, such as "
                "https://download.pytorch.org/=https://mirror.example/pytorch/"
            )
        if url.startswith(prefix):
            found.append(replacement + url[len(prefix) :])
    return list(dict.fromkeys((*found, url)))


def fetch(
    url: str, path: Path, *, expected: str | None, name: str, progress: bool = True, mirrors: Iterable[str] = ()
) -> None:
    """Downloads a file to its place in the cache.

    One process downloads and the others wait for it; they return when the file is there. What arrived before a
    failure is kept beside it as `.partial` and continued from, if a hash will tell whether the pieces fit.

    Args:
        url: Where the file is published.
        path: Where it is to lie.
        expected: What its SHA-256 must begin with, in hexadecimal; `None` where nothing is known.
        name: What the file is, for errors and the progress bar.
        progress: Whether a terminal shows how far it is.
        mirrors: URLs that are tried in this order after those of `MULTIWEIGHT_MIRRORS`; the file's own comes last,
            unless it is among them.

    Raises:
        OfflineError: If `MULTIWEIGHT_OFFLINE` is set.
        HashMismatchError: If the bytes that arrive are not the published ones; none of them are kept.
        DownloadError: If no source has the file, the network fails for too long, or it cannot be written.
        MissingExtraError: If the library for the URL's scheme is not installed.
    """
    if is_offline():
        raise OfflineError(
            f"{name} is not in the cache, and MULTIWEIGHT_OFFLINE is set. Download {path.name} from {url} elsewhere "
            f"and put it into the folder {path.parent}, or unset MULTIWEIGHT_OFFLINE."
        )
    settings = Settings.from_environment()
    urls = list(dict.fromkeys((*(each for each in candidates(url) if each != url), *mirrors, url)))
    with _writing(path, name):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _lock(path), shown_progress(name, enabled=progress) as show:
            if path.exists():
                return
            with _Partial(beside(path, PARTIAL), expected) as partial:
                partial.take_up()
                failures: list[tuple[str, RefusalError | _WrongBytesError]] = []
                for candidate in urls:
                    try:
                        _fill(partial, candidate, settings, show)
                    except (RefusalError, _WrongBytesError) as failure:
                        failures.append((candidate, failure))
                    else:
                        partial.move_to(path)
                        return
                raise _failed(path, name, failures, partial) from failures[-1][1]


class _WrongBytesError(Exception):
    """A file arrived whole, with another hash."""


class _Partial:
    """The bytes that are here so far, on disk, with their running hash. Used under the lock only.

    On the way out it is kept only if someone can tell later whether it is the beginning of the right file, and
    if the disk is not full of it.

    Attributes:
        size: How many bytes there are.
        pieces: From how many answers they come.
        validator: What the last answer said the file can be told from others by.
    """

    def __init__(self, path: Path, expected: str | None) -> None:
        self.path = path
        self.expected = expected
        path.touch()
        self._file = path.open("r+b", buffering=0)
        self._hash = hashlib.sha256()
        self.size = self.pieces = 0
        self.validator: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        disk_failed = isinstance(error, OSError) and not isinstance(error, StoreError)
        if self.size == 0 or self.expected is None or disk_failed:
            with suppress(OSError):
                self.path.unlink(missing_ok=True)

    @property
    def sha256(self) -> str:
        """The hash of the bytes that are here."""
        return self._hash.hexdigest()

    def take_up(self) -> None:
        """Counts and hashes what an earlier call has left."""
        while chunk := self._file.read(_MIB):
            self._hash.update(chunk)
            self.size += len(chunk)
        self.pieces = min(self.size, 1)

    def restart(self) -> None:
        """Drops all bytes."""
        self._file.seek(0)
        self._file.truncate()
        self._hash = hashlib.sha256()
        self.size = self.pieces = 0
        self.validator = None

    def make_room(self, size: int) -> None:
        """Sees to it before the first byte that the whole file has room."""
        disk = shutil.disk_usage(self.path.parent)
        missing = size - self.size
        if disk.total > 0 and missing > disk.free:
            needed, free = missing / _MIB, disk.free / _MIB
            raise OSError(errno.ENOSPC, f"{needed:.1f} MiB are needed and {free:.1f} MiB are free")

    def append(self, chunk: bytes) -> None:
        """Adds bytes."""
        rest = memoryview(chunk)
        while rest:
            rest = rest[self._file.write(rest) :]
        self._hash.update(chunk)
        self.size += len(chunk)

    def move_to(self, path: Path) -> None:
        """Makes these bytes the file, all at once and for good, and puts their hash on record."""
        os.fsync(self._file.fileno())
        status = os.fstat(self._file.fileno())
        self._file.close()  # an open file cannot be renamed everywhere
        os.replace(self.path, path)
        if os.name == "posix":
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                with suppress(OSError):  # some network file systems cannot; the rename itself has happened
                    os.fsync(folder)
            finally:
                os.close(folder)
        remember(path, Record(self.sha256, status.st_size, status.st_mtime_ns), sidecar=True)


def _fill(partial: _Partial, url: str, settings: Settings, show: Callable[[int, int | None], None]) -> None:
    """Completes the bytes from one source, which may take several answers.

    Raises:
        RefusalError: If the source does not give them.
        _WrongBytesError: If it gives other ones.
    """
    failures, furthest, connected, anew = 0, partial.size, False, False
    if partial.expected is None:
        partial.restart()  # nothing would tell whether what is here is of the file that this source has
    while True:
        try:
            if not (partial.expected and partial.size and fits(partial.sha256, partial.expected)):
                _receive(partial, url, settings, show)
        except PassingError as failure:
            connected = connected or failure.connected
            if partial.size > furthest:
                failures, furthest = 0, partial.size
            failures += 1
            allowed = settings.retries if connected else min(settings.retries, _RETRIES_WITHOUT_SERVER)
            if failures >= allowed:
                raise RefusalError(f"{failure} ({failures} attempts)") from failure
            if anew or not (partial.expected or partial.validator):
                partial.restart()
            time.sleep(_delay(failures, settings.delay, failure.retry_after))
            continue
        if fits(partial.sha256, partial.expected):
            return
        wrong, pieced = partial.sha256, partial.pieces > 1
        partial.restart()
        if anew or not pieced:
            raise _WrongBytesError(wrong)
        # The pieces may be of two files, or one may have been put in the wrong place: once more, in one piece.
        anew, failures, furthest = True, 0, 0


def _receive(partial: _Partial, url: str, settings: Settings, show: Callable[[int, int | None], None]) -> None:
    """Takes one answer."""
    validator = None if partial.expected else partial.validator
    with open_url(url, start=partial.size, validator=validator, timeout=settings.timeout) as answer:
        if answer.start != partial.size:
            partial.restart()
        partial.validator = answer.validator
        partial.pieces += 1
        if answer.size is not None:
            partial.make_room(answer.size)
        for chunk in answer.chunks:
            partial.append(chunk)
            show(partial.size, answer.size)
    if answer.size is not None and partial.size != answer.size:
        raise PassingError(f"{partial.size:,} bytes of {answer.size:,} came")


def _delay(failures: int, first: float, asked: float) -> float:
    # Many clients that failed together must not come back together.
    own = min(first * 2 ** min(failures - 1, 30), _LONGEST_DELAY) * random.uniform(0.5, 1.5)
    return max(own, min(asked, _LONGEST_ASKED_DELAY))


def _number(variable: str, default: float) -> float:
    text = os.environ.get(variable, "").strip()
    if not text:
        return default
    with suppress(ValueError):
        if (number := float(text)) >= 0:
            return number
    raise StoreError(f"{variable} must be a number, 0 or more, such as {default:g}; it is {text!r}.")


@contextmanager
def _lock(path: Path) -> Generator[None, None, None]:
    """Lets one process at a time be busy with the file. The lock file stays: removing it would split the waiting."""
    from filelock import FileLock

    with FileLock(beside(path, LOCK)):
        yield


@contextmanager
def _writing(path: Path, name: str) -> Generator[None, None, None]:
    """Turns what the disk says into one error that tells what to do."""
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        raise DownloadError(
            f"{name} cannot be written to {path}: {error.strerror or error}. "
            f"{'Free some space there' if full else 'Make that folder one that can be written to'}, or set TORCH_HOME "
            f"to a folder {'on another disk' if full else 'that can be'}. Nothing else in the cache was touched."
        ) from error


def _failed(
    path: Path, name: str, failures: list[tuple[str, RefusalError | _WrongBytesError]], partial: _Partial
) -> DownloadError | HashMismatchError:
    expected = f"{partial.expected}{'' if len(partial.expected or '') == 64 else '…'}"
    lines = [
        f"  {shown(url)}: "
        + (f"its SHA-256 is {failure}, expected {expected}" if isinstance(failure, _WrongBytesError) else str(failure))
        for url, failure in failures
    ]
    what_to_do = f"name another source in MULTIWEIGHT_MIRRORS, or put the right file at {path} yourself."
    if isinstance(failures[-1][1], _WrongBytesError):
        return HashMismatchError(
            "\n".join(
                (
                    f"{name}: what arrived is not the published file, and none of it is kept.",
                    *lines,
                    f"The file was replaced there, or something on the way changes it: {what_to_do}",
                )
            )
        )
    kept = ""
    if partial.size and partial.expected:
        kept = f" The {partial.size / _MIB:.1f} MiB that came are kept, and the next call continues there."
    return DownloadError(
        "\n".join(
            (
                f"{name} could not be downloaded.{kept}",
                *lines,
                f"Check the address and the network, {what_to_do}",
            )
        )
    )
