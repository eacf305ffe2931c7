"""Reordering of dimensions as a module."""

from __future__ import annotations

from torch import Tensor, nn


class Permute(nn.Module):
    """Puts the dimensions of its input in another order.

    Args:
        dims: For each dimension of the output, the input's it is.
    """

    def __init__(self, dims: list[int]) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        """The input, its dimensions in the new order."""
        return x.permute(self.dims)
