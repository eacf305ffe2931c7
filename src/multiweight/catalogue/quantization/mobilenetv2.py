"""Published weights of quantized MobileNetV2, and the ones for handwritten digits that ship with the package."""

from multiweight.catalogue._schema import ImageClassification, Labels, Weights, WeightsEnum
from multiweight.catalogue.mobilenetv2 import MobileNet_V2_Weights

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (1, 1), "backend": "qnnpack"}


class MobileNet_V2_QuantizedWeights(
    WeightsEnum, variant="quantized_mobilenet_v2", builder="multiweight.models.quantization:mobilenet_v2"
):
    """Weights of `quantization.mobilenet_v2` with `quantize=True`."""

    IMAGENET1K_QNNPACK_V1 = Weights(
        url="https://download.pytorch.org/models/quantized/mobilenet_v2_qnnpack_37f702c5.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 3_504_872,
            "metrics": {"ImageNet-1K": {"acc@1": 71.658, "acc@5": 90.15}},
            "gflops": 0.301,
            "file_size": 3.423,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#qat-mobilenetv2",
            "unquantized": MobileNet_V2_Weights.IMAGENET1K_V1,
        },
        arguments={"quantize": True},
    )
    DIGITS_INT8_V2 = Weights(
        url="package://multiweight/weights/mobilenet_v2_digits_int8_v2.safetensors",
        transforms=ImageClassification(crop_size=36, resize_size=37, mean=(0.3053,) * 3, std=(0.376,) * 3),
        meta={
            "categories": Labels("digits"),
            "min_size": (1, 1),
            "num_params": 408_938,
            "gflops": 0.003,
            "file_size": 0.466,
            "metrics": {"UCI digits": {"acc@1": 97.778, "acc@5": 100.0}},
            "recipe": "docs/quantization.md",
            "license": "BSD-3-Clause",
            "backend": "onednn",
            "unquantized": MobileNet_V2_Weights.DIGITS_V2,
        },
        sha256="bb80df2d8feb1e160da880b289a00fc708ad832c80fb2154e81053c5399aa800",
        arguments={"width_mult": 0.35, "quantize": True},
    )
    DEFAULT = IMAGENET1K_QNNPACK_V1
