"""ShuffleNet V2.

Paper: ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design, https://arxiv.org/abs/1807.11164

Shapes: N pictures, C channels, H × W pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Unpack

import torch
from torch import Tensor, nn

from multiweight.catalogue.shufflenetv2 import (
    ShuffleNet_V2_X0_5_Weights,
    ShuffleNet_V2_X1_0_Weights,
    ShuffleNet_V2_X1_5_Weights,
    ShuffleNet_V2_X2_0_Weights,
)
from multiweight.models._adapting import AdaptingOptions
from multiweight.models._builder import build, builder

__all__ = [
    "InvertedResidual",
    "ShuffleNetV2",
    "ShuffleNetV2Options",
    "ShuffleNet_V2_X0_5_Weights",
    "ShuffleNet_V2_X1_0_Weights",
    "ShuffleNet_V2_X1_5_Weights",
    "ShuffleNet_V2_X2_0_Weights",
    "channel_shuffle",
    "shufflenet_v2_x0_5",
    "shufflenet_v2_x1_0",
    "shufflenet_v2_x1_5",
    "shufflenet_v2_x2_0",
]


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """Deals the channels out like cards, so that the next split mixes the groups.

    Args:
        x: Features `(N, C, H, W)`.
        groups: How many groups the channels form; must divide C.

    Returns:
        `(N, C, H, W)`: the first channel of every group, then the second of every group, and so on.
    """
    return x.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)


class InvertedResidual(nn.Module):
    """The unit of ShuffleNet V2 (figure 3, c and d, of the paper).

    With stride 1, half of the channels pass by untouched; with stride 2, both branches see all of them.

    Args:
        inp: Channels that come in.
        oup: Channels that come out; with stride 1 as many as come in.
        stride: 1, 2 or 3; height and width are divided by it.

    Raises:
        ValueError: For another stride, or with stride 1 if the channels differ.
    """

    def __init__(self, inp: int, oup: int, stride: int) -> None:
        super().__init__()
        if not 1 <= stride <= 3:
            raise ValueError(f"stride must be 1, 2 or 3; got {stride!r}.")
        half = oup // 2
        if stride == 1 and inp != 2 * half:
            raise ValueError(f"With stride 1 as many channels come out as in, an even number; got {inp} and {oup}.")
        self.stride = stride
        self.branch1 = nn.Sequential()
        if stride > 1:
            self.branch1 = nn.Sequential(
                self.depthwise_conv(inp, inp, 3, stride, padding=1),
                nn.BatchNorm2d(inp),
                nn.Conv2d(inp, half, 1, bias=False),
                nn.BatchNorm2d(half),
                nn.ReLU(inplace=True),
            )
        self.branch2 = nn.Sequential(
            nn.Conv2d(inp if stride > 1 else half, half, 1, bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(inplace=True),
            self.depthwise_conv(half, half, 3, stride, padding=1),
            nn.BatchNorm2d(half),
            nn.Conv2d(half, half, 1, bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(inplace=True),
        )

    @staticmethod
    def depthwise_conv(
        i: int, o: int, kernel_size: int, stride: int = 1, padding: int = 0, bias: bool = False
    ) -> nn.Conv2d:
        """A convolution from `i` to `o` channels in which each sees only its own."""
        return nn.Conv2d(i, o, kernel_size, stride, padding, bias=bias, groups=i)

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, inp, H, W)` to `(N, oup, H / stride, W / stride)`."""
        if self.stride == 1:
            untouched, worked = x.chunk(2, dim=1)
            out = torch.cat((untouched, self.branch2(worked)), dim=1)
        else:
            out = torch.cat((self.branch1(x), self.branch2(x)), dim=1)
        return channel_shuffle(out, 2)


class ShuffleNetV2(nn.Module):
    """ShuffleNet V2 for classification (table 5 of the paper).

    Args:
        stages_repeats: How many units each of the three stages has.
        stages_out_channels: Channels after the first convolution, the three stages and the last convolution.
        num_classes: How many scores come out.
        inverted_residual: Makes a unit from the channels in, the channels out and the stride.

    Raises:
        ValueError: If there are not three repeats and five numbers of channels.
    """

    stem_name = "conv1.0"
    head_name = "fc"

    def __init__(
        self,
        stages_repeats: Sequence[int],
        stages_out_channels: Sequence[int],
        num_classes: int = 1000,
        inverted_residual: Callable[..., nn.Module] = InvertedResidual,
    ) -> None:
        super().__init__()
        if len(stages_repeats) != 3:
            raise ValueError(f"stages_repeats takes three numbers; got {stages_repeats!r}.")
        if len(stages_out_channels) != 5:
            raise ValueError(f"stages_out_channels takes five numbers; got {stages_out_channels!r}.")

        def stage(inp: int, oup: int, units: int) -> nn.Sequential:
            rest = (inverted_residual(oup, oup, 1) for _ in range(units - 1))
            return nn.Sequential(inverted_residual(inp, oup, 2), *rest)

        first, *channels, last = stages_out_channels
        self.conv1 = nn.Sequential(
            nn.Conv2d(3, first, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(first), nn.ReLU(inplace=True)
        )
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.stage2 = stage(first, channels[0], stages_repeats[0])
        self.stage3 = stage(channels[0], channels[1], stages_repeats[1])
        self.stage4 = stage(channels[1], channels[2], stages_repeats[2])
        self.conv5 = nn.Sequential(
            nn.Conv2d(channels[2], last, 1, bias=False), nn.BatchNorm2d(last), nn.ReLU(inplace=True)
        )
        self.fc = nn.Linear(last, num_classes)

    def forward_features(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to the last features, `(N, C, H/32, W/32)`, before anything is pooled."""
        x = self.maxpool(self.conv1(x))  # (N, C, H/4, W/4)
        x = self.stage2(x)  # (N, C, H/8, W/8)
        x = self.stage3(x)  # (N, C, H/16, W/16)
        x = self.stage4(x)  # (N, C, H/32, W/32)
        return self.conv5(x)

    def forward(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to scores `(N, num_classes)`."""
        x = self.forward_features(x).mean([2, 3])  # (N, C)
        return self.fc(x)


class ShuffleNetV2Options(AdaptingOptions, total=False):
    """What a builder of this family passes on to `ShuffleNetV2`, where each is explained."""

    num_classes: int
    inverted_residual: Callable[..., nn.Module]


@builder(ShuffleNet_V2_X0_5_Weights, ShuffleNetV2Options)
def shufflenet_v2_x0_5(
    *,
    weights: ShuffleNet_V2_X0_5_Weights | str | None = None,
    progress: bool = True,
    **options: Unpack[ShuffleNetV2Options],
) -> ShuffleNetV2:
    """ShuffleNet V2 with half the channels."""
    return build(ShuffleNetV2, weights, progress, [4, 8, 4], [24, 48, 96, 192, 1024], **options)


@builder(ShuffleNet_V2_X1_0_Weights, ShuffleNetV2Options)
def shufflenet_v2_x1_0(
    *,
    weights: ShuffleNet_V2_X1_0_Weights | str | None = None,
    progress: bool = True,
    **options: Unpack[ShuffleNetV2Options],
) -> ShuffleNetV2:
    """ShuffleNet V2."""
    return build(ShuffleNetV2, weights, progress, [4, 8, 4], [24, 116, 232, 464, 1024], **options)


@builder(ShuffleNet_V2_X1_5_Weights, ShuffleNetV2Options)
def shufflenet_v2_x1_5(
    *,
    weights: ShuffleNet_V2_X1_5_Weights | str | None = None,
    progress: bool = True,
    **options: Unpack[ShuffleNetV2Options],
) -> ShuffleNetV2:
    """ShuffleNet V2 with one and a half times the channels."""
    return build(ShuffleNetV2, weights, progress, [4, 8, 4], [24, 176, 352, 704, 1024], **options)


@builder(ShuffleNet_V2_X2_0_Weights, ShuffleNetV2Options)
def shufflenet_v2_x2_0(
    *,
    weights: ShuffleNet_V2_X2_0_Weights | str | None = None,
    progress: bool = True,
    **options: Unpack[ShuffleNetV2Options],
) -> ShuffleNetV2:
    """ShuffleNet V2 with twice the channels."""
    return build(ShuffleNetV2, weights, progress, [4, 8, 4], [24, 244, 488, 976, 2048], **options)
