"""Rectangles that are erased."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from multiweight.errors import InputTypeError
from multiweight.transforms._arguments import probability, span
from multiweight.transforms.geometry import Place, below, happens, shape, uniform

SCALE = (0.02, 0.33)
"""The least and the largest share of the picture that is erased, in published recipes."""

RATIO = (0.3, 3.3)
"""The least and the largest height over width of what is erased, in published recipes."""


class RandomErasing(nn.Module):
    """Erases a random rectangle of a tensor, or leaves it.

    Where ten drawn rectangles do not fit, nothing is erased. Equal bit for bit to torchvision's, with the same draws
    from torch's global generator. (Zhong et al. 2017, https://arxiv.org/abs/1708.04896)

    Args:
        p: How likely something is erased.
        scale: The least and the largest share of the picture.
        ratio: The least and the largest height over width.
        value: What is put there: a number, one for each channel, or `"random"` for normal noise.
        inplace: Whether the tensor given is written to.

    Raises:
        TypeError: For an argument that is not of its kind.
        ValueError: For one that cannot be used.
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = SCALE,
        ratio: Sequence[float] = RATIO,
        value: float | Sequence[float] | str = 0,
        inplace: bool = False,
    ) -> None:
        super().__init__()
        if isinstance(value, str) and value != "random":
            raise ValueError(f'value takes a number, one for each channel or "random"; got {value!r}.')
        if not isinstance(value, int | float | str | list | tuple):
            raise TypeError(f'value takes a number, one for each channel or "random"; got {value!r}.')
        self.p = probability("p", p)
        self.scale = span("scale", scale, most=1)
        self.ratio = span("ratio", ratio, positive=True)
        self.value = value
        self.inplace = inplace

    def forward(self, img: Tensor) -> Tensor:
        """The picture, with a rectangle erased or as it was.

        Args:
            img: `(…, C, H, W)`; all pictures of a batch lose the same rectangle.

        Raises:
            InputTypeError: If it is no tensor.
            ValueError: If there are not as many values as channels.
        """
        if not isinstance(img, Tensor) or img.ndim < 3:  # pyright: ignore[reportUnnecessaryIsInstance]
            kind = f"a tensor of shape {list(img.shape)}" if isinstance(img, Tensor) else f"a {type(img).__name__}"
            raise InputTypeError(f"RandomErasing takes a tensor (..., C, H, W); got {kind}.")
        if not happens(self.p):
            return img
        channels, height, width = img.shape[-3:]
        values = [self.value] if isinstance(self.value, int | float) else self.value
        if self.value != "random" and len(values) not in (1, channels):
            raise ValueError(f"value takes 1 number or {channels}, one a channel; got {self.value!r}.")
        for _ in range(10):
            size = _rectangle(height, width, self.scale, self.ratio)
            if size is not None:
                high, wide = size
                # The noise is drawn before the place.
                new: Any = (
                    torch.empty(channels, high, wide).normal_()
                    if self.value == "random"
                    else torch.tensor(values)[:, None, None]
                )
                top, left = below(height - high + 1), below(width - wide + 1)
                img = img if self.inplace else img.clone()
                img[..., top : top + high, left : left + wide] = new
                return img
        return img

    def extra_repr(self) -> str:
        """The settings."""
        return f"p={self.p}, scale={self.scale}, ratio={self.ratio}, value={self.value}, inplace={self.inplace}"


def erased_place(
    height: int, width: int, scale: tuple[float, float] = SCALE, ratio: tuple[float, float] = RATIO
) -> Place:
    """Draws a rectangle to erase: top, left, height and width in pixels; zeros where none of ten fits.

    Args:
        height: The picture's, in pixels.
        width: The picture's, in pixels.
        scale: The least and the largest share of the picture.
        ratio: The least and the largest height over width.
    """
    for _ in range(10):
        size = _rectangle(height, width, scale, ratio)
        if size is not None:
            return below(height - size[0] + 1), below(width - size[1] + 1), *size
    return 0, 0, 0, 0


def _rectangle(
    height: int, width: int, scale: tuple[float, float], ratio: tuple[float, float]
) -> tuple[int, int] | None:
    """Draws a height and a width; `None` if they do not fit."""
    area = height * width * uniform(*scale)
    aspect = shape(ratio)
    high, wide = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
    # A whole side is never erased.
    return (high, wide) if high < height and wide < width else None
