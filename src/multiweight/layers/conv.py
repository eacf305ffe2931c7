"""Convolution, normalisation and activation as one block, for pictures and for clips."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn


class _ConvNormActivation(nn.Sequential):
    """What the blocks share; they differ in the convolution they are made with."""

    def __init__(
        self,
        convolution: Callable[..., nn.Module],
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...],
        padding: int | tuple[int, ...] | str | None,
        groups: int,
        norm_layer: Callable[..., nn.Module] | None,
        activation_layer: Callable[..., nn.Module] | None,
        dilation: int | tuple[int, ...],
        inplace: bool | None,
        bias: bool | None,
    ) -> None:
        layers = [
            convolution(
                in_channels,
                out_channels,
                kernel_size,
                stride,
                _same_size(kernel_size, dilation) if padding is None else padding,
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


class Conv2dNormActivation(_ConvNormActivation):
    """A 2-d convolution, followed by a norm and an activation where they are given.

    The convolution is at index 0, the norm at 1, the activation last.

    Args:
        in_channels: Channels of the input (N, C, H, W).
        out_channels: Channels of the output.
        kernel_size: Side of the kernel, in pixels; one number or (height, width).
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
        kernel_size: int | tuple[int, int] = 3,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | str | None = None,
        groups: int = 1,
        norm_layer: Callable[..., nn.Module] | None = nn.BatchNorm2d,
        activation_layer: Callable[..., nn.Module] | None = nn.ReLU,
        dilation: int | tuple[int, int] = 1,
        inplace: bool | None = True,
        bias: bool | None = None,
    ) -> None:
        super().__init__(
            nn.Conv2d,
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            groups,
            norm_layer,
            activation_layer,
            dilation,
            inplace,
            bias,
        )


class Conv3dNormActivation(_ConvNormActivation):
    """A 3-d convolution, followed by a norm and an activation where they are given.

    The convolution is at index 0, the norm at 1, the activation last.

    Args:
        in_channels: Channels of the input (N, C, T, H, W).
        out_channels: Channels of the output.
        kernel_size: Side of the kernel, in frames and pixels; one number or (time, height, width).
        stride: Step of the kernel, in frames and pixels.
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
        kernel_size: int | tuple[int, int, int] = 3,
        stride: int | tuple[int, int, int] = 1,
        padding: int | tuple[int, int, int] | str | None = None,
        groups: int = 1,
        norm_layer: Callable[..., nn.Module] | None = nn.BatchNorm3d,
        activation_layer: Callable[..., nn.Module] | None = nn.ReLU,
        dilation: int | tuple[int, int, int] = 1,
        inplace: bool | None = True,
        bias: bool | None = None,
    ) -> None:
        super().__init__(
            nn.Conv3d,
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            groups,
            norm_layer,
            activation_layer,
            dilation,
            inplace,
            bias,
        )


def _same_size(kernel_size: int | tuple[int, ...], dilation: int | tuple[int, ...]) -> int | tuple[int, ...]:
    """The padding that keeps the size at stride 1, for odd kernels."""
    if isinstance(kernel_size, int) and isinstance(dilation, int):
        return (kernel_size - 1) // 2 * dilation
    sides = len(kernel_size) if not isinstance(kernel_size, int) else len(dilation)  # pyright: ignore[reportArgumentType]
    kernels = (kernel_size,) * sides if isinstance(kernel_size, int) else kernel_size
    dilations = (dilation,) * sides if isinstance(dilation, int) else dilation
    return tuple((kernel - 1) // 2 * apart for kernel, apart in zip(kernels, dilations, strict=True))
