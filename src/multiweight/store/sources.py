"""The bytes behind a URL, from some byte on: one answer of a server, and whether to ask again after a failure.

Never imports torch.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from multiweight.errors import MissingExtraError
from multiweight.store.paths import SCHEMES, scheme_of

_EXTRAS = {"hf": "hub", "s3": "s3", "gs": "gcs"}
_CHUNK = 2**20
_PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


class RefusalError(Exception):
    """Asking again would be answered the same."""


class PassingError(Exception):
    """What failed may pass.

    Attributes:
        connected: Whether there was a server at all.
        retry_after: The seconds that the server asks for.
    """

    def __init__(self, text: str, *, connected: bool = True, retry_after: float = 0.0) -> None:
        super().__init__(text)
        self.connected = connected
        self.retry_after = retry_after


@dataclass(frozen=True)
class Answer:
    """What a server sends.

    Attributes:
        start: The number of the first byte, counted from 0, which need not be the one that was asked for.
        size: The size of the whole file in bytes, where it is told.
        validator: What stays the same as long as the file does; goes into the question for the rest of it.
        chunks: The bytes.
    """

    start: int
    size: int | None
    validator: str | None
    chunks: Iterator[bytes]


@contextmanager
def open_url(url: str, *, start: int, validator: str | None, timeout: float) -> Generator[Answer, None, None]:
    """Asks for the bytes of a URL.

    Args:
        url: One of `https`, `http`, `hf`, `s3`, `gs` and `file`, or a plain path.
        start: The byte from which on they are wanted.
        validator: If given, they are wanted from there only if the file is the same as in the answer that had it.
        timeout: How long a connection may take, and how long nothing may come, in seconds (http and https; the
            others go by the settings of their own libraries).

    Raises:
        RefusalError: For an answer that is final. Reading the answer's chunks raises it too.
        PassingError: For a failure that may pass. Reading raises it too.
        MissingExtraError: If the library for the scheme is not installed.
    """
    scheme = scheme_of(url)
    if scheme in ("http", "https"):
        opened = _open_http(url, start, validator, timeout)
    elif scheme in SCHEMES or scheme == "file":
        opened = _open_object(url, start)
    else:
        raise RefusalError(f"unknown scheme {scheme!r}")
    with opened as answer:
        yield answer


@contextmanager
def _open_http(url: str, start: int, validator: str | None, timeout: float) -> Generator[Answer, None, None]:
    # fsspec gives the session, set up as its configuration files say, and the thread it runs in. The question is our
    # own: fsspec's files ask for the size first, and take any failure of that for a missing file.
    aiohttp = import_module("aiohttp")
    fsspec = import_module("fsspec")
    sync: Callable[..., Any] = import_module("fsspec.asyn").sync

    async def client(**options: Any) -> Any:
        limits = aiohttp.ClientTimeout(total=None, connect=timeout, sock_read=timeout)
        return aiohttp.ClientSession(**{"timeout": limits, "trust_env": True, **options})

    fs: Any = fsspec.filesystem(scheme_of(url), skip_instance_cache=True, get_client=client)

    def run(function: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        try:
            return sync(fs.loop, function, *args, **kwargs)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _judged_http(error, timeout) from error

    async def close(response: Any) -> None:
        response.close()

    session = run(fs.set_session)
    try:
        configured: dict[str, Any] = dict(fs.kwargs)
        headers = {"Accept-Encoding": "identity", "User-Agent": "multiweight", **configured.pop("headers", {})}
        # A server that cannot give what follows a byte, or gives something else, is asked for everything.
        for first in dict.fromkeys((start, 0)):
            condition = {"If-Range": validator} if first and validator else {}
            wanted = {"Range": f"bytes={first}-", **condition} if first else {}
            response = run(_get, session, fs, url, {**configured, "headers": {**headers, **wanted}})
            try:
                begin, size, current = _judged_status(response)
                if begin in (0, first):
                    yield Answer(begin, size, current, _http_chunks(run, response))
                    return
            finally:
                run(close, response)
        raise RefusalError("the server sends a part of the file in answer to a question for all of it")
    finally:
        with suppress(PassingError, RefusalError):
            run(session.close)


async def _get(session: Any, fs: Any, url: str, options: dict[str, Any]) -> Any:
    return await session.get(fs.encode_url(url), **options)


def _http_chunks(run: Callable[..., Any], response: Any) -> Iterator[bytes]:
    while chunk := run(response.content.readany):
        yield chunk


def _judged_status(response: Any) -> tuple[int | None, int | None, str | None]:
    """Where an http answer begins, how large the file is, and its validator.

    A `206` that does not say where it begins begins nowhere, and so does a `416`: there are no such bytes.
    """
    status: int = response.status
    headers: Mapping[str, str] = response.headers
    if status not in (200, 206, 416):
        text = f"the server answers {status} {response.reason or ''}".rstrip()
        if status in _PASSING_STATUSES:
            wait = headers.get("Retry-After", "")
            raise PassingError(text, retry_after=float(wait) if wait.isdigit() else 0.0)
        raise RefusalError(text)
    etag = headers.get("ETag", "")
    validator = etag if etag and not etag.startswith("W/") else headers.get("Last-Modified")
    if status == 200:
        encoded = headers.get("Content-Encoding", "identity") not in ("identity", "")
        return 0, None if encoded else response.content_length, validator
    told = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", "").strip())
    if status == 416 or told is None:
        return None, None, validator
    return int(told[1]), None if told[2] == "*" else int(told[2]), validator


def _judged_http(error: Exception, timeout: float) -> RefusalError | PassingError:
    aiohttp = import_module("aiohttp")
    text = str(error) or type(error).__name__
    if isinstance(error, TimeoutError):
        started = not isinstance(error.__cause__, aiohttp.ConnectionTimeoutError)
        return PassingError(f"nothing came for {timeout:g} s", connected=started)
    if isinstance(error, (ValueError, aiohttp.ClientResponseError, aiohttp.ClientConnectorCertificateError)):
        return RefusalError(text)
    return PassingError(text, connected=not isinstance(error, aiohttp.ClientConnectorError))


@contextmanager
def _open_object(url: str, start: int) -> Generator[Answer, None, None]:
    """A file of any other file system that fsspec knows; they all can be read from any byte on."""
    scheme = scheme_of(url)
    url_to_fs: Callable[..., tuple[Any, str]] = import_module("fsspec.core").url_to_fs

    def run(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except ImportError as error:
            raise _missing_extra(scheme, error) from error
        except Exception as error:  # each of these libraries raises errors of its own
            raise _judged_object(error) from error

    # That of the hub remembers for good which repositories and files there are not.
    fs, path = run(url_to_fs, url, **({"skip_instance_cache": True} if scheme == "hf" else {}))
    file = run(fs.open, path, "rb")
    try:
        size: int | None = getattr(file, "size", None)
        if size is not None and start > size:
            start = 0
        run(file.seek, start)
        yield Answer(start, size, None, iter(lambda: run(file.read, _CHUNK), b""))
    finally:
        run(file.close)


def list_hub(repository: str) -> list[str]:
    """The names of the files in a repository of the Hugging Face hub, but for those in folders, sorted.

    Args:
        repository: As `hf://org/repo`, perhaps with `@revision`.

    Raises:
        RefusalError: If there is no such repository, or it may not be seen.
        PassingError: For a failure that may pass.
        MissingExtraError: If huggingface_hub is not installed.
    """
    url_to_fs: Callable[..., tuple[Any, str]] = import_module("fsspec.core").url_to_fs
    try:
        fs, path = url_to_fs(repository, skip_instance_cache=True)
        found: list[dict[str, Any]] = fs.ls(path, detail=True, refresh=True)
    except ImportError as error:
        raise _missing_extra("hf", error) from error
    except Exception as error:  # that library raises errors of its own
        raise _judged_object(error) from error
    return sorted(each["name"].rpartition("/")[2] for each in found if each["type"] == "file")


def _missing_extra(scheme: str, error: ImportError) -> Exception:
    extra = _EXTRAS.get(scheme)
    if extra is None:
        return error
    why = error.__cause__ or error  # fsspec hides which library it was
    return MissingExtraError(f'{scheme}:// needs an extra: pip install "multiweight[{extra}]" ({why})')


def _judged_object(error: Exception) -> RefusalError | PassingError:
    status = getattr(getattr(error, "response", error), "status_code", None)
    text = f"{type(error).__name__}: {error}"
    final = isinstance(error, (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError))
    if status in _PASSING_STATUSES or (status is None and isinstance(error, OSError) and not final):
        return PassingError(text)
    return RefusalError(text)
