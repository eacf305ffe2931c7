"""The preset of optical flow networks, and the padding that they want of pictures of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from multiweight.errors import InputError
from multiweight.transforms import _pictures
from multiweight.transforms._arguments import known_only
from multiweight.transforms._tensors import check, normalise


class OpticalFlow(nn.Module):
    """Scales two pictures of one size to `[-1, 1]`. They keep their size.

    A call takes two pictures and returns two tensors of 32-bit floats, `(…, 3, H, W)`, equal bit for bit to what
    torchvision's preset makes of RGB pictures or tensors:

    - PIL pictures; one that is not RGB is converted first. Transparency is left out as by Pillow's
      `convert("RGB")`, 16-bit grey is scaled to 8 bits. EXIF orientation is the business of who opens the file.
    - NumPy arrays `(H, W, 3)`, grey `(H, W)` or `(H, W, 1)`, or `(H, W, 4)`, whose alpha is left out: uint8, uint16,
      which is scaled to 8 bits, or floats from 0 to 1.
    - tensors `(…, 3, H, W)`, one picture or any number of one size, uint8 from 0 to 255 or floats from 0 to 1, on
      any device.

    The networks want sides that are multiples of 8 pixels: see `pad_to_multiple` and `unpad`.

    For tensors it can be scripted, compiled, and exported with dynamic batch, height and width.

    Raises:
        TypeError: For an argument: it has none.
    """

    @known_only
    def __init__(self) -> None:
        super().__init__()

    if TYPE_CHECKING:

        def __call__(  # noqa: D102
            self,
            img1: Image.Image | np.ndarray[Any, Any] | Tensor,
            img2: Image.Image | np.ndarray[Any, Any] | Tensor,
        ) -> tuple[Tensor, Tensor]: ...

    def forward(self, img1: Tensor, img2: Tensor) -> tuple[Tensor, Tensor]:
        """Makes of two pictures what the network takes.

        Args:
            img1: A PIL picture, a NumPy array `(H, W, 3)` or a tensor `(…, 3, H, W)`; see the class.
            img2: The picture after it, of the same size.

        Returns:
            Both, `(…, 3, H, W)`; new tensors, contiguous.

        Raises:
            InputError: If a picture cannot be used, or the two are not of one size.
            InputTypeError: If one is not a picture.
        """
        if not isinstance(img1, Tensor):
            img1 = self._from_picture(img1)
        if not isinstance(img2, Tensor):
            img2 = self._from_picture(img2)
        check(img1)
        check(img2)
        _check_sizes(img1, img2)
        half = [0.5]
        return normalise(img1, half, half).contiguous(), normalise(img2, half, half).contiguous()

    @torch.jit.unused
    def _from_picture(self, img: Any) -> Tensor:
        return _pictures.as_tensor(img)

    def describe(self) -> str:
        """What the preset takes and does, in sentences."""
        return (
            "Takes two pictures of one size, each a PIL picture, a NumPy array (H, W, 3) or a tensor (..., 3, H, W), "
            "of one picture or a batch. Scales the values to [-1, 1] and keeps the size, which the network wants to "
            "be a multiple of 8 pixels."
        )


def _check_sizes(img1: Tensor, img2: Tensor) -> None:
    first, second = list(img1.shape), list(img2.shape)
    if first != second:
        raise InputError(f"The two pictures are of one size; as tensors they are {first} and {second}.")


def pad_to_multiple(img1: Tensor, img2: Tensor, multiple: int = 8) -> tuple[Tensor, Tensor, tuple[int, int, int, int]]:
    """Pads two pictures until their sides are multiples of a number of pixels, as RAFT's authors do for Sintel.

    What is missing is added around the picture, half before and half after, an odd pixel after; the pixels of the
    border are repeated. (https://arxiv.org/abs/2003.12039)

    Args:
        img1: `(3, H, W)` or `(N, 3, H, W)`, floats, as the preset returns them.
        img2: The picture after it, of the same size.
        multiple: Of what the sides become multiples, in pixels.

    Returns:
        Both, `(…, 3, H', W')`, and how many pixels were added at the left, right, top and bottom, for `unpad`.

    Raises:
        InputError: If the two are not of one size, or not such tensors.
        ValueError: If `multiple` is less than 1.
    """
    if multiple < 1:
        raise ValueError(f"multiple is at least 1 pixel; got {multiple}.")
    check(img1)
    check(img2)
    _check_sizes(img1, img2)
    if img1.dim() > 4 or not img1.is_floating_point():
        raise InputError(
            "Pads (3, H, W) or (N, 3, H, W) of floats, as the preset returns them; "
            f"got {list(img1.shape)}, {img1.dtype}."
        )
    across, down = -img1.shape[-1] % multiple, -img1.shape[-2] % multiple
    padding = (across // 2, across - across // 2, down // 2, down - down // 2)
    return F.pad(img1, padding, mode="replicate"), F.pad(img2, padding, mode="replicate"), padding


def unpad(flow: Tensor, padding: tuple[int, int, int, int]) -> Tensor:
    """Takes off what `pad_to_multiple` added.

    Args:
        flow: `(…, H', W')`, the flow between padded pictures.
        padding: How many pixels were added at the left, right, top and bottom.

    Returns:
        `(…, H, W)`, a view.
    """
    left, right, top, bottom = padding
    return flow[..., top : flow.shape[-2] - bottom, left : flow.shape[-1] - right]
