"""Batches whose pictures are mixed with one another, and their targets too."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multiweight.errors import InputTypeError
from multiweight.transforms._arguments import positive, whole
from multiweight.transforms.geometry import below


class _Mix(nn.Module):
    """What mixup and cutmix have in common."""

    def __init__(self, *, alpha: float = 1.0, num_classes: int | None = None) -> None:
        super().__init__()
        self.alpha = positive("alpha", alpha)
        self.num_classes = None if num_classes is None else whole("num_classes", num_classes, least=1)

    def forward(self, pictures: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Mixes each picture with the one before it, the first with the last.

        Args:
            pictures: Floats `(N, C, H, W)`.
            targets: The classes' numbers, int64 `(N,)`, or their probabilities, floats `(N, num_classes)`.

        Returns:
            The pictures, and the targets as probabilities, `(N, num_classes)`; new tensors.

        Raises:
            InputTypeError: If the pictures are no batch of floats, or the targets do not belong to them.
            ValueError: If the number of classes is needed and not known.
        """
        if pictures.ndim != 4 or not pictures.is_floating_point():
            raise InputTypeError(
                f"Mixing takes a batch of floats (N, C, H, W); got {pictures.dtype} {list(pictures.shape)}."
            )
        if targets.ndim == 1 and not targets.is_floating_point():
            if self.num_classes is None:
                raise ValueError("num_classes must be given where targets are the classes' numbers.")
            targets = one_hot(targets, self.num_classes)
        if targets.ndim != 2 or len(targets) != len(pictures):
            raise InputTypeError(
                f"Mixing {len(pictures)} pictures takes targets ({len(pictures)},) or ({len(pictures)}, classes); "
                f"got {list(targets.shape)}."
            )
        kept = _beta(self.alpha)
        pictures, kept = self._mixed(pictures, kept)
        return pictures, _weighted(targets, kept)

    def _mixed(self, pictures: Tensor, kept: float) -> tuple[Tensor, float]:
        """The pictures, and what share of each of them they still are."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        """The settings."""
        return f"alpha={self.alpha}, num_classes={self.num_classes}"


class MixUp(_Mix):
    """Adds to each picture of a batch another one, in random shares, and to its target the other's.

    Equal bit for bit to torchvision's `v2.MixUp` called with two tensors, with the same draws from torch's global
    generator. (Zhang et al. 2017, https://arxiv.org/abs/1710.09412)

    Args:
        alpha: Both parameters of the Beta distribution of the share.
        num_classes: How many classes there are, if targets are the classes' numbers.

    Raises:
        TypeError: For an argument that is not of its kind.
        ValueError: For one that cannot be used.
    """

    def _mixed(self, pictures: Tensor, kept: float) -> tuple[Tensor, float]:
        return _weighted(pictures, kept), kept


class CutMix(_Mix):
    """Puts into each picture of a batch a rectangle of another one, and as much of the other's target into its own.

    The rectangle's centre is anywhere, so it may reach beyond the picture; the targets follow what is inside. Equal
    bit for bit to torchvision's `v2.CutMix` called with two tensors, with the same draws from torch's global generator.
    (Yun et al. 2019, https://arxiv.org/abs/1905.04899)

    Args:
        alpha: Both parameters of the Beta distribution of the share that is kept.
        num_classes: How many classes there are, if targets are the classes' numbers.

    Raises:
        TypeError: For an argument that is not of its kind.
        ValueError: For one that cannot be used.
    """

    def _mixed(self, pictures: Tensor, kept: float) -> tuple[Tensor, float]:
        height, width = pictures.shape[-2:]
        x, y = below(width), below(height)
        half = 0.5 * math.sqrt(1 - kept)
        half_width, half_height = int(half * width), int(half * height)
        left, right = max(x - half_width, 0), min(x + half_width, width)
        top, bottom = max(y - half_height, 0), min(y + half_height, height)
        mixed = pictures.clone()
        mixed[..., top:bottom, left:right] = pictures[..., top:bottom, left:right].roll(1, 0)
        return mixed, 1 - (right - left) * (bottom - top) / (width * height)


def one_hot(targets: Tensor, classes: int) -> Tensor:
    """The targets as probabilities, float32 `(N, classes)`, of their classes' numbers, int64 `(N,)`."""
    return F.one_hot(targets, classes).to(torch.float32)


def one_of(mixes: Sequence[nn.Module]) -> nn.Module:
    """Draws one, each at the same odds; nothing is drawn where there is but one."""
    if len(mixes) == 1:
        return mixes[0]
    return mixes[int(torch.multinomial(torch.full((len(mixes),), 1 / len(mixes)), 1).item())]


def _beta(alpha: float) -> float:
    """Draws from the Beta distribution whose parameters both are `alpha`."""
    return torch.distributions.Beta(alpha, alpha).sample(()).item()


def _weighted(batch: Tensor, kept: float) -> Tensor:
    """Each of a batch, and what is left of 1 of the one before it."""
    return batch.roll(1, 0).mul_(1 - kept).add_(batch.mul(kept))
