"""The same as `arithmetic` on x86 processors, by oneDNN's kernels for 8-bit numbers, which come with torch.

Activations are uint8 in channels-last order. oneDNN wants weights in an order of its own, which depends on the shape of
what they meet; a `PackedWeight` is put into it once, and again when a shape comes that wants another.

https://uxlfoundation.github.io/oneDNN/dev_guide_int8_computations.html
"""

from __future__ import annotations

import platform
import threading
from functools import cache
from typing import Any, Protocol

import torch
from torch import Tensor

_mkldnn: Any = torch.ops.mkldnn

_MOST_SHAPES = 64
_BLOCK = 2**20

ACTIVATIONS: dict[str, tuple[str, list[float], str]] = {
    "none": ("none", [], ""),
    "relu": ("relu", [], ""),
    "relu6": ("hardtanh", [0.0, 6.0], ""),
    "hardswish": ("hardswish", [], ""),
    "silu": ("swish", [1.0], ""),
    "gelu": ("gelu", [], "none"),
}
"""How oneDNN's operators are told of an activation: name, numbers, algorithm."""


@cache
def available() -> bool:
    """Whether this processor multiplies unsigned by signed bytes and sums up without saturating in between (VNNI).

    Older ones would give other numbers, as pairs of products are cut off at 16 bits.
    """
    if platform.machine().lower() not in ("x86_64", "amd64") or not torch.backends.mkldnn.is_available():
        return False
    supported: Any = getattr(torch.cpu, "_is_vnni_supported", None)
    return supported is not None and supported() and hasattr(torch.ops.onednn, "qconv_pointwise")


class _Scratch(threading.local):
    """Two tensors for each thread, as fresh memory costs more than what is done in it."""

    def __init__(self) -> None:
        with torch.inference_mode(mode=False):  # else it could be written to in inference mode only
            self.pair = torch.empty(2, _BLOCK)


_scratch = _Scratch()


def add(pairs: list[tuple[Tensor, float, int]], activation: str, reciprocal: float, zero_point: int) -> Tensor:
    """`arithmetic.add` of bytes, block by block, as no kernel that comes with torch does it right.

    `onednn::qadd` takes bytes above 127 for negative numbers (torch 2.13, AVX-512).

    Args:
        pairs: Bytes, scale and zero point of each.
        activation: `"none"` or `"relu"`.
        reciprocal: Of the result's scale, rounded to float32.
        zero_point: Of the result.

    Returns:
        Bytes in channels-last order.
    """
    first = pairs[0][0]
    order = torch.channels_last if first.ndim == 4 else torch.contiguous_format
    result = torch.empty_like(first, memory_format=order)
    *inputs, output = (_flat(each).split(_BLOCK) for each in (*(x for x, _, _ in pairs), result))
    least = [torch.tensor(-(torch.tensor(scale) * zero).item()) for _, scale, zero in pairs]
    for *parts, into in zip(*inputs, output, strict=True):
        sums = [scratch[: len(into)] for scratch in _scratch.pair]
        for (_, scale, _), bytes_, offset, real in zip(pairs, parts, least, sums, strict=True):
            torch.add(offset, real.copy_(bytes_), alpha=scale, out=real)  # a fused multiply-add
        total = sums[0].add_(sums[1])
        total = total.relu_() if activation == "relu" else total
        total.mul_(reciprocal).round_().add_(zero_point).clamp_(0, 255)
        # As in `Quantize`: the first byte is the whole number.
        into.copy_(total.add_(float(2**23)).view(torch.uint8)[::4])
    return result


def _flat(x: Tensor) -> Tensor:
    """All numbers in the order of channels-last memory, without copying them if they are."""
    return (x.permute(0, 2, 3, 1) if x.ndim == 4 else x).reshape(-1)


class Layer(Protocol):
    """What `PackedWeight` asks of a layer."""

    def pack(self, shape: torch.Size) -> Tensor:
        """The weight in the order in which the kernel reads it for inputs of a shape."""
        ...

    def tell(self, packed: Tensor) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """What the kernel is told beside the input."""
        ...


class PackedWeight:
    """A layer's weight in the order in which a kernel reads it, with all else that the kernel is told.

    It is made again from the layer where it is needed, and can be neither saved nor copied.
    """

    __slots__ = ("_layout", "_shapes", "_told")

    def __init__(self) -> None:
        self._told: tuple[tuple[Any, ...], tuple[Any, ...]] | None = None
        self._layout = b""
        self._shapes: set[torch.Size] = set()

    @property
    def used(self) -> bool:
        """Whether there is something in it."""
        return self._told is not None

    def told(self, layer: Layer, shape: torch.Size) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """What the kernel is told of a layer for inputs of a shape."""
        told = self._told
        if told is not None and shape in self._shapes:
            return told
        packed = layer.pack(shape)
        layout = bytes(_mkldnn._get_mkldnn_serialized_md(packed).tolist())
        # One order is kept, not one a shape: most shapes want the same, and another one costs as much memory again.
        if told is None or layout != self._layout or len(self._shapes) >= _MOST_SHAPES:
            told = layer.tell(packed)
            self._told, self._layout, self._shapes = told, layout, set()
        self._shapes.add(shape)
        return told

    def __deepcopy__(self, memo: object) -> PackedWeight:
        return PackedWeight()

    def __reduce__(self) -> tuple[Any, ...]:
        return PackedWeight, ()
