"""ShuffleNet V2 that can be quantized.

The network, and the paper it is from, are those of `multiweight.models.shufflenetv2`.
"""

from __future__ import annotations

from typing import Unpack

from torch import nn

from multiweight.catalogue.quantization.shufflenetv2 import (
    ShuffleNet_V2_X0_5_QuantizedWeights,
    ShuffleNet_V2_X1_0_QuantizedWeights,
    ShuffleNet_V2_X1_5_QuantizedWeights,
    ShuffleNet_V2_X2_0_QuantizedWeights,
)
from multiweight.catalogue.shufflenetv2 import (
    ShuffleNet_V2_X0_5_Weights,
    ShuffleNet_V2_X1_0_Weights,
    ShuffleNet_V2_X1_5_Weights,
    ShuffleNet_V2_X2_0_Weights,
)
from multiweight.models._builder import builder
from multiweight.models.quantization._quantizable import QuantizableOptions, build_quantizable
from multiweight.models.shufflenetv2 import ShuffleNetV2

__all__ = [
    "QuantizableShuffleNetV2",
    "QuantizableShuffleNetV2Options",
    "ShuffleNet_V2_X0_5_QuantizedWeights",
    "ShuffleNet_V2_X1_0_QuantizedWeights",
    "ShuffleNet_V2_X1_5_QuantizedWeights",
    "ShuffleNet_V2_X2_0_QuantizedWeights",
    "shufflenet_v2_x0_5",
    "shufflenet_v2_x1_0",
    "shufflenet_v2_x1_5",
    "shufflenet_v2_x2_0",
]


class QuantizableShuffleNetV2(ShuffleNetV2):
    """A `ShuffleNetV2` that can be quantized; in floating point it is the same."""


class QuantizableShuffleNetV2Options(QuantizableOptions, total=False):
    """What a builder of this family can be told: `QuantizableOptions`, and what is explained at `ShuffleNetV2`."""

    num_classes: int


@builder(ShuffleNet_V2_X0_5_QuantizedWeights, QuantizableShuffleNetV2Options)
def shufflenet_v2_x0_5(
    *,
    weights: ShuffleNet_V2_X0_5_QuantizedWeights | ShuffleNet_V2_X0_5_Weights | str | None = None,
    progress: bool = True,
    quantize: bool = False,
    **options: Unpack[QuantizableShuffleNetV2Options],
) -> QuantizableShuffleNetV2 | nn.Module:
    """ShuffleNet V2 with half the channels, quantized or to be quantized."""
    table = ([4, 8, 4], [24, 48, 96, 192, 1024])
    return build_quantizable(QuantizableShuffleNetV2, weights, progress, quantize, *table, **options)


@builder(ShuffleNet_V2_X1_0_QuantizedWeights, QuantizableShuffleNetV2Options)
def shufflenet_v2_x1_0(
    *,
    weights: ShuffleNet_V2_X1_0_QuantizedWeights | ShuffleNet_V2_X1_0_Weights | str | None = None,
    progress: bool = True,
    quantize: bool = False,
    **options: Unpack[QuantizableShuffleNetV2Options],
) -> QuantizableShuffleNetV2 | nn.Module:
    """ShuffleNet V2, quantized or to be quantized."""
    table = ([4, 8, 4], [24, 116, 232, 464, 1024])
    return build_quantizable(QuantizableShuffleNetV2, weights, progress, quantize, *table, **options)


@builder(ShuffleNet_V2_X1_5_QuantizedWeights, QuantizableShuffleNetV2Options)
def shufflenet_v2_x1_5(
    *,
    weights: ShuffleNet_V2_X1_5_QuantizedWeights | ShuffleNet_V2_X1_5_Weights | str | None = None,
    progress: bool = True,
    quantize: bool = False,
    **options: Unpack[QuantizableShuffleNetV2Options],
) -> QuantizableShuffleNetV2 | nn.Module:
    """ShuffleNet V2 with one and a half times the channels, quantized or to be quantized."""
    table = ([4, 8, 4], [24, 176, 352, 704, 1024])
    return build_quantizable(QuantizableShuffleNetV2, weights, progress, quantize, *table, **options)


@builder(ShuffleNet_V2_X2_0_QuantizedWeights, QuantizableShuffleNetV2Options)
def shufflenet_v2_x2_0(
    *,
    weights: ShuffleNet_V2_X2_0_QuantizedWeights | ShuffleNet_V2_X2_0_Weights | str | None = None,
    progress: bool = True,
    quantize: bool = False,
    **options: Unpack[QuantizableShuffleNetV2Options],
) -> QuantizableShuffleNetV2 | nn.Module:
    """ShuffleNet V2 with twice the channels, quantized or to be quantized."""
    table = ([4, 8, 4], [24, 244, 488, 976, 2048])
    return build_quantizable(QuantizableShuffleNetV2, weights, progress, quantize, *table, **options)
