"""The same as `arithmetic` on x86 processors, by oneDNN's kernels for 8-bit numbers, which come with torch.

Activations are uint8 in channels-last order. oneDNN wants weights in an order of its own, which depends on the shape of
what they meet; a `PackedWeight` is put into it once, and again when a shape comes that wants another.

https://uxlfoundation.github.io/oneDNN/dev_guide_int8_computations.html
"""

from __future__ import annotations

import platform
from functools import cache
from typing import Any, Protocol

import torch
from torch import Tensor

_mkldnn: Any = torch.ops.mkldnn

_MOST_SHAPES = 64

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
