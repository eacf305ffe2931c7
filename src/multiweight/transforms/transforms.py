"""The steps that a preset is made of, one by one, under torchvision's names.

For code written before weights carried their preprocessing. New code takes `weights.transforms()`, which does the same
in one go and cannot be put together wrongly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from multiweight.catalogue import InterpolationMode
from multiweight.errors import InputTypeError
from multiweight.transforms._arguments import PILLOW_FILTERS, interpolation_mode, per_channel, pixels
from multiweight.transforms._tensors import crop_start, interpolated, resized

__all__ = ["CenterCrop", "Compose", "ConvertImageDtype", "InterpolationMode", "Normalize", "PILToTensor", "Resize"]


class Compose:
    """Calls one transform after the other.

    Args:
        transforms: Functions of a picture.
    """

    def __init__(self, transforms: Iterable[Callable[[Any], Any]]) -> None:
        self.transforms = list(transforms)

    def __call__(self, img: Any) -> Any:
        """The picture, after all of them."""
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        return "\n".join(["Compose(", *(f"    {transform}" for transform in self.transforms), ")"])


def _size(name: str, size: int | Sequence[int]) -> list[int]:
    sizes = [size] if isinstance(size, int) else list(size)
    if len(sizes) not in (1, 2):
        raise ValueError(f"{name} takes one length in pixels or a height and a width; got {size!r}.")
    return [pixels(name, length) for length in sizes]


def dimensions(img: Image.Image | Tensor) -> tuple[int, int]:
    """Height and width."""
    if isinstance(img, Image.Image):
        return img.height, img.width
    if isinstance(img, Tensor) and img.ndim >= 2:  # pyright: ignore[reportUnnecessaryIsInstance]
        return img.shape[-2], img.shape[-1]
    raise InputTypeError(f"Takes a PIL picture or a tensor (…, H, W); got {_kind(img)}.")


def _kind(img: object) -> str:
    return f"a tensor of shape {tuple(img.shape)}" if isinstance(img, Tensor) else f"a {type(img).__name__}"


class Resize(nn.Module):
    """Resizes a PIL picture or a tensor `(…, C, H, W)`.

    Args:
        size: The short side after resizing, in pixels, as a number or a list of one; or height and width.
        interpolation: An `InterpolationMode`, its name or Pillow's constant.
        antialias: Whether tensors are filtered when they shrink, with bilinear and bicubic; `None` means no.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        interpolation: InterpolationMode | str | int = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.size = _size("size", size)
        self.interpolation = interpolation_mode(interpolation)
        self.antialias = antialias

    def forward(self, img: Any) -> Any:
        """The picture, resized; of the kind that was given."""
        old = dimensions(img)
        height, width = resized(*old, self.size[0]) if len(self.size) == 1 else self.size
        if (height, width) == old:
            return img
        if isinstance(img, Image.Image):
            return img.resize((width, height), PILLOW_FILTERS[self.interpolation])
        leading = list(img.shape[:-3])
        batch = img.reshape(-1, *img.shape[-3:])
        filtered = bool(self.antialias) and self.interpolation.value in ("bilinear", "bicubic")
        batch = interpolated(batch, [height, width], self.interpolation.value, filtered)
        return batch.reshape(*leading, *batch.shape[-3:])

    def extra_repr(self) -> str:
        """The settings."""
        return f"size={self.size}, interpolation={self.interpolation.value}, antialias={self.antialias}"


class CenterCrop(nn.Module):
    """Cuts the centre out of a PIL picture or a tensor `(…, H, W)`; adds black where it is smaller.

    Args:
        size: The sides in pixels, as a number or a list of one; or height and width.
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        super().__init__()
        sizes = _size("size", size)
        self.size = (sizes[0], sizes[-1])

    def forward(self, img: Any) -> Any:
        """The centre; of the kind that was given."""
        old_height, old_width = dimensions(img)
        height, width = self.size
        top, left = crop_start(old_height, height), crop_start(old_width, width)
        if isinstance(img, Image.Image):
            return img.crop((left, top, left + width, top + height))
        right, bottom = left + width - old_width, top + height - old_height
        return F.pad(img, [-left, right, -top, bottom])

    def extra_repr(self) -> str:
        """The settings."""
        return f"size={self.size}"


class PILToTensor:
    """Makes of a PIL picture a tensor `(C, H, W)` of the same values."""

    def __call__(self, pic: Image.Image) -> Tensor:
        """The pixels; uint8 for the usual modes."""
        if not isinstance(pic, Image.Image):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputTypeError(f"PILToTensor takes a PIL picture; got {_kind(pic)}.")
        values = torch.from_numpy(np.array(pic))
        return (values.unsqueeze(-1) if values.ndim == 2 else values).permute(2, 0, 1).contiguous()

    def __repr__(self) -> str:
        return "PILToTensor()"


class ConvertImageDtype(nn.Module):
    """Converts a tensor to another dtype and scales its values: integers use their whole range, floats `[0, 1]`.

    Args:
        dtype: A float dtype, or uint8.
    """

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        if not (dtype.is_floating_point or dtype == torch.uint8):
            raise ValueError(f"dtype is one of floats or torch.uint8; got {dtype}.")
        self.dtype = dtype

    def forward(self, image: Tensor) -> Tensor:
        """The tensor, converted.

        Raises:
            InputTypeError: If it holds neither uint8 nor floats.
        """
        if not isinstance(image, Tensor) or not (image.is_floating_point() or image.dtype == torch.uint8):
            raise InputTypeError(f"ConvertImageDtype takes a tensor of uint8 or floats; got {_kind(image)}.")
        if image.dtype == self.dtype:
            return image
        if not image.is_floating_point():
            return image.to(self.dtype).div_(255)
        if self.dtype.is_floating_point:
            return image.to(self.dtype)
        # The largest factor that keeps 1.0 within 255, so that each of the 256 values gets an equal share; in 16 bits
        # there is no such number.
        return (image.float() if image.itemsize < 4 else image).mul(256 - 1e-3).to(torch.uint8)

    def extra_repr(self) -> str:
        """The settings."""
        return f"dtype={self.dtype}"


class Normalize(nn.Module):
    """Subtracts a mean and divides by a standard deviation, channel by channel.

    Args:
        mean: One number a channel, or one for all.
        std: Likewise.
        inplace: Whether the tensor given is written to.
    """

    def __init__(self, mean: Iterable[float], std: Iterable[float], inplace: bool = False) -> None:
        super().__init__()
        self.mean, self.std = per_channel("mean", mean), per_channel("std", std, divisor=True)
        self.inplace = inplace

    def forward(self, tensor: Tensor) -> Tensor:
        """The tensor `(…, C, H, W)` of floats, normalised.

        Raises:
            InputTypeError: If it is no tensor of floats.
        """
        if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
            raise InputTypeError(f"Normalize takes a tensor of floats (…, C, H, W); got {_kind(tensor)}.")
        mean, std = (tensor.new_tensor(values).view(-1, 1, 1) for values in (self.mean, self.std))
        return (tensor if self.inplace else tensor.clone()).sub_(mean).div_(std)

    def extra_repr(self) -> str:
        """The settings."""
        return f"mean={self.mean}, std={self.std}"
