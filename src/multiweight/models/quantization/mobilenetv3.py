"""MobileNetV3-Large that can be quantized.

The network, and the paper it is from, are those of `multiweight.models.mobilenetv3`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Unpack

from torch import nn

from multiweight.catalogue.mobilenetv3 import MobileNet_V3_Large_Weights
from multiweight.catalogue.quantization.mobilenetv3 import MobileNet_V3_Large_QuantizedWeights
from multiweight.models._builder import builder
from multiweight.models.mobilenetv3 import LARGE, MobileNetV3, of_table
from multiweight.models.quantization._quantizable import QuantizableOptions, build_quantizable

__all__ = [
    "MobileNet_V3_Large_QuantizedWeights",
    "QuantizableMobileNetV3",
    "QuantizableMobileNetV3Options",
    "mobilenet_v3_large",
]


class QuantizableMobileNetV3(MobileNetV3):
    """A `MobileNetV3` that can be quantized; in floating point it is the same."""


class QuantizableMobileNetV3Options(QuantizableOptions, total=False):
    """What the builder of this family can be told: `QuantizableOptions`, and what `MobileNetV3Options` explains."""

    num_classes: int
    norm_layer: Callable[..., nn.Module] | None
    dropout: float
    width_mult: float
    reduced_tail: bool
    dilated: bool
    batch_norm_eps: float


@builder(MobileNet_V3_Large_QuantizedWeights, QuantizableMobileNetV3Options)
def mobilenet_v3_large(
    *,
    weights: MobileNet_V3_Large_QuantizedWeights | MobileNet_V3_Large_Weights | str | None = None,
    progress: bool = True,
    quantize: bool = False,
    **options: Unpack[QuantizableMobileNetV3Options],
) -> QuantizableMobileNetV3 | nn.Module:
    """MobileNetV3-Large, quantized or to be quantized."""
    network = (QuantizableMobileNetV3, LARGE, 1280)
    return build_quantizable(of_table, weights, progress, quantize, *network, usual="qnnpack", **options)
