"""Published weights of ResNet, ResNeXt and Wide ResNet."""

from multiweight.catalogue._schema import ImageClassification, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (1, 1)}


class ResNet18_Weights(WeightsEnum, variant="resnet18"):
    """Weights of `resnet18`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/resnet18-f37072fd.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 11_689_512,
            "metrics": {"ImageNet-1K": {"acc@1": 69.758, "acc@5": 89.078}},
            "gflops": 1.814,
            "file_size": 44.661,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#resnet",
        },
        recipe="resnet18_v1",
    )
    DEFAULT = IMAGENET1K_V1


class ResNet34_Weights(WeightsEnum, variant="resnet34"):
    """Weights of `resnet34`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/resnet34-b627a593.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 21_797_672,
            "metrics": {"ImageNet-1K": {"acc@1": 73.314, "acc@5": 91.42}},
            "gflops": 3.664,
            "file_size": 83.275,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#resnet",
        },
        recipe="resnet34_v1",
    )
    DEFAULT = IMAGENET1K_V1


class ResNet50_Weights(WeightsEnum, variant="resnet50"):
    """Weights of `resnet50`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/resnet50-0676ba61.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 25_557_032,
            "metrics": {"ImageNet-1K": {"acc@1": 76.13, "acc@5": 92.862}},
            "gflops": 4.089,
            "file_size": 97.781,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#resnet",
        },
        recipe="resnet50_v1",
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/resnet50-11ad3fa6.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 25_557_032,
            "metrics": {"ImageNet-1K": {"acc@1": 80.858, "acc@5": 95.434}},
            "gflops": 4.089,
            "file_size": 97.79,
            "recipe": "https://github.com/pytorch/vision/issues/3995#issuecomment-1013906621",
        },
        recipe="resnet50_v2",
    )
    DEFAULT = IMAGENET1K_V2


class ResNet101_Weights(WeightsEnum, variant="resnet101"):
    """Weights of `resnet101`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/resnet101-63fe2227.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 44_549_160,
            "metrics": {"ImageNet-1K": {"acc@1": 77.374, "acc@5": 93.546}},
            "gflops": 7.801,
            "file_size": 170.511,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#resnet",
        },
        recipe="resnet101_v1",
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/resnet101-cd907fc2.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 44_549_160,
            "metrics": {"ImageNet-1K": {"acc@1": 81.886, "acc@5": 95.78}},
            "gflops": 7.801,
            "file_size": 170.53,
            "recipe": "https://github.com/pytorch/vision/issues/3995#new-recipe",
        },
        recipe="resnet101_v2",
    )
    DEFAULT = IMAGENET1K_V2


class ResNet152_Weights(WeightsEnum, variant="resnet152"):
    """Weights of `resnet152`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/resnet152-394f9c45.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 60_192_808,
            "metrics": {"ImageNet-1K": {"acc@1": 78.312, "acc@5": 94.046}},
            "gflops": 11.514,
            "file_size": 230.434,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#resnet",
        },
        recipe="resnet152_v1",
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/resnet152-f82ba261.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 60_192_808,
            "metrics": {"ImageNet-1K": {"acc@1": 82.284, "acc@5": 96.002}},
            "gflops": 11.514,
            "file_size": 230.474,
            "recipe": "https://github.com/pytorch/vision/issues/3995#new-recipe",
        },
        recipe="resnet152_v2",
    )
    DEFAULT = IMAGENET1K_V2


class ResNeXt50_32X4D_Weights(WeightsEnum, variant="resnext50_32x4d"):
    """Weights of `resnext50_32x4d`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/resnext50_32x4d-7cdf4587.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 25_028_904,
            "metrics": {"ImageNet-1K": {"acc@1": 77.618, "acc@5": 93.698}},
            "gflops": 4.23,
            "file_size": 95.789,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#resnext",
        },
        recipe="resnext50_32x4d_v1",
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/resnext50_32x4d-1a0047aa.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 25_028_904,
            "metrics": {"ImageNet-1K": {"acc@1": 81.198, "acc@5": 95.34}},
            "gflops": 4.23,
            "file_size": 95.833,
            "recipe": "https://github.com/pytorch/vision/issues/3995#new-recipe",
        },
        recipe="resnext50_32x4d_v2",
    )
    DEFAULT = IMAGENET1K_V2


class ResNeXt101_32X8D_Weights(WeightsEnum, variant="resnext101_32x8d"):
    """Weights of `resnext101_32x8d`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/resnext101_32x8d-8ba56ff5.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 88_791_336,
            "metrics": {"ImageNet-1K": {"acc@1": 79.312, "acc@5": 94.526}},
            "gflops": 16.414,
            "file_size": 339.586,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#resnext",
        },
        recipe="resnext101_32x8d_v1",
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/resnext101_32x8d-110c445d.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 88_791_336,
            "metrics": {"ImageNet-1K": {"acc@1": 82.834, "acc@5": 96.228}},
            "gflops": 16.414,
            "file_size": 339.673,
            "recipe": "https://github.com/pytorch/vision/issues/3995#new-recipe-with-fixres",
        },
        recipe="resnext101_32x8d_v2",
    )
    DEFAULT = IMAGENET1K_V2


class ResNeXt101_64X4D_Weights(WeightsEnum, variant="resnext101_64x4d"):
    """Weights of `resnext101_64x4d`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/resnext101_64x4d-173b62eb.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 83_455_272,
            "metrics": {"ImageNet-1K": {"acc@1": 83.246, "acc@5": 96.454}},
            "gflops": 15.46,
            "file_size": 319.318,
            "recipe": "https://github.com/pytorch/vision/pull/5935",
        },
    )
    DEFAULT = IMAGENET1K_V1


class Wide_ResNet50_2_Weights(WeightsEnum, variant="wide_resnet50_2"):
    """Weights of `wide_resnet50_2`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/wide_resnet50_2-95faca4d.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 68_883_240,
            "metrics": {"ImageNet-1K": {"acc@1": 78.468, "acc@5": 94.086}},
            "gflops": 11.398,
            "file_size": 131.82,
            "recipe": "https://github.com/pytorch/vision/pull/912#issue-445437439",
        },
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/wide_resnet50_2-9ba9bcbe.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 68_883_240,
            "metrics": {"ImageNet-1K": {"acc@1": 81.602, "acc@5": 95.758}},
            "gflops": 11.398,
            "file_size": 263.124,
            "recipe": "https://github.com/pytorch/vision/issues/3995#new-recipe-with-fixres",
        },
        recipe="wide_resnet50_2_v2",
    )
    DEFAULT = IMAGENET1K_V2


class Wide_ResNet101_2_Weights(WeightsEnum, variant="wide_resnet101_2"):
    """Weights of `wide_resnet101_2`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/wide_resnet101_2-32ee1156.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 126_886_696,
            "metrics": {"ImageNet-1K": {"acc@1": 78.848, "acc@5": 94.284}},
            "gflops": 22.753,
            "file_size": 242.896,
            "recipe": "https://github.com/pytorch/vision/pull/912#issue-445437439",
        },
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/wide_resnet101_2-d733dc28.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 126_886_696,
            "metrics": {"ImageNet-1K": {"acc@1": 82.51, "acc@5": 96.02}},
            "gflops": 22.753,
            "file_size": 484.747,
            "recipe": "https://github.com/pytorch/vision/issues/3995#new-recipe",
        },
        recipe="wide_resnet101_2_v2",
    )
    DEFAULT = IMAGENET1K_V2
