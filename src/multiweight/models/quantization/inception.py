"""Inception v3 that can be quantized.

The network, and the paper it is from, are those of `multiweight.models.inception`.
"""

from __future__ import annotations

from typing import Unpack

from torch import nn

from multiweight.catalogue.inception import Inception_V3_Weights
from multiweight.catalogue.quantization.inception import Inception_V3_QuantizedWeights
from multiweight.models._builder import builder
from multiweight.models.inception import Inception3
from multiweight.models.quantization._quantizable import QuantizableOptions, build_quantizable, check_heads

__all__ = [
    "Inception_V3_QuantizedWeights",
    "QuantizableInception3",
    "QuantizableInception3Options",
    "inception_v3",
]


class QuantizableInception3(Inception3):
    """An `Inception3` that can be quantized; in floating point it is the same."""


class QuantizableInception3Options(QuantizableOptions, total=False):
    """What the builder can be told: `QuantizableOptions`, and what is explained at `Inception3`."""

    num_classes: int
    aux_logits: bool
    transform_input: bool
    init_weights: bool | None
    dropout: float


@builder(Inception_V3_QuantizedWeights, QuantizableInception3Options)
def inception_v3(
    *,
    weights: Inception_V3_QuantizedWeights | Inception_V3_Weights | str | None = None,
    progress: bool = True,
    quantize: bool = False,
    **options: Unpack[QuantizableInception3Options],
) -> QuantizableInception3 | nn.Module:
    """Inception v3, for pictures of 299×299 pixels (75×75 at least), quantized or to be quantized.

    With weights, `transform_input` is true and `aux_logits` false unless given.
    """
    heads = options.setdefault("aux_logits", weights is None and not quantize)
    check_heads(quantize, heads)
    if weights is not None:
        options = {"transform_input": True, **options, "init_weights": False}
    ignore = () if heads else ("AuxLogits.",)
    return build_quantizable(QuantizableInception3, weights, progress, quantize, ignore=ignore, **options)
