"""Which of very many boxes a training step learns from.

Paper: Faster R-CNN, section 3.1.3, https://arxiv.org/abs/1506.01497
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["BalancedPositiveNegativeSampler"]


class BalancedPositiveNegativeSampler:
    """Draws boxes of each picture at random, so that a certain part of them are objects.

    Where there are fewer objects, more background is drawn in their place; never the other way round.

    Args:
        batch_size_per_image: How many boxes of a picture are drawn; fewer where it has not so many.
        positive_fraction: Which part of them are objects at most, in `[0, 1]`.
    """

    def __init__(self, batch_size_per_image: int, positive_fraction: float) -> None:
        self.batch_size_per_image = batch_size_per_image
        self.positive_fraction = positive_fraction

    def __call__(self, matched_idxs: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Draws boxes.

        Args:
            matched_idxs: For each picture `(B,)`: 1 or more is an object, 0 is background, and what is below counts
                for nothing.

        Returns:
            For each picture, which boxes are drawn as objects, and which as background: `(B,)` of bool.
        """
        objects, backgrounds = [], []
        for labels in matched_idxs:
            object_places = torch.where(labels >= 1)[0]
            background_places = torch.where(labels == 0)[0]
            objects_wanted = min(len(object_places), int(self.batch_size_per_image * self.positive_fraction))
            background_wanted = min(len(background_places), self.batch_size_per_image - objects_wanted)
            # Objects first: that is the order in which random numbers are drawn.
            objects.append(_drawn(object_places, objects_wanted, labels))
            backgrounds.append(_drawn(background_places, background_wanted, labels))
        return objects, backgrounds


def _drawn(places: Tensor, count: int, labels: Tensor) -> Tensor:
    """A mask `(B,)` of `count` places, drawn at random from `(P,)` of them."""
    chosen = places[torch.randperm(len(places), device=places.device)[:count]]
    mask = torch.zeros_like(labels, dtype=torch.bool)
    mask[chosen] = True
    return mask
