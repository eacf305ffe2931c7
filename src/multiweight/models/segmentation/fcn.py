"""FCN, a fully convolutional network for semantic segmentation, on dilated ResNets.

Paper: Fully Convolutional Networks for Semantic Segmentation, https://arxiv.org/abs/1411.4038

The paper's decoder is left out: as in DeepLab, dilation keeps the features of the backbone large enough, see
https://arxiv.org/abs/1706.05587.

Shapes: N pictures, C channels, H × W pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Unpack

from torch import nn

from multiweight.catalogue import WeightsEnum
from multiweight.catalogue.resnet import ResNet50_Weights, ResNet101_Weights
from multiweight.catalogue.segmentation.fcn import FCN_ResNet50_Weights, FCN_ResNet101_Weights
from multiweight.models._builder import build, builder
from multiweight.models.resnet import resnet50, resnet101
from multiweight.models.segmentation._segmentation import (
    FCNHead,
    SegmentationNetwork,
    SegmentationOptions,
    resnet_features,
    wants_auxiliary,
)

__all__ = [
    "FCN",
    "FCNHead",
    "FCN_ResNet50_Weights",
    "FCN_ResNet101_Weights",
    "SegmentationOptions",
    "fcn_resnet50",
    "fcn_resnet101",
]


class FCN(SegmentationNetwork):
    """A backbone and convolutional heads, enlarged to the picture.

    Args:
        backbone: Gives features by name, from pictures: `"out"` and, with an auxiliary head, `"aux"`.
        classifier: Makes scores of the features `"out"`.
        aux_classifier: Makes scores of the features `"aux"`, for a second loss in training.
    """


def _fcn(
    make: Callable[..., nn.Module],
    weights_backbone: WeightsEnum | None,
    progress: bool,
    aux: bool,
    num_classes: int = 21,
) -> FCN:
    backbone = resnet_features(make, weights_backbone, progress, aux)
    # The auxiliary head first: that is the order in which random numbers are drawn.
    aux_classifier = FCNHead(1024, num_classes) if aux else None
    return FCN(backbone, FCNHead(2048, num_classes), aux_classifier)


@builder(FCN_ResNet50_Weights, SegmentationOptions)
def fcn_resnet50(
    *,
    weights: FCN_ResNet50_Weights | str | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    aux_loss: bool | None = None,
    weights_backbone: ResNet50_Weights | str | None = ResNet50_Weights.IMAGENET1K_V1,
    **options: Unpack[SegmentationOptions],
) -> FCN:
    """FCN on ResNet-50."""
    backbone = (resnet50, weights_backbone, progress, wants_auxiliary(weights, aux_loss))
    return build(_fcn, weights, progress, *backbone, num_classes=num_classes, **options)


@builder(FCN_ResNet101_Weights, SegmentationOptions)
def fcn_resnet101(
    *,
    weights: FCN_ResNet101_Weights | str | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    aux_loss: bool | None = None,
    weights_backbone: ResNet101_Weights | str | None = ResNet101_Weights.IMAGENET1K_V1,
    **options: Unpack[SegmentationOptions],
) -> FCN:
    """FCN on ResNet-101."""
    backbone = (resnet101, weights_backbone, progress, wants_auxiliary(weights, aux_loss))
    return build(_fcn, weights, progress, *backbone, num_classes=num_classes, **options)
