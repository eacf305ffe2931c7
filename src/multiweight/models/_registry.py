"""From a variant's name to its builder and its network."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from torch import nn

from multiweight.catalogue import get_model_weights


def get_model_builder(name: str) -> Callable[..., nn.Module]:
    """Finds the function that builds a variant.

    Args:
        name: The variant's name in any case, such as `"resnet50"`.

    Returns:
        The builder.

    Raises:
        UnknownModelError: If there is no such variant; the text gives the nearest names.
    """
    module, _, function = get_model_weights(str(name)).builder.partition(":")
    return getattr(import_module(module), function)


def get_model(name: str, **config: Any) -> nn.Module:
    """Builds a variant by name.

    Args:
        name: The variant's name in any case, such as `"resnet50"`.
        **config: What its builder takes: `weights`, `progress` and the network's options.

    Returns:
        The network.

    Raises:
        UnknownModelError: If there is no such variant.
    """
    return get_model_builder(name)(**config)
