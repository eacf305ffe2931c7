"""A file elsewhere that a reference names, brought into the cache. Never imports torch."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from multiweight.errors import DownloadError, OfflineError, StoreError, UnknownWeightsError
from multiweight.store.fetch import fetch, is_offline
from multiweight.store.hashes import check
from multiweight.store.paths import CHOICE, beside, local_path, published_hash, scheme_of, shown
from multiweight.store.sources import PassingError, RefusalError, list_hub

USUAL = "model.safetensors"
"""What the one file of weights in a repository of the hub is called, where it has the usual name."""

# `org/repo`, perhaps with a revision, which may be a pull request's; and nothing behind it.
_REPOSITORY = re.compile(r"(hf://)([^/@]+/[^/@]+)(@(?:refs/(?:pr|convert)/)?[^/]+)?/?", re.IGNORECASE)


class Brought(NamedTuple):
    """A file that is here now.

    Attributes:
        path: Where it lies.
        url: Where it is published.
        shown: What the reference is called in texts: without a password, and without a query.
    """

    path: Path
    url: str
    shown: str


def bring(reference: str, *, progress: bool = True) -> Brought:
    """The file that a URL names, downloaded if it is not in the cache.

    Of a repository of the Hugging Face hub that is named alone, `hf://org/repo`, it is `model.safetensors`, or else
    the only safetensors file. A file of timm's is brought with the `config.json` that says what it is.

    Args:
        reference: The URL of a file, or `hf://org/repo[@revision]`.
        progress: Whether a terminal shows how far a download is.

    Raises:
        UnknownWeightsError: If a repository has no such file, or several.
        OfflineError: If it is not here and `MULTIWEIGHT_OFFLINE` is set.
        HashMismatchError: If its name tells its hash, and that is not it.
        DownloadError: If it cannot be had.
        StoreError: If the URL names nothing that can be had.
        MissingExtraError: If the library for the URL's scheme is not installed.
    """
    name, url = shown(reference), reference
    if match := _REPOSITORY.fullmatch(reference):
        url = _file_in(f"hf://{match[2]}{match[3] or ''}", name)
    path, expected = local_path(url), published_hash(url)
    new = not path.exists()
    if new:
        fetch(url, path, expected=expected, name=name, progress=progress)
    check(path, expected=expected, name=name, sidecar=True)
    if scheme_of(url) == "hf" and (new or url.lower().startswith("hf://timm/")):
        _bring_config(url)
    return Brought(path, url, name)


def cached_path(reference: str) -> Path:
    """Where the file that a URL names lies in the cache, or would lie; nothing is asked for.

    Args:
        reference: As for `bring`.

    Raises:
        StoreError: If the URL names nothing that can be had.
    """
    if match := _REPOSITORY.fullmatch(reference):
        repository = f"hf://{match[2]}{match[3] or ''}"
        reference = _file_here(repository) or f"{repository}/{USUAL}"
    return local_path(reference)


def _file_here(repository: str) -> str | None:
    """The URL of the file of weights in a repository, if it is in the cache."""
    usual = f"{repository}/{USUAL}"
    if local_path(usual).exists():
        return usual
    with suppress(OSError, ValueError):
        chosen = f"{repository}/{_choice(usual).read_text(encoding='utf-8')}"
        if local_path(chosen).is_file():
            return chosen
    return None


def _choice(usual: str) -> Path:
    return beside(local_path(usual).parent, CHOICE)


def _file_in(repository: str, name: str) -> str:
    """The URL of the file of weights in a repository."""
    if (here := _file_here(repository)) is not None:
        return here
    usual = f"{repository}/{USUAL}"
    if is_offline():
        raise OfflineError(
            f"{name} is not in the cache, and MULTIWEIGHT_OFFLINE is set. Download its {USUAL} elsewhere and put it "
            f"into the folder {local_path(usual).parent}, or unset MULTIWEIGHT_OFFLINE."
        )
    try:
        files = list_hub(repository)
    except (PassingError, RefusalError):
        return usual  # there may be a mirror; and if not, fetching says what is wrong
    found = [file for file in files if file.endswith(".safetensors")]
    if USUAL in found:
        return usual
    if len(found) != 1:
        raise UnknownWeightsError(_no_choice(name, files, found))
    choice = _choice(usual)
    with suppress(OSError):  # it is asked for anew each time
        choice.parent.mkdir(parents=True, exist_ok=True)
        choice.write_text(found[0], encoding="utf-8")
    return f"{repository}/{found[0]}"


def _no_choice(name: str, files: list[str], found: list[str]) -> str:
    if found:
        return (
            f"{name} has {len(found)} safetensors files and no {USUAL}; say which, as {name.rstrip('/')}/{found[0]}. "
            f"They are {', '.join(found[:8])}{', …' if len(found) > 8 else ''}."
        )
    others = [file for file in files if file.endswith((".pth", ".pt", ".bin", ".ckpt"))]
    example = f" Of {others[0]}, say the variant: VARIANT={name.rstrip('/')}/{others[0]}" if others else ""
    return f"{name} has no safetensors file; it has {', '.join(files[:8]) or 'no files'}.{example}"


def _bring_config(url: str) -> None:
    """Brings the `config.json` beside a file of the hub, if there is one."""
    config = f"{url.rpartition('/')[0]}/config.json"
    path = local_path(config)
    if path.exists() or is_offline():
        return
    # Without it the file is read as one that says less.
    with suppress(DownloadError, StoreError):
        fetch(config, path, expected=None, name=shown(config), progress=False)
