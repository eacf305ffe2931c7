"""Stochastic depth: residual branches left out at random in training. https://arxiv.org/abs/1603.09382."""

from __future__ import annotations

from torch import Tensor, nn


def stochastic_depth(x: Tensor, p: float, mode: str, training: bool = True) -> Tensor:
    """Zeroes a branch at random, and scales it up where it stays, so that its mean does not change.

    Args:
        x: The branch's output, (N, …).
        p: Probability of zeroing.
        mode: `"row"` decides for each sample, `"batch"` once for all.
        training: Outside training nothing happens.

    Returns:
        A tensor of the input's shape.

    Raises:
        ValueError: If `p` is no probability or the mode is another.
    """
    if p < 0.0 or p > 1.0:
        raise ValueError(f"p is a probability from 0 to 1; got {p}.")
    if mode not in ("batch", "row"):
        raise ValueError(f"mode is 'batch' or 'row'; got '{mode}'.")
    if not training or p == 0.0:
        return x
    survival = 1.0 - p
    size = [1] * x.ndim
    if mode == "row":
        size[0] = x.shape[0]
    noise = x.new_empty(size).bernoulli_(survival)
    if survival > 0.0:
        noise.div_(survival)
    return x * noise


class StochasticDepth(nn.Module):
    """`stochastic_depth` as a module, active in training.

    Args:
        p: Probability of zeroing.
        mode: `"row"` or `"batch"`.
    """

    def __init__(self, p: float, mode: str) -> None:
        super().__init__()
        self.p = p
        self.mode = mode

    def forward(self, x: Tensor) -> Tensor:
        """The input (N, …), zeroed at random in training."""
        return stochastic_depth(x, self.p, self.mode, self.training)

    def extra_repr(self) -> str:
        """The two settings."""
        return f"p={self.p}, mode={self.mode}"
