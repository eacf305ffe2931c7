"""GoogLeNet that can be quantized.

The network, and the paper it is from, are those of `multiweight.models.googlenet`.
"""

from __future__ import annotations

from typing import Unpack

from torch import nn

from multiweight.catalogue import WeightsEnum
from multiweight.catalogue.googlenet import GoogLeNet_Weights
from multiweight.catalogue.quantization.googlenet import GoogLeNet_QuantizedWeights
from multiweight.models._builder import builder, warn
from multiweight.models.googlenet import GoogLeNet
from multiweight.models.quantization._quantizable import QuantizableOptions, build_quantizable, check_heads

__all__ = [
    "GoogLeNet_QuantizedWeights",
    "QuantizableGoogLeNet",
    "QuantizableGoogLeNetOptions",
    "googlenet",
]


class QuantizableGoogLeNet(GoogLeNet):
    """A `GoogLeNet` that can be quantized; in floating point it is the same."""


class QuantizableGoogLeNetOptions(QuantizableOptions, total=False):
    """What the builder can be told: `QuantizableOptions`, and what is explained at `GoogLeNet`."""

    num_classes: int
    aux_logits: bool
    transform_input: bool
    init_weights: bool | None
    dropout: float
    dropout_aux: float


@builder(GoogLeNet_QuantizedWeights, QuantizableGoogLeNetOptions)
def googlenet(
    *,
    weights: GoogLeNet_QuantizedWeights | GoogLeNet_Weights | str | None = None,
    progress: bool = True,
    quantize: bool = False,
    **options: Unpack[QuantizableGoogLeNetOptions],
) -> QuantizableGoogLeNet | nn.Module:
    """GoogLeNet, quantized or to be quantized.

    With weights, `transform_input` is true and `aux_logits` false unless given: the file's heads were never trained.
    """
    heads = options.setdefault("aux_logits", weights is None and not quantize)
    check_heads(quantize, heads)
    if weights is not None:
        options = {"transform_input": True, **options, "init_weights": False}
        if heads and not (isinstance(weights, WeightsEnum) and weights.arguments.get("aux_logits")):
            warn(f"The auxiliary heads of {weights} are not trained; train them before they are used.")
    ignore = () if heads else ("aux1.", "aux2.")
    return build_quantizable(QuantizableGoogLeNet, weights, progress, quantize, ignore=ignore, **options)
