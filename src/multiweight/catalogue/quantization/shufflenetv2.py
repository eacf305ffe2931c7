"""Published weights of quantized ShuffleNet V2, and the ones for handwritten digits that ship with the package."""

from multiweight.catalogue._schema import ImageClassification, Labels, Weights, WeightsEnum
from multiweight.catalogue.shufflenetv2 import (
    ShuffleNet_V2_X0_5_Weights,
    ShuffleNet_V2_X1_0_Weights,
    ShuffleNet_V2_X1_5_Weights,
    ShuffleNet_V2_X2_0_Weights,
)

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (1, 1), "backend": "fbgemm"}


class ShuffleNet_V2_X0_5_QuantizedWeights(
    WeightsEnum, variant="quantized_shufflenet_v2_x0_5", builder="multiweight.models.quantization:shufflenet_v2_x0_5"
):
    """Weights of `quantization.shufflenet_v2_x0_5` with `quantize=True`."""

    IMAGENET1K_FBGEMM_V1 = Weights(
        url="https://download.pytorch.org/models/quantized/shufflenetv2_x0.5_fbgemm-00845098.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 1_366_792,
            "metrics": {"ImageNet-1K": {"acc@1": 57.972, "acc@5": 79.78}},
            "gflops": 0.04,
            "file_size": 1.501,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#post-training-quantized-models",
            "unquantized": ShuffleNet_V2_X0_5_Weights.IMAGENET1K_V1,
        },
        arguments={"quantize": True},
    )
    DIGITS_INT8_V2 = Weights(
        url="package://multiweight/weights/shufflenet_v2_x0_5_digits_int8_v2.safetensors",
        transforms=ImageClassification(crop_size=36, resize_size=37, mean=(0.3053,) * 3, std=(0.376,) * 3),
        meta={
            "categories": Labels("digits"),
            "min_size": (1, 1),
            "num_params": 352_042,
            "gflops": 0.002,
            "file_size": 0.395,
            "metrics": {"UCI digits": {"acc@1": 98.056, "acc@5": 100.0}},
            "recipe": "docs/quantization.md",
            "license": "BSD-3-Clause",
            "backend": "onednn",
            "unquantized": ShuffleNet_V2_X0_5_Weights.DIGITS_V2,
        },
        sha256="73ba21df5584b25e800e19dd517de879ffcf217990cb340e9ef5fec9112588dd",
        arguments={"quantize": True},
    )
    DEFAULT = IMAGENET1K_FBGEMM_V1


class ShuffleNet_V2_X1_0_QuantizedWeights(
    WeightsEnum, variant="quantized_shufflenet_v2_x1_0", builder="multiweight.models.quantization:shufflenet_v2_x1_0"
):
    """Weights of `quantization.shufflenet_v2_x1_0` with `quantize=True`."""

    IMAGENET1K_FBGEMM_V1 = Weights(
        url="https://download.pytorch.org/models/quantized/shufflenetv2_x1_fbgemm-1e62bb32.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 2_278_604,
            "metrics": {"ImageNet-1K": {"acc@1": 68.36, "acc@5": 87.582}},
            "gflops": 0.145,
            "file_size": 2.334,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#post-training-quantized-models",
            "unquantized": ShuffleNet_V2_X1_0_Weights.IMAGENET1K_V1,
        },
        arguments={"quantize": True},
    )
    DEFAULT = IMAGENET1K_FBGEMM_V1


class ShuffleNet_V2_X1_5_QuantizedWeights(
    WeightsEnum, variant="quantized_shufflenet_v2_x1_5", builder="multiweight.models.quantization:shufflenet_v2_x1_5"
):
    """Weights of `quantization.shufflenet_v2_x1_5` with `quantize=True`."""

    IMAGENET1K_FBGEMM_V1 = Weights(
        url="https://download.pytorch.org/models/quantized/shufflenetv2_x1_5_fbgemm-d7401f05.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 3_503_624,
            "metrics": {"ImageNet-1K": {"acc@1": 72.052, "acc@5": 90.7}},
            "gflops": 0.296,
            "file_size": 3.672,
            "recipe": "https://github.com/pytorch/vision/pull/5906",
            "unquantized": ShuffleNet_V2_X1_5_Weights.IMAGENET1K_V1,
        },
        arguments={"quantize": True},
    )
    DEFAULT = IMAGENET1K_FBGEMM_V1


class ShuffleNet_V2_X2_0_QuantizedWeights(
    WeightsEnum, variant="quantized_shufflenet_v2_x2_0", builder="multiweight.models.quantization:shufflenet_v2_x2_0"
):
    """Weights of `quantization.shufflenet_v2_x2_0` with `quantize=True`."""

    IMAGENET1K_FBGEMM_V1 = Weights(
        url="https://download.pytorch.org/models/quantized/shufflenetv2_x2_0_fbgemm-5cac526c.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 7_393_996,
            "metrics": {"ImageNet-1K": {"acc@1": 75.354, "acc@5": 92.488}},
            "gflops": 0.583,
            "file_size": 7.467,
            "recipe": "https://github.com/pytorch/vision/pull/5906",
            "unquantized": ShuffleNet_V2_X2_0_Weights.IMAGENET1K_V1,
        },
        arguments={"quantize": True},
    )
    DEFAULT = IMAGENET1K_FBGEMM_V1
