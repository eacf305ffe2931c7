"""Region pooling from a pyramid: every region from the level that fits its size.

Lin et al., Feature Pyramid Networks, equation 1: https://arxiv.org/abs/1612.03144.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from multiweight.errors import InputError
from multiweight.layers.boxes import box_area
from multiweight.layers.roi_align import pixels, pool, roi_align, together


class LevelMapper:
    """Which level of a pyramid fits a box: ⌊k₀ + log₂(√area / s₀)⌋, held to the levels there are.

    Args:
        k_min: The finest level: its map is 2^k_min times smaller than the picture.
        k_max: The coarsest level.
        canonical_scale: s₀, in pixels: the side of a square box that belongs to the canonical level.
        canonical_level: k₀.
        eps: Added before rounding down, so that a box of just that size is not one level too low.
    """

    def __init__(
        self, k_min: int, k_max: int, canonical_scale: int = 224, canonical_level: int = 4, eps: float = 1e-6
    ) -> None:
        self.k_min = k_min
        self.k_max = k_max
        self.s0 = canonical_scale
        self.lvl0 = canonical_level
        self.eps = eps

    def __call__(self, boxlists: Sequence[Tensor]) -> Tensor:
        """Finds the level of each box.

        Args:
            boxlists: Corners (K_n, 4) of each picture, in pixels.

        Returns:
            Levels (K,), int64, counted from the finest; -1 where the area is NaN or negative.
        """
        sides = box_area(torch.cat(list(boxlists))).sqrt()
        levels = torch.floor(self.lvl0 + torch.log2(sides / self.s0) + self.eps)
        levels = levels.clamp(min=self.k_min, max=self.k_max) - self.k_min
        return levels.nan_to_num(nan=-1.0).long()


class MultiScaleRoIAlign(nn.Module):
    """`roi_align` from the level of a pyramid that fits each region.

    How much smaller than the picture each level is, is found at the first call from the sizes, as a power of two, and
    kept in `scales` and `map_levels`.

    Args:
        featmap_names: Names of the maps to pool from; others are passed over.
        output_size: Cells a region: one number or (P, Q), along the height and the width.
        sampling_ratio: Points a cell along each axis; 0 or less for as many as it has pixels.
        canonical_scale: Side of a square box that belongs to the canonical level, in pixels.
        canonical_level: That level: its map is 2^canonical_level times smaller than the picture.
    """

    def __init__(
        self,
        featmap_names: Sequence[str],
        output_size: int | Sequence[int],
        sampling_ratio: int,
        *,
        canonical_scale: int = 224,
        canonical_level: int = 4,
    ) -> None:
        super().__init__()
        self.featmap_names = featmap_names
        self.sampling_ratio = sampling_ratio
        height, width = (output_size, output_size) if isinstance(output_size, int) else output_size
        self.output_size = (height, width)
        self.scales: list[float] | None = None
        self.map_levels: LevelMapper | None = None
        self.canonical_scale = canonical_scale
        self.canonical_level = canonical_level

    def forward(
        self, x: Mapping[str, Tensor], boxes: Sequence[Tensor], image_shapes: Sequence[tuple[int, int]]
    ) -> Tensor:
        """Pools regions.

        Args:
            x: Feature maps by name, each (N, C, H, W), the finest first.
            boxes: Corners (K_n, 4) of each picture, in pixels of the picture as it went through the network.
            image_shapes: (height, width) of each picture as it went through the network.

        Returns:
            Regions (K, C, P, Q), picture after picture, in the first map's dtype. A box whose area is NaN or negative
            gives zeros where there are several levels.

        Raises:
            InputError: If no map has one of the names, or there is no picture.
        """
        maps = [features for name, features in x.items() if name in self.featmap_names]
        if not maps:
            raise InputError(f"None of {list(x)} is a map to pool from: {list(self.featmap_names)}.")
        scales, mapper = self._setup(maps, image_shapes)
        if len(maps) == 1:
            return roi_align(maps[0], boxes, self.output_size, scales[0], self.sampling_ratio)
        return self._pool(maps, boxes, scales, mapper)

    def _pool(self, maps: list[Tensor], boxes: Sequence[Tensor], scales: list[float], mapper: LevelMapper) -> Tensor:
        pictures, corners = together(boxes)
        levels = mapper([corners])
        # A place that is no number pools zeros.
        corners = torch.where((levels >= 0)[:, None], corners, torch.nan)
        levels = levels.clamp(min=0)
        sizes = [features.shape[2] * features.shape[3] for features in maps]
        first = pictures * sum(sizes)
        rows = columns = torch.zeros_like(first)
        scale = torch.zeros_like(first, dtype=torch.float32)
        for level, features in enumerate(maps):
            here = levels == level
            first = torch.where(here, first + sum(sizes[:level]), first)
            rows = torch.where(here, features.shape[2], rows)
            columns = torch.where(here, features.shape[3], columns)
            scale = torch.where(here, scales[level], scale)
        together_maps = torch.cat([pixels(features) for features in maps], dim=1)  # (N, ΣH·W, C)
        pooled = pool(together_maps, first, corners, scale, rows, columns, self.output_size, self.sampling_ratio)
        return pooled.to(maps[0].dtype)

    def _setup(self, maps: list[Tensor], image_shapes: Sequence[tuple[int, int]]) -> tuple[list[float], LevelMapper]:
        if self.scales is not None and self.map_levels is not None:
            return self.scales, self.map_levels
        if not image_shapes:
            raise InputError("Regions are pooled from pictures; image_shapes is empty.")
        picture = max(_number(height) for height, _ in image_shapes)
        scales = [2.0 ** round(math.log2(_number(features.shape[2]) / picture)) for features in maps]
        finest, coarsest = (int(-math.log2(scale)) for scale in (scales[0], scales[-1]))
        mapper = LevelMapper(finest, coarsest, self.canonical_scale, self.canonical_level)
        self.scales, self.map_levels = scales, mapper
        return scales, mapper

    def __repr__(self) -> str:
        return (
            f"{self.__class__.__name__}(featmap_names={self.featmap_names}, output_size={self.output_size}, "
            f"sampling_ratio={self.sampling_ratio})"
        )


def _number(size: int) -> int:
    """The size; while a graph is exported whose sizes are unknown, that of the example, or else of a large picture."""
    if isinstance(size, int):
        return size
    if size.node.hint is not None:
        return size.node.hint
    formula = size.node.expr
    return int(formula.subs(dict.fromkeys(formula.free_symbols, 4096)))
