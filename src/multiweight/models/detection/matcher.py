"""Which object each anchor or proposal is to be taught.

Papers:
    Faster R-CNN, section 3.1.2, https://arxiv.org/abs/1506.01497 (`Matcher`)
    SSD: Single Shot MultiBox Detector, section 2.2, https://arxiv.org/abs/1512.02325 (`SSDMatcher`)

Shapes: G objects of a picture, B boxes that may be matched with them.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from multiweight.errors import InputError

__all__ = ["Matcher", "SSDMatcher"]


class Matcher:
    """Gives each box the object that it overlaps most, if it does so enough.

    Args:
        high_threshold: From this overlap on, a box is matched.
        low_threshold: Below this one it is background; between the two it counts for nothing.
        allow_low_quality_matches: Whether a box is matched however little it overlaps where no box overlaps one of
            the objects more, so that every object is taught.

    Raises:
        ValueError: If `low_threshold` is above `high_threshold`.
    """

    BELOW_LOW_THRESHOLD: Final = -1
    BETWEEN_THRESHOLDS: Final = -2

    def __init__(self, high_threshold: float, low_threshold: float, allow_low_quality_matches: bool = False) -> None:
        if low_threshold > high_threshold:
            raise ValueError(f"low_threshold must not be above high_threshold; got {low_threshold} > {high_threshold}.")
        self.high_threshold = high_threshold
        self.low_threshold = low_threshold
        self.allow_low_quality_matches = allow_low_quality_matches

    def __call__(self, match_quality_matrix: Tensor) -> Tensor:
        """The object of each box.

        Args:
            match_quality_matrix: `(G, B)`, how much each box overlaps each object.

        Returns:
            `(B,)` of int64: the number of an object, -1 for background, -2 for a box that counts for nothing.

        Raises:
            InputError: If there is no object, or no box.
        """
        objects, boxes = match_quality_matrix.shape
        if objects == 0 or boxes == 0:
            what = "object" if objects == 0 else "box"
            raise InputError(f"There is no {what} to match: the overlaps are {[objects, boxes]} (objects, boxes).")
        overlaps, best = match_quality_matrix.max(dim=0)  # (B,)
        background = overlaps < self.low_threshold
        neither = (overlaps >= self.low_threshold) & (overlaps < self.high_threshold)
        matches = best.masked_fill(background, self.BELOW_LOW_THRESHOLD)
        matches = matches.masked_fill(neither, self.BETWEEN_THRESHOLDS)
        if self.allow_low_quality_matches:
            self.set_low_quality_matches_(matches, best, match_quality_matrix)
        return matches

    def set_low_quality_matches_(self, matches: Tensor, all_matches: Tensor, match_quality_matrix: Tensor) -> None:
        """Matches the boxes than which none overlaps some object more, ties included, whatever the thresholds.

        Such a box gets the object that it overlaps most, which need not be the one that has no better box.

        Args:
            matches: `(B,)`, the matches so far; written to.
            all_matches: `(B,)`, the object that each box overlaps most.
            match_quality_matrix: `(G, B)`, how much each box overlaps each object.
        """
        most = match_quality_matrix.amax(dim=1, keepdim=True)  # (G, 1)
        wanted = (match_quality_matrix == most).any(dim=0)  # (B,)
        matches.copy_(torch.where(wanted, all_matches, matches))


class SSDMatcher(Matcher):
    """Gives each object the box that overlaps it most, and the other boxes what they overlap enough.

    Args:
        threshold: From this overlap on, a box is matched; below it is background.
    """

    def __init__(self, threshold: float) -> None:
        super().__init__(threshold, threshold, allow_low_quality_matches=False)

    def __call__(self, match_quality_matrix: Tensor) -> Tensor:
        """The object of each box.

        Args:
            match_quality_matrix: `(G, B)`, how much each box overlaps each object.

        Returns:
            `(B,)` of int64: the number of an object, or -1 for background.

        Raises:
            InputError: If there is no object, or no box.
        """
        matches = super().__call__(match_quality_matrix)
        best_boxes = match_quality_matrix.argmax(dim=1)  # (G,)
        matches[best_boxes] = torch.arange(len(best_boxes), device=matches.device)
        return matches
