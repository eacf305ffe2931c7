"""S3D: inception blocks whose convolutions of clips are split into one of each frame and one of time.

Paper: Rethinking Spatiotemporal Feature Learning: Speed-Accuracy Trade-offs in Video Classification,
https://arxiv.org/abs/1712.04851

Shapes: N clips, C channels, T frames, H × W pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypedDict, Unpack

import torch
from torch import Tensor, nn

from multiweight.catalogue.video.s3d import S3D_Weights
from multiweight.errors import InputError
from multiweight.layers import Conv3dNormActivation
from multiweight.models._builder import build, builder

__all__ = ["S3D", "S3DOptions", "S3D_Weights", "SepInceptionBlock3D", "TemporalSeparableConv", "s3d"]


class TemporalSeparableConv(nn.Sequential):
    """A convolution of each frame, then one of time of each pixel (figure 4 of the paper), each normalised, activated.

    Args:
        in_planes: Channels that come in.
        out_planes: Channels between the two, and that come out.
        kernel_size: Side of the one and length of the other kernel, in pixels and in frames.
        stride: Step of the kernels, in pixels and in frames.
        padding: Zeros around the clip, in pixels and in frames.
        norm_layer: Makes a normalisation from a number of channels.
    """

    def __init__(
        self,
        in_planes: int,
        out_planes: int,
        kernel_size: int,
        stride: int,
        padding: int,
        norm_layer: Callable[..., nn.Module],
    ) -> None:
        k, s, p = kernel_size, stride, padding
        super().__init__(
            Conv3dNormActivation(
                in_planes, out_planes, (1, k, k), (1, s, s), (0, p, p), norm_layer=norm_layer, bias=False
            ),
            Conv3dNormActivation(
                out_planes, out_planes, (k, 1, 1), (s, 1, 1), (p, 0, 0), norm_layer=norm_layer, bias=False
            ),
        )


class SepInceptionBlock3D(nn.Module):
    """Four branches side by side, their channels put behind one another (figure 2, b, of the paper, separated).

    Args:
        in_planes: Channels that come in.
        b0_out: Channels of the branch of single positions.
        b1_mid: Channels that the second branch's convolution gets.
        b1_out: Channels that it gives.
        b2_mid: Channels that the third branch's convolution gets.
        b2_out: Channels that it gives.
        b3_out: Channels of the branch that pools.
        norm_layer: Makes a normalisation from a number of channels.
    """

    def __init__(
        self,
        in_planes: int,
        b0_out: int,
        b1_mid: int,
        b1_out: int,
        b2_mid: int,
        b2_out: int,
        b3_out: int,
        norm_layer: Callable[..., nn.Module],
    ) -> None:
        super().__init__()
        single = partial(Conv3dNormActivation, kernel_size=1, norm_layer=norm_layer, bias=False)
        separable = partial(TemporalSeparableConv, kernel_size=3, stride=1, padding=1, norm_layer=norm_layer)
        self.branch0 = single(in_planes, b0_out)
        self.branch1 = nn.Sequential(single(in_planes, b1_mid), separable(b1_mid, b1_out))
        self.branch2 = nn.Sequential(single(in_planes, b2_mid), separable(b2_mid, b2_out))
        self.branch3 = nn.Sequential(nn.MaxPool3d((3, 3, 3), stride=1, padding=1), single(in_planes, b3_out))

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, in_planes, T, H, W)` to `(N, C, T, H, W)`, where C is the sum of the branches' channels."""
        return torch.cat((self.branch0(x), self.branch1(x), self.branch2(x), self.branch3(x)), 1)


# Inception-v1's blocks: b0_out, b1_mid, b1_out, b2_mid, b2_out, b3_out; None where the clip is halved between them.
_BLOCKS = (
    (64, 96, 128, 16, 32, 32),
    (128, 128, 192, 32, 96, 64),
    None,
    (192, 96, 208, 16, 48, 64),
    (160, 112, 224, 24, 64, 64),
    (128, 128, 256, 24, 64, 64),
    (112, 144, 288, 32, 64, 64),
    (256, 160, 320, 32, 128, 128),
    None,
    (256, 160, 320, 32, 128, 128),
    (384, 192, 384, 48, 128, 128),
)


class S3D(nn.Module):
    """Separable convolutions and inception blocks; scores of every part of the clip, of which the mean comes out.

    Args:
        num_classes: How many scores come out.
        dropout: Probability that a feature is zeroed in training.
        norm_layer: Makes a normalisation from a number of channels; `nn.BatchNorm3d` with eps and momentum 0.001
            unless given.
    """

    def __init__(
        self,
        num_classes: int = 400,
        dropout: float = 0.2,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        norm = norm_layer or partial(nn.BatchNorm3d, eps=0.001, momentum=0.001)
        layers: list[nn.Module] = [
            TemporalSeparableConv(3, 64, 7, 2, 3, norm),
            nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
            Conv3dNormActivation(64, 64, 1, norm_layer=norm, bias=False),
            TemporalSeparableConv(64, 192, 3, 1, 1, norm),
            nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
        ]
        halvings = [
            nn.MaxPool3d((3, 3, 3), stride=(2, 2, 2), padding=(1, 1, 1)),
            nn.MaxPool3d((2, 2, 2), stride=(2, 2, 2), padding=(0, 0, 0)),
        ]
        channels = 192
        for block in _BLOCKS:
            if block is None:
                layers.append(halvings.pop(0))
                continue
            layers.append(SepInceptionBlock3D(channels, *block, norm))
            b0_out, _, b1_out, _, b2_out, b3_out = block
            channels = b0_out + b1_out + b2_out + b3_out
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AvgPool3d((2, 7, 7), stride=1)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Conv3d(channels, num_classes, 1))

    def forward(self, x: Tensor) -> Tensor:
        """From clips `(N, 3, T, H, W)` to scores `(N, num_classes)`.

        Raises:
            InputError: If there are fewer than 13 frames or fewer than 209 pixels a side; also a ValueError.
        """
        features = self.features(x)  # (N, 1024, T/8, H/32, W/32)
        if not torch.jit.is_scripting():  # pyright: ignore[reportPrivateImportUsage]
            _check(x, features)
        x = self.classifier(self.avgpool(features))  # (N, num_classes, T/8 - 1, H/32 - 6, W/32 - 6)
        return x.mean((2, 3, 4))


def _check(x: Tensor, features: Tensor) -> None:
    if features.shape[-3] < 2 or features.shape[-2] < 7 or features.shape[-1] < 7:
        frames, height, width = x.shape[-3:]
        raise InputError(
            f"S3D takes clips of at least 13 frames of 209×209 pixels; got {frames} frames of {height}×{width}."
        )


class S3DOptions(TypedDict, total=False):
    """What the builder passes on to `S3D`, where each is explained."""

    num_classes: int
    dropout: float
    norm_layer: Callable[..., nn.Module] | None


@builder(S3D_Weights, S3DOptions)
def s3d(*, weights: S3D_Weights | str | None = None, progress: bool = True, **options: Unpack[S3DOptions]) -> S3D:
    """S3D."""
    return build(S3D, weights, progress, **options)
