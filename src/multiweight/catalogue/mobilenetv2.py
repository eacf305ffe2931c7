"""Published weights of MobileNetV2."""

from multiweight.catalogue._schema import ImageClassification, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (1, 1)}


class MobileNet_V2_Weights(WeightsEnum, variant="mobilenet_v2"):
    """Weights of `mobilenet_v2`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/mobilenet_v2-b0353104.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 3_504_872,
            "metrics": {"ImageNet-1K": {"acc@1": 71.878, "acc@5": 90.286}},
            "gflops": 0.301,
            "file_size": 13.555,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#mobilenetv2",
        },
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/mobilenet_v2-7ebf99e0.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 3_504_872,
            "metrics": {"ImageNet-1K": {"acc@1": 72.154, "acc@5": 90.822}},
            "gflops": 0.301,
            "file_size": 13.598,
            "recipe": "https://github.com/pytorch/vision/issues/3995#new-recipe-with-reg-tuning",
        },
    )
    DEFAULT = IMAGENET1K_V2
