"""Published weights of ConvNeXt."""

from multiweight.catalogue._schema import ImageClassification, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (32, 32)}


class ConvNeXt_Tiny_Weights(WeightsEnum, variant="convnext_tiny"):
    """Weights of `convnext_tiny`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/convnext_tiny-983f1562.pth",
        transforms=ImageClassification(crop_size=224, resize_size=236),
        meta={
            **_IMAGENET,
            "num_params": 28_589_128,
            "metrics": {"ImageNet-1K": {"acc@1": 82.52, "acc@5": 96.146}},
            "gflops": 4.456,
            "file_size": 109.119,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#convnext",
        },
        recipe="convnext_tiny_v1",
    )
    DEFAULT = IMAGENET1K_V1


class ConvNeXt_Small_Weights(WeightsEnum, variant="convnext_small"):
    """Weights of `convnext_small`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/convnext_small-0c510722.pth",
        transforms=ImageClassification(crop_size=224, resize_size=230),
        meta={
            **_IMAGENET,
            "num_params": 50_223_688,
            "metrics": {"ImageNet-1K": {"acc@1": 83.616, "acc@5": 96.65}},
            "gflops": 8.684,
            "file_size": 191.703,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#convnext",
        },
        recipe="convnext_small_v1",
    )
    DEFAULT = IMAGENET1K_V1


class ConvNeXt_Base_Weights(WeightsEnum, variant="convnext_base"):
    """Weights of `convnext_base`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/convnext_base-6075fbad.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 88_591_464,
            "metrics": {"ImageNet-1K": {"acc@1": 84.062, "acc@5": 96.87}},
            "gflops": 15.355,
            "file_size": 338.064,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#convnext",
        },
        recipe="convnext_base_v1",
    )
    DEFAULT = IMAGENET1K_V1


class ConvNeXt_Large_Weights(WeightsEnum, variant="convnext_large"):
    """Weights of `convnext_large`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/convnext_large-ea097f82.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 197_767_336,
            "metrics": {"ImageNet-1K": {"acc@1": 84.414, "acc@5": 96.976}},
            "gflops": 34.361,
            "file_size": 754.537,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#convnext",
        },
        recipe="convnext_large_v1",
    )
    DEFAULT = IMAGENET1K_V1
