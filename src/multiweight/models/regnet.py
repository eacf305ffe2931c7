"""RegNetX and RegNetY.

Papers:
    Designing Network Design Spaces, https://arxiv.org/abs/2003.13678
    Self-supervised Pretraining of Visual Features in the Wild (RegNetY-128GF), https://arxiv.org/abs/2103.01988

The parameters of the variants are in figures 15 (X) and 16 (Y) of the first paper, with two decimals in the authors'
code, https://github.com/facebookresearch/pycls (`configs/dds_baselines`); those of RegNetY-128GF are in
https://github.com/facebookresearch/vissl (`configs/config/pretrain/swav/models/regnet128Gf.yaml`).

Shapes: N pictures, C channels, H × W pixels.
"""

from __future__ import annotations

import math
import struct
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Self, Unpack

from torch import Tensor, nn

from multiweight.catalogue.regnet import (
    RegNet_X_1_6GF_Weights,
    RegNet_X_3_2GF_Weights,
    RegNet_X_8GF_Weights,
    RegNet_X_16GF_Weights,
    RegNet_X_32GF_Weights,
    RegNet_X_400MF_Weights,
    RegNet_X_800MF_Weights,
    RegNet_Y_1_6GF_Weights,
    RegNet_Y_3_2GF_Weights,
    RegNet_Y_8GF_Weights,
    RegNet_Y_16GF_Weights,
    RegNet_Y_32GF_Weights,
    RegNet_Y_128GF_Weights,
    RegNet_Y_400MF_Weights,
    RegNet_Y_800MF_Weights,
)
from multiweight.layers import Conv2dNormActivation, SqueezeExcitation, make_divisible
from multiweight.models._adapting import AdaptingOptions
from multiweight.models._builder import build, builder

__all__ = [
    "AnyStage",
    "BlockParams",
    "BottleneckTransform",
    "RegNet",
    "RegNetOptions",
    "RegNet_X_1_6GF_Weights",
    "RegNet_X_3_2GF_Weights",
    "RegNet_X_8GF_Weights",
    "RegNet_X_16GF_Weights",
    "RegNet_X_32GF_Weights",
    "RegNet_X_400MF_Weights",
    "RegNet_X_800MF_Weights",
    "RegNet_Y_1_6GF_Weights",
    "RegNet_Y_3_2GF_Weights",
    "RegNet_Y_8GF_Weights",
    "RegNet_Y_16GF_Weights",
    "RegNet_Y_32GF_Weights",
    "RegNet_Y_128GF_Weights",
    "RegNet_Y_400MF_Weights",
    "RegNet_Y_800MF_Weights",
    "ResBottleneckBlock",
    "SimpleStemIN",
    "regnet_x_1_6gf",
    "regnet_x_3_2gf",
    "regnet_x_8gf",
    "regnet_x_16gf",
    "regnet_x_32gf",
    "regnet_x_400mf",
    "regnet_x_800mf",
    "regnet_y_1_6gf",
    "regnet_y_3_2gf",
    "regnet_y_8gf",
    "regnet_y_16gf",
    "regnet_y_32gf",
    "regnet_y_128gf",
    "regnet_y_400mf",
    "regnet_y_800mf",
]


class SimpleStemIN(Conv2dNormActivation):
    """The stem for ImageNet: a 3×3 convolution of stride 2, norm, activation (figure 3, a, of the paper).

    Args:
        width_in: Channels that come in.
        width_out: Channels that come out.
        norm_layer: Makes a normalisation from a number of channels.
        activation_layer: Makes an activation, which is told `inplace`.
    """

    def __init__(
        self,
        width_in: int,
        width_out: int,
        norm_layer: Callable[..., nn.Module],
        activation_layer: Callable[..., nn.Module],
    ) -> None:
        super().__init__(width_in, width_out, 3, stride=2, norm_layer=norm_layer, activation_layer=activation_layer)


class BottleneckTransform(nn.Sequential):
    """1×1, 3×3 in groups, squeeze-and-excitation in RegNetY, 1×1: the branch of the X block (figure 4 of the paper).

    Args:
        width_in: Channels that come in.
        width_out: Channels that come out.
        stride: Of the 3×3 convolution.
        norm_layer: Makes a normalisation from a number of channels.
        activation_layer: Makes an activation, which is told `inplace` but for the squeeze-and-excitation's.
        group_width: Channels of each group of the 3×3 convolution.
        bottleneck_multiplier: How many times the channels that come out the 3×3 convolution has: the inverse of the
            paper's bottleneck ratio b.
        se_ratio: Channels inside the squeeze-and-excitation for each one that comes in; `None` or 0 for none.
    """

    def __init__(
        self,
        width_in: int,
        width_out: int,
        stride: int,
        norm_layer: Callable[..., nn.Module],
        activation_layer: Callable[..., nn.Module],
        group_width: int,
        bottleneck_multiplier: float,
        se_ratio: float | None,
    ) -> None:
        inside = round(width_out * bottleneck_multiplier)
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=activation_layer)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["a"] = conv(width_in, inside, 1)
        layers["b"] = conv(inside, inside, 3, stride, groups=inside // group_width)
        if se_ratio:
            layers["se"] = SqueezeExcitation(inside, round(se_ratio * width_in), activation_layer)
        layers["c"] = conv(inside, width_out, 1, activation_layer=None)
        super().__init__(layers)


class ResBottleneckBlock(nn.Module):
    """The block of RegNet: a bottleneck beside the identity (figure 4 of the paper).

    Args:
        width_in: Channels that come in.
        width_out: Channels that come out.
        stride: Height and width are divided by it.
        norm_layer: Makes a normalisation from a number of channels.
        activation_layer: Makes an activation, which is told `inplace` but for the squeeze-and-excitation's.
        group_width: See `BottleneckTransform`.
        bottleneck_multiplier: See `BottleneckTransform`.
        se_ratio: See `BottleneckTransform`.
    """

    def __init__(
        self,
        width_in: int,
        width_out: int,
        stride: int,
        norm_layer: Callable[..., nn.Module],
        activation_layer: Callable[..., nn.Module],
        group_width: int = 1,
        bottleneck_multiplier: float = 1.0,
        se_ratio: float | None = None,
    ) -> None:
        super().__init__()
        # The projection is made before the branch: that is the order in which random numbers are drawn.
        self.proj = None
        if width_in != width_out or stride != 1:
            self.proj = Conv2dNormActivation(
                width_in, width_out, 1, stride, norm_layer=norm_layer, activation_layer=None
            )
        self.f = BottleneckTransform(
            width_in, width_out, stride, norm_layer, activation_layer, group_width, bottleneck_multiplier, se_ratio
        )
        self.activation = activation_layer(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, width_in, H, W)` to `(N, width_out, H / stride, W / stride)`."""
        identity = x if self.proj is None else self.proj(x)
        return self.activation(identity + self.f(x))


class AnyStage(nn.Sequential):
    """A stage: blocks of the same numbers, of which the first has the stride (figure 3, c, of the paper).

    Args:
        width_in: Channels that come in.
        width_out: Channels that come out.
        stride: Of the first block; height and width are divided by it.
        depth: How many blocks.
        block_constructor: Makes a block, called as `ResBottleneckBlock` is.
        norm_layer: Makes a normalisation from a number of channels.
        activation_layer: Makes an activation.
        group_width: See `BottleneckTransform`.
        bottleneck_multiplier: See `BottleneckTransform`.
        se_ratio: See `BottleneckTransform`.
        stage_index: The stage's number in the names of the blocks.
    """

    def __init__(
        self,
        width_in: int,
        width_out: int,
        stride: int,
        depth: int,
        block_constructor: Callable[..., nn.Module],
        norm_layer: Callable[..., nn.Module],
        activation_layer: Callable[..., nn.Module],
        group_width: int,
        bottleneck_multiplier: float,
        se_ratio: float | None = None,
        stage_index: int = 0,
    ) -> None:
        super().__init__()
        same = (norm_layer, activation_layer, group_width, bottleneck_multiplier, se_ratio)
        for number in range(depth):
            block = block_constructor(width_in, width_out, stride, *same)
            self.add_module(f"block{stage_index}-{number}", block)
            width_in, stride = width_out, 1


@dataclass
class BlockParams:
    """The numbers of the four stages (or as many as there are), each a list with one for each stage.

    Args:
        depths: How many blocks.
        widths: Channels that come out.
        group_widths: Channels of each group of the 3×3 convolutions.
        bottleneck_multipliers: How many times the stage's channels the 3×3 convolutions have.
        strides: Of the stage's first block.
        se_ratio: Channels inside the squeeze-and-excitations for each one that comes into a block; `None` for none.
            One number for all stages.

    Raises:
        ValueError: If the lists are not of one length.
    """

    depths: Sequence[int]
    widths: Sequence[int]
    group_widths: Sequence[int]
    bottleneck_multipliers: Sequence[float]
    strides: Sequence[int]
    se_ratio: float | None = None

    def __post_init__(self) -> None:
        lists = (self.depths, self.widths, self.group_widths, self.bottleneck_multipliers, self.strides)
        if len({len(each) for each in lists}) != 1:
            raise ValueError(f"BlockParams takes one number for each stage in every list; got {self!r}.")

    @classmethod
    def from_init_params(
        cls,
        depth: int,
        w_0: int,
        w_a: float,
        w_m: float,
        group_width: int,
        bottleneck_multiplier: float = 1.0,
        se_ratio: float | None = None,
    ) -> Self:
        """The stages of a RegNet, from the parameters of section 3.3 of the paper.

        Block j is given the width `w_0 + w_a * j` (equation 2), which goes to the nearest of `w_0`, `w_0 * w_m`,
        `w_0 * w_m²`, … (equations 3 and 4), and that to a multiple of 8. Blocks of the same width are a stage, whose
        width is made to fit its groups.

        Args:
            depth: How many blocks there are in all.
            w_0: Channels of the first stage, a multiple of 8.
            w_a: Channels by which the wished width grows from block to block.
            w_m: Factor between the widths of stages.
            group_width: Channels of each group of the 3×3 convolutions.
            bottleneck_multiplier: How many times the stage's channels the 3×3 convolutions have.
            se_ratio: Channels inside the squeeze-and-excitations for each one that comes into a block.

        Raises:
            ValueError: If there is no block, `w_0` is not a positive multiple of 8, `w_a` is negative or `w_m` not
                above 1.
        """
        if depth < 1 or w_0 <= 0 or w_0 % 8 != 0 or w_a < 0 or w_m <= 1:
            raise ValueError(
                "A RegNet has depth >= 1, w_0 a positive multiple of 8, w_a >= 0 and w_m > 1; "
                f"got depth={depth!r}, w_0={w_0!r}, w_a={w_a!r}, w_m={w_m!r}."
            )
        depths, widths, group_widths = [], [], []
        for width, blocks in groupby(_block_widths(depth, w_0, w_a, w_m)):
            inside = int(width * bottleneck_multiplier)
            group = min(group_width, inside)
            depths.append(len(list(blocks)))
            widths.append(int(make_divisible(inside, group) / bottleneck_multiplier))
            group_widths.append(group)
        stages = len(depths)
        return cls(depths, widths, group_widths, [bottleneck_multiplier] * stages, [2] * stages, se_ratio)


def _block_widths(depth: int, w_0: int, w_a: float, w_m: float) -> list[int]:
    # Every step is rounded to 32 bits, for that is how the published networks were computed: where a width lies
    # halfway between two others, the last bit decides.
    factor, log_factor, step = _float32(w_m), _float32(math.log(w_m)), _float32(w_a)
    widths = []
    for block in range(depth):
        wished = _float32(_float32(block * step) + w_0)
        power = round(_float32(_float32(math.log(_float32(wished / w_0))) / log_factor))
        widths.append(round(_float32(w_0 * _float32(factor**power)) / 8) * 8)
    return widths


def _float32(x: float) -> float:
    """The nearest number of 32 bits."""
    return struct.unpack("f", struct.pack("f", x))[0]


class RegNet(nn.Module):
    """A RegNet for classification: stem, stages, the mean over the picture, one linear layer (figure 3 of the paper).

    Args:
        block_params: The stages' numbers.
        num_classes: How many scores come out.
        stem_width: Channels of the stem.
        stem_type: Makes the stem, called as `SimpleStemIN` is, which it is unless given.
        block_type: Makes a block, called as `ResBottleneckBlock` is, which it is unless given.
        norm_layer: Makes a normalisation from a number of channels; `nn.BatchNorm2d` unless given.
        activation: Makes an activation; `nn.ReLU` unless given.
    """

    stem_name = "stem.0"
    head_name = "fc"

    def __init__(
        self,
        block_params: BlockParams,
        num_classes: int = 1000,
        stem_width: int = 32,
        stem_type: Callable[..., nn.Module] | None = None,
        block_type: Callable[..., nn.Module] | None = None,
        norm_layer: Callable[..., nn.Module] | None = None,
        activation: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        norm = norm_layer or nn.BatchNorm2d
        activation_layer = activation or nn.ReLU
        self.stem = (stem_type or SimpleStemIN)(3, stem_width, norm, activation_layer)
        width = stem_width
        self.trunk_output = nn.Sequential()
        stages = zip(
            block_params.widths,
            block_params.strides,
            block_params.depths,
            block_params.group_widths,
            block_params.bottleneck_multipliers,
            strict=True,
        )
        for number, (out, stride, depth, group_width, multiplier) in enumerate(stages, start=1):
            stage = AnyStage(
                width,
                out,
                stride,
                depth,
                block_type or ResBottleneckBlock,
                norm,
                activation_layer,
                group_width,
                multiplier,
                block_params.se_ratio,
                stage_index=number,
            )
            self.trunk_output.add_module(f"block{number}", stage)
            width = out
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(width, num_classes)
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                # Not kaiming_normal_, which counts the outputs of one group only.
                fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
                nn.init.normal_(module.weight, 0.0, math.sqrt(2.0 / fan_out))
            elif isinstance(module, nn.BatchNorm2d) and module.affine:
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0.0, 0.01)
                nn.init.zeros_(module.bias)

    def forward_features(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to the last features, `(N, C, H/32, W/32)`, before anything is pooled."""
        x = self.stem(x)  # (N, stem_width, H/2, W/2)
        return self.trunk_output(x)

    def forward(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to scores `(N, num_classes)`."""
        x = self.avgpool(self.forward_features(x)).flatten(1)  # (N, C)
        return self.fc(x)


class RegNetOptions(AdaptingOptions, total=False):
    """What a builder of this family passes on to `RegNet`, where each is explained."""

    num_classes: int
    stem_width: int
    stem_type: Callable[..., nn.Module] | None
    block_type: Callable[..., nn.Module] | None
    norm_layer: Callable[..., nn.Module] | None
    activation: Callable[..., nn.Module] | None


# Section 4 of the paper: RegNetY is RegNetX with squeeze-and-excitation.
_Y_SE_RATIO = 0.25


@builder(RegNet_Y_400MF_Weights, RegNetOptions)
def regnet_y_400mf(
    *, weights: RegNet_Y_400MF_Weights | str | None = None, progress: bool = True, **options: Unpack[RegNetOptions]
) -> RegNet:
    """RegNetY-400MF."""
    params = BlockParams.from_init_params(depth=16, w_0=48, w_a=27.89, w_m=2.09, group_width=8, se_ratio=_Y_SE_RATIO)
    return build(RegNet, weights, progress, params, **options)


@builder(RegNet_Y_800MF_Weights, RegNetOptions)
def regnet_y_800mf(
    *, weights: RegNet_Y_800MF_Weights | str | None = None, progress: bool = True, **options: Unpack[RegNetOptions]
) -> RegNet:
    """RegNetY-800MF."""
    params = BlockParams.from_init_params(depth=14, w_0=56, w_a=38.84, w_m=2.4, group_width=16, se_ratio=_Y_SE_RATIO)
    return build(RegNet, weights, progress, params, **options)


@builder(RegNet_Y_1_6GF_Weights, RegNetOptions)
def regnet_y_1_6gf(
    *, weights: RegNet_Y_1_6GF_Weights | str | None = None, progress: bool = True, **options: Unpack[RegNetOptions]
) -> RegNet:
    """RegNetY-1.6GF."""
    params = BlockParams.from_init_params(depth=27, w_0=48, w_a=20.71, w_m=2.65, group_width=24, se_ratio=_Y_SE_RATIO)
    return build(RegNet, weights, progress, params, **options)


@builder(RegNet_Y_3_2GF_Weights, RegNetOptions)
def regnet_y_3_2gf(
    *, weights: RegNet_Y_3_2GF_Weights | str | None = None, progress: bool = True, **options: Unpack[RegNetOptions]
) -> RegNet:
    """RegNetY-3.2GF."""
    params = BlockParams.from_init_params(depth=21, w_0=80, w_a=42.63, w_m=2.66, group_width=24, se_ratio=_Y_SE_RATIO)
    return build(RegNet, weights, progress, params, **options)


@builder(RegNet_Y_8GF_Weights, RegNetOptions)
def regnet_y_8gf(
    *, weights: RegNet_Y_8GF_Weights | str | None = None, progress: bool = True, **options: Unpack[RegNetOptions]
) -> RegNet:
    """RegNetY-8GF."""
    params = BlockParams.from_init_params(depth=17, w_0=192, w_a=76.82, w_m=2.19, group_width=56, se_ratio=_Y_SE_RATIO)
    return build(RegNet, weights, progress, params, **options)


@builder(RegNet_Y_16GF_Weights, RegNetOptions)
def regnet_y_16gf(
    *, weights: RegNet_Y_16GF_Weights | str | None = None, progress: bool = True, **options: Unpack[RegNetOptions]
) -> RegNet:
    """RegNetY-16GF."""
    params = BlockParams.from_init_params(
        depth=18, w_0=200, w_a=106.23, w_m=2.48, group_width=112, se_ratio=_Y_SE_RATIO
    )
    return build(RegNet, weights, progress, params, **options)


@builder(RegNet_Y_32GF_Weights, RegNetOptions)
def regnet_y_32gf(
    *, weights: RegNet_Y_32GF_Weights | str | None = None, progress: bool = True, **options: Unpack[RegNetOptions]
) -> RegNet:
    """RegNetY-32GF."""
    params = BlockParams.from_init_params(
        depth=20, w_0=232, w_a=115.89, w_m=2.53, group_width=232, se_ratio=_Y_SE_RATIO
    )
    return build(RegNet, weights, progress, params, **options)


@builder(RegNet_Y_128GF_Weights, RegNetOptions)
def regnet_y_128gf(
    *, weights: RegNet_Y_128GF_Weights | str | None = None, progress: bool = True, **options: Unpack[RegNetOptions]
) -> RegNet:
    """RegNetY-128GF."""
    params = BlockParams.from_init_params(
        depth=27, w_0=456, w_a=160.83, w_m=2.52, group_width=264, se_ratio=_Y_SE_RATIO
    )
    return build(RegNet, weights, progress, params, **options)


@builder(RegNet_X_400MF_Weights, RegNetOptions)
def regnet_x_400mf(
    *, weights: RegNet_X_400MF_Weights | str | None = None, progress: bool = True, **options: Unpack[RegNetOptions]
) -> RegNet:
    """RegNetX-400MF."""
    params = BlockParams.from_init_params(depth=22, w_0=24, w_a=24.48, w_m=2.54, group_width=16)
    return build(RegNet, weights, progress, params, **options)


@builder(RegNet_X_800MF_Weights, RegNetOptions)
def regnet_x_800mf(
    *, weights: RegNet_X_800MF_Weights | str | None = None, progress: bool = True, **options: Unpack[RegNetOptions]
) -> RegNet:
    """RegNetX-800MF."""
    params = BlockParams.from_init_params(depth=16, w_0=56, w_a=35.73, w_m=2.28, group_width=16)
    return build(RegNet, weights, progress, params, **options)


@builder(RegNet_X_1_6GF_Weights, RegNetOptions)
def regnet_x_1_6gf(
    *, weights: RegNet_X_1_6GF_Weights | str | None = None, progress: bool = True, **options: Unpack[RegNetOptions]
) -> RegNet:
    """RegNetX-1.6GF."""
    params = BlockParams.from_init_params(depth=18, w_0=80, w_a=34.01, w_m=2.25, group_width=24)
    return build(RegNet, weights, progress, params, **options)


@builder(RegNet_X_3_2GF_Weights, RegNetOptions)
def regnet_x_3_2gf(
    *, weights: RegNet_X_3_2GF_Weights | str | None = None, progress: bool = True, **options: Unpack[RegNetOptions]
) -> RegNet:
    """RegNetX-3.2GF."""
    params = BlockParams.from_init_params(depth=25, w_0=88, w_a=26.31, w_m=2.25, group_width=48)
    return build(RegNet, weights, progress, params, **options)


@builder(RegNet_X_8GF_Weights, RegNetOptions)
def regnet_x_8gf(
    *, weights: RegNet_X_8GF_Weights | str | None = None, progress: bool = True, **options: Unpack[RegNetOptions]
) -> RegNet:
    """RegNetX-8GF."""
    params = BlockParams.from_init_params(depth=23, w_0=80, w_a=49.56, w_m=2.88, group_width=120)
    return build(RegNet, weights, progress, params, **options)


@builder(RegNet_X_16GF_Weights, RegNetOptions)
def regnet_x_16gf(
    *, weights: RegNet_X_16GF_Weights | str | None = None, progress: bool = True, **options: Unpack[RegNetOptions]
) -> RegNet:
    """RegNetX-16GF."""
    params = BlockParams.from_init_params(depth=22, w_0=216, w_a=55.59, w_m=2.1, group_width=128)
    return build(RegNet, weights, progress, params, **options)


@builder(RegNet_X_32GF_Weights, RegNetOptions)
def regnet_x_32gf(
    *, weights: RegNet_X_32GF_Weights | str | None = None, progress: bool = True, **options: Unpack[RegNetOptions]
) -> RegNet:
    """RegNetX-32GF."""
    params = BlockParams.from_init_params(depth=23, w_0=320, w_a=69.86, w_m=2.0, group_width=168)
    return build(RegNet, weights, progress, params, **options)
