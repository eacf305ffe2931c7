"""What a weights file says of the run that it comes from."""

from __future__ import annotations

from datetime import UTC, datetime

import torch
from torch import nn

from multiweight import files
from multiweight.catalogue import WeightsEnum
from multiweight.catalogue._file import Header, preset_digest
from multiweight.errors import TrainingError
from multiweight.evaluate import Counts
from multiweight.files import versions
from multiweight.models import get_model_builder
from multiweight.models._origin import own_arguments
from multiweight.train.pictures import Pictures
from multiweight.train.recipe import Recipe, as_toml, recipe_hash


def header_of(
    recipe: Recipe, pictures: Pictures, counts: Counts, *, network: nn.Module, epoch: int, parent: WeightsEnum | None
) -> Header:
    """The header of what a run made.

    Args:
        recipe: The recipe.
        pictures: What it was trained on and measured with.
        counts: The measurement, of the tensors as they are written.
        network: The network.
        epoch: After how many epochs.
        parent: The weights it began with, or `None`.

    Raises:
        TrainingError: If no picture could be measured with.
    """
    if not counts.total:
        raise TrainingError(f"No picture of {pictures.about['name']}, val, could be read: {counts.failures[0][1]}")
    metrics = {"acc@1": round(counts.top1, 3), "acc@5": round(counts.top5, 3)}
    preset, name = pictures.preset, pictures.about["name"]
    measured = {
        "dataset": name,
        "split": "val",
        "pictures": counts.total,
        "unreadable": len(counts.failures),
        "epoch": epoch,
        "metrics": metrics,
        "preset_digest": preset_digest(preset),
        "resolution": preset.crop_size,
        "versions": versions(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    trained = {
        "name": recipe.name,
        "text": as_toml(recipe),
        "sha256": recipe_hash(recipe),
        "seed": recipe.seed,
        "data": pictures.about,
    }
    if next(network.parameters()).device.type == "cpu":
        # Sums are rounded in an order that depends on it.
        trained["threads"] = torch.get_num_threads()
    return files.header_of(
        network,
        variant=recipe.variant,
        arguments={**recipe.arguments, **own_arguments(network, get_model_builder(recipe.variant))},
        labels=pictures.classes,
        preset=preset,
        metrics={name: metrics},
        measured=(measured,),
        recipe=trained,
        parent=parent,
        license=recipe.license,
    )
