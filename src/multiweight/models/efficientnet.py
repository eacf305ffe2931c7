"""EfficientNet, B0 to B7, and EfficientNetV2, S, M and L.

Papers:
    EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, https://arxiv.org/abs/1905.11946
    EfficientNetV2: Smaller Models and Faster Training, https://arxiv.org/abs/2104.00298

Compound scaling is equation 3 of the first paper, in section 3.3, and its constants are in section 4: depth grows by
1.2, width by 1.1, the picture by 1.15 for each step. The factors each variant got in the end, which follow them only
roughly, its dropout, and the networks V2-M and V2-L are in the authors' code:
https://github.com/google/automl/blob/master/efficientnetv2/effnetv2_configs.py.

Shapes: N pictures, C channels, H × W pixels.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self, Unpack

from torch import Tensor, nn

from multiweight.catalogue.efficientnet import (
    EfficientNet_B0_Weights,
    EfficientNet_B1_Weights,
    EfficientNet_B2_Weights,
    EfficientNet_B3_Weights,
    EfficientNet_B4_Weights,
    EfficientNet_B5_Weights,
    EfficientNet_B6_Weights,
    EfficientNet_B7_Weights,
    EfficientNet_V2_L_Weights,
    EfficientNet_V2_M_Weights,
    EfficientNet_V2_S_Weights,
)
from multiweight.layers import Conv2dNormActivation, SqueezeExcitation, StochasticDepth, initialise, make_divisible
from multiweight.models._adapting import AdaptingOptions
from multiweight.models._builder import build, builder

__all__ = [
    "EfficientNet",
    "EfficientNetOptions",
    "EfficientNet_B0_Weights",
    "EfficientNet_B1_Weights",
    "EfficientNet_B2_Weights",
    "EfficientNet_B3_Weights",
    "EfficientNet_B4_Weights",
    "EfficientNet_B5_Weights",
    "EfficientNet_B6_Weights",
    "EfficientNet_B7_Weights",
    "EfficientNet_V2_L_Weights",
    "EfficientNet_V2_M_Weights",
    "EfficientNet_V2_S_Weights",
    "FusedMBConv",
    "FusedMBConvConfig",
    "MBConv",
    "MBConvConfig",
    "efficientnet_b0",
    "efficientnet_b1",
    "efficientnet_b2",
    "efficientnet_b3",
    "efficientnet_b4",
    "efficientnet_b5",
    "efficientnet_b6",
    "efficientnet_b7",
    "efficientnet_v2_l",
    "efficientnet_v2_m",
    "efficientnet_v2_s",
]


@dataclass
class _StageConfig:
    expand_ratio: float
    kernel: int
    stride: int
    input_channels: int
    out_channels: int
    num_layers: int
    block: Callable[..., nn.Module]

    @staticmethod
    def adjust_channels(channels: int, width_mult: float, min_value: int | None = None) -> int:
        """A number of channels times the multiplier, rounded to a multiple of 8."""
        return make_divisible(channels * width_mult, 8, min_value)

    def after_first(self) -> Self:
        """The stage as seen by its blocks after the first: the channels are there, and the stride is made."""
        rest = copy.copy(self)
        rest.input_channels, rest.stride = self.out_channels, 1
        return rest


class MBConvConfig(_StageConfig):
    """A stage of MBConv blocks: a row of table 1 of the first paper or of table 4 of the second, scaled.

    Args:
        expand_ratio: How many times more channels the depthwise convolutions have.
        kernel: Side of their kernel, in pixels.
        stride: Of the stage's first block.
        input_channels: Channels that come in.
        out_channels: Channels that come out.
        num_layers: How many blocks.
        width_mult: Multiplies the channels, which are then rounded to multiples of 8.
        depth_mult: Multiplies the number of blocks, which is then rounded up.
        block: Makes a block from this configuration, the probability of leaving it out and a `norm_layer`;
            `MBConv` unless given.
    """

    def __init__(
        self,
        expand_ratio: float,
        kernel: int,
        stride: int,
        input_channels: int,
        out_channels: int,
        num_layers: int,
        width_mult: float = 1.0,
        depth_mult: float = 1.0,
        block: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__(
            expand_ratio,
            kernel,
            stride,
            self.adjust_channels(input_channels, width_mult),
            self.adjust_channels(out_channels, width_mult),
            self.adjust_depth(num_layers, depth_mult),
            block or MBConv,
        )

    @staticmethod
    def adjust_depth(num_layers: int, depth_mult: float) -> int:
        """A number of blocks times the multiplier, rounded up."""
        return math.ceil(num_layers * depth_mult)


class FusedMBConvConfig(_StageConfig):
    """A stage of Fused-MBConv blocks: a row of table 4 of the second paper.

    Args:
        expand_ratio: How many times more channels there are inside a block.
        kernel: Side of the convolutions' kernel, in pixels.
        stride: Of the stage's first block.
        input_channels: Channels that come in.
        out_channels: Channels that come out.
        num_layers: How many blocks.
        block: Makes a block from this configuration, the probability of leaving it out and a `norm_layer`;
            `FusedMBConv` unless given.
    """

    def __init__(
        self,
        expand_ratio: float,
        kernel: int,
        stride: int,
        input_channels: int,
        out_channels: int,
        num_layers: int,
        block: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__(expand_ratio, kernel, stride, input_channels, out_channels, num_layers, block or FusedMBConv)


_INPLACE_SILU = partial(nn.SiLU, inplace=True)


class MBConv(nn.Module):
    """1×1 to more channels, depthwise, squeeze-and-excitation, linear 1×1 to few (figure 2 of the second paper).

    Beside it runs the identity where stride and channels allow.

    Args:
        cnf: The stage's numbers, as this block is to have them.
        stochastic_depth_prob: Probability that the block is left out for a picture in training.
        norm_layer: Makes a normalisation from a number of channels.
        se_layer: Makes a squeeze-and-excitation from the numbers of channels outside and inside and an `activation`.

    Raises:
        ValueError: If the stride is neither 1 nor 2.
    """

    def __init__(
        self,
        cnf: MBConvConfig,
        stochastic_depth_prob: float,
        norm_layer: Callable[..., nn.Module],
        se_layer: Callable[..., nn.Module] = SqueezeExcitation,
    ) -> None:
        super().__init__()
        if cnf.stride not in (1, 2):
            raise ValueError(f"stride must be 1 or 2; got {cnf.stride!r}.")
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.SiLU)
        hidden = cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        layers: list[nn.Module] = []
        if hidden != cnf.input_channels:
            layers.append(conv(cnf.input_channels, hidden, 1))
        layers += [
            conv(hidden, hidden, cnf.kernel, cnf.stride, groups=hidden),
            # Squeezed to a quarter of what comes in, not of what it sees.
            se_layer(hidden, max(1, cnf.input_channels // 4), activation=_INPLACE_SILU),
            conv(hidden, cnf.out_channels, 1, activation_layer=None),
        ]
        self.block = nn.Sequential(*layers)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        self.out_channels = cnf.out_channels

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, C, H, W)` to `(N, out_channels, H / stride, W / stride)`."""
        out = self.block(x)
        if self.use_res_connect:
            out = self.stochastic_depth(out)
            out += x
        return out


class FusedMBConv(nn.Module):
    """A full convolution to more channels, linear 1×1 to few (figure 2 of the second paper).

    Without expansion it is one convolution. Beside it runs the identity where stride and channels allow.

    Args:
        cnf: The stage's numbers, as this block is to have them.
        stochastic_depth_prob: Probability that the block is left out for a picture in training.
        norm_layer: Makes a normalisation from a number of channels.

    Raises:
        ValueError: If the stride is neither 1 nor 2.
    """

    def __init__(
        self,
        cnf: FusedMBConvConfig,
        stochastic_depth_prob: float,
        norm_layer: Callable[..., nn.Module],
    ) -> None:
        super().__init__()
        if cnf.stride not in (1, 2):
            raise ValueError(f"stride must be 1 or 2; got {cnf.stride!r}.")
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.SiLU)
        hidden = cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        if hidden == cnf.input_channels:
            self.block = nn.Sequential(conv(cnf.input_channels, cnf.out_channels, cnf.kernel, cnf.stride))
        else:
            self.block = nn.Sequential(
                conv(cnf.input_channels, hidden, cnf.kernel, cnf.stride),
                conv(hidden, cnf.out_channels, 1, activation_layer=None),
            )
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        self.out_channels = cnf.out_channels

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, C, H, W)` to `(N, out_channels, H / stride, W / stride)`."""
        out = self.block(x)
        if self.use_res_connect:
            out = self.stochastic_depth(out)
            out += x
        return out


def _fill_head(weight: Tensor) -> None:
    bound = 1.0 / math.sqrt(len(weight))
    nn.init.uniform_(weight, -bound, bound)


class EfficientNet(nn.Module):
    """A network of stages of MBConv and Fused-MBConv blocks for classification.

    Args:
        inverted_residual_setting: The stages, in order.
        dropout: Probability that an input of the last layer is zeroed in training.
        stochastic_depth_prob: Probability that a block is left out for a picture in training: 0 for the first block,
            growing linearly to almost this.
        num_classes: How many scores come out.
        norm_layer: Makes a normalisation from a number of channels; `nn.BatchNorm2d` unless given.
        last_channel: Channels of the last convolution; four times the last stage's unless given.

    Raises:
        ValueError: If there is no stage.
        TypeError: If the stages are no sequence of `MBConvConfig` and `FusedMBConvConfig`.
    """

    stem_name = "features.0.0"
    head_name = "classifier.1"

    def __init__(
        self,
        inverted_residual_setting: Sequence[MBConvConfig | FusedMBConvConfig],
        dropout: float,
        stochastic_depth_prob: float = 0.2,
        num_classes: int = 1000,
        norm_layer: Callable[..., nn.Module] | None = None,
        last_channel: int | None = None,
    ) -> None:
        super().__init__()
        setting = inverted_residual_setting
        if not setting:
            raise ValueError("inverted_residual_setting takes at least one stage; got none.")
        if not (isinstance(setting, Sequence) and all(isinstance(cnf, _StageConfig) for cnf in setting)):
            raise TypeError(
                f"inverted_residual_setting takes a list of MBConvConfig and FusedMBConvConfig; got {setting!r}."
            )
        norm = norm_layer or nn.BatchNorm2d
        conv = partial(Conv2dNormActivation, norm_layer=norm, activation_layer=nn.SiLU)

        out = setting[-1].out_channels
        last = 4 * out if last_channel is None else last_channel
        stages: list[nn.Module] = [conv(3, setting[0].input_channels, 3, stride=2)]
        blocks, total = 0, sum(cnf.num_layers for cnf in setting)
        for cnf in setting:
            rest = cnf.after_first()
            stage: list[nn.Module] = []
            for number in range(cnf.num_layers):
                left_out = stochastic_depth_prob * (blocks + number) / total
                stage.append(cnf.block(rest if number else cnf, left_out, norm))
            blocks += cnf.num_layers
            stages.append(nn.Sequential(*stage))
        stages.append(conv(out, last, 1))
        self.features = nn.Sequential(*stages)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(dropout, inplace=True), nn.Linear(last, num_classes))
        initialise(self, linear=_fill_head)

    def forward_features(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to the last features, `(N, C, H/32, W/32)`, before anything is pooled."""
        return self.features(x)

    def forward(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to scores `(N, num_classes)`."""
        x = self.avgpool(self.forward_features(x)).flatten(1)  # (N, C)
        return self.classifier(x)


# Table 1 of the first paper, stages 2 to 8: expansion, kernel, stride, channels in and out, blocks.
_B0 = (
    (1, 3, 1, 32, 16, 1),
    (6, 3, 2, 16, 24, 2),
    (6, 5, 2, 24, 40, 2),
    (6, 3, 2, 40, 80, 3),
    (6, 5, 1, 80, 112, 3),
    (6, 5, 2, 112, 192, 4),
    (6, 3, 1, 192, 320, 1),
)
# Table 4 of the second paper, stages 1 to 6; M and L only in the authors' code.
_V2_S = (
    FusedMBConvConfig(1, 3, 1, 24, 24, 2),
    FusedMBConvConfig(4, 3, 2, 24, 48, 4),
    FusedMBConvConfig(4, 3, 2, 48, 64, 4),
    MBConvConfig(4, 3, 2, 64, 128, 6),
    MBConvConfig(6, 3, 1, 128, 160, 9),
    MBConvConfig(6, 3, 2, 160, 256, 15),
)
_V2_M = (
    FusedMBConvConfig(1, 3, 1, 24, 24, 3),
    FusedMBConvConfig(4, 3, 2, 24, 48, 5),
    FusedMBConvConfig(4, 3, 2, 48, 80, 5),
    MBConvConfig(4, 3, 2, 80, 160, 7),
    MBConvConfig(6, 3, 1, 160, 176, 14),
    MBConvConfig(6, 3, 2, 176, 304, 18),
    MBConvConfig(6, 3, 1, 304, 512, 5),
)
_V2_L = (
    FusedMBConvConfig(1, 3, 1, 32, 32, 4),
    FusedMBConvConfig(4, 3, 2, 32, 64, 7),
    FusedMBConvConfig(4, 3, 2, 64, 96, 7),
    MBConvConfig(4, 3, 2, 96, 192, 10),
    MBConvConfig(6, 3, 1, 192, 224, 19),
    MBConvConfig(6, 3, 2, 224, 384, 25),
    MBConvConfig(6, 3, 1, 384, 640, 7),
)
# Table 4 of the second paper, stage 7.
_V2_LAST_CHANNEL = 1280

# What the paper's code normalises with: its momentum, 0.99, is what stays of the running statistics, PyTorch's what is
# replaced. The published weights of B5 to B7 come from there; those of B0 to B4 were trained with PyTorch's defaults.
_PAPER_NORM = partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)
_V2_NORM = partial(nn.BatchNorm2d, eps=0.001)


def _b0_scaled(width_mult: float, depth_mult: float) -> list[MBConvConfig]:
    return [MBConvConfig(*stage, width_mult=width_mult, depth_mult=depth_mult) for stage in _B0]


def _with_own(options: Mapping[str, Any], **own: Any) -> dict[str, Any]:
    """The options, and the variant's own values for those that are not given."""
    given = {name: value for name, value in options.items() if value is not None}
    if (eps := given.pop("batch_norm_eps", None)) is not None:
        if "norm_layer" in given:
            raise ValueError("batch_norm_eps is for the variant's own norm_layer; give one of them.")
        own["norm_layer"] = partial(own.get("norm_layer", nn.BatchNorm2d), eps=eps)
    return {**own, **given}


class EfficientNetOptions(AdaptingOptions, total=False):
    """What the builders of this family can be told; those not explained here are explained at `EfficientNet`.

    Unless given, `dropout`, `norm_layer` and `last_channel` are the variant's own.

    Attributes:
        batch_norm_eps: What the variant's own batch norms add to the variance.
    """

    dropout: float
    stochastic_depth_prob: float
    num_classes: int
    norm_layer: Callable[..., nn.Module] | None
    last_channel: int | None
    batch_norm_eps: float


@builder(EfficientNet_B0_Weights, EfficientNetOptions)
def efficientnet_b0(
    *,
    weights: EfficientNet_B0_Weights | str | None = None,
    progress: bool = True,
    **options: Unpack[EfficientNetOptions],
) -> EfficientNet:
    """EfficientNet-B0, table 1 of the first paper."""
    own = _with_own(options, dropout=0.2)
    return build(EfficientNet, weights, progress, _b0_scaled(1.0, 1.0), **own)


@builder(EfficientNet_B1_Weights, EfficientNetOptions)
def efficientnet_b1(
    *,
    weights: EfficientNet_B1_Weights | str | None = None,
    progress: bool = True,
    **options: Unpack[EfficientNetOptions],
) -> EfficientNet:
    """EfficientNet-B1: B0 with 1.1 times the blocks."""
    own = _with_own(options, dropout=0.2)
    return build(EfficientNet, weights, progress, _b0_scaled(1.0, 1.1), **own)


@builder(EfficientNet_B2_Weights, EfficientNetOptions)
def efficientnet_b2(
    *,
    weights: EfficientNet_B2_Weights | str | None = None,
    progress: bool = True,
    **options: Unpack[EfficientNetOptions],
) -> EfficientNet:
    """EfficientNet-B2: B0 with 1.1 times the channels and 1.2 times the blocks."""
    own = _with_own(options, dropout=0.3)
    return build(EfficientNet, weights, progress, _b0_scaled(1.1, 1.2), **own)


@builder(EfficientNet_B3_Weights, EfficientNetOptions)
def efficientnet_b3(
    *,
    weights: EfficientNet_B3_Weights | str | None = None,
    progress: bool = True,
    **options: Unpack[EfficientNetOptions],
) -> EfficientNet:
    """EfficientNet-B3: B0 with 1.2 times the channels and 1.4 times the blocks."""
    own = _with_own(options, dropout=0.3)
    return build(EfficientNet, weights, progress, _b0_scaled(1.2, 1.4), **own)


@builder(EfficientNet_B4_Weights, EfficientNetOptions)
def efficientnet_b4(
    *,
    weights: EfficientNet_B4_Weights | str | None = None,
    progress: bool = True,
    **options: Unpack[EfficientNetOptions],
) -> EfficientNet:
    """EfficientNet-B4: B0 with 1.4 times the channels and 1.8 times the blocks."""
    own = _with_own(options, dropout=0.4)
    return build(EfficientNet, weights, progress, _b0_scaled(1.4, 1.8), **own)


@builder(EfficientNet_B5_Weights, EfficientNetOptions)
def efficientnet_b5(
    *,
    weights: EfficientNet_B5_Weights | str | None = None,
    progress: bool = True,
    **options: Unpack[EfficientNetOptions],
) -> EfficientNet:
    """EfficientNet-B5: B0 with 1.6 times the channels and 2.2 times the blocks."""
    own = _with_own(options, dropout=0.4, norm_layer=_PAPER_NORM)
    return build(EfficientNet, weights, progress, _b0_scaled(1.6, 2.2), **own)


@builder(EfficientNet_B6_Weights, EfficientNetOptions)
def efficientnet_b6(
    *,
    weights: EfficientNet_B6_Weights | str | None = None,
    progress: bool = True,
    **options: Unpack[EfficientNetOptions],
) -> EfficientNet:
    """EfficientNet-B6: B0 with 1.8 times the channels and 2.6 times the blocks."""
    own = _with_own(options, dropout=0.5, norm_layer=_PAPER_NORM)
    return build(EfficientNet, weights, progress, _b0_scaled(1.8, 2.6), **own)


@builder(EfficientNet_B7_Weights, EfficientNetOptions)
def efficientnet_b7(
    *,
    weights: EfficientNet_B7_Weights | str | None = None,
    progress: bool = True,
    **options: Unpack[EfficientNetOptions],
) -> EfficientNet:
    """EfficientNet-B7: B0 with 2.0 times the channels and 3.1 times the blocks."""
    own = _with_own(options, dropout=0.5, norm_layer=_PAPER_NORM)
    return build(EfficientNet, weights, progress, _b0_scaled(2.0, 3.1), **own)


@builder(EfficientNet_V2_S_Weights, EfficientNetOptions)
def efficientnet_v2_s(
    *,
    weights: EfficientNet_V2_S_Weights | str | None = None,
    progress: bool = True,
    **options: Unpack[EfficientNetOptions],
) -> EfficientNet:
    """EfficientNetV2-S, table 4 of the second paper."""
    own = _with_own(options, dropout=0.2, norm_layer=_V2_NORM, last_channel=_V2_LAST_CHANNEL)
    return build(EfficientNet, weights, progress, _V2_S, **own)


@builder(EfficientNet_V2_M_Weights, EfficientNetOptions)
def efficientnet_v2_m(
    *,
    weights: EfficientNet_V2_M_Weights | str | None = None,
    progress: bool = True,
    **options: Unpack[EfficientNetOptions],
) -> EfficientNet:
    """EfficientNetV2-M."""
    own = _with_own(options, dropout=0.3, norm_layer=_V2_NORM, last_channel=_V2_LAST_CHANNEL)
    return build(EfficientNet, weights, progress, _V2_M, **own)


@builder(EfficientNet_V2_L_Weights, EfficientNetOptions)
def efficientnet_v2_l(
    *,
    weights: EfficientNet_V2_L_Weights | str | None = None,
    progress: bool = True,
    **options: Unpack[EfficientNetOptions],
) -> EfficientNet:
    """EfficientNetV2-L."""
    own = _with_own(options, dropout=0.4, norm_layer=_V2_NORM, last_channel=_V2_LAST_CHANNEL)
    return build(EfficientNet, weights, progress, _V2_L, **own)
