"""The operations that policies of augmentation are made of, on PIL pictures and tensors, by their names in the papers.

Each takes a picture, a magnitude, the interpolation and the colour of what comes in from outside. Those that turn,
shear or move the picture use the last two. What magnitudes mean: a shear, in pixels a pixel; a move, in pixels; an
angle, in degrees; by how much a factor of brightness, colour, contrast or sharpness differs from 1; bits kept by
Posterize; the value from which Solarize inverts. The others take none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageOps
from torch import Tensor

from multiweight.catalogue import InterpolationMode
from multiweight.transforms import _tensor_operations
from multiweight.transforms._arguments import PILLOW_FILTERS, Fill, slopes

_PLAIN = ("RGB", "L")
"""The modes of which Pillow treats every channel alike, without a look at another one."""


def apply(picture: Any, name: str, magnitude: float, interpolation: InterpolationMode, fill: Fill) -> Any:
    """The picture after one operation; of the kind that was given."""
    if isinstance(picture, Tensor):
        return _tensor_operations.apply(picture, name, magnitude, interpolation.value, fill)
    return _OF_PICTURES[name](picture, magnitude, PILLOW_FILTERS[interpolation], fill)


def _colour(picture: Image.Image, fill: Fill) -> int | tuple[int, ...]:
    bands = len(picture.getbands())
    values = [0] if fill is None else [fill] if isinstance(fill, int | float) else fill
    if len(values) not in (1, bands):
        raise ValueError(f"fill takes 1 number or {bands}, one a channel of the picture; got {fill!r}.")
    whole = tuple(int(value) for value in values) * (bands // len(values))
    return whole if bands > 1 else whole[0]


def _affine(picture: Image.Image, matrix: tuple[float, ...], resample: Image.Resampling, fill: Fill) -> Image.Image:
    return picture.transform(picture.size, Image.Transform.AFFINE, matrix, resample, fillcolor=_colour(picture, fill))


def _moved(picture: Image.Image, right: int, down: int, resample: Image.Resampling, fill: Fill) -> Image.Image:
    if picture.mode not in _PLAIN:
        return _affine(picture, (1, 0, -right, 0, 1, -down), resample, fill)
    # By whole pixels nothing is between pixels: it is the same in every interpolation, in a fiftieth of the time that
    # bilinear takes.
    moved = Image.new(picture.mode, picture.size, _colour(picture, fill))
    moved.paste(picture, (right, down))
    return moved


def _rotated(picture: Image.Image, degrees: float, resample: Image.Resampling, fill: Fill) -> Image.Image:
    return picture.rotate(degrees, resample, fillcolor=_colour(picture, fill))


def _sharpened(picture: Image.Image, factor: float) -> Image.Image:
    if picture.mode not in _PLAIN or min(picture.size) < 3:
        return ImageEnhance.Sharpness(picture).enhance(factor)
    # What Pillow's filter SMOOTH makes, a thirteenth of each neighbour and five of the pixel itself, rounded, but on
    # the edges; in whole numbers it takes less than half the time.
    smooth = np.array(picture)
    bands = len(picture.getbands())
    lines = smooth.reshape(picture.height, -1)
    values = lines.astype(np.uint16)
    rows = values[:-2] + values[1:-1]
    rows += values[2:]
    sums = rows[:, : -2 * bands] + rows[:, bands:-bands]
    sums += rows[:, 2 * bands :]
    sums += 4 * values[1:-1, bands:-bands]
    sums += 6
    lines[1:-1, bands:-bands] = sums // 13
    return Image.blend(Image.fromarray(smooth), picture, factor)


_OF_PICTURES: dict[str, Callable[[Image.Image, float, Image.Resampling, Fill], Image.Image]] = {
    "Identity": lambda picture, _m, _i, _f: picture,
    "ShearX": lambda picture, m, i, f: _affine(picture, (1, slopes(m)[0], 0, 0, 1, 0), i, f),
    "ShearY": lambda picture, m, i, f: _affine(picture, (1, 0, 0, slopes(m)[1], 1, 0), i, f),
    "TranslateX": lambda picture, m, i, f: _moved(picture, int(m), 0, i, f),
    "TranslateY": lambda picture, m, i, f: _moved(picture, 0, int(m), i, f),
    "Rotate": _rotated,
    "Brightness": lambda picture, m, _i, _f: ImageEnhance.Brightness(picture).enhance(1 + m),
    "Color": lambda picture, m, _i, _f: ImageEnhance.Color(picture).enhance(1 + m),
    "Contrast": lambda picture, m, _i, _f: ImageEnhance.Contrast(picture).enhance(1 + m),
    "Sharpness": lambda picture, m, _i, _f: _sharpened(picture, 1 + m),
    "Posterize": lambda picture, m, _i, _f: ImageOps.posterize(picture, int(m)),
    "Solarize": lambda picture, m, _i, _f: ImageOps.solarize(picture, m),  # pyright: ignore[reportArgumentType]
    "AutoContrast": lambda picture, _m, _i, _f: ImageOps.autocontrast(picture),
    "Equalize": lambda picture, _m, _i, _f: ImageOps.equalize(picture),
    "Invert": lambda picture, _m, _i, _f: ImageOps.invert(picture),
}
