"""Published weights of Swin Transformer, first and second version."""

from multiweight.catalogue._schema import ImageClassification, InterpolationMode, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k")}


class Swin_T_Weights(WeightsEnum, variant="swin_t"):
    """Weights of `swin_t`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/swin_t-704ceda3.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 28_288_354,
            "metrics": {"ImageNet-1K": {"acc@1": 81.474, "acc@5": 95.776}},
            "gflops": 4.491,
            "file_size": 108.19,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#swintransformer",
        },
        recipe="swin_t_v1",
    )
    DEFAULT = IMAGENET1K_V1


class Swin_S_Weights(WeightsEnum, variant="swin_s"):
    """Weights of `swin_s`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/swin_s-5e29d889.pth",
        transforms=ImageClassification(crop_size=224, resize_size=246, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 49_606_258,
            "metrics": {"ImageNet-1K": {"acc@1": 83.196, "acc@5": 96.36}},
            "gflops": 8.741,
            "file_size": 189.786,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#swintransformer",
        },
        recipe="swin_s_v1",
    )
    DEFAULT = IMAGENET1K_V1


class Swin_B_Weights(WeightsEnum, variant="swin_b"):
    """Weights of `swin_b`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/swin_b-68c6b09e.pth",
        transforms=ImageClassification(crop_size=224, resize_size=238, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 87_768_224,
            "metrics": {"ImageNet-1K": {"acc@1": 83.582, "acc@5": 96.64}},
            "gflops": 15.431,
            "file_size": 335.364,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#swintransformer",
        },
        recipe="swin_b_v1",
    )
    DEFAULT = IMAGENET1K_V1


class Swin_V2_T_Weights(WeightsEnum, variant="swin_v2_t"):
    """Weights of `swin_v2_t`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/swin_v2_t-b137f0e2.pth",
        transforms=ImageClassification(crop_size=256, resize_size=260, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (256, 256),
            "num_params": 28_351_570,
            "metrics": {"ImageNet-1K": {"acc@1": 82.072, "acc@5": 96.132}},
            "gflops": 5.94,
            "file_size": 108.626,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#swintransformer-v2",
        },
        recipe="swin_v2_t_v1",
    )
    DEFAULT = IMAGENET1K_V1


class Swin_V2_S_Weights(WeightsEnum, variant="swin_v2_s"):
    """Weights of `swin_v2_s`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/swin_v2_s-637d8ceb.pth",
        transforms=ImageClassification(crop_size=256, resize_size=260, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (256, 256),
            "num_params": 49_737_442,
            "metrics": {"ImageNet-1K": {"acc@1": 83.712, "acc@5": 96.816}},
            "gflops": 11.546,
            "file_size": 190.675,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#swintransformer-v2",
        },
        recipe="swin_v2_s_v1",
    )
    DEFAULT = IMAGENET1K_V1


class Swin_V2_B_Weights(WeightsEnum, variant="swin_v2_b"):
    """Weights of `swin_v2_b`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/swin_v2_b-781e5279.pth",
        transforms=ImageClassification(crop_size=256, resize_size=272, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (256, 256),
            "num_params": 87_930_848,
            "metrics": {"ImageNet-1K": {"acc@1": 84.112, "acc@5": 96.864}},
            "gflops": 20.325,
            "file_size": 336.372,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#swintransformer-v2",
        },
        recipe="swin_v2_b_v1",
    )
    DEFAULT = IMAGENET1K_V1
