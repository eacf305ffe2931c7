"""Resize, crop and normalise tensors, in functions that script and export.

The sizes are computed without branches that depend on them, so that one exported program serves pictures of every
size: a Python `min`, `if` or float division of symbolic sizes would tie the program to the case it was traced with.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from multiweight.errors import InputError

ANTIALIASED = ("bilinear", "bicubic")
"""The modes whose filter can grow with the scale."""

OF_TENSORS = ("nearest", "nearest-exact", *ANTIALIASED)
"""The modes in which tensors can be resized."""


def _least(a: int, b: int) -> int:
    if torch.jit.is_scripting():  # pyright: ignore[reportPrivateImportUsage]
        return min(a, b)
    return torch.sym_min(a, b)  # pyright: ignore[reportReturnType]


def _most(a: int, b: int) -> int:
    if torch.jit.is_scripting():  # pyright: ignore[reportPrivateImportUsage]
        return max(a, b)
    return torch.sym_max(a, b)  # pyright: ignore[reportReturnType]


def resized(height: int, width: int, short: int) -> list[int]:
    """Height and width after the short side was resized to `short` pixels; the long one is rounded down."""
    side = _least(height, width)
    return [short * height // side, short * width // side]


def crop_start(length: int, crop: int) -> int:
    """Where the central `crop` pixels of a side begin; before it, at a negative place, where the side is too short.

    An odd rest is split as `round` does it, towards an even start.
    """
    half, odd = _most(length - crop, 0) // 2, _most(length - crop, 0) % 2
    return half + odd * (half % 2) - _most(crop - length, 0) // 2


def check(img: Tensor) -> None:
    """Refuses a tensor that is no picture or batch of pictures.

    Raises:
        InputError: If it is not `(…, 3, H, W)` of uint8 or floats, or holds no pixel.
    """
    shape = list(img.shape)
    if img.dim() < 3 or shape[-3] != 3:
        hint = ""
        if img.dim() == 2:
            hint = " It looks like a grey picture: expand(3, -1, -1) makes three channels of one."
        elif img.dim() > 2 and shape[-1] == 3:
            hint = " It looks like (…, H, W, 3): movedim(-1, -3) puts the channels first."
        elif img.dim() > 2 and shape[-3] == 1:
            hint = " It looks like a grey picture: torch.cat([img] * 3, dim=-3) makes three channels of one."
        elif img.dim() > 2 and shape[-3] == 4:
            hint = " It looks like one with an alpha channel: img[..., :3, :, :] leaves it out."
        raise InputError(f"A picture as a tensor is (..., 3, H, W); got {shape}.{hint}")
    if shape[-1] == 0 or shape[-2] == 0:
        raise InputError(f"The picture has no pixels: its tensor is {shape}.")
    if img.dtype != torch.uint8 and not img.is_floating_point():
        raise InputError(
            f"A picture as a tensor holds uint8 (0 to 255) or floats (0 to 1); got {img.dtype}. "
            "If the values are 0 to 255, to(torch.uint8) makes it one."
        )


def resize(img: Tensor, size: list[int], mode: str, antialias: bool) -> Tensor:
    """Resizes a picture or a batch.

    Args:
        img: `(…, 3, H, W)`, uint8 or floats.
        size: Height and width after resizing, or the short side alone, in pixels.
        mode: One of `torch.nn.functional.interpolate`.
        antialias: Whether a bilinear or bicubic filter grows with the scale.

    Returns:
        `(…, 3, new H, new W)`, of the same dtype.
    """
    batch = _resized_batch(img, size, mode, antialias)
    return _with_leading(batch, img)


def resize_and_crop(img: Tensor, size: list[int], crop: list[int], mode: str, antialias: bool) -> Tensor:
    """Resizes and crops the centre.

    Args:
        img: `(…, 3, H, W)`, uint8 or floats.
        size: Height and width after resizing, or the short side alone, in pixels.
        crop: The crop's height and width in pixels, or one number for both; black is added where the picture is
            smaller.
        mode: One of `torch.nn.functional.interpolate`.
        antialias: Whether a bilinear or bicubic filter grows with the scale.

    Returns:
        `(…, 3, *crop)`, of the same dtype.
    """
    batch = _resized_batch(img, size, mode, antialias)
    new_height, new_width = batch.shape[-2], batch.shape[-1]
    # After resizing no side is shorter than `size`. The margin is one pixel more than can be needed: a crop that
    # may be all of its picture would tie an exported program to whether it is.
    across, down = _margin(size[-1], crop[-1]), _margin(size[0], crop[0])
    if across > 0 or down > 0:
        batch = F.pad(batch, [across, across, down, down])
    batch = batch.narrow(-2, crop_start(new_height, crop[0]) + down, crop[0])
    batch = batch.narrow(-1, crop_start(new_width, crop[-1]) + across, crop[-1])
    return _with_leading(batch, img)


def _margin(least: int, crop: int) -> int:
    return max((crop - least) // 2 + 1, 0)


def _resized_batch(img: Tensor, size: list[int], mode: str, antialias: bool) -> Tensor:
    """The pictures `(N, 3, H, W)`, resized."""
    batch = img
    if img.dim() == 3:
        batch = img.unsqueeze(0)
    elif img.dim() > 4:
        batch = img.flatten(0, -4)
    height, width = batch.shape[-2], batch.shape[-1]
    if len(size) == 1:
        size = resized(height, width, size[0])
    if _is_exporting() or [height, width] != size:
        batch = interpolated(batch, size, mode, antialias)
    return batch


def _with_leading(batch: Tensor, img: Tensor) -> Tensor:
    """The pictures `(N, 3, H, W)` with the leading dimensions that `img` has."""
    if img.dim() == 4:
        return batch
    return batch.reshape(list(img.shape[:-3]) + list(batch.shape[-3:]))


def _is_exporting() -> bool:
    if torch.jit.is_scripting():  # pyright: ignore[reportPrivateImportUsage]
        return False
    return torch.compiler.is_exporting()


def interpolated(batch: Tensor, size: list[int], mode: str, antialias: bool) -> Tensor:
    """A batch `(N, C, H, W)` resized to height and width, through 32-bit floats, in the dtype it had."""
    dtype = batch.dtype
    # The kernels for uint8 and half floats round otherwise than these.
    floats = batch if dtype == torch.float64 else batch.to(torch.float32)
    if mode == "bilinear" or mode == "bicubic":
        floats = F.interpolate(floats, size=size, mode=mode, align_corners=False, antialias=antialias)
    else:
        floats = F.interpolate(floats, size=size, mode=mode)
    if dtype == torch.uint8:
        if mode == "bicubic":
            floats = floats.clamp(min=0, max=255)
        floats = floats.round()
    return floats.to(dtype)


def to_unit(img: Tensor) -> Tensor:
    """Values from 0 to 1 as 32-bit floats: uint8 is divided by 255, floats are taken as they are."""
    if img.dtype == torch.uint8:
        return img.to(torch.float32, memory_format=torch.contiguous_format).div_(255.0)
    return img.to(torch.float32)


def normalise(img: Tensor, mean: list[float], std: list[float]) -> Tensor:
    """Scales uint8 to `[0, 1]`, subtracts the mean and divides by the standard deviation.

    One rounding a step, in this order: a multiply-add with folded constants is faster and differs in the last bit.

    Args:
        img: `(…, 3, H, W)`, uint8 or floats; it is not written to.
        mean: One number a channel, or one for all.
        std: Likewise.

    Returns:
        A new tensor of 32-bit floats.
    """
    centre = torch.tensor(mean, dtype=torch.float32, device=img.device).view(-1, 1, 1)
    spread = torch.tensor(std, dtype=torch.float32, device=img.device).view(-1, 1, 1)
    if img.dtype == torch.uint8:
        return to_unit(img).sub_(centre).div_(spread)
    return to_unit(img).sub(centre).div_(spread)
