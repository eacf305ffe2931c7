"""Networks for semantic segmentation: a score of every class for every pixel."""

from multiweight.models.segmentation import deeplabv3, fcn, lraspp
from multiweight.models.segmentation.deeplabv3 import (
    DeepLabV3,
    DeepLabV3_MobileNet_V3_Large_Weights,
    DeepLabV3_ResNet50_Weights,
    DeepLabV3_ResNet101_Weights,
    deeplabv3_mobilenet_v3_large,
    deeplabv3_resnet50,
    deeplabv3_resnet101,
)
from multiweight.models.segmentation.fcn import (
    FCN,
    FCN_ResNet50_Weights,
    FCN_ResNet101_Weights,
    fcn_resnet50,
    fcn_resnet101,
)
from multiweight.models.segmentation.lraspp import (
    LRASPP,
    LRASPP_MobileNet_V3_Large_Weights,
    LRASPP_MobileNet_V3_Small_Weights,
    lraspp_mobilenet_v3_large,
    lraspp_mobilenet_v3_small,
)

__all__ = [
    "FCN",
    "LRASPP",
    "DeepLabV3",
    "DeepLabV3_MobileNet_V3_Large_Weights",
    "DeepLabV3_ResNet50_Weights",
    "DeepLabV3_ResNet101_Weights",
    "FCN_ResNet50_Weights",
    "FCN_ResNet101_Weights",
    "LRASPP_MobileNet_V3_Large_Weights",
    "LRASPP_MobileNet_V3_Small_Weights",
    "deeplabv3",
    "deeplabv3_mobilenet_v3_large",
    "deeplabv3_resnet50",
    "deeplabv3_resnet101",
    "fcn",
    "fcn_resnet50",
    "fcn_resnet101",
    "lraspp",
    "lraspp_mobilenet_v3_large",
    "lraspp_mobilenet_v3_small",
]
