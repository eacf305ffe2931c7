"""What both Inception networks, GoogLeNet (v1) and Inception v3, are made of."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class BasicConv2d(nn.Module):
    """A convolution without bias, batch norm and ReLU.

    Args:
        in_channels: Channels that come in.
        out_channels: Channels that come out.
        **kwargs: Of `nn.Conv2d`.
    """

    def __init__(self, in_channels: int, out_channels: int, **kwargs: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, bias=False, **kwargs)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, in_channels, H, W)` to `(N, out_channels, H', W')`."""
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Branches(nn.Module):
    """An Inception module: several branches see the same features, and what they give is concatenated."""

    def _forward(self, x: Tensor) -> list[Tensor]:
        raise NotImplementedError(f"{type(self).__name__} must say what its branches give.")

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, C, H, W)` to the channels of all branches."""
        return torch.cat(self._forward(x), 1)


def from_imagenet_statistics(x: Tensor) -> Tensor:
    """Pictures normalised with ImageNet's mean and deviation, as the presets do, normalised with 0.5 and 0.5 instead.

    The published weights were trained on such, by TensorFlow.

    Args:
        x: Pictures `(N, 3, H, W)`.

    Returns:
        A tensor of the input's shape, in `[-1, 1]`.
    """
    mean = [0.485, 0.456, 0.406]
    std = [0.229, 0.224, 0.225]
    return torch.cat([x[:, c : c + 1] * (std[c] / 0.5) + (mean[c] - 0.5) / 0.5 for c in range(3)], 1)


def initialise(network: nn.Module, std: float) -> None:
    """Fills convolutions and linear layers with normally distributed numbers, cut off at ±2, in `modules()` order.

    Args:
        network: The network.
        std: Their standard deviation, in modules without an attribute `stddev`.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.trunc_normal_(module.weight, std=getattr(module, "stddev", std))
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
