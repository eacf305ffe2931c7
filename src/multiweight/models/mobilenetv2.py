"""MobileNetV2.

Paper: MobileNetV2: Inverted Residuals and Linear Bottlenecks, https://arxiv.org/abs/1801.04381

Shapes: N pictures, C channels, H × W pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Unpack

from torch import Tensor, nn

from multiweight.catalogue.mobilenetv2 import MobileNet_V2_Weights
from multiweight.layers import Conv2dNormActivation, initialise, make_divisible
from multiweight.models._adapting import AdaptingOptions
from multiweight.models._builder import build, builder

__all__ = [
    "InvertedResidual",
    "MobileNetV2",
    "MobileNetV2Options",
    "MobileNet_V2_Weights",
    "mobilenet_v2",
]


class InvertedResidual(nn.Module):
    """The block of MobileNetV2: 1×1 to more channels, depthwise 3×3, linear 1×1 to few (figure 4, d, of the paper).

    Beside it runs the identity where stride and channels allow.

    Args:
        inp: Channels that come in.
        oup: Channels that come out.
        stride: 1 or 2; height and width are divided by it.
        expand_ratio: How many times more channels the depthwise convolution has; with 1 the first 1×1 is left out.
        norm_layer: Makes a normalisation from a number of channels; `nn.BatchNorm2d` unless given.

    Raises:
        ValueError: For another stride.
    """

    def __init__(
        self,
        inp: int,
        oup: int,
        stride: int,
        expand_ratio: float,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        if stride not in (1, 2):
            raise ValueError(f"stride must be 1 or 2; got {stride!r}.")
        norm = norm_layer or nn.BatchNorm2d
        hidden = round(inp * expand_ratio)
        layers: list[nn.Module] = []
        if expand_ratio != 1:
            layers.append(Conv2dNormActivation(inp, hidden, 1, norm_layer=norm, activation_layer=nn.ReLU6))
        layers += [
            Conv2dNormActivation(hidden, hidden, 3, stride, groups=hidden, norm_layer=norm, activation_layer=nn.ReLU6),
            nn.Conv2d(hidden, oup, 1, bias=False),
            norm(oup),
        ]
        self.conv = nn.Sequential(*layers)
        self.stride = stride
        self.use_res_connect = stride == 1 and inp == oup
        self.out_channels = oup
        # By this mark detection and segmentation networks find where the picture gets smaller.
        self._is_cn = stride > 1

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, inp, H, W)` to `(N, oup, H / stride, W / stride)`."""
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


# Table 2 of the paper: expansion t, channels c, blocks n, stride s of the first of them.
_SETTING = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class MobileNetV2(nn.Module):
    """A network of inverted residuals for classification: table 2 of the paper.

    Args:
        num_classes: How many scores come out.
        width_mult: Multiplies the channels of every layer; the last convolution's only above 1.
        inverted_residual_setting: For each stage its expansion t, channels c, blocks n and stride s; table 2 of the
            paper unless given.
        round_nearest: What all numbers of channels are multiples of; 1 for no rounding.
        block: Makes a block, called as `InvertedResidual` is, which it is unless given.
        norm_layer: Makes a normalisation from a number of channels; `nn.BatchNorm2d` unless given.
        dropout: Probability that an input of the last layer is zeroed in training.

    Raises:
        ValueError: If the setting is empty or a stage has not four numbers.
    """

    stem_name = "features.0.0"
    head_name = "classifier.1"

    def __init__(
        self,
        num_classes: int = 1000,
        width_mult: float = 1.0,
        inverted_residual_setting: Sequence[Sequence[int]] | None = None,
        round_nearest: int = 8,
        block: Callable[..., nn.Module] | None = None,
        norm_layer: Callable[..., nn.Module] | None = None,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        setting = _SETTING if inverted_residual_setting is None else inverted_residual_setting
        if len(setting) == 0 or any(len(stage) != 4 for stage in setting):
            raise ValueError(f"inverted_residual_setting takes stages (t, c, n, s); got {inverted_residual_setting!r}.")
        make_block = block or InvertedResidual
        norm = norm_layer or nn.BatchNorm2d

        channels = make_divisible(32 * width_mult, round_nearest)
        # Section 6.1 of the paper: multipliers below 1 spare the last convolution, which helps small networks.
        self.last_channel = make_divisible(1280 * max(1.0, width_mult), round_nearest)
        features: list[nn.Module] = [
            Conv2dNormActivation(3, channels, 3, stride=2, norm_layer=norm, activation_layer=nn.ReLU6)
        ]
        for expand_ratio, stage_channels, blocks, stride in setting:
            out = make_divisible(stage_channels * width_mult, round_nearest)
            for number in range(blocks):
                features.append(
                    make_block(channels, out, stride if number == 0 else 1, expand_ratio=expand_ratio, norm_layer=norm)
                )
                channels = out
        features.append(
            Conv2dNormActivation(channels, self.last_channel, 1, norm_layer=norm, activation_layer=nn.ReLU6)
        )
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(self.last_channel, num_classes))
        initialise(self, linear=partial(nn.init.normal_, std=0.01))

    def forward_features(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to the last features, `(N, C, H/32, W/32)`, before anything is pooled."""
        return self.features(x)

    def forward(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to scores `(N, num_classes)`."""
        x = self.forward_features(x)
        x = nn.functional.adaptive_avg_pool2d(x, (1, 1)).flatten(1)  # (N, C)
        return self.classifier(x)


class MobileNetV2Options(AdaptingOptions, total=False):
    """What the builder of this family passes on to `MobileNetV2`, where each is explained."""

    num_classes: int
    width_mult: float
    inverted_residual_setting: Sequence[Sequence[int]] | None
    round_nearest: int
    block: Callable[..., nn.Module] | None
    norm_layer: Callable[..., nn.Module] | None
    dropout: float


@builder(MobileNet_V2_Weights, MobileNetV2Options)
def mobilenet_v2(
    *, weights: MobileNet_V2_Weights | str | None = None, progress: bool = True, **options: Unpack[MobileNetV2Options]
) -> MobileNetV2:
    """MobileNetV2."""
    return build(MobileNetV2, weights, progress, **options)
