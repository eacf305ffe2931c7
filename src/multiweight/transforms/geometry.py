"""Random crops and mirror images, on PIL pictures and tensors."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from multiweight.catalogue import InterpolationMode
from multiweight.errors import InputError
from multiweight.transforms._arguments import PILLOW_FILTERS, interpolation_mode, probability, sides, span
from multiweight.transforms._tensors import ANTIALIASED, OF_TENSORS, resize
from multiweight.transforms.transforms import dimensions

Place = tuple[int, int, int, int]
"""A rectangle of a picture: top, left, height and width, in pixels."""


class RandomResizedCrop(nn.Module):
    """Cuts a random rectangle out of a picture and resizes it: the crop of Inception's training.

    Its share of the picture is drawn evenly, and so is the logarithm of its shape. Where ten such rectangles do not
    fit, the largest central one is taken whose shape is allowed. Equal bit for bit to torchvision's, with the same
    draws from torch's global generator. (Szegedy et al. 2014, https://arxiv.org/abs/1409.4842)

    Args:
        size: The sides after resizing, in pixels: one length, or height and width.
        scale: The least and the largest share of the picture.
        ratio: The least and the largest width over height.
        interpolation: An `InterpolationMode`, its name, torchvision's enum or Pillow's constant. Tensors know nearest,
            nearest-exact, bilinear and bicubic.
        antialias: Whether tensors are filtered when they shrink, with bilinear and bicubic; `None` means no. Pillow
            always does.

    Raises:
        TypeError: For an argument that is not of its kind.
        ValueError: For one that cannot be used.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3 / 4, 4 / 3),
        interpolation: InterpolationMode | str | int = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        lengths = sides("size", size)
        self.size = (lengths[0], lengths[-1])
        self.scale = span("scale", scale)
        self.ratio = span("ratio", ratio, positive=True)
        self.interpolation = interpolation_mode(interpolation)
        self.antialias = antialias

    @staticmethod
    def get_params(img: Image.Image | Tensor, scale: Sequence[float], ratio: Sequence[float]) -> Place:
        """Draws a rectangle: top, left, height and width, in pixels."""
        return crop_place(*dimensions(img), (scale[0], scale[1]), (ratio[0], ratio[1]))

    def forward(self, img: Any) -> Any:
        """The crop, resized; of the kind that was given.

        Args:
            img: A PIL picture or a tensor `(…, C, H, W)`, of which all pictures get the same crop.

        Raises:
            InputError: If a tensor cannot be resized with this interpolation.
            InputTypeError: If it is neither.
        """
        top, left, height, width = crop_place(*dimensions(img), self.scale, self.ratio)
        if isinstance(img, Image.Image):
            crop = img.crop((left, top, left + width, top + height))
            return crop.resize((self.size[1], self.size[0]), PILLOW_FILTERS[self.interpolation])
        mode = self.interpolation.value
        if mode not in OF_TENSORS:
            raise InputError(f"Tensors cannot be resized with {mode} interpolation; PIL pictures can.")
        crop = img[..., top : top + height, left : left + width]
        return resize(crop, list(self.size), mode, bool(self.antialias) and mode in ANTIALIASED)

    def extra_repr(self) -> str:
        """The settings."""
        return (
            f"size={self.size}, scale={self.scale}, ratio={self.ratio}, interpolation={self.interpolation.value}, "
            f"antialias={self.antialias}"
        )


class RandomHorizontalFlip(nn.Module):
    """Mirrors a picture, left for right, or leaves it.

    Args:
        p: How likely it is mirrored.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = probability("p", p)

    def forward(self, img: Any) -> Any:
        """The picture or its mirror image; of the kind that was given.

        Args:
            img: A PIL picture or a tensor `(…, H, W)`, of which all pictures have the same fate.

        Raises:
            InputTypeError: If it is neither.
        """
        dimensions(img)
        if not happens(self.p):
            return img
        return img.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if isinstance(img, Image.Image) else img.flip(-1)

    def extra_repr(self) -> str:
        """The settings."""
        return f"p={self.p}"


def happens(p: float) -> bool:
    """Draws whether something of this probability is so."""
    return torch.rand(1).item() < p


def uniform(low: float, high: float) -> float:
    """Draws a 32-bit float."""
    return torch.empty(1).uniform_(low, high).item()


def below(number: int) -> int:
    """Draws a whole number from 0 on, less than this one."""
    return int(torch.randint(number, (1,)).item())


def draw_shares(alpha: float, number: int, pictures: int) -> Tensor:
    """Draws shares that add up to 1 from the Dirichlet distribution, for each picture: `(pictures, number)`."""
    return torch.distributions.Dirichlet(torch.tensor([alpha] * number).expand(pictures, number)).sample()


def shape(ratio: tuple[float, float]) -> float:
    """Draws a width over height, or the other way round, whose logarithm is uniform."""
    return torch.empty(1).uniform_(*_logarithms(ratio)).exp_().item()


@functools.cache
def _logarithms(ratio: tuple[float, float]) -> tuple[float, float]:
    """The logarithms as 32-bit floats, as which they are drawn between."""
    low, high = torch.tensor(ratio).log_().tolist()
    return low, high


def crop_place(height: int, width: int, scale: tuple[float, float], ratio: tuple[float, float]) -> Place:
    """Draws a rectangle of a picture.

    Args:
        height: The picture's, in pixels.
        width: The picture's, in pixels.
        scale: The least and the largest share of the picture.
        ratio: The least and the largest width over height.
    """
    for _ in range(10):
        area = height * width * uniform(*scale)
        aspect = shape(ratio)
        crop_width, crop_height = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < crop_width <= width and 0 < crop_height <= height:
            return below(height - crop_height + 1), below(width - crop_width + 1), crop_height, crop_width
    crop_height, crop_width = height, width
    if width / height < ratio[0]:
        crop_height = max(round(width / ratio[0]), 1)
    elif width / height > ratio[1]:
        crop_width = max(round(height * ratio[1]), 1)
    return (height - crop_height) // 2, (width - crop_width) // 2, crop_height, crop_width
