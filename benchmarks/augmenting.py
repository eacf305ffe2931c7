"""The input pipeline of training: from JPEG files to a normalised batch, beside torchvision's transforms in a loop."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.harness import OURS, Row, Section
from multiweight.data import Loader, open_dataset
from multiweight.data.sampling import derived_seed
from multiweight.transforms import TrainingPicture, finish
from tests.reference import torchvision

FILES, BATCH, ROUNDS = 96, 32, 9
WIDTH, HEIGHT, QUALITY = 500, 375, 90
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PARTS = ("read, decode", "crop, resize, flip, policy, to bytes", "scale, normalise, erase, batch")
PEER = "torchvision"
RECIPES = {
    "new recipe: crop 176, TrivialAugmentWide, erasing": {
        "crop_size": 176,
        "policy": "trivial_augment_wide",
        "random_erasing": 0.1,
    },
    "old recipe: crop 224": {"crop_size": 224},
}

Costs = dict[str, float]
"""CPU milliseconds of each part, a picture."""


def sections() -> list[Section]:
    """An epoch by either recipe, and what its parts cost."""
    torch.set_num_threads(1)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        size = _write_pictures(Path(folder))
        for recipe, settings in RECIPES.items():
            sides = {OURS: _Ours(folder, settings).epoch, PEER: _Peer(folder, settings).epoch}
            batches = {side: epoch(0)[0] for side, epoch in sides.items()}
            assert all(map(torch.equal, *batches.values())), "the two make different pictures"
            costs = _interleaved(sides)
            whole = {side: sum(parts.values()) for side, parts in costs.items()}
            rates = ", ".join(f"{side} {1000 / cost:.0f}" for side, cost in whole.items())
            rows.append(Row(recipe, "ms", whole, f"bit-equal; images/s: {rates}"))
            rows += [Row(f"– {part}", "ms", {side: costs[side][part] for side in costs}) for part in PARTS]
    about = (
        f"JPEG files of {WIDTH}×{HEIGHT} pixels ({size / 1024:.0f} KiB, quality {QUALITY}) to normalised batches of "
        f"{BATCH}, in one process with one thread, beside torchvision's transforms in a loop over its ImageFolder. "
        f"Files are in the page cache. CPU time a picture, medians of {ROUNDS} interleaved epochs of {FILES} pictures "
        "with the same random numbers on both sides."
    )
    return [Section("Input pipeline of training", about, rows)]


class _Clock:
    """Adds up what calls cost, in CPU seconds."""

    def __init__(self) -> None:
        self.spent = 0.0

    def __call__(self, work: Callable[..., Any], *given: Any) -> Any:
        start = time.process_time()
        result = work(*given)
        self.spent += time.process_time() - start
        return result


class _Timed(TrainingPicture):
    """Adds up what its calls cost."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.clock = _Clock()

    def __call__(self, picture: Image.Image) -> tuple[Tensor, Tensor]:
        return self.clock(super().__call__, picture)


class _Ours:
    def __init__(self, folder: str, settings: dict[str, Any]) -> None:
        self._dataset, self._settings = open_dataset(folder), settings

    def epoch(self, number: int) -> tuple[list[Tensor], Costs]:
        read, whole = _Clock(), _Clock()
        transform = _Timed(**self._settings)
        self._dataset.picture = lambda *given: read(type(self._dataset).picture, self._dataset, *given)
        batches = Loader(self._dataset, transform, batch_size=BATCH).epoch(number)
        finished: list[Tensor] = []
        for _ in range(FILES // BATCH):
            batch = whole(next, batches)
            finished.append(whole(finish, batch.pictures, batch.erased, MEAN, STD))
        return finished, _costs(read, transform.clock, whole)


class _Peer:
    def __init__(self, folder: str, settings: dict[str, Any]) -> None:
        transforms = torchvision().transforms
        self._folder = torchvision().datasets.ImageFolder(folder)
        steps = [transforms.RandomResizedCrop(settings["crop_size"]), transforms.RandomHorizontalFlip()]
        if "policy" in settings:
            steps.append(transforms.TrivialAugmentWide(interpolation=transforms.InterpolationMode.BILINEAR))
        self._pictures = transforms.Compose([*steps, transforms.PILToTensor()])
        steps = [transforms.ConvertImageDtype(torch.float), transforms.Normalize(MEAN, STD)]
        if "random_erasing" in settings:
            steps.append(transforms.RandomErasing(settings["random_erasing"]))
        self._tensors = transforms.Compose(steps)
        self._order = Loader(open_dataset(folder), self._pictures, batch_size=BATCH).order

    def epoch(self, number: int) -> tuple[list[Tensor], Costs]:
        read, augment, whole = _Clock(), _Clock(), _Clock()
        finished: list[Tensor] = []
        made: list[Tensor] = []
        for position, index in enumerate(self._order(number).tolist()):
            torch.manual_seed(derived_seed(0, number, position))
            made.append(whole(self._picture, index, read, augment))
            if len(made) == BATCH:
                finished.append(whole(torch.stack, made))
                made.clear()
        return finished, _costs(read, augment, whole)

    def _picture(self, index: int, read: _Clock, augment: _Clock) -> Tensor:
        picture, _ = read(self._folder.__getitem__, index)
        return self._tensors(augment(self._pictures, picture))


def _costs(read: _Clock, augment: _Clock, whole: _Clock) -> Costs:
    spent = (read.spent, augment.spent, whole.spent - read.spent - augment.spent)
    return {part: seconds * 1e3 / FILES for part, seconds in zip(PARTS, spent, strict=True)}


def _interleaved(sides: dict[str, Callable[[int], tuple[list[Tensor], Costs]]]) -> dict[str, Costs]:
    rounds: dict[str, list[Costs]] = {side: [] for side in sides}
    for number in range(1, ROUNDS + 1):
        for side, epoch in sides.items():
            rounds[side].append(epoch(number)[1])
    return {side: {part: median(costs[part] for costs in all_) for part in PARTS} for side, all_ in rounds.items()}


def _write_pictures(folder: Path) -> float:
    """Writes pictures with detail at every scale, as photographs have, in class folders; gives their mean size."""
    random = np.random.default_rng(0)
    sizes: list[int] = []
    for number in range(FILES):
        detail = np.zeros((HEIGHT, WIDTH, 3))
        for scale in (128, 64, 32, 16, 8, 4, 2, 1):
            shape = (HEIGHT // scale + 2, WIDTH // scale + 2)
            grey = random.normal(size=(*shape, 1)) + 0.3 * random.normal(size=(*shape, 3))
            planes = [Image.fromarray(plane.astype(np.float32)) for plane in grey.transpose(2, 0, 1)]
            detail += scale**0.4 * np.stack(
                [plane.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC) for plane in planes], 2
            )
        path = folder / f"class{number % 4}" / f"{number:03}.jpg"
        path.parent.mkdir(exist_ok=True)
        pixels = 120 + 55 * detail / detail.std()
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, quality=QUALITY)
        sizes.append(path.stat().st_size)
    return float(np.mean(sizes))
