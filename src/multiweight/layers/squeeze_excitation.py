"""Squeeze and excitation: channels weighted by what the whole picture shows. https://arxiv.org/abs/1709.01507."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


class SqueezeExcitation(nn.Module):
    """Multiplies each channel by a weight computed from the means of all channels (figure 2 of the paper).

    Args:
        input_channels: Channels of the input (N, C, H, W).
        squeeze_channels: Channels between the two layers.
        activation: Makes the activation between them.
        scale_activation: Makes the one that gives the weights.
    """

    def __init__(
        self,
        input_channels: int,
        squeeze_channels: int,
        activation: Callable[..., nn.Module] = nn.ReLU,
        scale_activation: Callable[..., nn.Module] = nn.Sigmoid,
    ) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(input_channels, squeeze_channels, 1)
        self.fc2 = nn.Conv2d(squeeze_channels, input_channels, 1)
        self.activation = activation()
        self.scale_activation = scale_activation()

    def forward(self, x: Tensor) -> Tensor:
        """The input (N, C, H, W), its channels weighted."""
        squeezed = self.activation(self.fc1(self.avgpool(x)))  # (N, squeeze, 1, 1)
        return self.scale_activation(self.fc2(squeezed)) * x
