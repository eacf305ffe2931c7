"""The preset of detectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from multiweight.transforms import _pictures
from multiweight.transforms._arguments import known_only
from multiweight.transforms._tensors import check, to_unit


class ObjectDetection(nn.Module):
    """Scales to `[0, 1]`. Size and shape stay: a detector resizes and normalises inside.

    A call takes a picture and returns 32-bit floats, `(…, 3, H, W)`, equal bit for bit to what torchvision's preset
    makes of an RGB picture or a tensor:

    - a PIL picture; one that is not RGB is converted first. Transparency is left out as by Pillow's
      `convert("RGB")`, 16-bit grey is scaled to 8 bits. EXIF orientation is the business of who opens the file.
    - a NumPy array `(H, W, 3)`, grey `(H, W)` or `(H, W, 1)`, or `(H, W, 4)`, whose alpha is left out: uint8, uint16,
      which is scaled to 8 bits, or floats from 0 to 1.
    - a tensor `(…, 3, H, W)`, one picture or any number of one size, uint8 from 0 to 255 or floats from 0 to 1, on
      any device. One of 32-bit floats is returned itself.

    Detectors take a list of pictures, each of its own size: `model([preset(first), preset(second)])`.

    For tensors it can be scripted, compiled, and exported with dynamic batch, height and width.

    Raises:
        TypeError: For an argument: it has none.
    """

    @known_only
    def __init__(self) -> None:
        super().__init__()

    if TYPE_CHECKING:

        def __call__(self, img: Image.Image | np.ndarray[Any, Any] | Tensor) -> Tensor: ...  # noqa: D102

    def forward(self, img: Tensor) -> Tensor:
        """Makes of a picture what the network takes.

        Args:
            img: A PIL picture, a NumPy array `(H, W, 3)` or a tensor `(…, 3, H, W)`; see the class.

        Returns:
            `(…, 3, H, W)`, 32-bit floats.

        Raises:
            InputError: If the picture cannot be used.
            InputTypeError: If it is not a picture.
        """
        if not isinstance(img, Tensor):
            return self._from_picture(img)
        check(img)
        return to_unit(img)

    @torch.jit.unused
    def _from_picture(self, img: Any) -> Tensor:
        return to_unit(_pictures.as_tensor(img))

    def describe(self) -> str:
        """What the preset takes and does, in sentences."""
        return (
            "Takes a PIL picture, a NumPy array (H, W, 3) or a tensor (..., 3, H, W), of one picture or a batch. "
            "Scales the values to [0, 1] and keeps the size: the network resizes and normalises."
        )
