"""What a detector does to its pictures before its backbone sees them, and to its answers afterwards.

Every picture is normalised and resized, keeping its shape, and put with the others in one frame of zeros. Boxes,
masks and points follow. The answers are given in pixels of the original pictures.

Paper: Faster R-CNN, section 4, https://arxiv.org/abs/1506.01497

Shapes: N pictures, C channels, H × W pixels; B boxes or objects; K points of an object.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multiweight.errors import InputError, InputTypeError
from multiweight.models.detection._masks import paste_masks_in_image
from multiweight.models.detection.checks import check_pictures
from multiweight.models.detection.image_list import ImageList

__all__ = ["GeneralizedRCNNTransform", "resize_boxes", "resize_keypoints"]


class GeneralizedRCNNTransform(nn.Module):
    """Normalises, resizes and joins pictures; and gives answers in the original pictures' pixels.

    Args:
        min_size: The short side of a picture after resizing, in pixels. Of several, one is drawn for every picture in
            training, and the last one is taken in evaluation.
        max_size: The long side is at most that long; the short one then gets shorter.
        image_mean: What is subtracted from each channel.
        image_std: By what each channel is then divided.
        size_divisible: Height and width of the frame are multiples of it.
        fixed_size: Width and height that every picture gets instead, whatever its shape.
        _skip_resize: Whether pictures stay as they are in training.
    """

    def __init__(
        self,
        min_size: int | Sequence[int],
        max_size: int,
        image_mean: Sequence[float],
        image_std: Sequence[float],
        size_divisible: int = 32,
        fixed_size: tuple[int, int] | None = None,
        *,
        _skip_resize: bool = False,
    ) -> None:
        super().__init__()
        self.min_size: Sequence[int] = (min_size,) if isinstance(min_size, int) else min_size
        self.max_size = max_size
        self.image_mean = image_mean
        self.image_std = image_std
        self.size_divisible = size_divisible
        self.fixed_size = fixed_size
        self._skip_resize = _skip_resize

    def forward(
        self, images: Sequence[Tensor], targets: Sequence[Mapping[str, Tensor]] | None = None
    ) -> tuple[ImageList, list[dict[str, Tensor]] | None]:
        """Makes pictures ready for the backbone.

        Args:
            images: The pictures, `(C, H, W)` of floats from 0 to 1.
            targets: For each picture what is on it: `boxes` `(B, 4)`, `masks` `(B, H, W)` and `keypoints`
                `(B, K, 3)` are resized with it, what else there is stays.

        Returns:
            The pictures `(N, C, height, width)` with their sizes; and new targets, or `None`.

        Raises:
            InputError: If `images` is no list of pictures.
        """
        check_pictures(images, len(self.image_mean) if len(self.image_mean) > 1 else None)
        ready: list[Tensor] = []
        changed: list[dict[str, Tensor]] = []
        for number, image in enumerate(images):
            target = None if targets is None else dict(targets[number])
            image, target = self.resize(self.normalize(image), target)
            ready.append(image)
            if target is not None:
                changed.append(target)
        sizes = [(image.shape[-2], image.shape[-1]) for image in ready]
        return ImageList(self.batch_images(ready, self.size_divisible), sizes), None if targets is None else changed

    def normalize(self, image: Tensor) -> Tensor:
        """Subtracts the mean and divides by the standard deviation, channel by channel.

        Args:
            image: `(C, H, W)` of floats; one channel becomes as many as there are means.

        Returns:
            `(C, H, W)`, of the same dtype.

        Raises:
            InputTypeError: If the picture does not hold floats; also a TypeError.
        """
        if not image.is_floating_point():
            raise InputTypeError(f"Pictures are floats from 0 to 1; got {image.dtype}.")
        mean = torch.as_tensor(self.image_mean, dtype=image.dtype, device=image.device)
        std = torch.as_tensor(self.image_std, dtype=image.dtype, device=image.device)
        return (image - mean[:, None, None]) / std[:, None, None]

    def torch_choice(self, k: Sequence[int]) -> int:
        """One of several numbers, drawn with torch's random numbers."""
        return k[int(torch.empty(1).uniform_(0.0, float(len(k))).item())]

    def resize(self, image: Tensor, target: dict[str, Tensor] | None = None) -> tuple[Tensor, dict[str, Tensor] | None]:
        """Resizes a picture and what is known of it.

        Args:
            image: `(C, H, W)`.
            target: `boxes` `(B, 4)`, `masks` `(B, H, W)` and `keypoints` `(B, K, 3)` of the picture; written to.

        Returns:
            The picture `(C, height, width)`, and the target.
        """
        if self.training and self._skip_resize:
            return image, target
        short = self.torch_choice(self.min_size) if self.training else self.min_size[-1]
        before = (image.shape[-2], image.shape[-1])
        size = _new_size(*before, short, self.max_size) if self.fixed_size is None else self.fixed_size[::-1]
        image = F.interpolate(image[None], size=size, mode="bilinear", align_corners=False)[0]
        if target is None:
            return image, target
        if "masks" in target:
            # Nearest pixel.
            target["masks"] = F.interpolate(target["masks"][:, None].float(), size=size)[:, 0].byte()
        if "boxes" in target:
            target["boxes"] = resize_boxes(target["boxes"], before, size)
        if "keypoints" in target:
            target["keypoints"] = resize_keypoints(target["keypoints"], before, size)
        return image, target

    def batch_images(self, images: Sequence[Tensor], size_divisible: int = 32) -> Tensor:
        """Puts each picture in the upper left corner of an equally large frame of zeros.

        Args:
            images: `(C, H, W)` each.
            size_divisible: Height and width of the frame are the least multiples of it that hold every picture.

        Returns:
            `(N, C, height, width)`.
        """
        height: Any = images[0].shape[-2]
        width: Any = images[0].shape[-1]
        for image in images[1:]:
            height, width = torch.sym_max(height, image.shape[-2]), torch.sym_max(width, image.shape[-1])
        step = int(size_divisible)
        height, width = (height + step - 1) // step * step, (width + step - 1) // step * step
        if torch.compiler.is_exporting():
            # Without slices, whose ends would tie the program to sides that are, or are not, multiples of the step.
            return torch.stack(
                [F.pad(each, (0, width - each.shape[-1], 0, height - each.shape[-2])) for each in images]
            )
        frames = images[0].new_zeros(len(images), images[0].shape[0], height, width)
        for number, image in enumerate(images):
            # By index: gradients do not reach what is written to one of several views.
            frames[number, :, : image.shape[-2], : image.shape[-1]] = image
        return frames

    def postprocess(
        self,
        result: list[dict[str, Tensor]],
        image_shapes: Sequence[tuple[int, int]],
        original_image_sizes: Sequence[tuple[int, int]],
    ) -> list[dict[str, Tensor]]:
        """Gives answers in pixels of the original pictures; in training they stay as they are.

        Args:
            result: For each picture `boxes` `(B, 4)`, and where there are such `masks` `(B, 1, M, M)` of the boxes and
                `keypoints` `(B, K, 3)`; written to.
            image_shapes: Height and width of each picture as the network saw it.
            original_image_sizes: Height and width of each picture as it was given.

        Returns:
            `result`, where `masks` are now `(B, 1, H, W)`, of the whole picture.
        """
        if self.training:
            return result
        for answer, seen, original in zip(result, image_shapes, original_image_sizes, strict=True):
            answer["boxes"] = resize_boxes(answer["boxes"], seen, original)
            if "masks" in answer:
                answer["masks"] = paste_masks_in_image(answer["masks"], answer["boxes"], original)
            if "keypoints" in answer:
                answer["keypoints"] = resize_keypoints(answer["keypoints"], seen, original)
        return result

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(\n    Normalize(mean={self.image_mean}, std={self.image_std})\n"
            f"    Resize(min_size={self.min_size}, max_size={self.max_size}, mode='bilinear')\n)"
        )


def _new_size(height: int, width: int, short: int, long: int) -> tuple[int, int]:
    """Height and width, rounded down, at the largest scale at which the sides are at most `short` and `long`.

    The product with the scale is rounded as a float is, so that a side may end up one pixel shorter than it is in
    whole numbers. In an exported program the sides are symbols, which these functions take.
    """
    scale = torch.sym_min(short / torch.sym_min(height, width), long / torch.sym_max(height, width))
    if torch.compiler.is_exporting():
        return _opaque_floor(height * scale), _opaque_floor(width * scale)
    size = math.floor(height * scale), math.floor(width * scale)
    if 0 in size:
        raise InputError(
            f"A picture of {height} × {width} pixels, resized to sides of at most {short} and {long}, has none left."
        )
    return size


def _opaque_floor(side: float) -> int:
    """A length rounded down, as a number of which an exported program knows only that it is positive.

    As a formula of the picture's sides, every map that is or is not a single row would tie the program to pictures
    for which this is so too; and a program with such a formula cannot be saved.
    """
    number: Any = torch.scalar_tensor(side, dtype=torch.float64).floor().to(torch.int64).item()
    torch._check(number >= 1)
    return number


def _ratios(before: Sequence[int], after: Sequence[int], device: torch.device) -> tuple[Tensor, Tensor]:
    """By what heights and widths grow, as two tensors of one float32."""
    down, across = (
        torch.full((), new, dtype=torch.float32, device=device)
        / torch.full((), old, dtype=torch.float32, device=device)
        for old, new in zip(before, after, strict=True)
    )
    return down, across


def resize_keypoints(keypoints: Tensor, original_size: Sequence[int], new_size: Sequence[int]) -> Tensor:
    """Points of a picture after it was resized.

    Args:
        keypoints: `(B, K, 3)`: x and y in pixels, and a third number that stays.
        original_size: The picture's height and width in pixels.
        new_size: The same after resizing.

    Returns:
        `(B, K, 3)`.
    """
    down, across = _ratios(original_size, new_size, keypoints.device)
    x, y, visible = keypoints.unbind(-1)
    return torch.stack(((x * across).to(x.dtype), (y * down).to(y.dtype), visible), dim=-1)


def resize_boxes(boxes: Tensor, original_size: Sequence[int], new_size: Sequence[int]) -> Tensor:
    """Boxes of a picture after it was resized.

    Args:
        boxes: `(B, 4)`, in pixels.
        original_size: The picture's height and width in pixels.
        new_size: The same after resizing.

    Returns:
        `(B, 4)`.
    """
    down, across = _ratios(original_size, new_size, boxes.device)
    left, top, right, bottom = boxes.unbind(1)
    return torch.stack((left * across, top * down, right * across, bottom * down), dim=1)
