"""ResNet and ResNeXt that can be quantized.

The networks, and the papers they are from, are those of `multiweight.models.resnet`.
"""

from __future__ import annotations

from typing import Unpack

from torch import nn

from multiweight.catalogue.quantization.resnet import (
    ResNet18_QuantizedWeights,
    ResNet50_QuantizedWeights,
    ResNeXt101_32X8D_QuantizedWeights,
    ResNeXt101_64X4D_QuantizedWeights,
)
from multiweight.catalogue.resnet import (
    ResNet18_Weights,
    ResNet50_Weights,
    ResNeXt101_32X8D_Weights,
    ResNeXt101_64X4D_Weights,
)
from multiweight.models._builder import builder, fixed
from multiweight.models.quantization._quantizable import QuantizableOptions, build_quantizable
from multiweight.models.resnet import BasicBlock, Bottleneck, ResNet, ResNetOptions

__all__ = [
    "QuantizableResNet",
    "QuantizableResNetOptions",
    "ResNeXt101_32X8D_QuantizedWeights",
    "ResNeXt101_64X4D_QuantizedWeights",
    "ResNet18_QuantizedWeights",
    "ResNet50_QuantizedWeights",
    "resnet18",
    "resnet50",
    "resnext101_32x8d",
    "resnext101_64x4d",
]


class QuantizableResNet(ResNet):
    """A `ResNet` that can be quantized; in floating point it is the same."""


class QuantizableResNetOptions(ResNetOptions, QuantizableOptions, total=False):
    """What a builder of this family can be told: `ResNetOptions` and `QuantizableOptions`."""


@builder(ResNet18_QuantizedWeights, QuantizableResNetOptions)
def resnet18(
    *,
    weights: ResNet18_QuantizedWeights | ResNet18_Weights | str | None = None,
    progress: bool = True,
    quantize: bool = False,
    **options: Unpack[QuantizableResNetOptions],
) -> QuantizableResNet | nn.Module:
    """ResNet-18, quantized or to be quantized."""
    return build_quantizable(QuantizableResNet, weights, progress, quantize, BasicBlock, [2, 2, 2, 2], **options)


@builder(ResNet50_QuantizedWeights, QuantizableResNetOptions)
def resnet50(
    *,
    weights: ResNet50_QuantizedWeights | ResNet50_Weights | str | None = None,
    progress: bool = True,
    quantize: bool = False,
    **options: Unpack[QuantizableResNetOptions],
) -> QuantizableResNet | nn.Module:
    """ResNet-50, quantized or to be quantized."""
    return build_quantizable(QuantizableResNet, weights, progress, quantize, Bottleneck, [3, 4, 6, 3], **options)


@builder(ResNeXt101_32X8D_QuantizedWeights, QuantizableResNetOptions)
def resnext101_32x8d(
    *,
    weights: ResNeXt101_32X8D_QuantizedWeights | ResNeXt101_32X8D_Weights | str | None = None,
    progress: bool = True,
    quantize: bool = False,
    **options: Unpack[QuantizableResNetOptions],
) -> QuantizableResNet | nn.Module:
    """ResNeXt-101 32×8d, 32 groups of 8 channels, quantized or to be quantized."""
    exact = fixed("resnext101_32x8d", options, groups=32, width_per_group=8)
    return build_quantizable(QuantizableResNet, weights, progress, quantize, Bottleneck, [3, 4, 23, 3], **exact)


@builder(ResNeXt101_64X4D_QuantizedWeights, QuantizableResNetOptions)
def resnext101_64x4d(
    *,
    weights: ResNeXt101_64X4D_QuantizedWeights | ResNeXt101_64X4D_Weights | str | None = None,
    progress: bool = True,
    quantize: bool = False,
    **options: Unpack[QuantizableResNetOptions],
) -> QuantizableResNet | nn.Module:
    """ResNeXt-101 64×4d, 64 groups of 4 channels, quantized or to be quantized."""
    exact = fixed("resnext101_64x4d", options, groups=64, width_per_group=4)
    return build_quantizable(QuantizableResNet, weights, progress, quantize, Bottleneck, [3, 4, 23, 3], **exact)
