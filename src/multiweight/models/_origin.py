"""How a network came about, so that the same one can be built again."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from multiweight.catalogue import WeightsEnum
from multiweight.layers import FrozenBatchNorm2d

_USUAL_EPS = 1e-5


@dataclass(frozen=True)
class Origin:
    """What a builder was told, which is `model.origin` of every network that one made.

    Attributes:
        variant: The network, as the catalogue calls it.
        arguments: The options that it was built with, the caller's and the entry's, without weights.
        weights: The entry whose tensors it began with; `None` for random ones.
    """

    variant: str
    arguments: Mapping[str, Any]
    weights: WeightsEnum | None = None


def own_arguments(model: nn.Module, builder: Callable[..., Any]) -> dict[str, Any]:
    """Those options that a builder has other defaults for with weights and without, as a network has them.

    Args:
        model: The network.
        builder: What would build it again.
    """
    taken = {*inspect.signature(builder).parameters, *getattr(getattr(builder, "options", None), "__annotations__", ())}
    own: dict[str, Any] = {}
    for name in ("transform_input", "aux_logits", "image_size", "input_size"):
        value = getattr(model, name, None)
        if name in taken and isinstance(value, int | tuple):
            own[name] = value
    if "aux_loss" in taken and hasattr(model, "aux_classifier"):
        own["aux_loss"] = model.aux_classifier is not None
    frozen = next((module for module in model.modules() if isinstance(module, FrozenBatchNorm2d)), None)
    if "batch_norm_eps" in taken and frozen is not None and frozen.eps != _USUAL_EPS:
        own["batch_norm_eps"] = frozen.eps
    points: Any = getattr(getattr(model, "roi_heads", None), "keypoint_predictor", None)
    if "num_keypoints" in taken and points is not None:
        own["num_keypoints"] = points.out_channels
    return own
