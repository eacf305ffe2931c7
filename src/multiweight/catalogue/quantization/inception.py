"""Published weights of quantized Inception v3."""

from multiweight.catalogue._schema import ImageClassification, Labels, Weights, WeightsEnum
from multiweight.catalogue.inception import Inception_V3_Weights

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (75, 75), "backend": "fbgemm"}


class Inception_V3_QuantizedWeights(
    WeightsEnum, variant="quantized_inception_v3", builder="multiweight.models.quantization:inception_v3"
):
    """Weights of `quantization.inception_v3` with `quantize=True`."""

    IMAGENET1K_FBGEMM_V1 = Weights(
        url="https://download.pytorch.org/models/quantized/inception_v3_google_fbgemm-a2837893.pth",
        transforms=ImageClassification(crop_size=299, resize_size=342),
        meta={
            **_IMAGENET,
            "num_params": 27_161_264,
            "metrics": {"ImageNet-1K": {"acc@1": 77.176, "acc@5": 93.354}},
            "gflops": 5.713,
            "file_size": 23.146,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#post-training-quantized-models",
            "unquantized": Inception_V3_Weights.IMAGENET1K_V1,
        },
        arguments={"quantize": True},
    )
    DEFAULT = IMAGENET1K_FBGEMM_V1
