"""What quantized layers compute, in plain floating-point arithmetic: exact, differentiable, on any device.

A quantized tensor is whole numbers from 0 to 255 that stand for `scale * (number - zero_point)`. Here the numbers are
held in float32, in which all of them are exact, so that a gradient can pass: rounding counts as the identity, and
numbers that were cut off at 0 or 255 get no gradient.

Every function does the operations of oneDNN's kernels in their order, and so gives the same numbers. What is summed up
are whole numbers, and such sums are exact, in any order, as long as they stay below 2²⁴ in float32 (2⁵³ in float64).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

LARGEST = 255
"""The largest number of a quantized activation; the smallest is 0."""

_EXACT = 2**24
_NIBBLE = 16

ACTIVATIONS = ("none", "relu", "relu6", "hardswish", "silu", "gelu")
"""What may follow a convolution, a linear layer or an addition in the same kernel."""


def quantize(x: Tensor, scale: Tensor, zero_point: Tensor) -> Tensor:
    """The nearest numbers for real values.

    Args:
        x: Real values, any shape.
        scale: What one step is worth, float32, one number.
        zero_point: The number that stands for 0, int32.

    Returns:
        Whole numbers from 0 to 255, of x's shape, in float32.
    """
    # In float64 a product of two float32 is exact: this is the fused multiply-add of the kernel.
    return to_range((x.double() * scale.reciprocal().double() + zero_point).float())


def dequantize(x: Tensor, scale: Tensor, zero_point: Tensor) -> Tensor:
    """The real values that quantized numbers stand for, in float32."""
    return (x.float() - zero_point) * scale


def to_range(x: Tensor, zero_point: Tensor | int = 0) -> Tensor:
    """Rounds half to even, adds the zero point and cuts off at 0 and 255; the gradient passes through the rounding."""
    # The difference has no gradient; adding it gives the rounded number exactly. That of infinities is not a number.
    rounded = x + (x.round() - x).detach().nan_to_num() if x.requires_grad else x.round()
    return (rounded + zero_point).clamp(0, LARGEST)


def add(pairs: list[tuple[Tensor, Tensor, Tensor]], activation: str, scale: Tensor, zero_point: Tensor) -> Tensor:
    """The sum of two quantized tensors, with an activation, in the steps of torch's own quantized sum.

    Args:
        pairs: Numbers, scale and zero point of each.
        activation: `"none"` or `"relu"`.
        scale: Of the result.
        zero_point: Of the result.

    Returns:
        Whole numbers from 0 to 255 in float32.
    """
    # In float64 the fused multiply-add of a float32 is exact, and rounded once after that.
    x, y = ((x.double() * of.double() - (of * zero).double()).float() for x, of, zero in pairs)
    return to_range(activate(x + y, activation) * scale.reciprocal(), zero_point)


def activate(x: Tensor, activation: str) -> Tensor:
    """Applies one of `ACTIVATIONS` to real values."""
    if activation == "relu":
        return x.relu()
    if activation == "relu6":
        return x.clamp(0, 6)
    if activation == "hardswish":
        # Not F.hardswish, which divides by 6.
        return x * (x * (1 / 6) + 0.5).clamp(0, 1)
    if activation == "silu":
        return F.silu(x)
    if activation == "gelu":
        return F.gelu(x)
    return x


def conv2d_sums(
    x: Tensor, weight: Tensor, stride: list[int], padding: list[int], dilation: list[int], groups: int
) -> Tensor:
    """The sums of products of a convolution of whole numbers, each rounded to float32 once.

    Args:
        x: Whole numbers (N, C, H, W) in float32, from -255 to 255, the zero point subtracted.
        weight: Whole numbers (out, C / groups, kH, kW), int8.
        stride: Of rows and columns.
        padding: Zeros around the picture, rows and columns.
        dilation: Of rows and columns.
        groups: Into how many independent convolutions the channels are divided.

    Returns:
        Sums (N, out, H', W') in float32.
    """
    if torch.is_autocast_enabled(x.device.type):  # which would round the sums to half precision
        with torch.autocast(x.device.type, enabled=False):
            return conv2d_sums(x, weight, stride, padding, dilation, groups)
    terms = weight[0].numel()
    if x.device.type == "cpu" and terms * LARGEST * 128 < _EXACT:
        return F.conv2d(x, weight.float(), None, stride, padding, dilation, groups)
    if x.device.type == "cpu" and terms * LARGEST * _NIBBLE // 2 < _EXACT:
        high = (weight.float() / _NIBBLE).round()
        low = weight.float() - high * _NIBBLE
        sums = F.conv2d(x, high, None, stride, padding, dilation, groups).double() * _NIBBLE
        return (sums + F.conv2d(x, low, None, stride, padding, dilation, groups)).float()
    # On other devices float32 may be computed with less than float32's precision, or by Winograd's method.
    return F.conv2d(x.double(), weight.double(), None, stride, padding, dilation, groups).float()


def linear_sums(x: Tensor, weight: Tensor) -> Tensor:
    """The sums of products of a linear layer of whole numbers, each rounded to float32 once.

    Args:
        x: Whole numbers (…, in) in float32, from -255 to 255, the zero point subtracted.
        weight: Whole numbers (out, in), int8.

    Returns:
        Sums (…, out) in float32.
    """
    return F.linear(x.double(), weight.double()).float()


def rescale(
    x: Tensor,
    activation: str,
    scale: Tensor,
    zero_point: Tensor,
    addend: Tensor | None = None,
    addend_scale: Tensor | None = None,
    addend_zero_point: Tensor | None = None,
) -> Tensor:
    """From real values to the numbers of the next layer: addend, activation, rounding.

    Args:
        x: Real values.
        activation: One of `ACTIVATIONS`.
        scale: Of the result.
        zero_point: Of the result.
        addend: Quantized numbers to add first, of x's shape, or one a channel.
        addend_scale: Theirs.
        addend_zero_point: Theirs.

    Returns:
        Whole numbers from 0 to 255 in float32.
    """
    if addend is not None and addend_scale is not None and addend_zero_point is not None:
        # Again a fused multiply-add.
        x = ((addend.double() - addend_zero_point) * addend_scale.double() + x.double()).float()
    return to_range(activate(x, activation) * scale.reciprocal() + zero_point)
