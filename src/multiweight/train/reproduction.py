"""Training again what a weights file says it comes from, and comparing the two."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from multiweight.catalogue import WeightsEnum
from multiweight.catalogue._file import FileWeights, Header, read_header, tensors_sha256
from multiweight.catalogue._references import is_file_reference, is_remote, parse
from multiweight.catalogue._registry import resolve
from multiweight.errors import HeaderError
from multiweight.store import ensure
from multiweight.train.engine import train
from multiweight.train.recipe import Recipe, recipe_of

_BUILT_IN = {"UCI digits": "digits"}
"""How data sets that need no folder are asked for, by the names that headers give them."""

_MOST_THREADS = 1024


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """What training again came to.

    Attributes:
        reference: The weights that were trained again.
        recipe: By which recipe.
        dataset: What both were measured with.
        claimed: The figures in the file's header, in percent.
        measured: The same figures of the new weights.
        identical: Whether all tensors are equal, bit for bit.
        versions: The libraries that differ from those of the first training: name, version then, version now.
        path: The new weights file; `None` if its folder was a temporary one.
    """

    reference: str
    recipe: str
    dataset: str
    claimed: dict[str, float]
    measured: dict[str, float]
    identical: bool
    versions: tuple[tuple[str, str, str], ...]
    path: Path | None

    @property
    def differences(self) -> dict[str, float]:
        """The new figures less the claimed ones, in percentage points."""
        return {name: round(self.measured[name] - claim, 3) for name, claim in self.claimed.items()}


def reproduce(
    reference: WeightsEnum | str | os.PathLike[str],
    *,
    data: str | Path | None = None,
    output: str | Path | None = None,
    weights: WeightsEnum | str | Path | None = None,
    resume: bool = False,
    device: str | torch.device | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> Reproduction:
    """Trains weights again from nothing but what their file's header says: recipe, seed, data, parent.

    It runs with as many threads as the first training, so that on the same processor with the same libraries the
    tensors come out bit for bit the same; elsewhere sums are rounded in another order, and the figures differ by what
    chance does.

    Args:
        reference: The weights: an entry, its name, or a file of the engine's making.
        data: Where the data set is that the header names; not needed for `digits`.
        output: The folder for the new run; `None` for a temporary one.
        weights: What the first training started from, where the header names a file.
        resume: Whether to go on with a run in `output` that was interrupted.
        device: Where to compute; `None` for CUDA if there is one, else the CPU.
        workers: Processes that read pictures.
        progress: Whether to show a bar, on a terminal.

    Returns:
        Claim and result.

    Raises:
        UnknownWeightsError: If there is no such entry or file.
        HeaderError: If the file does not say how it was trained.
        TrainingError: If the training cannot begin or go on.
        DatasetError: If the data cannot be found.
    """
    entry = resolve(reference)
    name = str(entry)
    path = entry.path if isinstance(entry, FileWeights) else ensure(entry.value, name=name, progress=progress)
    if isinstance(entry, FileWeights) and entry.plain:
        raise HeaderError(f"{name} does not say how it was trained: it is a plain state dict.")
    header, about, recipe = _trained(path, name)
    dataset = str(about["data"]["name"])
    if data is None:
        data = _BUILT_IN.get(dataset)
    if data is None:
        raise HeaderError(f"{name} was trained on {dataset}: say where that is (--data).")
    weights = _start(header, name, weights)
    with ExitStack() as stack:
        stack.enter_context(_threads(about.get("threads"), name))
        folder = output or stack.enter_context(tempfile.TemporaryDirectory(prefix="multiweight-"))
        result = train(
            recipe,
            data=data,
            output=folder,
            weights=weights,
            resume=resume,
            device=device,
            workers=workers,
            keep=1,
            progress=progress,
        )
        # A file may be a run's best instead of its last; which one, it says by its epoch.
        best = _epoch(header) not in (None, recipe.epochs) and _epoch(header) == _epoch(read_header(result.path))
        made, measured = (result.path, result.metrics) if best else (result.last, result.last_metrics)
        new = read_header(made)
        return Reproduction(
            reference=name,
            recipe=recipe.name,
            dataset=dataset,
            claimed={key: claim for key, claim in header.metrics.get(dataset, {}).items() if key in measured},
            measured=dict(measured),
            identical=tensors_sha256(made) == tensors_sha256(path),
            versions=_changed(header.versions, new.versions if new else {}),
            path=made if output else None,
        )


@contextmanager
def _threads(count: Any, name: str) -> Iterator[None]:
    """Within it, torch computes with so many threads; `None` for as many as it has."""
    before = torch.get_num_threads()
    if count is not None and not (type(count) is int and 0 < count <= _MOST_THREADS):
        raise HeaderError(f"{name} was trained with {count!r} threads, says its header: that is no number of threads.")
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _trained(path: Path, name: str) -> tuple[Header, dict[str, Any], Recipe]:
    """What a file's header says of its training: the header, the part about it, the recipe as it was followed."""
    header = read_header(path)
    about = header.recipe if header is not None else None
    if header is None or not about or "text" not in about or "name" not in (about.get("data") or {}):
        raise HeaderError(f"{name} does not say how it was trained: its header holds no recipe and data set.")
    recipe = recipe_of(about["text"], name=str(about.get("name", path.stem)))
    sha256 = hashlib.sha256(about["text"].encode()).hexdigest()
    if about.get("sha256") not in (None, sha256):
        raise HeaderError(
            f"The recipe in the header of {name} is not the one that it has the hash of: "
            f"expected SHA-256 {about['sha256']}, got {sha256}."
        )
    return header, about, recipe


def _start(header: Header, name: str, given: WeightsEnum | str | Path | None) -> WeightsEnum | None:
    """What training started from: what the header names, or what is given if that is the same."""
    parent = header.parent
    if parent is None:
        if given is not None:
            raise HeaderError(f"{name} was trained from random tensors, not from {given}.")
        return None
    named = str(parent["name"])
    if given is None and is_file_reference(named) and not is_remote(parse(named).place):
        raise HeaderError(f"{name} was trained from the file {parent['name']}: say where that is (--weights).")
    entry = resolve(given or named)
    if isinstance(entry, FileWeights):
        with entry.path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    else:
        sha256 = entry.sha256
    if parent.get("sha256") not in (None, sha256):
        raise HeaderError(
            f"{name} was trained from {parent['name']} with SHA-256 {parent['sha256']}; that of {entry} is {sha256}."
        )
    return entry


def _epoch(header: Header | None) -> Any:
    """After which epoch a file was measured by the engine; `None` where it does not say."""
    return next((record["epoch"] for record in header.measured if "epoch" in record), None) if header else None


def _changed(then: dict[str, str], now: dict[str, str]) -> tuple[tuple[str, str, str], ...]:
    return tuple((name, version, now[name]) for name, version in then.items() if now.get(name, version) != version)
