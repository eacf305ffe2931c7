"""Published weights of quantized ResNet and ResNeXt."""

from multiweight.catalogue._schema import ImageClassification, Labels, Weights, WeightsEnum
from multiweight.catalogue.resnet import (
    ResNet18_Weights,
    ResNet50_Weights,
    ResNeXt101_32X8D_Weights,
    ResNeXt101_64X4D_Weights,
)

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (1, 1), "backend": "fbgemm"}


class ResNet18_QuantizedWeights(
    WeightsEnum, variant="quantized_resnet18", builder="multiweight.models.quantization:resnet18"
):
    """Weights of `quantization.resnet18` with `quantize=True`."""

    IMAGENET1K_FBGEMM_V1 = Weights(
        url="https://download.pytorch.org/models/quantized/resnet18_fbgemm_16fa66dd.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 11_689_512,
            "metrics": {"ImageNet-1K": {"acc@1": 69.494, "acc@5": 88.882}},
            "gflops": 1.814,
            "file_size": 11.238,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#post-training-quantized-models",
            "unquantized": ResNet18_Weights.IMAGENET1K_V1,
        },
        arguments={"quantize": True},
    )
    DEFAULT = IMAGENET1K_FBGEMM_V1


class ResNet50_QuantizedWeights(
    WeightsEnum, variant="quantized_resnet50", builder="multiweight.models.quantization:resnet50"
):
    """Weights of `quantization.resnet50` with `quantize=True`."""

    IMAGENET1K_FBGEMM_V1 = Weights(
        url="https://download.pytorch.org/models/quantized/resnet50_fbgemm_bf931d71.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 25_557_032,
            "metrics": {"ImageNet-1K": {"acc@1": 75.92, "acc@5": 92.814}},
            "gflops": 4.089,
            "file_size": 24.759,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#post-training-quantized-models",
            "unquantized": ResNet50_Weights.IMAGENET1K_V1,
        },
        arguments={"quantize": True},
    )
    IMAGENET1K_FBGEMM_V2 = Weights(
        url="https://download.pytorch.org/models/quantized/resnet50_fbgemm-23753f79.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 25_557_032,
            "metrics": {"ImageNet-1K": {"acc@1": 80.282, "acc@5": 94.976}},
            "gflops": 4.089,
            "file_size": 24.953,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#post-training-quantized-models",
            "unquantized": ResNet50_Weights.IMAGENET1K_V2,
        },
        arguments={"quantize": True},
    )
    DEFAULT = IMAGENET1K_FBGEMM_V2


class ResNeXt101_32X8D_QuantizedWeights(
    WeightsEnum, variant="quantized_resnext101_32x8d", builder="multiweight.models.quantization:resnext101_32x8d"
):
    """Weights of `quantization.resnext101_32x8d` with `quantize=True`."""

    IMAGENET1K_FBGEMM_V1 = Weights(
        url="https://download.pytorch.org/models/quantized/resnext101_32x8_fbgemm_09835ccf.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 88_791_336,
            "metrics": {"ImageNet-1K": {"acc@1": 78.986, "acc@5": 94.48}},
            "gflops": 16.414,
            "file_size": 86.034,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#post-training-quantized-models",
            "unquantized": ResNeXt101_32X8D_Weights.IMAGENET1K_V1,
        },
        arguments={"quantize": True},
    )
    IMAGENET1K_FBGEMM_V2 = Weights(
        url="https://download.pytorch.org/models/quantized/resnext101_32x8_fbgemm-ee16d00c.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 88_791_336,
            "metrics": {"ImageNet-1K": {"acc@1": 82.574, "acc@5": 96.132}},
            "gflops": 16.414,
            "file_size": 86.645,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#post-training-quantized-models",
            "unquantized": ResNeXt101_32X8D_Weights.IMAGENET1K_V2,
        },
        arguments={"quantize": True},
    )
    DEFAULT = IMAGENET1K_FBGEMM_V2


class ResNeXt101_64X4D_QuantizedWeights(
    WeightsEnum, variant="quantized_resnext101_64x4d", builder="multiweight.models.quantization:resnext101_64x4d"
):
    """Weights of `quantization.resnext101_64x4d` with `quantize=True`."""

    IMAGENET1K_FBGEMM_V1 = Weights(
        url="https://download.pytorch.org/models/quantized/resnext101_64x4d_fbgemm-605a1cb3.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 83_455_272,
            "metrics": {"ImageNet-1K": {"acc@1": 82.898, "acc@5": 96.326}},
            "gflops": 15.46,
            "file_size": 81.556,
            "recipe": "https://github.com/pytorch/vision/pull/5935",
            "unquantized": ResNeXt101_64X4D_Weights.IMAGENET1K_V1,
        },
        arguments={"quantize": True},
    )
    DEFAULT = IMAGENET1K_FBGEMM_V1
