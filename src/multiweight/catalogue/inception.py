"""Published weights of Inception v3."""

from multiweight.catalogue._schema import ImageClassification, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (75, 75)}


class Inception_V3_Weights(WeightsEnum, variant="inception_v3"):
    """Weights of `inception_v3`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth",
        transforms=ImageClassification(crop_size=299, resize_size=342),
        meta={
            **_IMAGENET,
            "num_params": 27_161_264,
            "metrics": {"ImageNet-1K": {"acc@1": 77.294, "acc@5": 93.45}},
            "gflops": 5.713,
            "file_size": 103.903,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#inception-v3",
        },
    )
    DEFAULT = IMAGENET1K_V1
