"""Published weights of quantized GoogLeNet."""

from multiweight.catalogue._schema import ImageClassification, Labels, Weights, WeightsEnum
from multiweight.catalogue.googlenet import GoogLeNet_Weights

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (15, 15), "backend": "fbgemm"}


class GoogLeNet_QuantizedWeights(
    WeightsEnum, variant="quantized_googlenet", builder="multiweight.models.quantization:googlenet"
):
    """Weights of `quantization.googlenet` with `quantize=True`."""

    IMAGENET1K_FBGEMM_V1 = Weights(
        url="https://download.pytorch.org/models/quantized/googlenet_fbgemm-c81f6644.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 6_624_904,
            "metrics": {"ImageNet-1K": {"acc@1": 69.826, "acc@5": 89.404}},
            "gflops": 1.498,
            "file_size": 12.618,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#post-training-quantized-models",
            "unquantized": GoogLeNet_Weights.IMAGENET1K_V1,
        },
        arguments={"quantize": True},
    )
    DEFAULT = IMAGENET1K_FBGEMM_V1
