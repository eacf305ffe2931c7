"""Convolution, normalisation and activation as one block."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn


class Conv2dNormActivation(nn.Sequential):
    """A 2-d convolution, followed by a norm and an activation where they are given.

    The convolution is at index 0, the norm at 1, the activation last.

    Args:
        in_channels: Channels of the input (N, C, H, W).
        out_channels: Channels of the output.
        kernel_size: Side of the kernel, in pixels.
        stride: Step of the kernel, in pixels.
        padding: Zeros around the input; unless given, what keeps the size at stride 1.
        groups: Groups of channels that do not see each other.
        norm_layer: Makes the norm from the number of channels; `None` leaves it out.
        activation_layer: Makes the activation; `None` leaves it out.
        dilation: Distance between the kernel's points.
        inplace: Passed to the activation; `None` for activations that take no such argument.
        bias: Whether the convolution has one; unless given, it does where there is no norm.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        stride: int = 1,
        padding: int | None = None,
        groups: int = 1,
        norm_layer: Callable[..., nn.Module] | None = nn.BatchNorm2d,
        activation_layer: Callable[..., nn.Module] | None = nn.ReLU,
        dilation: int = 1,
        inplace: bool | None = True,
        bias: bool | None = None,
    ) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(
                in_channels,
                out_channels,
                kernel_size,
                stride,
                (kernel_size - 1) // 2 * dilation if padding is None else padding,
                dilation=dilation,
                groups=groups,
                bias=norm_layer is None if bias is None else bias,
            )
        ]
        if norm_layer is not None:
            layers.append(norm_layer(out_channels))
        if activation_layer is not None:
            layers.append(activation_layer() if inplace is None else activation_layer(inplace=inplace))
        super().__init__(*layers)
        self.out_channels = out_channels
