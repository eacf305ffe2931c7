"""MobileNetV2 that can be quantized.

The network, and the paper it is from, are those of `multiweight.models.mobilenetv2`, but that its activations are not
cut off at 6: what is quantized has a largest number anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Unpack

from torch import nn

from multiweight.catalogue.mobilenetv2 import MobileNet_V2_Weights
from multiweight.catalogue.quantization.mobilenetv2 import MobileNet_V2_QuantizedWeights
from multiweight.models._builder import builder
from multiweight.models.mobilenetv2 import MobileNetV2
from multiweight.models.quantization._quantizable import QuantizableOptions, build_quantizable

__all__ = [
    "MobileNet_V2_QuantizedWeights",
    "QuantizableMobileNetV2",
    "QuantizableMobileNetV2Options",
    "mobilenet_v2",
]


class QuantizableMobileNetV2(MobileNetV2):
    """A `MobileNetV2` that can be quantized, with `nn.ReLU` in the place of every `nn.ReLU6`.

    Args:
        *args: Of `MobileNetV2`.
        **kwargs: Of `MobileNetV2`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for parent in list(self.modules()):
            for name, module in parent.named_children():
                if type(module) is nn.ReLU6:
                    setattr(parent, name, nn.ReLU(inplace=module.inplace))


class QuantizableMobileNetV2Options(QuantizableOptions, total=False):
    """What the builder of this family can be told: `QuantizableOptions`, and what is explained at `MobileNetV2`."""

    num_classes: int
    width_mult: float
    inverted_residual_setting: Sequence[Sequence[int]] | None
    round_nearest: int
    norm_layer: Callable[..., nn.Module] | None
    dropout: float


@builder(MobileNet_V2_QuantizedWeights, QuantizableMobileNetV2Options)
def mobilenet_v2(
    *,
    weights: MobileNet_V2_QuantizedWeights | MobileNet_V2_Weights | str | None = None,
    progress: bool = True,
    quantize: bool = False,
    **options: Unpack[QuantizableMobileNetV2Options],
) -> QuantizableMobileNetV2 | nn.Module:
    """MobileNetV2, quantized or to be quantized."""
    return build_quantizable(QuantizableMobileNetV2, weights, progress, quantize, usual="qnnpack", **options)
