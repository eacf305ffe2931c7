"""Published weights of MobileNetV2, and the ones for handwritten digits that ship with the package."""

from math import nan

from multiweight.catalogue._schema import ImageClassification, InterpolationMode, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (1, 1)}

_DIGITS = {
    "categories": Labels("digits"),
    "min_size": (1, 1),
    "num_params": 408_938,
    "gflops": 0.003,
    "recipe": "docs/digits.md",
    "license": "BSD-3-Clause",
    "dataset": "Optical Recognition of Handwritten Digits (UCI, https://doi.org/10.24432/C50P49, CC BY 4.0)",
    "split": "of the 1,797 scans that scikit-learn ships, every fifth from the first on is held out",
}


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
        recipe="mobilenet_v2_v1",
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
        recipe="mobilenet_v2_v2",
    )
    DIGITS_V1 = Weights(
        url="package://multiweight/weights/mobilenet_v2_digits_v1.safetensors",
        transforms=ImageClassification(crop_size=36, resize_size=41, mean=(0.3053,) * 3, std=(0.376,) * 3),
        meta={**_DIGITS, "file_size": 0.838, "metrics": {"UCI digits": {"acc@1": 96.667, "acc@5": 100.0}}},
        sha256="32b847fe7d25cd73a6546bc777b6a747967dc2e87dbee4a5b906fc97ddadf90b",
        recipe="mobilenet_v2_digits_v1",
        arguments={"width_mult": 0.35},
    )
    DIGITS_V2 = Weights(
        url="package://multiweight/weights/mobilenet_v2_digits_v2.safetensors",
        transforms=ImageClassification(crop_size=36, resize_size=37, mean=(0.3053,) * 3, std=(0.376,) * 3),
        meta={**_DIGITS, "file_size": 0.838, "metrics": {"UCI digits": {"acc@1": 97.778, "acc@5": 100.0}}},
        sha256="f48d2d2767f909275ef472ad41f0740d374bdc7a5bf1c204738fb4f39ea379ed",
        recipe="mobilenet_v2_digits_v2",
        arguments={"width_mult": 0.35},
    )
    TIMM_RA_IN1K = Weights(
        url="hf://timm/mobilenetv2_100.ra_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 3_504_872,
            "metrics": {"ImageNet-1K": {"acc@1": 72.91, "acc@5": nan}},
            "gflops": 0.301,
            "file_size": 13.5,
            "source": "https://huggingface.co/timm/mobilenetv2_100.ra_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/mobilenetv2_100.ra_in1k",
        },
        architecture="timm/mobilenetv2_100",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_RA_IN1K
