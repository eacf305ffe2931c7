"""Relative positions of the pixels of a window."""

from __future__ import annotations

import torch
from torch import Tensor


def relative_position_index(*size: int) -> Tensor:
    """Numbers the offsets between the positions of a window: where a table of relative position biases is read.

    Args:
        *size: How many positions the window has along each axis.

    Returns:
        `(L, L)` int64, where L is the product of the sizes: for query i and key j a number that only depends on the
        offset between them, from 0 where every axis is at its least to the product of all `2 * n - 1`, less 1.
    """
    # Numbered as though each axis had room for all its 2 n - 1 offsets, so that differences of numbers stay distinct.
    place = torch.arange(size[0])
    for n in size[1:]:
        place = (place[:, None] * (2 * n - 1) + torch.arange(n)).flatten()
    # Counted from the other end, a number is the greatest less itself: the sum is the difference, from 0.
    table = torch.empty(place.shape[0], place.shape[0], dtype=place.dtype)
    # With `out`, a network that is about to be given a file's tables can leave this one unfilled: they are a tenth of
    # the files of Video Swin Transformers.
    return torch.add(place[:, None], place.flip(0), out=table)
