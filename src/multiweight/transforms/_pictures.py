"""Pictures of Pillow and NumPy: to RGB, to the resized centre, to a tensor."""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

import numpy as np
import PIL
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from multiweight.errors import InputError, InputTypeError, MultiweightWarning
from multiweight.transforms._tensors import ANTIALIASED, crop_start, resized

_SEE = "Takes a PIL picture, a NumPy array (H, W, 3) or a tensor (..., 3, H, W)."


def as_rgb(given: object) -> Image.Image | Tensor:
    """The picture in mode RGB, of a PIL picture or an array; a tensor `(3, H, W)` for an array of floats.

    Raises:
        InputError: If it cannot be used.
        InputTypeError: If it is not a picture.
    """
    if isinstance(given, np.ndarray):
        return from_array(given)
    if not isinstance(given, Image.Image):
        raise no_picture(given)
    if 0 in given.size:
        raise InputError(f"The picture has no pixels: it is {given.width} by {given.height}.")
    return rgb(given)


def as_tensor(given: object) -> Tensor:
    """The picture as a tensor `(3, H, W)`: uint8, or floats for an array of floats.

    Raises:
        InputError: If it cannot be used.
        InputTypeError: If it is not a picture.
    """
    picture = as_rgb(given)
    return picture if isinstance(picture, Tensor) else to_tensor(picture)


def warn_if_not_to_be_filtered(antialias: bool | None, mode: str) -> None:
    """Warns who said `antialias=False` and gives a PIL picture to a preset; called where `forward` hands it over."""
    if antialias is False and mode in ANTIALIASED:
        warnings.warn(
            "antialias=False has no effect on a PIL picture: Pillow always filters.",
            MultiweightWarning,
            stacklevel=6,  # past its caller, forward and the two calls of nn.Module
        )


def rgb(picture: Image.Image) -> Image.Image:
    """The picture in mode RGB; itself if it is.

    Colours are Pillow's `convert("RGB")`, which is what networks are trained and measured with: transparency is
    left out and the colours under it appear, CMYK is converted without a profile. Where that would lose the
    picture, it is not followed: 16-bit grey (`I;16`, and `I`, which holds it too) is scaled to 8 bits and not
    clipped. `F` is grey from 0 to 255.
    """
    mode = picture.mode
    if mode == "RGB":
        return picture
    if mode.startswith("I"):
        return Image.fromarray(_eight_bits(np.asarray(picture))).convert("RGB")
    if mode == "La":
        picture = picture.convert("LA")
    elif mode in ("P", "RGBa"):
        # A palette straight to RGB gives the same colours, and a warning where it has several transparent ones.
        picture = picture.convert("RGBA")
    return picture.convert("RGB")


def _eight_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Values from 0 to 65535 as 0 to 255, rounded; what lies beyond is clipped."""
    return ((values.clip(0, 65535).astype(np.uint32) + 128) // 257).astype(np.uint8)


def from_array(array: NDArray[Any]) -> Image.Image | Tensor:
    """The picture in an array: of Pillow's for integers, a tensor `(3, H, W)` for floats.

    Args:
        array: `(H, W, 3)`; or `(H, W)` and `(H, W, 1)`, grey; or `(H, W, 4)`, whose alpha is left out. uint8 from 0 to
            255, uint16 from 0 to 65535 (scaled to 8 bits) or floats from 0 to 1.

    Raises:
        InputError: For another shape or dtype, no pixels, or floats that are not from 0 to 1.
    """
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    channels_last = array[..., None] if array.ndim == 2 else array
    if channels_last.ndim != 3 or channels_last.shape[-1] not in (1, 3, 4):
        hint = ""
        if array.ndim == 3 and array.shape[0] in (1, 3, 4):
            hint = " It looks like (3, H, W): array.transpose(1, 2, 0) puts the channels last."
        elif array.ndim == 4:
            hint = " It looks like a batch: give its pictures one by one."
        raise InputError(f"A picture as an array is (H, W, 3); got {array.shape}.{hint}")
    if not array.size:
        raise InputError(f"The picture has no pixels: its array is {array.shape}.")
    three = channels_last.repeat(3, axis=-1) if channels_last.shape[-1] == 1 else channels_last[..., :3]
    if array.dtype == np.uint16:
        three = _eight_bits(three)
    if three.dtype == np.uint8:
        return Image.fromarray(np.ascontiguousarray(three))
    if three.dtype not in (np.float16, np.float32, np.float64):
        raise InputError(
            f"A picture as an array holds uint8 (0 to 255), uint16 (0 to 65535) or floats (0 to 1); got {array.dtype}."
        )
    # Filters overshoot a little; a factor of 255 (or NaN) is a mistake.
    if not three.max() <= 2:
        raise InputError(
            f"A picture as an array of floats goes from 0 to 1; got values up to {three.max():g}. "
            "If they go to 255, astype('uint8') makes it one."
        )
    return torch.from_numpy(np.array(three.transpose(2, 0, 1), order="C"))


def no_picture(given: object) -> InputTypeError:
    """The error for an object that is not a picture."""
    hint = ""
    if isinstance(given, (str, bytes, bytearray, memoryview)) or hasattr(given, "__fspath__") or hasattr(given, "read"):
        hint = " Open it with PIL.Image.open first, or use multiweight.Predictor, which takes files."
    elif isinstance(given, (list, tuple)):
        hint = " Give the pictures one by one, or stack tensors of one size."
    return InputTypeError(f"Got a {type(given).__name__}, which is no picture. {_SEE}{hint}")


def to_tensor(picture: Image.Image) -> Tensor:
    """An RGB picture's pixels, `(3, H, W)`, uint8."""
    width, height = picture.size
    # Line by line all red, all green, all blue: then each plane is made of whole lines, which convert fast.
    lines = bytearray(picture.tobytes("raw", "RGB;L"))
    return torch.frombuffer(lines, dtype=torch.uint8).view(height, 3, width).permute(1, 0, 2)


class _Part(NamedTuple):
    """A part of one side of a picture, before and after resizing, in pixels."""

    begin: float
    end: float
    length: int  # after resizing
    start: int  # of the crop, from the resized part's beginning


class _Side(NamedTuple):
    """One side of a picture on its way to the crop, in pixels."""

    source: int
    resized: int
    start: int  # of the crop, on the resized side; negative where the side is too short
    crop: int

    def part(self) -> _Part:
        """What need be resized: only what the crop keeps if Pillow can be asked for that exactly, else all.

        Pillow takes the ends as 32-bit floats and computes the scale from them, so the ends and the scale must be
        such floats: multiples of a power of two with at most 24 bits. Otherwise a hundredth of the pixels is off.
        """
        steps = self.resized // math.gcd(self.source, self.resized)
        if steps & (steps - 1) or self.source * steps > 2**24:
            return _Part(0, self.source, self.resized, self.start)
        first, last = max(self.start, 0), min(self.start + self.crop, self.resized)
        scale = self.source / self.resized
        return _Part(first * scale, last * scale, last - first, self.start - first)

    def needed(self) -> tuple[int, int]:
        """The first of the source's pixels that the crop depends on, and the one after the last."""
        scale = self.source / self.resized
        reach = _REACH * max(scale, 1) + 1
        begin, end = self.start * scale - reach, (self.start + self.crop) * scale + reach
        return max(math.floor(begin), 0), min(math.ceil(end), self.source)


_REACH = 3
"""How far the widest filter (Lanczos) looks from a pixel's centre, in pixels of the coarser side."""

_COPY = 1 << 20
"""How many pixels are copied at once, few enough to stay in the processor's cache."""

_STRIP = 1 << 24
"""How many pixels the second pass makes at once; a picture of 20,000 by 3 would make 400 million."""

_ORDER_IS_KNOWN = tuple(map(int, PIL.__version__.split(".")[:2])) <= (13, 0)
"""Whether it is known in which order Pillow resizes the two sides (the result is rounded in between)."""


def resize_and_crop(picture: Image.Image, size: list[int], crop: int, resample: Image.Resampling) -> Image.Image:
    """Resizes and crops the centre; the pixels are those of `resize` and `crop`, with less work.

    Pillow resizes one side after the other. What the crop cuts off after the first need not go through the second.

    Args:
        picture: In mode RGB.
        size: Height and width after resizing, or the short side alone, in pixels.
        crop: The crop's sides in pixels; black is added where the picture is smaller.
        resample: The filter.

    Returns:
        A picture of `crop` by `crop` pixels.
    """
    width, height = picture.size
    new_height, new_width = resized(height, width, size[0]) if len(size) == 1 else size
    across = _Side(width, new_width, crop_start(new_width, crop), crop)
    down = _Side(height, new_height, crop_start(new_height, crop), crop)
    # Since 13.0 Pillow begins with the height where that shrinks by more than twice as many pixels as the width.
    height_first = height - new_height > max(2 * (width - new_width), 0)
    if height_first or not _ORDER_IS_KNOWN:
        picture = picture.resize((new_width, new_height), resample)
        return _crop(picture, across.start, down.start, crop, crop)
    return _resize_down(_resize_across(picture, across, down, resample), down, resample)


def _resize_across(picture: Image.Image, across: _Side, down: _Side, resample: Image.Resampling) -> Image.Image:
    """The picture with its width resized and cropped; rows that the crop does not depend on may be black."""
    top, bottom = down.needed()
    if across.source == across.resized:
        return _crop(picture, across.start, 0, across.crop, picture.height)
    if 4 * (bottom - top) > 3 * picture.height:
        return _resize_rows(picture, across, resample)  # to copy the rows would cost more than it saves
    rows = max(_COPY // picture.width, 1)
    columns = Image.new("RGB", (across.crop, picture.height))
    for row in range(top, bottom, rows):
        some = picture.crop((0, row, picture.width, min(row + rows, bottom)))
        columns.paste(_resize_rows(some, across, resample), (0, row))
    return columns


def _resize_rows(picture: Image.Image, across: _Side, resample: Image.Resampling) -> Image.Image:
    part = across.part()
    box = (part.begin, 0, part.end, picture.height)
    resized_rows = picture.resize((part.length, picture.height), resample, box)
    return _crop(resized_rows, part.start, 0, across.crop, picture.height)


def _resize_down(picture: Image.Image, down: _Side, resample: Image.Resampling) -> Image.Image:
    """The picture with its height resized and cropped."""
    if down.source == down.resized:
        return _crop(picture, 0, down.start, picture.width, down.crop)
    part = down.part()
    if picture.width > 1 and picture.width * part.length > _STRIP:
        joined, half = Image.new("RGB", (picture.width, down.crop)), picture.width // 2
        for left, right in ((0, half), (half, picture.width)):
            strip = picture.crop((left, 0, right, picture.height))
            joined.paste(_resize_down(strip, down, resample), (left, 0))
        return joined
    box = (0, part.begin, picture.width, part.end)
    picture = picture.resize((picture.width, part.length), resample, box)
    return _crop(picture, 0, part.start, picture.width, down.crop)


def _crop(picture: Image.Image, left: int, top: int, width: int, height: int) -> Image.Image:
    """The part of the picture, with black where there is none; the picture itself if the part is all of it."""
    if (left, top, width, height) == (0, 0, *picture.size):
        return picture
    return picture.crop((left, top, left + width, top + height))
