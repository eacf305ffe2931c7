"""Published weights of MobileNetV3."""

from multiweight.catalogue._schema import ImageClassification, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (1, 1)}


class MobileNet_V3_Large_Weights(WeightsEnum, variant="mobilenet_v3_large"):
    """Weights of `mobilenet_v3_large`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/mobilenet_v3_large-8738ca79.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 5_483_032,
            "metrics": {"ImageNet-1K": {"acc@1": 74.042, "acc@5": 91.34}},
            "gflops": 0.217,
            "file_size": 21.114,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#mobilenetv3-large--small",
        },
        recipe="mobilenet_v3_large_v1",
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/mobilenet_v3_large-5c1a4163.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 5_483_032,
            "metrics": {"ImageNet-1K": {"acc@1": 75.274, "acc@5": 92.566}},
            "gflops": 0.217,
            "file_size": 21.107,
            "recipe": "https://github.com/pytorch/vision/issues/3995#new-recipe-with-reg-tuning",
        },
        recipe="mobilenet_v3_large_v2",
    )
    DEFAULT = IMAGENET1K_V2


class MobileNet_V3_Small_Weights(WeightsEnum, variant="mobilenet_v3_small"):
    """Weights of `mobilenet_v3_small`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/mobilenet_v3_small-047dcff4.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 2_542_856,
            "metrics": {"ImageNet-1K": {"acc@1": 67.668, "acc@5": 87.402}},
            "gflops": 0.057,
            "file_size": 9.829,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#mobilenetv3-large--small",
        },
        recipe="mobilenet_v3_small_v1",
    )
    DEFAULT = IMAGENET1K_V1
