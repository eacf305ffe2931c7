"""What a weights file says of the run that it comes from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import torch
from torch import nn

from multiweight.catalogue import WeightsEnum, get_model_weights
from multiweight.catalogue._file import Header, preset_digest
from multiweight.errors import TrainingError
from multiweight.evaluate import Counts
from multiweight.evaluate.evaluation import versions
from multiweight.evaluate.records import parent_record
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
    return Header(
        variant=recipe.variant,
        builder=get_model_weights(recipe.variant).builder,
        arguments=_arguments(recipe, network),
        labels=pictures.classes,
        preset=preset,
        metrics={name: metrics},
        measured=(measured,),
        recipe=trained,
        versions=versions(),
        parent=None if parent is None else parent_record(parent),
        license=recipe.license,
        num_params=sum(parameter.numel() for parameter in network.parameters()),
    )


def _arguments(recipe: Recipe, network: nn.Module) -> dict[str, Any]:
    """What the builder is told, so that with these weights it makes the network that was trained."""
    # GoogLeNet and Inception v3 turn the colours of their input round where weights are given, unless told not to.
    own = {name: getattr(network, name) for name in ("transform_input",) if hasattr(network, name)}
    return {**recipe.arguments, **own}
