"""From a picture of any kind to its pixels, for networks that take pictures of every size."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from multiweight.data.decode import open_picture
from multiweight.errors import InputTypeError
from multiweight.transforms._pictures import as_tensor
from multiweight.transforms._tensors import check


def picture_pixels(picture: Any) -> Tensor:
    """The pixels of one picture.

    Args:
        picture: A PIL picture, an array `(H, W, 3)`, a tensor `(3, H, W)`, or whatever `open_picture` takes.

    Returns:
        `(3, H, W)`: uint8 from 0 to 255, or the floats of an array or tensor of floats. A tensor is returned itself.

    Raises:
        InputError: If the picture cannot be used.
        InputTypeError: If it is no picture.
    """
    if not isinstance(picture, Image.Image | np.ndarray | Tensor):
        picture = open_picture(picture)
    if not isinstance(picture, Tensor):
        return as_tensor(picture)
    if picture.ndim != 3:
        raise InputTypeError(f"expected one picture (3, H, W), got a tensor of shape {tuple(picture.shape)}.")
    check(picture)
    return picture
