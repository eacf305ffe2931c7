"""Where the bytes of a weights entry lie on this machine. Never imports torch."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from multiweight.errors import StoreError, suggestions

SCHEMES = ("https", "http", "hf", "s3", "gs")
"""The schemes that are downloaded from."""

SIDECAR, LOCK, PARTIAL = ".sha256.json", ".lock", ".partial"
"""What is added to a cached file's name for its record, its lock and its first bytes."""

CHOICE = ".choice"
"""What is added to a repository's folder for the name of the file that the repository alone means."""

_HASH = re.compile(r"[-_]([0-9a-f]{8,64})\.[^.]*$")


def checkpoints_dir() -> Path:
    """The cache folder, which is torch.hub's: `$TORCH_HOME/hub/checkpoints`.

    `TORCH_HOME` is `$XDG_CACHE_HOME/torch`, or `~/.cache/torch`, unless set. A folder chosen with
    `torch.hub.set_dir` is honoured where torch is imported already; it is never imported for it.
    """
    hub = sys.modules.get("torch.hub")
    if hub is not None and hasattr(hub, "get_dir"):
        return Path(hub.get_dir(), "checkpoints")
    caches = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("TORCH_HOME", os.path.join(caches, "torch"))
    return Path(os.path.expanduser(home), "hub", "checkpoints")


def scheme_of(url: str) -> str:
    """The scheme of a URL in lower case; `"file"` for a plain path."""
    scheme, separator, _ = url.partition("://")
    return scheme.lower() if separator else "file"


def published_hash(url: str) -> str | None:
    """The hexadecimal digits of a SHA-256 that a published file carries in its name.

    Args:
        url: A URL or path such as `…/resnet50-0676ba61.pth` or `…/resnet50_fbgemm_bf931d71.pth`.

    Returns:
        The 8 to 64 digits with which the hash begins; `None` where the name has none.
    """
    match = _HASH.search(_basename(url))
    return match[1] if match else None


def local_path(url: str) -> Path:
    """Where the bytes of a URL lie, or will lie once they are downloaded.

    - `https://…/name-0676ba61.pth`: under that name in the cache folder, as torch.hub has it.
    - Any other remote URL: in a folder of the cache that spells out scheme, host and path, because
      `model.safetensors` is many files.
    - `file://…` and plain paths: the file itself.
    - `package://NAME/PATH`: a file inside an installed package, which is found without being imported.

    Raises:
        StoreError: For a scheme that is not known, a URL that is none, or a package that is not installed.
    """
    try:
        return _local_path(url)
    except ValueError as error:
        raise StoreError(f"{url!r} is not a URL: {error}.") from error


def _local_path(url: str) -> Path:
    scheme = scheme_of(url)
    if scheme == "file":
        return _file_path(url)
    if scheme == "package":
        return _package_path(url)
    if scheme not in SCHEMES:
        known = (*SCHEMES, "file", "package")
        raise StoreError(f"{url!r} cannot be read: unknown scheme {scheme!r}.{suggestions(scheme, known)}")
    name = _basename(url)
    if not name:
        raise StoreError(f"{url!r} names no file.")
    if scheme in ("http", "https") and published_hash(url):
        return checkpoints_dir() / name
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    folders = [_folder_name(part) for part in (host, *parts.path.split("/")[:-1]) if part]
    file_name = _folder_name(name)
    if parts.query:
        # Two queries are two files; what a query says need not be readable, and may be a signature.
        file_name = f"{hashlib.sha256(parts.query.encode()).hexdigest()[:8]}-{file_name}"
    return checkpoints_dir().joinpath(scheme, *folders, file_name)


def shown(url: str) -> str:
    """The URL as an error may print it: without a password, and without a query that may be a signature."""
    scheme, separator, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return scheme + separator + host.rpartition("@")[2] + slash + path.partition("?")[0]


def beside(path: Path, ending: str) -> Path:
    """The file beside a cached one that has this ending added to its name."""
    return path.with_name(path.name + ending)


def _basename(url: str) -> str:
    path = urlsplit(url).path if scheme_of(url) in SCHEMES else url
    return path.rpartition("/")[2]


def _folder_name(part: str) -> str:
    """A part of a URL as a file name: what is special to some file system is percent-encoded, dots alone too."""
    name = quote(unquote(part), safe="@+=")
    return name.replace(".", "%2E") if name.strip(".") == "" else name


def _file_path(url: str) -> Path:
    if "://" not in url:
        return Path(url).expanduser()
    from urllib.request import url2pathname

    host, path = urlsplit(url)[1:3]
    if host not in ("", "localhost") or not path:
        raise StoreError(f"{url!r} names no file here. A local file is written as file:///folder/name.")
    return Path(url2pathname(path))


def _package_path(url: str) -> Path:
    package, _, inside = url.partition("://")[2].partition("/")
    parts = unquote(inside).split("/")
    if not package or not inside or ".." in parts:
        raise StoreError(f"{url!r} names no file of a package. It is written as package://NAME/PATH.")
    # Finding a package imports those around it, so only the outermost is looked for.
    top, *inner = package.split(".")
    try:
        spec = find_spec(top)
    except ValueError:  # a module without a spec, such as __main__
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise StoreError(f"{url!r} cannot be read: the package {top!r} is not installed.")
    places = [Path(folder, *inner, *parts) for folder in spec.submodule_search_locations]
    return next((place for place in places if place.is_file()), places[0])
