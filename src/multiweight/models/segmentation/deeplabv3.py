"""DeepLabV3: semantic segmentation by dilated convolutions of several rates side by side.

Paper: Rethinking Atrous Convolution for Semantic Image Segmentation, https://arxiv.org/abs/1706.05587

Shapes: N pictures, C channels, H × W pixels or positions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multiweight.catalogue import WeightsEnum
from multiweight.catalogue.mobilenetv3 import MobileNet_V3_Large_Weights
from multiweight.catalogue.resnet import ResNet50_Weights, ResNet101_Weights
from multiweight.catalogue.segmentation.deeplabv3 import (
    DeepLabV3_MobileNet_V3_Large_Weights,
    DeepLabV3_ResNet50_Weights,
    DeepLabV3_ResNet101_Weights,
)
from multiweight.models._builder import build, builder
from multiweight.models.mobilenetv3 import mobilenet_v3_large
from multiweight.models.resnet import resnet50, resnet101
from multiweight.models.segmentation._segmentation import (
    FCNHead,
    SegmentationNetwork,
    SegmentationOptions,
    mobilenet_features,
    resnet_features,
    wants_auxiliary,
)

__all__ = [
    "ASPP",
    "ASPPConv",
    "ASPPPooling",
    "DeepLabHead",
    "DeepLabV3",
    "DeepLabV3_MobileNet_V3_Large_Weights",
    "DeepLabV3_ResNet50_Weights",
    "DeepLabV3_ResNet101_Weights",
    "SegmentationOptions",
    "deeplabv3_mobilenet_v3_large",
    "deeplabv3_resnet50",
    "deeplabv3_resnet101",
]


class DeepLabV3(SegmentationNetwork):
    """A backbone and `DeepLabHead`, with an `FCNHead` as the auxiliary one.

    Args:
        backbone: Gives features by name, from pictures: `"out"` and, with an auxiliary head, `"aux"`.
        classifier: Makes scores of the features `"out"`.
        aux_classifier: Makes scores of the features `"aux"`, for a second loss in training.
    """


def _convolution(in_channels: int, out_channels: int, kernel_size: int, dilation: int = 1) -> list[nn.Module]:
    """A convolution that keeps height and width, its normalisation and activation."""
    padding = kernel_size // 2 * dilation
    return [
        nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding, dilation=dilation, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    ]


class DeepLabHead(nn.Sequential):
    """`ASPP` to 256 channels, a 3×3 convolution, and the layer that scores each position.

    Args:
        in_channels: Channels that come in.
        num_classes: How many scores each position gets.
        atrous_rates: See `ASPP`. The default is for features of an eighth of the picture's size.
    """

    def __init__(self, in_channels: int, num_classes: int, atrous_rates: Sequence[int] = (12, 24, 36)) -> None:
        super().__init__(ASPP(in_channels, atrous_rates), *_convolution(256, 256, 3), nn.Conv2d(256, num_classes, 1))


class ASPPConv(nn.Sequential):
    """A dilated 3×3 convolution, normalised and activated.

    Args:
        in_channels: Channels that come in.
        out_channels: Channels that come out.
        dilation: Distance between the points of the kernel, in positions.
    """

    def __init__(self, in_channels: int, out_channels: int, dilation: int) -> None:
        super().__init__(*_convolution(in_channels, out_channels, 3, dilation))


class ASPPPooling(nn.Sequential):
    """What the picture shows as a whole, given to every position: "image-level features".

    Args:
        in_channels: Channels that come in.
        out_channels: Channels that come out.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(nn.AdaptiveAvgPool2d(1), *_convolution(in_channels, out_channels, 1))

    def forward(self, input: Tensor) -> Tensor:
        """From `(N, in_channels, H, W)` to `(N, out_channels, H, W)`."""
        x = input
        for layer in self:
            x = layer(x)  # (N, …, 1, 1)
        return F.interpolate(x, size=input.shape[-2:], mode="bilinear", align_corners=False)


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling: one position seen at several scales at once (figure 5 of the paper).

    Args:
        in_channels: Channels that come in.
        atrous_rates: The dilations of the 3×3 convolutions that stand side by side.
        out_channels: Channels of each of the branches, and that come out.
    """

    def __init__(self, in_channels: int, atrous_rates: Sequence[int], out_channels: int = 256) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            [
                nn.Sequential(*_convolution(in_channels, out_channels, 1)),
                *[ASPPConv(in_channels, out_channels, rate) for rate in atrous_rates],
                ASPPPooling(in_channels, out_channels),
            ]
        )
        joined = len(self.convs) * out_channels
        self.project = nn.Sequential(*_convolution(joined, out_channels, 1), nn.Dropout(0.5))

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, in_channels, H, W)` to `(N, out_channels, H, W)`."""
        return self.project(torch.cat([branch(x) for branch in self.convs], 1))


def _on_resnet(
    make: Callable[..., nn.Module],
    weights_backbone: WeightsEnum | None,
    progress: bool,
    aux: bool,
    num_classes: int = 21,
) -> DeepLabV3:
    backbone = resnet_features(make, weights_backbone, progress, aux)
    # The auxiliary head first: that is the order in which random numbers are drawn.
    aux_classifier = FCNHead(1024, num_classes) if aux else None
    return DeepLabV3(backbone, DeepLabHead(2048, num_classes), aux_classifier)


def _on_mobilenet(
    make: Callable[..., nn.Module],
    weights_backbone: WeightsEnum | None,
    progress: bool,
    aux: bool,
    num_classes: int = 21,
) -> DeepLabV3:
    names = {"low": "aux", "high": "out"} if aux else {"high": "out"}
    backbone, low, high = mobilenet_features(make, weights_backbone, progress, names)
    aux_classifier = FCNHead(low, num_classes) if aux else None
    return DeepLabV3(backbone, DeepLabHead(high, num_classes), aux_classifier)


@builder(DeepLabV3_ResNet50_Weights, SegmentationOptions)
def deeplabv3_resnet50(
    *,
    weights: DeepLabV3_ResNet50_Weights | str | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    aux_loss: bool | None = None,
    weights_backbone: ResNet50_Weights | str | None = ResNet50_Weights.IMAGENET1K_V1,
    **options: Unpack[SegmentationOptions],
) -> DeepLabV3:
    """DeepLabV3 on ResNet-50."""
    backbone = (resnet50, weights_backbone, progress, wants_auxiliary(weights, aux_loss))
    return build(_on_resnet, weights, progress, *backbone, num_classes=num_classes, **options)


@builder(DeepLabV3_ResNet101_Weights, SegmentationOptions)
def deeplabv3_resnet101(
    *,
    weights: DeepLabV3_ResNet101_Weights | str | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    aux_loss: bool | None = None,
    weights_backbone: ResNet101_Weights | str | None = ResNet101_Weights.IMAGENET1K_V1,
    **options: Unpack[SegmentationOptions],
) -> DeepLabV3:
    """DeepLabV3 on ResNet-101."""
    backbone = (resnet101, weights_backbone, progress, wants_auxiliary(weights, aux_loss))
    return build(_on_resnet, weights, progress, *backbone, num_classes=num_classes, **options)


@builder(DeepLabV3_MobileNet_V3_Large_Weights, SegmentationOptions)
def deeplabv3_mobilenet_v3_large(
    *,
    weights: DeepLabV3_MobileNet_V3_Large_Weights | str | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    aux_loss: bool | None = None,
    weights_backbone: MobileNet_V3_Large_Weights | str | None = MobileNet_V3_Large_Weights.IMAGENET1K_V1,
    **options: Unpack[SegmentationOptions],
) -> DeepLabV3:
    """DeepLabV3 on MobileNetV3-Large."""
    backbone = (mobilenet_v3_large, weights_backbone, progress, wants_auxiliary(weights, aux_loss))
    return build(_on_mobilenet, weights, progress, *backbone, num_classes=num_classes, **options)
