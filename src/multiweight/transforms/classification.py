"""The preset of classification networks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from multiweight.catalogue import InterpolationMode
from multiweight.errors import InputError
from multiweight.transforms import _pictures
from multiweight.transforms._arguments import (
    PILLOW_FILTERS,
    interpolation_mode,
    known_only,
    per_channel,
    pixels,
    sides,
    yes_no_or_none,
)
from multiweight.transforms._tensors import ANTIALIASED, OF_TENSORS, check, normalise, resize_and_crop


class ImageClassification(nn.Module):
    """Resizes the short side, crops the centre, scales to `[0, 1]` and normalises.

    A call takes a picture and returns 32-bit floats, `(…, 3, crop_size, crop_size)`, equal bit for bit to what
    torchvision's preset of the same settings makes of an RGB picture or a tensor:

    - a PIL picture; one that is not RGB is converted first. Transparency is left out as by Pillow's
      `convert("RGB")`, 16-bit grey is scaled to 8 bits. EXIF orientation is the business of who opens the file.
    - a NumPy array `(H, W, 3)`, grey `(H, W)` or `(H, W, 1)`, or `(H, W, 4)`, whose alpha is left out: uint8 gives
      what the PIL picture of these pixels gives, uint16 is scaled to 8 bits before, floats from 0 to 1 are treated
      as a tensor.
    - a tensor `(…, 3, H, W)`, one picture or any number of one size, uint8 from 0 to 255 or floats from 0 to 1, on
      any device. Tensors are resized in floats, where Pillow rounds to 8 bits: the same picture as a tensor gives
      slightly other values.

    For tensors it can be scripted, compiled, and exported with dynamic batch, height and width. One exported program
    takes every size; the example must not have a 1 among its dynamic sizes, which `torch.export` would fix.

    Args:
        crop_size: The sides of the crop, in pixels. Black is added where the resized picture is smaller.
        resize_size: The short side after resizing, in pixels; the long one keeps the shape, rounded down. Or height and
            width: the picture is then squashed to them.
        mean: What is subtracted, one number for each of red, green and blue, or one for all; of values in `[0, 1]`.
        std: What is then divided by, likewise.
        interpolation: An `InterpolationMode`, its name, torchvision's enum or Pillow's constant. Tensors know
            nearest, nearest-exact, bilinear and bicubic.
        antialias: Whether tensors are filtered when they shrink, with bilinear and bicubic; `None` means no. Pillow
            always does.

    Raises:
        TypeError: For an argument that is unknown or not of its kind.
        ValueError: For a size under 1, an unknown interpolation, or a mean or std that cannot be used.
    """

    @known_only
    def __init__(
        self,
        *,
        crop_size: int,
        resize_size: int | tuple[int, int] = 256,
        mean: Iterable[float] = (0.485, 0.456, 0.406),
        std: Iterable[float] = (0.229, 0.224, 0.225),
        interpolation: InterpolationMode | str | int = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        # In lists, of one too, as torchvision's: who reads them finds what they know.
        self.crop_size = [pixels("crop_size", crop_size)]
        self.resize_size = sides("resize_size", resize_size)
        self.mean = per_channel("mean", mean)
        self.std = per_channel("std", std, divisor=True)
        self.interpolation = interpolation_mode(interpolation)
        self.antialias = yes_no_or_none("antialias", antialias)
        self._mode = self.interpolation.value
        self._filtered = bool(antialias) and self._mode in ANTIALIASED
        self._takes_tensors = self._mode in OF_TENSORS

    if TYPE_CHECKING:

        def __call__(self, img: Image.Image | np.ndarray[Any, Any] | Tensor) -> Tensor: ...  # noqa: D102

    def forward(self, img: Tensor) -> Tensor:
        """Makes of a picture what the network takes.

        Args:
            img: A PIL picture, a NumPy array `(H, W, 3)` or a tensor `(…, 3, H, W)`; see the class.

        Returns:
            `(3, crop_size, crop_size)`, or `(…, 3, crop_size, crop_size)` for a tensor; a new tensor.

        Raises:
            InputError: If the picture cannot be used.
            InputTypeError: If it is not a picture.
        """
        if not isinstance(img, Tensor):
            return self._from_picture(img)
        check(img)
        if not self._takes_tensors:
            raise InputError(f"Tensors cannot be resized with {self._mode} interpolation; PIL pictures can.")
        img = resize_and_crop(img, self.resize_size, self.crop_size, self._mode, self._filtered)
        return normalise(img, self.mean, self.std)

    @torch.jit.unused
    def _from_picture(self, img: Any) -> Tensor:
        img = _pictures.as_rgb(img)
        if isinstance(img, Tensor):
            return self(img)
        _pictures.warn_if_not_to_be_filtered(self.antialias, self._mode)
        img = _pictures.resize_and_crop(img, self.resize_size, self.crop_size[0], PILLOW_FILTERS[self.interpolation])
        return normalise(_pictures.to_tensor(img), self.mean, self.std)

    def extra_repr(self) -> str:
        """Every setting, as the arguments that make an equal preset."""
        settings = {
            "crop_size": self.crop_size[0],
            "resize_size": self.resize_size[0] if len(self.resize_size) == 1 else tuple(self.resize_size),
            "mean": tuple(self.mean),
            "std": tuple(self.std),
            "interpolation": self.interpolation.value,
            "antialias": self.antialias,
        }
        return ", ".join(f"{name}={value!r}" for name, value in settings.items())

    def describe(self) -> str:
        """What the preset takes and does, in sentences."""
        resize, crop = min(self.resize_size), self.crop_size[0]
        to = f"the short side to {resize} pixels"
        if len(self.resize_size) > 1:
            to = f"to {self.resize_size[0]} by {self.resize_size[1]} pixels, whatever the shape,"
        return (
            "Takes a PIL picture, a NumPy array (H, W, 3) or a tensor (..., 3, H, W), of one picture or a batch. "
            f"Resizes {to} with {self.interpolation.value} interpolation and keeps the "
            f"central {crop} by {crop} pixels{', with black around a smaller picture' if crop > resize else ''}. "
            f"Then scales the values to [0, 1], subtracts the mean {tuple(self.mean)} and divides by the standard "
            f"deviation {tuple(self.std)}."
        )
