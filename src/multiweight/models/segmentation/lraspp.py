"""LR-ASPP on MobileNetV3: semantic segmentation for small machines.

Paper: Searching for MobileNetV3, section 6.4 and figure 10, https://arxiv.org/abs/1905.02244

Shapes: N pictures, C channels, H × W pixels.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TypedDict, Unpack

import torch.nn.functional as F
from torch import Tensor, nn

from multiweight.catalogue import WeightsEnum
from multiweight.catalogue.mobilenetv3 import MobileNet_V3_Large_Weights, MobileNet_V3_Small_Weights
from multiweight.catalogue.segmentation.lraspp import (
    LRASPP_MobileNet_V3_Large_Weights,
    LRASPP_MobileNet_V3_Small_Weights,
)
from multiweight.models._builder import build, builder
from multiweight.models.mobilenetv3 import mobilenet_v3_large, mobilenet_v3_small
from multiweight.models.segmentation._segmentation import enlarge, mobilenet_features

__all__ = [
    "LRASPP",
    "LRASPPHead",
    "LRASPPOptions",
    "LRASPP_MobileNet_V3_Large_Weights",
    "LRASPP_MobileNet_V3_Small_Weights",
    "lraspp_mobilenet_v3_large",
    "lraspp_mobilenet_v3_small",
]


class LRASPP(nn.Module):
    """A backbone with the head of figure 10 of the paper, "lite reduced atrous spatial pyramid pooling".

    Args:
        backbone: Gives features by name, from pictures: `"low"` at an eighth, `"high"` at a 16th of the picture's size.
        low_channels: Channels of the low features.
        high_channels: Channels of the high features.
        num_classes: How many scores each pixel gets, the background's included.
        inter_channels: Channels inside of the head.
    """

    def __init__(
        self, backbone: nn.Module, low_channels: int, high_channels: int, num_classes: int, inter_channels: int = 128
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = LRASPPHead(low_channels, high_channels, num_classes, inter_channels)

    def forward(self, input: Tensor) -> dict[str, Tensor]:
        """From pictures `(N, 3, H, W)` to scores `(N, num_classes, H, W)`, under the name `"out"`."""
        scores: dict[str, Tensor] = OrderedDict()
        scores["out"] = enlarge(self.classifier(self.backbone(input)), input)
        return scores


class LRASPPHead(nn.Module):
    """Scores from high features, weighted by what the whole picture shows, plus scores from low, finer ones.

    Args:
        low_channels: Channels of the low features.
        high_channels: Channels of the high features.
        num_classes: How many scores each position gets.
        inter_channels: Channels that the high features are reduced to.
    """

    def __init__(self, low_channels: int, high_channels: int, num_classes: int, inter_channels: int) -> None:
        super().__init__()
        self.cbr = nn.Sequential(
            nn.Conv2d(high_channels, inter_channels, 1, bias=False),
            nn.BatchNorm2d(inter_channels),
            nn.ReLU(inplace=True),
        )
        self.scale = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(high_channels, inter_channels, 1, bias=False),
            nn.Sigmoid(),
        )
        self.low_classifier = nn.Conv2d(low_channels, num_classes, 1)
        self.high_classifier = nn.Conv2d(inter_channels, num_classes, 1)

    def forward(self, input: dict[str, Tensor]) -> Tensor:
        """From `"low"` `(N, C, H/8, W/8)` and `"high"` features `(N, C, H/16, W/16)` to scores of the size of low."""
        low, high = input["low"], input["high"]
        x = self.cbr(high) * self.scale(high)  # (N, inter_channels, H/16, W/16)
        x = F.interpolate(x, size=low.shape[-2:], mode="bilinear", align_corners=False)  # (N, inter_channels, H/8, W/8)
        return self.low_classifier(low) + self.high_classifier(x)


class LRASPPOptions(TypedDict, total=False):
    """What the builders of this family can be told beside their own parameters.

    Attributes:
        inter_channels: See `LRASPP`. With weights of another number the file does not fit.
        aux_loss: Only false: this head has no auxiliary one. It is there as the other networks have it.
    """

    inter_channels: int
    aux_loss: bool | None


def _lraspp(
    make: Callable[..., nn.Module],
    weights_backbone: WeightsEnum | None,
    progress: bool,
    num_classes: int = 21,
    aux_loss: bool | None = None,
    inter_channels: int = 128,
) -> LRASPP:
    if aux_loss:
        raise NotImplementedError(f"LR-ASPP has no auxiliary head, so aux_loss is None or False; got {aux_loss!r}.")
    backbone, low, high = mobilenet_features(make, weights_backbone, progress, {"low": "low", "high": "high"})
    return LRASPP(backbone, low, high, num_classes, inter_channels)


@builder(LRASPP_MobileNet_V3_Large_Weights, LRASPPOptions)
def lraspp_mobilenet_v3_large(
    *,
    weights: LRASPP_MobileNet_V3_Large_Weights | str | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    weights_backbone: MobileNet_V3_Large_Weights | str | None = MobileNet_V3_Large_Weights.IMAGENET1K_V1,
    **options: Unpack[LRASPPOptions],
) -> LRASPP:
    """LR-ASPP on MobileNetV3-Large."""
    backbone = (mobilenet_v3_large, weights_backbone, progress)
    return build(_lraspp, weights, progress, *backbone, num_classes=num_classes, **options)


@builder(LRASPP_MobileNet_V3_Small_Weights, LRASPPOptions)
def lraspp_mobilenet_v3_small(
    *,
    weights: LRASPP_MobileNet_V3_Small_Weights | str | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    weights_backbone: MobileNet_V3_Small_Weights | str | None = MobileNet_V3_Small_Weights.IMAGENET1K_V1,
    **options: Unpack[LRASPPOptions],
) -> LRASPP:
    """LR-ASPP on MobileNetV3-Small."""
    backbone = (mobilenet_v3_small, weights_backbone, progress)
    return build(_lraspp, weights, progress, *backbone, num_classes=num_classes, **options)
