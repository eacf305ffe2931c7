"""Feature pyramid: features of every depth at one number of channels, each with what the deeper ones know.

Lin et al., Feature Pyramid Networks for Object Detection: https://arxiv.org/abs/1612.03144. The levels P6 and P7 are
those of RetinaNet, https://arxiv.org/abs/1708.02002.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from multiweight.layers.conv import Conv2dNormActivation


class ExtraFPNBlock(nn.Module):
    """Base of what adds levels to a pyramid after the deepest one."""

    def forward(self, results: list[Tensor], x: list[Tensor], names: list[str]) -> tuple[list[Tensor], list[str]]:
        """Adds levels.

        Args:
            results: The pyramid's levels, the finest first, each (N, C, H, W).
            x: What the pyramid was made from, in the same order.
            names: The levels' names.

        Returns:
            The levels and the names with the new ones at the end.
        """
        raise NotImplementedError(f"{type(self).__name__} says nowhere which levels it adds: it needs a `forward`.")


class LastLevelMaxPool(ExtraFPNBlock):
    """Adds one level, `pool`: every second pixel of the deepest one."""

    def forward(self, results: list[Tensor], x: list[Tensor], names: list[str]) -> tuple[list[Tensor], list[str]]:
        """The levels with `pool`, (N, C, ⌈H/2⌉, ⌈W/2⌉), at the end."""
        return [*results, F.max_pool2d(results[-1], kernel_size=1, stride=2, padding=0)], [*names, "pool"]


class LastLevelP6P7(ExtraFPNBlock):
    """Adds two levels with convolutions of stride 2, `p6` and `p7`.

    Args:
        in_channels: Channels of what `p6` is made from: the pyramid's deepest level where these are `out_channels`,
            else the deepest of the features that the pyramid was made from.
        out_channels: Channels of the pyramid.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.p6 = nn.Conv2d(in_channels, out_channels, 3, 2, 1)
        self.p7 = nn.Conv2d(out_channels, out_channels, 3, 2, 1)
        _initialise(self)
        self.use_P5 = in_channels == out_channels

    def forward(self, results: list[Tensor], x: list[Tensor], names: list[str]) -> tuple[list[Tensor], list[str]]:
        """The levels with `p6` and `p7` at the end, each half the size of the one before."""
        p6 = self.p6(results[-1] if self.use_P5 else x[-1])
        return [*results, p6, self.p7(F.relu(p6))], [*names, "p6", "p7"]


class FeaturePyramidNetwork(nn.Module):
    """A pyramid over feature maps of rising depth.

    Args:
        in_channels_list: Channels of each feature map, in the order in which they come.
        out_channels: Channels of every level.
        extra_blocks: Adds levels at the end.
        norm_layer: Makes a norm after each convolution; without it the convolutions have biases.

    Raises:
        ValueError: If a feature map is said to have no channels.
        TypeError: If `extra_blocks` is no `ExtraFPNBlock`.
    """

    # Version 1 held bare convolutions, so its keys lack the index inside the block.
    _version = 2

    def __init__(
        self,
        in_channels_list: list[int],
        out_channels: int,
        extra_blocks: ExtraFPNBlock | None = None,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        if 0 in in_channels_list:
            raise ValueError(f"Every feature map needs channels; in_channels_list is {list(in_channels_list)}.")
        if extra_blocks is not None and not isinstance(extra_blocks, ExtraFPNBlock):
            raise TypeError(f"extra_blocks is an ExtraFPNBlock or None; got {type(extra_blocks).__name__}.")
        self.inner_blocks = nn.ModuleList()
        self.layer_blocks = nn.ModuleList()
        for in_channels in in_channels_list:
            inner = Conv2dNormActivation(in_channels, out_channels, 1, norm_layer=norm_layer, activation_layer=None)
            layer = Conv2dNormActivation(out_channels, out_channels, 3, norm_layer=norm_layer, activation_layer=None)
            self.inner_blocks.append(inner)
            self.layer_blocks.append(layer)
        # Before the extra levels are attached: they come initialised.
        _initialise(self)
        self.extra_blocks = extra_blocks

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *rest: Any, **named: Any
    ) -> None:
        version = local_metadata.get("version")
        if version is None or version < 2:
            for blocks in ("inner_blocks", "layer_blocks"):
                for index in range(len(self.inner_blocks)):
                    for kind in ("weight", "bias"):
                        old = f"{prefix}{blocks}.{index}.{kind}"
                        if old in state_dict:
                            state_dict[f"{prefix}{blocks}.{index}.0.{kind}"] = state_dict.pop(old)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest, **named)

    def forward(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        """Builds the pyramid from the deepest level up.

        Args:
            x: Feature maps by name, each (N, C, H, W), the finest first.

        Returns:
            The levels by name, the finest first: those of the input, then the extra ones.
        """
        maps = list(x.values())
        above = self.inner_blocks[-1](maps[-1])
        levels = [self.layer_blocks[-1](above)]
        for index in range(len(maps) - 2, -1, -1):
            lateral = self.inner_blocks[index](maps[index])
            above = lateral + F.interpolate(above, size=lateral.shape[-2:], mode="nearest")
            levels.insert(0, self.layer_blocks[index](above))
        names = list(x)
        if self.extra_blocks is not None:
            levels, names = self.extra_blocks(levels, maps, names)
        return OrderedDict(zip(names, levels, strict=True))


def _initialise(module: nn.Module) -> None:
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_uniform_(part.weight, a=1)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
