"""ConvNeXt.

Paper: A ConvNet for the 2020s, https://arxiv.org/abs/2201.03545

Shapes: N pictures, C channels, H × W pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multiweight.catalogue import WeightsEnum
from multiweight.catalogue.convnext import (
    ConvNeXt_Base_Weights,
    ConvNeXt_Large_Weights,
    ConvNeXt_Small_Weights,
    ConvNeXt_Tiny_Weights,
)
from multiweight.layers import Conv2dNormActivation, Permute, StochasticDepth
from multiweight.models._adapting import AdaptingOptions
from multiweight.models._builder import build, builder

__all__ = [
    "CNBlock",
    "CNBlockConfig",
    "ConvNeXt",
    "ConvNeXtOptions",
    "ConvNeXt_Base_Weights",
    "ConvNeXt_Large_Weights",
    "ConvNeXt_Small_Weights",
    "ConvNeXt_Tiny_Weights",
    "LayerNorm2d",
    "convnext_base",
    "convnext_large",
    "convnext_small",
    "convnext_tiny",
]


class LayerNorm2d(nn.LayerNorm):
    """Layer norm over the channels of each pixel."""

    def forward(self, input: Tensor) -> Tensor:
        """From `(N, C, H, W)` to the same shape."""
        x = input.permute(0, 2, 3, 1)  # (N, H, W, C)
        x = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class CNBlock(nn.Module):
    """The block of ConvNeXt (figure 4, right, of the paper).

    A 7×7 convolution in which each channel sees only its own, then for each pixel a linear layer to four times the
    channels and one back.

    Args:
        dim: Channels.
        layer_scale: Initial factor of each channel before the identity is added (https://arxiv.org/abs/2103.17239).
        stochastic_depth_prob: Probability that a sample passes by the block in training.
        norm_layer: Makes a normalisation of `(N, H, W, C)` from a number of channels; layer norm unless given.
    """

    def __init__(
        self,
        dim: int,
        layer_scale: float,
        stochastic_depth_prob: float,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        norm = norm_layer or partial(nn.LayerNorm, eps=1e-6)
        self.block = nn.Sequential(
            nn.Conv2d(dim, dim, 7, padding=3, groups=dim),
            Permute([0, 2, 3, 1]),  # (N, H, W, C)
            norm(dim),
            nn.Linear(dim, 4 * dim),
            nn.GELU(),
            nn.Linear(4 * dim, dim),
            Permute([0, 3, 1, 2]),  # (N, C, H, W)
        )
        self.layer_scale = nn.Parameter(torch.full((dim, 1, 1), float(layer_scale)))
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, C, H, W)` to the same shape."""
        out = self.stochastic_depth(self.layer_scale * self.block(x))
        out += x
        return out


@dataclass
class CNBlockConfig:
    """One stage of ConvNeXt.

    Attributes:
        input_channels: Channels of its blocks.
        out_channels: Channels after the convolution that halves height and width behind them; `None` for no such
            convolution, as in the last stage.
        num_layers: How many blocks.
    """

    input_channels: int
    out_channels: int | None
    num_layers: int


class ConvNeXt(nn.Module):
    """A network of convolutions with the habits of a transformer.

    Args:
        block_setting: The stages.
        stochastic_depth_prob: Probability that a sample passes by the last block in training; it grows linearly from
            0 at the first.
        layer_scale: Initial factor of each channel of a block before the identity is added.
        num_classes: How many scores come out.
        block: Makes a block from a number of channels, the layer scale and the probability; `CNBlock` unless given.
        norm_layer: Makes a normalisation of `(N, C, H, W)` from a number of channels, for the stem, between the
            stages and before the head; `LayerNorm2d` unless given.

    Raises:
        ValueError: If there are no stages.
        TypeError: If a stage is not a `CNBlockConfig`.
    """

    stem_name = "features.0.0"
    head_name = "classifier.2"

    def __init__(
        self,
        block_setting: Sequence[CNBlockConfig],
        stochastic_depth_prob: float = 0.0,
        layer_scale: float = 1e-6,
        num_classes: int = 1000,
        block: Callable[..., nn.Module] | None = None,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        if not block_setting:
            raise ValueError(f"block_setting takes at least one CNBlockConfig; got {block_setting!r}.")
        if strange := [stage for stage in block_setting if not isinstance(stage, CNBlockConfig)]:
            raise TypeError(f"block_setting takes CNBlockConfigs; got {strange[0]!r}.")
        block = block or CNBlock
        norm = norm_layer or partial(LayerNorm2d, eps=1e-6)

        channels = block_setting[0].input_channels
        layers: list[nn.Module] = [
            Conv2dNormActivation(3, channels, 4, 4, 0, norm_layer=norm, activation_layer=None, bias=True)
        ]
        steps = max(sum(stage.num_layers for stage in block_setting) - 1, 1)
        number = 0
        for stage in block_setting:
            blocks: list[nn.Module] = []
            for _ in range(stage.num_layers):
                blocks.append(block(stage.input_channels, layer_scale, stochastic_depth_prob * number / steps))
                number += 1
            layers.append(nn.Sequential(*blocks))
            channels = stage.input_channels
            if stage.out_channels is not None:
                halve = nn.Conv2d(channels, stage.out_channels, 2, stride=2)
                layers.append(nn.Sequential(norm(channels), halve))
                channels = stage.out_channels
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(norm(channels), nn.Flatten(1), nn.Linear(channels, num_classes))
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward_features(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to the last features, `(N, C, H/32, W/32)`, before anything is pooled."""
        return self.features(x)

    def forward(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to scores `(N, num_classes)`."""
        return self.classifier(self.avgpool(self.forward_features(x)))


class ConvNeXtOptions(AdaptingOptions, total=False):
    """What a builder of this family passes on to `ConvNeXt`, where each is explained."""

    stochastic_depth_prob: float
    layer_scale: float
    num_classes: int
    block: Callable[..., nn.Module] | None
    norm_layer: Callable[..., nn.Module] | None


def _build(
    channels: Sequence[int],
    blocks: Sequence[int],
    stochastic_depth_prob: float,
    weights: WeightsEnum | str | None,
    progress: bool,
    options: ConvNeXtOptions,
) -> ConvNeXt:
    """The variant with these channels and blocks in its four stages (section 3 of the paper).

    The rate of stochastic depth (table 5) may be told otherwise.
    """
    stages = [CNBlockConfig(*stage) for stage in zip(channels, [*channels[1:], None], blocks, strict=True)]
    given: dict[str, Any] = {"stochastic_depth_prob": stochastic_depth_prob, **options}
    return build(ConvNeXt, weights, progress, stages, **given)


@builder(ConvNeXt_Tiny_Weights, ConvNeXtOptions)
def convnext_tiny(
    *, weights: ConvNeXt_Tiny_Weights | str | None = None, progress: bool = True, **options: Unpack[ConvNeXtOptions]
) -> ConvNeXt:
    """ConvNeXt-T."""
    return _build([96, 192, 384, 768], [3, 3, 9, 3], 0.1, weights, progress, options)


@builder(ConvNeXt_Small_Weights, ConvNeXtOptions)
def convnext_small(
    *, weights: ConvNeXt_Small_Weights | str | None = None, progress: bool = True, **options: Unpack[ConvNeXtOptions]
) -> ConvNeXt:
    """ConvNeXt-S."""
    return _build([96, 192, 384, 768], [3, 3, 27, 3], 0.4, weights, progress, options)


@builder(ConvNeXt_Base_Weights, ConvNeXtOptions)
def convnext_base(
    *, weights: ConvNeXt_Base_Weights | str | None = None, progress: bool = True, **options: Unpack[ConvNeXtOptions]
) -> ConvNeXt:
    """ConvNeXt-B."""
    return _build([128, 256, 512, 1024], [3, 3, 27, 3], 0.5, weights, progress, options)


@builder(ConvNeXt_Large_Weights, ConvNeXtOptions)
def convnext_large(
    *, weights: ConvNeXt_Large_Weights | str | None = None, progress: bool = True, **options: Unpack[ConvNeXtOptions]
) -> ConvNeXt:
    """ConvNeXt-L."""
    return _build([192, 384, 768, 1536], [3, 3, 27, 3], 0.5, weights, progress, options)
