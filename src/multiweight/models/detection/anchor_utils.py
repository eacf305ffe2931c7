"""The boxes from which a detector starts: some of each shape around every place of its feature maps.

Papers:
    Faster R-CNN, section 3.1.1, https://arxiv.org/abs/1506.01497 (`AnchorGenerator`)
    SSD: Single Shot MultiBox Detector, section 2.2, https://arxiv.org/abs/1512.02325 (`DefaultBoxGenerator`)

Shapes: N pictures, A boxes a place, h × w places of a feature map.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor, nn

from multiweight.errors import InputError

if TYPE_CHECKING:
    from multiweight.models.detection.image_list import ImageList

__all__ = ["AnchorGenerator", "DefaultBoxGenerator"]

_PerLevel: TypeAlias = Sequence[Sequence[float]] | Sequence[float]


class AnchorGenerator(nn.Module):
    """Boxes of fixed sizes in pixels, on feature maps of any size.

    Args:
        sizes: For each feature map, the square roots of the boxes' areas, in pixels. Numbers instead of tuples are
            one size a map.
        aspect_ratios: For each feature map, height over width. Numbers instead of tuples are the ratios of every map.
            There is one box for each size and ratio.

    Raises:
        ValueError: If the two do not have as many feature maps.
    """

    def __init__(
        self,
        sizes: _PerLevel = ((128, 256, 512),),
        aspect_ratios: _PerLevel = ((0.5, 1.0, 2.0),),
    ) -> None:
        super().__init__()
        if not isinstance(sizes[0], (list, tuple)):
            sizes = tuple((size,) for size in sizes)  # pyright: ignore[reportAssignmentType]
        if not isinstance(aspect_ratios[0], (list, tuple)):
            aspect_ratios = (aspect_ratios,) * len(sizes)  # pyright: ignore[reportAssignmentType]
        if len(sizes) != len(aspect_ratios):
            raise ValueError(
                f"sizes and aspect_ratios must be given for as many feature maps; got {len(sizes)} and "
                f"{len(aspect_ratios)}."
            )
        self.sizes: Sequence[Sequence[float]] = sizes  # pyright: ignore[reportAttributeAccessIssue]
        self.aspect_ratios: Sequence[Sequence[float]] = aspect_ratios  # pyright: ignore[reportAttributeAccessIssue]
        self.cell_anchors = [
            self.generate_anchors(size, ratios) for size, ratios in zip(self.sizes, self.aspect_ratios, strict=True)
        ]

    def generate_anchors(
        self,
        scales: Sequence[float],
        aspect_ratios: Sequence[float],
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> Tensor:
        """The boxes around the place (0, 0).

        Args:
            scales: Square roots of areas, in pixels.
            aspect_ratios: Heights over widths.
            dtype: The boxes' dtype.
            device: Where they are.

        Returns:
            `(A, 4)`, in whole pixels; all sizes of the first ratio come first.
        """
        sizes = torch.as_tensor(scales, dtype=dtype, device=device)
        high = torch.as_tensor(aspect_ratios, dtype=dtype, device=device).sqrt()
        wide = 1 / high
        width = (wide[:, None] * sizes).flatten()  # (A,)
        height = (high[:, None] * sizes).flatten()
        return (torch.stack((-width, -height, width, height), dim=1) / 2).round()

    def set_cell_anchors(self, dtype: torch.dtype, device: torch.device) -> None:
        """Brings `cell_anchors` to a dtype and a device."""
        self.cell_anchors = self._cell_anchors(dtype, device)

    def _cell_anchors(self, dtype: torch.dtype, device: torch.device) -> list[Tensor]:
        return [anchors.to(dtype=dtype, device=device) for anchors in self.cell_anchors]

    def num_anchors_per_location(self) -> list[int]:
        """How many boxes there are around a place, for each feature map."""
        return [len(size) * len(ratios) for size, ratios in zip(self.sizes, self.aspect_ratios, strict=True)]

    def grid_anchors(
        self, grid_sizes: Sequence[Sequence[int]], strides: Sequence[Sequence[int | Tensor]]
    ) -> list[Tensor]:
        """The boxes around all places of the feature maps, in the dtype and on the device of `cell_anchors`.

        Args:
            grid_sizes: For each feature map, its height and width.
            strides: For each feature map, how many pixels of the picture are between its rows and columns.

        Returns:
            For each feature map `(h * w * A, 4)`, in pixels: place by place, row by row.

        Raises:
            InputError: If there are not as many feature maps as sizes.
        """
        return self._grid(self.cell_anchors, grid_sizes, strides)

    def _grid(
        self,
        cell_anchors: Sequence[Tensor],
        grid_sizes: Sequence[Sequence[int]],
        strides: Sequence[Sequence[int | Tensor]],
    ) -> list[Tensor]:
        if not len(grid_sizes) == len(strides) == len(cell_anchors):
            raise InputError(
                f"The anchors are for {len(cell_anchors)} feature maps; got {len(grid_sizes)} maps and {len(strides)} "
                "strides. Give AnchorGenerator sizes and aspect_ratios for each map that the backbone returns."
            )
        levels: list[Tensor] = []
        for anchors, (height, width), (down, across) in zip(cell_anchors, grid_sizes, strides, strict=True):
            x = torch.arange(width, dtype=torch.int32, device=anchors.device) * across
            y = torch.arange(height, dtype=torch.int32, device=anchors.device) * down
            x, y = x.expand(height, -1), y[:, None].expand(-1, width)  # (h, w)
            shifts = torch.stack((x, y, x, y), dim=2)  # (h, w, 4)
            levels.append((shifts[:, :, None] + anchors).reshape(-1, 4))
        return levels

    def forward(self, image_list: ImageList, feature_maps: Sequence[Tensor]) -> list[Tensor]:
        """The boxes of each picture, which are the same for all of a batch.

        Args:
            image_list: The pictures, `(N, 3, H, W)` with their padding.
            feature_maps: `(N, C, h, w)`, of falling size.

        Returns:
            For each picture `(boxes of all maps, 4)`, in pixels, in the dtype of the feature maps.
        """
        sizes = [features.shape[-2:] for features in feature_maps]
        height, width = image_list.tensors.shape[-2:]
        strides = [(height // rows, width // columns) for rows, columns in sizes]
        features = feature_maps[0]
        if not torch.compiler.is_exporting():
            # Kept for the next call. An exported program must not change its module.
            self.set_cell_anchors(features.dtype, features.device)
        anchors = torch.cat(self._grid(self._cell_anchors(features.dtype, features.device), sizes, strides))
        # A tensor each, as it is a picture's own; written to by nobody here.
        return [anchors.clone() if number else anchors for number in range(len(image_list.image_sizes))]


class DefaultBoxGenerator(nn.Module):
    """Boxes whose sizes are fractions of the picture's.

    Around every place there are one of each map's scale, one between that and the next map's scale, and two of its
    scale for each aspect ratio: lying and standing.

    Args:
        aspect_ratios: For each feature map, the ratios beside 1.
        min_ratio: The first map's scale, where `scales` are not given.
        max_ratio: The last map's; those between have equal distances.
        scales: For each feature map, the boxes' side as a fraction of the picture's; and one more, which the last map
            has for the next one's.
        steps: For each feature map, how many pixels are between its rows and columns; unless given, the map's places
            fill the picture.
        clip: Whether boxes are at most as wide and as high as the picture.

    Raises:
        ValueError: If there are `steps` or `scales` of another number than feature maps ask for.
    """

    def __init__(
        self,
        aspect_ratios: Sequence[Sequence[float]],
        min_ratio: float = 0.15,
        max_ratio: float = 0.9,
        scales: Sequence[float] | None = None,
        steps: Sequence[int] | None = None,
        clip: bool = True,
    ) -> None:
        super().__init__()
        levels = len(aspect_ratios)
        if steps is not None and len(steps) != levels:
            raise ValueError(f"steps must be one for each of the {levels} feature maps; got {len(steps)}.")
        if scales is not None and len(scales) <= levels:
            raise ValueError(
                f"scales must be one for each of the {levels} feature maps and one more; got {len(scales)}."
            )
        self.aspect_ratios = aspect_ratios
        self.steps = steps
        self.clip = clip
        if scales:
            self.scales: Sequence[float] = scales
        elif levels > 1:
            more = max_ratio - min_ratio
            # Multiplied before it is divided: the other way round the last bit differs.
            self.scales = [*(min_ratio + more * level / (levels - 1.0) for level in range(levels)), 1.0]
        else:
            self.scales = [min_ratio, max_ratio]
        self._wh_pairs = self._generate_wh_pairs(levels)

    def _generate_wh_pairs(
        self, num_outputs: int, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu"
    ) -> list[Tensor]:
        """For each feature map, width and height of the boxes around a place, `(A, 2)`, as fractions of the picture."""
        levels: list[Tensor] = []
        for level in range(num_outputs):
            side, between = self.scales[level], math.sqrt(self.scales[level] * self.scales[level + 1])
            pairs = [[side, side], [between, between]]
            for ratio in self.aspect_ratios[level]:
                longer, shorter = side * math.sqrt(ratio), side / math.sqrt(ratio)
                pairs += [[longer, shorter], [shorter, longer]]
            levels.append(torch.as_tensor(pairs, dtype=dtype, device=device))
        return levels

    def num_anchors_per_location(self) -> list[int]:
        """How many boxes there are around a place, for each feature map."""
        return [2 + 2 * len(ratios) for ratios in self.aspect_ratios]

    def _grid_default_boxes(
        self, grid_sizes: Sequence[Sequence[int]], image_size: Sequence[int], dtype: torch.dtype = torch.float32
    ) -> Tensor:
        """Centre x, centre y, width and height of all boxes, `(boxes of all maps, 4)`, as fractions of the picture."""
        levels: list[Tensor] = []
        for level, ((height, width), pairs) in enumerate(zip(grid_sizes, self._wh_pairs, strict=True)):
            rows, columns = height, width
            if self.steps is not None:
                rows, columns = (side / self.steps[level] for side in image_size)
            # As in float32 even where the boxes are not.
            x = ((torch.arange(width) + 0.5) / columns).to(dtype=dtype)
            y = ((torch.arange(height) + 0.5) / rows).to(dtype=dtype)
            centres = torch.stack((x.expand(height, -1), y[:, None].expand(-1, width)), dim=-1)  # (h, w, 2)
            sizes = pairs.clamp(min=0, max=1) if self.clip else pairs
            count = len(sizes)
            boxes = torch.cat(
                (centres[:, :, None].expand(-1, -1, count, -1), sizes.expand(height, width, -1, -1)), dim=-1
            )  # (h, w, A, 4)
            levels.append(boxes.reshape(-1, 4))
        return torch.cat(levels)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(aspect_ratios={self.aspect_ratios}, clip={self.clip}, scales={self.scales}, "
            f"steps={self.steps})"
        )

    def forward(self, image_list: ImageList, feature_maps: Sequence[Tensor]) -> list[Tensor]:
        """The boxes of each picture, which are the same for all of a batch.

        Args:
            image_list: The pictures, `(N, 3, H, W)`.
            feature_maps: `(N, C, h, w)`, of falling size.

        Returns:
            For each picture `(boxes of all maps, 4)`, `x1, y1, x2, y2` in pixels, in the dtype of the feature maps.

        Raises:
            InputError: If there are not as many feature maps as aspect ratios.
        """
        if len(feature_maps) != len(self.aspect_ratios):
            raise InputError(
                f"The default boxes are for {len(self.aspect_ratios)} feature maps; the backbone returns "
                f"{len(feature_maps)}. Give DefaultBoxGenerator aspect_ratios for each of them."
            )
        height, width = image_list.tensors.shape[-2:]
        sizes = [features.shape[-2:] for features in feature_maps]
        features = feature_maps[0]
        boxes = self._grid_default_boxes(sizes, (height, width), dtype=features.dtype).to(features.device)
        pixels = torch.tensor([width, height], device=boxes.device)
        centres, halves = boxes[:, :2], 0.5 * boxes[:, 2:]
        corners = torch.cat(((centres - halves) * pixels, (centres + halves) * pixels), dim=-1)
        return [corners.clone() if number else corners for number in range(len(image_list.image_sizes))]
