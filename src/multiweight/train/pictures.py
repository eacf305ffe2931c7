"""The pictures of a run: those it trains on, and those it is measured with."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import fields
from pathlib import Path
from typing import Any

from multiweight.catalogue import ImageClassification, InterpolationMode
from multiweight.data import Batch, Loader, evaluation_batches, open_dataset
from multiweight.errors import TrainingError
from multiweight.train.distributed import Group
from multiweight.train.recipe import Augmentation, Recipe
from multiweight.transforms import TrainingPicture

_OF_BATCHES = ("mixup", "cutmix", "repetitions")
"""The settings of an augmentation that no single picture has."""

_LEAST = 32
"""Pictures at once when a network is measured, at least: it needs less memory then."""


class Pictures:
    """A data set's splits `train` and `val`, for one process of a run.

    Args:
        data: What `open_dataset` takes.
        recipe: The recipe.
        group: The processes that share the pictures.
        workers: How many processes read pictures for this one.

    Attributes:
        classes: The classes' names, in the order of the targets.
        loader: The batches to train on.
        preset: The recipe's, with which the network is measured.
        about: The data set's name, and how many pictures each split has.

    Raises:
        DatasetError: If there is no such data set.
        TrainingError: If a step's pictures cannot be shared out evenly, or no picture is held out.
    """

    def __init__(self, data: str | Path, recipe: Recipe, group: Group, workers: int) -> None:
        shares = recipe.accumulate * group.world
        if recipe.batch_size % shares:
            raise TrainingError(
                f"The recipe's batch_size, {recipe.batch_size}, must be a multiple of the {shares} shares of a step: "
                f"{recipe.accumulate} (accumulate) × {group.world} (processes)."
            )
        trained = open_dataset(data, "train")
        self._held_out = open_dataset(data, "val", classes=trained.classes)
        if trained.split == self._held_out.split:
            raise TrainingError(
                f"{data} is not divided: a network would be measured with the pictures that it was trained on. Put "
                "them into two folders there, train and val."
            )
        self.classes = trained.classes
        self.about: dict[str, Any] = {"name": trained.name, "train": len(trained), "val": len(self._held_out)}
        self.loader = Loader(
            trained,
            training_picture(recipe.augmentation),
            batch_size=recipe.batch_size,
            accumulate=recipe.accumulate,
            rank=group.rank,
            world=group.world,
            seed=recipe.seed,
            repetitions=recipe.augmentation.repetitions,
            workers=workers,
        )
        self.preset = preset_of(recipe)
        self._group, self._workers = group, workers
        self._at_once = max(_LEAST, recipe.batch_size // shares)

    def held_out(self) -> Generator[Batch]:
        """This process's share of the split `val`, as the network takes it."""
        return evaluation_batches(
            self._held_out,
            self.preset(),
            batch_size=self._at_once,
            rank=self._group.rank,
            world=self._group.world,
            workers=self._workers,
        )


def training_picture(augmentation: Augmentation) -> TrainingPicture:
    """What makes of a picture one to train on, as a recipe says it."""
    settings = {each.name: getattr(augmentation, each.name) for each in fields(augmentation)}
    return TrainingPicture(**{name: value for name, value in settings.items() if name not in _OF_BATCHES})


def preset_of(recipe: Recipe) -> ImageClassification:
    """The preset of a recipe's result."""
    asked = recipe.evaluation
    return ImageClassification(
        crop_size=asked.crop_size,
        resize_size=asked.resize_size,
        mean=asked.mean,
        std=asked.std,
        interpolation=InterpolationMode(asked.interpolation),
    )
