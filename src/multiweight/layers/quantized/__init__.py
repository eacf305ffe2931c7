"""8-bit layers that need none of torch's quantized dtypes: plain tensors, exact arithmetic, oneDNN's kernels."""

from multiweight.layers.quantized.modules import (
    Dequantize,
    Quantize,
    QuantizedAvgPool2d,
    QuantizedConv2d,
    QuantizedFunction,
    QuantizedLayer,
    QuantizedLinear,
    QuantizedMaxPool2d,
    QuantizedReLU,
    QuantizedSum,
    Requantize,
)

__all__ = [
    "Dequantize",
    "Quantize",
    "QuantizedAvgPool2d",
    "QuantizedConv2d",
    "QuantizedFunction",
    "QuantizedLayer",
    "QuantizedLinear",
    "QuantizedMaxPool2d",
    "QuantizedReLU",
    "QuantizedSum",
    "Requantize",
]
