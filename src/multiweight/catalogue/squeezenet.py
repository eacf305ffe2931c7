"""Published weights of SqueezeNet."""

from multiweight.catalogue._schema import ImageClassification, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k")}


class SqueezeNet1_0_Weights(WeightsEnum, variant="squeezenet1_0"):
    """Weights of `squeezenet1_0`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/squeezenet1_0-b66bff10.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "min_size": (21, 21),
            "num_params": 1_248_424,
            "metrics": {"ImageNet-1K": {"acc@1": 58.092, "acc@5": 80.42}},
            "gflops": 0.819,
            "file_size": 4.778,
            "recipe": "https://github.com/pytorch/vision/pull/49#issuecomment-277560717",
        },
    )
    DEFAULT = IMAGENET1K_V1


class SqueezeNet1_1_Weights(WeightsEnum, variant="squeezenet1_1"):
    """Weights of `squeezenet1_1`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "min_size": (17, 17),
            "num_params": 1_235_496,
            "metrics": {"ImageNet-1K": {"acc@1": 58.178, "acc@5": 80.624}},
            "gflops": 0.349,
            "file_size": 4.729,
            "recipe": "https://github.com/pytorch/vision/pull/49#issuecomment-277560717",
        },
    )
    DEFAULT = IMAGENET1K_V1
