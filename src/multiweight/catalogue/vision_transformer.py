"""Published weights of Vision Transformer (ViT)."""

from multiweight.catalogue._schema import ImageClassification, InterpolationMode, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k")}
_SWAG = {
    **_IMAGENET,
    "recipe": "https://github.com/facebookresearch/SWAG",
    "license": "https://github.com/facebookresearch/SWAG/blob/main/LICENSE",
}


class ViT_B_16_Weights(WeightsEnum, variant="vit_b_16"):
    """Weights of `vit_b_16`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/vit_b_16-c867db91.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 86_567_656,
            "metrics": {"ImageNet-1K": {"acc@1": 81.072, "acc@5": 95.318}},
            "gflops": 17.564,
            "file_size": 330.285,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#vit_b_16",
        },
        recipe="vit_b_16_v1",
    )
    IMAGENET1K_SWAG_E2E_V1 = Weights(
        url="https://download.pytorch.org/models/vit_b_16_swag-9ac1b537.pth",
        transforms=ImageClassification(crop_size=384, resize_size=384, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_SWAG,
            "min_size": (384, 384),
            "num_params": 86_859_496,
            "metrics": {"ImageNet-1K": {"acc@1": 85.304, "acc@5": 97.65}},
            "gflops": 55.484,
            "file_size": 331.398,
        },
    )
    IMAGENET1K_SWAG_LINEAR_V1 = Weights(
        url="https://download.pytorch.org/models/vit_b_16_lc_swag-4e70ced5.pth",
        transforms=ImageClassification(crop_size=224, resize_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_SWAG,
            "min_size": (224, 224),
            "num_params": 86_567_656,
            "metrics": {"ImageNet-1K": {"acc@1": 81.886, "acc@5": 96.18}},
            "gflops": 17.564,
            "file_size": 330.285,
            "recipe": "https://github.com/pytorch/vision/pull/5793",
        },
    )
    DEFAULT = IMAGENET1K_V1


class ViT_B_32_Weights(WeightsEnum, variant="vit_b_32"):
    """Weights of `vit_b_32`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/vit_b_32-d86f8d99.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 88_224_232,
            "metrics": {"ImageNet-1K": {"acc@1": 75.912, "acc@5": 92.466}},
            "gflops": 4.409,
            "file_size": 336.604,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#vit_b_32",
        },
        recipe="vit_b_32_v1",
    )
    DEFAULT = IMAGENET1K_V1


class ViT_L_16_Weights(WeightsEnum, variant="vit_l_16"):
    """Weights of `vit_l_16`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/vit_l_16-852ce7e3.pth",
        transforms=ImageClassification(crop_size=224, resize_size=242),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 304_326_632,
            "metrics": {"ImageNet-1K": {"acc@1": 79.662, "acc@5": 94.638}},
            "gflops": 61.555,
            "file_size": 1161.023,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#vit_l_16",
        },
        recipe="vit_l_16_v1",
    )
    IMAGENET1K_SWAG_E2E_V1 = Weights(
        url="https://download.pytorch.org/models/vit_l_16_swag-4f3808c9.pth",
        transforms=ImageClassification(crop_size=512, resize_size=512, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_SWAG,
            "min_size": (512, 512),
            "num_params": 305_174_504,
            "metrics": {"ImageNet-1K": {"acc@1": 88.064, "acc@5": 98.512}},
            "gflops": 361.986,
            "file_size": 1164.258,
        },
    )
    IMAGENET1K_SWAG_LINEAR_V1 = Weights(
        url="https://download.pytorch.org/models/vit_l_16_lc_swag-4d563306.pth",
        transforms=ImageClassification(crop_size=224, resize_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_SWAG,
            "min_size": (224, 224),
            "num_params": 304_326_632,
            "metrics": {"ImageNet-1K": {"acc@1": 85.146, "acc@5": 97.422}},
            "gflops": 61.555,
            "file_size": 1161.023,
            "recipe": "https://github.com/pytorch/vision/pull/5793",
        },
    )
    DEFAULT = IMAGENET1K_V1


class ViT_L_32_Weights(WeightsEnum, variant="vit_l_32"):
    """Weights of `vit_l_32`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/vit_l_32-c7638314.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 306_535_400,
            "metrics": {"ImageNet-1K": {"acc@1": 76.972, "acc@5": 93.07}},
            "gflops": 15.378,
            "file_size": 1169.449,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#vit_l_32",
        },
        recipe="vit_l_32_v1",
    )
    DEFAULT = IMAGENET1K_V1


class ViT_H_14_Weights(WeightsEnum, variant="vit_h_14", legacy=False):
    """Weights of `vit_h_14`."""

    IMAGENET1K_SWAG_E2E_V1 = Weights(
        url="https://download.pytorch.org/models/vit_h_14_swag-80465313.pth",
        transforms=ImageClassification(crop_size=518, resize_size=518, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_SWAG,
            "min_size": (518, 518),
            "num_params": 633_470_440,
            "metrics": {"ImageNet-1K": {"acc@1": 88.552, "acc@5": 98.694}},
            "gflops": 1016.717,
            "file_size": 2416.643,
        },
    )
    IMAGENET1K_SWAG_LINEAR_V1 = Weights(
        url="https://download.pytorch.org/models/vit_h_14_lc_swag-c1eb923e.pth",
        transforms=ImageClassification(crop_size=224, resize_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_SWAG,
            "min_size": (224, 224),
            "num_params": 632_045_800,
            "metrics": {"ImageNet-1K": {"acc@1": 85.708, "acc@5": 97.73}},
            "gflops": 167.295,
            "file_size": 2411.209,
            "recipe": "https://github.com/pytorch/vision/pull/5793",
        },
    )
    DEFAULT = IMAGENET1K_SWAG_E2E_V1
