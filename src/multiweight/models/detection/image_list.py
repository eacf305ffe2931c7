"""Pictures of different sizes as one tensor."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["ImageList"]


class ImageList:
    """A batch of pictures, each in the upper left corner of an equally large frame of zeros.

    Args:
        tensors: `(N, C, H, W)`, the frames.
        image_sizes: For each picture, its height and width within the frame, in pixels.
    """

    def __init__(self, tensors: Tensor, image_sizes: list[tuple[int, int]]) -> None:
        self.tensors = tensors
        self.image_sizes = image_sizes

    def to(self, device: torch.device) -> ImageList:
        """The same pictures on another device."""
        return ImageList(self.tensors.to(device), self.image_sizes)
