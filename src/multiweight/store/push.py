"""Puts a weights file that knows what it is into a repository of the Hugging Face hub. Never imports torch."""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from multiweight.catalogue._file import Header, read_header, tensors_sha256
from multiweight.errors import (
    CorruptFileError,
    HeaderError,
    MissingExtraError,
    MultiweightWarning,
    OfflineError,
    StoreError,
)
from multiweight.store.card import is_untouched, model_card
from multiweight.store.fetch import is_offline
from multiweight.store.references import USUAL

CARD = "README.md"

_TARGET = re.compile(r"hf://(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[^/@]+))?(?:/(?P<file>[^@]+))?/?")


class Pushed(NamedTuple):
    """What `push` has done.

    Attributes:
        reference: How the file is named from now on.
        commit: The address of the commit.
        card: Whether the page was written; not if a person has edited the one that is there.
    """

    reference: str
    commit: str
    card: bool


def push(
    path: str | os.PathLike[str],
    reference: str,
    *,
    overwrite_card: bool = False,
    private: bool | None = None,
    message: str | None = None,
    progress: bool = True,
) -> Pushed:
    """Uploads a weights file, with a page made of its header, in one commit.

    The repository and the branch are made if need be. The page, `README.md`, is only written where there is none, or
    one that this function made and nobody has edited. The token is the one that huggingface_hub finds.

    Args:
        path: A file that `multiweight.save` or training has written.
        reference: Where to, as `hf://org/repo[@branch][/folder/name.safetensors]`; the name is `model.safetensors`
            unless said.
        overwrite_card: Whether to replace a page that a person has edited.
        private: Whether a new repository is private; `None` for what the hub does for its owner.
        message: The commit's message.
        progress: Whether a terminal shows how far it is.

    Raises:
        UnknownWeightsError: If there is no such file.
        HeaderError: If it does not say what it is.
        CorruptFileError: If it is damaged.
        StoreError: If the hub refuses, cannot be reached, or nobody is logged in.
        OfflineError: If `MULTIWEIGHT_OFFLINE` is set.
        MissingExtraError: If huggingface_hub is not installed.
    """
    target = _TARGET.fullmatch(reference.strip())
    if target is None:
        raise StoreError(f"{reference!r} is no place to push to. It is written hf://org/repo, or hf://org/repo@branch.")
    repository, revision, name = target["repository"], target["revision"], target["file"] or USUAL
    header = _checked(Path(path).expanduser())
    if not name.endswith(".safetensors"):
        raise StoreError(f"{name!r} is no name for it: it is a safetensors file, and has to end in .safetensors.")
    if is_offline():
        raise OfflineError(f"{path} cannot be pushed to {reference}, as MULTIWEIGHT_OFFLINE is set.")
    short = f"hf://{repository}{f'@{revision}' if revision else ''}{'' if name == USUAL else f'/{name}'}"
    card = model_card(header, reference=short)
    hub = _hub()
    with _judged(hub, reference), _bars(progress):
        if hub.get_token() is None:
            raise StoreError(f"{reference}: nobody is logged in. `hf auth login` does so, or HF_TOKEN has a token.")
        api = hub.HfApi(library_name="multiweight")
        api.create_repo(repository, exist_ok=True, private=private)
        if revision is not None and revision != "main":
            api.create_branch(repository, branch=revision, exist_ok=True)
        wanted = overwrite_card or _may_write_card(hub, f"{repository}@{revision or 'main'}")
        operations = [hub.CommitOperationAdd(name, str(Path(path).expanduser()))]
        if wanted:
            operations.append(hub.CommitOperationAdd(CARD, card.encode()))
        commit = api.create_commit(
            repository, operations, commit_message=message or f"{name}: {header.variant}", revision=revision
        )
    return Pushed(short, str(commit.commit_url), wanted)


def _checked(path: Path) -> Header:
    """The header of a file that is whole and may be given to others."""
    header = read_header(path)
    if header is None:
        raise HeaderError(
            f"{path} does not say what it is, so nobody could use it by its name. `multiweight.save` or "
            "`multiweight.store.save.save_weights` write files that do."
        )
    if header.tensors_sha256 not in (None, found := tensors_sha256(path)):
        raise CorruptFileError(
            f"{path} is damaged: its tensors have the SHA-256 {found}, expected {header.tensors_sha256}."
        )
    if header.license is None:
        warnings.warn(
            f"{path} states no licence, so nobody may use it who heeds licences. `license=` where it is saved states "
            "one.",
            MultiweightWarning,
            stacklevel=3,
        )
    return header


def _hub() -> Any:
    try:
        return import_module("huggingface_hub")
    except ImportError as error:
        raise MissingExtraError(f'Pushing needs an extra: pip install "multiweight[hub]" ({error})') from error


def _may_write_card(hub: Any, repository: str) -> bool:
    try:
        there: bytes = hub.HfFileSystem(skip_instance_cache=True).cat_file(f"{repository}/{CARD}")
    except FileNotFoundError:
        return True
    return is_untouched(there.decode(errors="replace"))


@contextmanager
def _bars(progress: bool) -> Generator[None, None, None]:
    """Lets huggingface_hub draw its bars on a terminal only."""
    utils = import_module("huggingface_hub.utils")
    if utils.are_progress_bars_disabled() or (progress and sys.stderr.isatty()):
        yield
        return
    utils.disable_progress_bars()
    try:
        yield
    finally:
        utils.enable_progress_bars()


@contextmanager
def _judged(hub: Any, reference: str) -> Generator[None, None, None]:
    """Turns what huggingface_hub raises into one error that tells what to do."""
    try:
        yield
    except StoreError:
        raise
    except Exception as error:  # of httpx, of the hub, of the disk
        status = getattr(getattr(error, "response", None), "status_code", None)
        what = (str(error) or type(error).__name__).strip().splitlines()[0]
        advice = {
            401: "The token is not known there: `hf auth login` again, or another one in HF_TOKEN.",
            403: "The token may not write there: it needs the permission to write, and its owner a place in the group.",
            404: "There is no such repository, or the token may not see it.",
        }.get(status or 0, "" if status else "Check the address and the network.")
        raise StoreError(f"{reference} could not be pushed to: {what} {advice}".rstrip()) from error
