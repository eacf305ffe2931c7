"""The operations of policies on tensors `(…, C, H, W)` of uint8, grey or RGB; see `_operations`.

Floats between 0 and 255 are cut off where they become bytes again, but for what is interpolated or smoothed, which is
rounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from multiweight.errors import InputError, InputTypeError
from multiweight.transforms._arguments import Fill, slopes


def apply(pictures: Tensor, name: str, magnitude: float, mode: str, fill: Fill) -> Tensor:
    """The pictures after one operation; all of a batch go through the same.

    Raises:
        InputError: If tensors are not interpolated in this mode.
        InputTypeError: If it is no tensor of uint8, grey or RGB.
        ValueError: If there are not as many fill values as channels.
    """
    if pictures.ndim < 3 or pictures.shape[-3] not in (1, 3) or pictures.dtype != torch.uint8:
        raise InputTypeError(
            f"Policies take tensors (..., 3, H, W) of uint8; got {pictures.dtype} {list(pictures.shape)}."
        )
    if name in _AFFINE:
        return _affine(pictures, _AFFINE[name](magnitude, *pictures.shape[-2:]), mode, fill)
    return _OF_COLOURS[name](pictures, magnitude)


Matrix = tuple[float, float, float, float, float, float]
"""Where a pixel comes from, x and y, each by factors of x and y and an offset, in pixels from the centre."""


def _shear_x(magnitude: float, height: int, width: int) -> Matrix:
    """The upper edge stays. The offset is rounded as one that goes by the left edge; so in `_shear_y`."""
    slope = slopes(magnitude)[0]
    return 1, slope, width / 2 + slope * (height / 2) - width / 2, 0, 1, 0


def _shear_y(magnitude: float, height: int, width: int) -> Matrix:
    slope = slopes(magnitude)[1]
    return 1, 0, 0, slope, 1, slope * (width / 2) + height / 2 - height / 2


def _rotation(degrees: float, _height: int, _width: int) -> Matrix:
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return cosine, -sine, 0, sine, cosine, 0


_AFFINE: dict[str, Callable[[float, int, int], Matrix]] = {
    "ShearX": _shear_x,
    "ShearY": _shear_y,
    "TranslateX": lambda magnitude, _h, _w: (1, 0, -int(magnitude), 0, 1, 0),
    "TranslateY": lambda magnitude, _h, _w: (1, 0, 0, 0, 1, -int(magnitude)),
    "Rotate": _rotation,
}


def _affine(pictures: Tensor, matrix: Matrix, mode: str, fill: Fill) -> Tensor:
    if mode not in ("nearest", "bilinear"):
        raise InputError(f"Tensors are turned, sheared and moved with nearest or bilinear interpolation; got {mode}.")
    channels, height, width = pictures.shape[-3:]
    like = {"dtype": torch.float32, "device": pictures.device}
    half = torch.tensor([width / 2, height / 2], **like)
    centres = torch.ones(height, width, 3, **like)
    centres[..., 0] = torch.arange(width, **like) - (width - 1) / 2
    centres[..., 1] = torch.arange(height, **like)[:, None] - (height - 1) / 2
    # A product of batches: that of two matrices is rounded otherwise.
    sources = centres.view(1, -1, 3).bmm(torch.tensor(matrix, **like).view(1, 2, 3).mT / half)
    batch = pictures.reshape(-1, channels, height, width).to(torch.float32)
    sources = sources.view(1, height, width, 2).expand(len(batch), -1, -1, -1)
    moved = F.grid_sample(batch, sources, mode, align_corners=False)
    if fill is not None:
        colours = [fill] if isinstance(fill, int | float) else fill
        if len(colours) not in (1, channels):
            raise ValueError(f"fill takes 1 number or {channels}, one a channel of the picture; got {fill!r}.")
        colour = torch.tensor(colours, **like).view(-1, 1, 1)
        inside = F.grid_sample(torch.ones_like(batch[:, :1]), sources, mode, align_corners=False)
        if mode == "nearest":
            moved = torch.where(inside < 0.5, colour, moved)
        else:
            moved = moved * inside + (1 - inside) * colour
    return moved.round_().to(torch.uint8).view(pictures.shape)


def _blend(pictures: Tensor, other: Tensor, factor: float) -> Tensor:
    """As much of the pictures as the factor says, above 1 too, and what is left of 1 of the other ones."""
    return _bytes((pictures * factor).add_(other * (1 - factor)))


def _bytes(values: Tensor) -> Tensor:
    return values.clamp_(0, 255).to(torch.uint8)


def _grey(pictures: Tensor) -> Tensor:
    """The brightness of each pixel as bytes, `(…, 1, H, W)`."""
    if pictures.shape[-3] == 1:
        return pictures
    red, green, blue = pictures.split(1, -3)
    return (red * 0.2989 + green * 0.587 + blue * 0.114).to(torch.uint8)


def _brightness(pictures: Tensor, magnitude: float) -> Tensor:
    return _bytes(pictures * (1 + magnitude))


def _color(pictures: Tensor, magnitude: float) -> Tensor:
    return pictures if pictures.shape[-3] == 1 else _blend(pictures, _grey(pictures), 1 + magnitude)


def _contrast(pictures: Tensor, magnitude: float) -> Tensor:
    mean = _grey(pictures).to(torch.float32).mean((-3, -2, -1), keepdim=True)
    return _blend(pictures, mean, 1 + magnitude)


def _sharpness(pictures: Tensor, magnitude: float) -> Tensor:
    height, width = pictures.shape[-2:]
    if min(height, width) < 3:
        return pictures
    # Thirteenths of the neighbours and five of the pixel itself, rounded, but on the edges.
    values = pictures.to(torch.int16)
    rows = values[..., :-2, :] + values[..., 1:-1, :] + values[..., 2:, :]
    sums = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:] + 4 * values[..., 1:-1, 1:-1]
    smooth = pictures.clone()
    smooth[..., 1:-1, 1:-1] = (sums + 6).div_(13, rounding_mode="floor")
    return _blend(pictures, smooth, 1 + magnitude)


def _posterize(pictures: Tensor, bits: float) -> Tensor:
    return pictures & (256 - (1 << 8 - int(bits)))


def _solarize(pictures: Tensor, threshold: float) -> Tensor:
    return torch.where(pictures >= threshold, 255 - pictures, pictures)


def _auto_contrast(pictures: Tensor, _: float) -> Tensor:
    """From the least to the largest value of each channel becomes from 0 to 255."""
    least, most = (
        values.to(torch.float32) for values in (pictures.amin((-2, -1), True), pictures.amax((-2, -1), True))
    )
    flat = least == most
    stretch = (most - least).reciprocal_().mul_(255).masked_fill_(flat, 1)
    return _bytes((pictures - least.masked_fill_(flat, 0)).mul_(stretch))


def _equalize(pictures: Tensor, _: float) -> Tensor:
    """About as many pixels of each channel get each value."""
    height, width = pictures.shape[-2:]
    values = pictures.reshape(-1, height * width).to(torch.int64)
    counts = torch.zeros(len(values), 256, dtype=torch.int64, device=values.device)
    counts.scatter_add_(1, values, torch.ones_like(values))
    of_largest = counts.gather(1, values.amax(1, True))
    # So many pixels are a step of one value.
    step = (height * width - of_largest).div_(255, rounding_mode="floor")
    below = counts.cumsum(1) - counts
    new = (below + step // 2).div_(step.clamp(min=1), rounding_mode="floor").clamp_(max=255)
    new[:, 0] = 0
    new = torch.where(step == 0, torch.arange(256, device=values.device), new)
    return new.gather(1, values).to(torch.uint8).view(pictures.shape)


_OF_COLOURS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "Identity": lambda pictures, _: pictures,
    "Brightness": _brightness,
    "Color": _color,
    "Contrast": _contrast,
    "Sharpness": _sharpness,
    "Posterize": _posterize,
    "Solarize": _solarize,
    "AutoContrast": _auto_contrast,
    "Equalize": _equalize,
    "Invert": lambda pictures, _: 255 - pictures,
}
