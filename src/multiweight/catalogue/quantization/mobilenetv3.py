"""Published weights of quantized MobileNetV3."""

from multiweight.catalogue._schema import ImageClassification, Labels, Weights, WeightsEnum
from multiweight.catalogue.mobilenetv3 import MobileNet_V3_Large_Weights

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (1, 1), "backend": "qnnpack"}


class MobileNet_V3_Large_QuantizedWeights(
    WeightsEnum, variant="quantized_mobilenet_v3_large", builder="multiweight.models.quantization:mobilenet_v3_large"
):
    """Weights of `quantization.mobilenet_v3_large` with `quantize=True`."""

    IMAGENET1K_QNNPACK_V1 = Weights(
        url="https://download.pytorch.org/models/quantized/mobilenet_v3_large_qnnpack-5bcacf28.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 5_483_032,
            "metrics": {"ImageNet-1K": {"acc@1": 73.004, "acc@5": 90.858}},
            "gflops": 0.217,
            "file_size": 21.554,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#qat-mobilenetv3",
            "unquantized": MobileNet_V3_Large_Weights.IMAGENET1K_V1,
        },
        arguments={"quantize": True},
    )
    DEFAULT = IMAGENET1K_QNNPACK_V1
