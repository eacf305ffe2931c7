"""Published weights of ShuffleNet V2, and the ones for handwritten digits that ship with the package."""

from multiweight.catalogue._schema import ImageClassification, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (1, 1)}

_DIGITS = {
    "categories": Labels("digits"),
    "min_size": (1, 1),
    "num_params": 352_042,
    "gflops": 0.002,
    "file_size": 1.406,
    "recipe": "docs/digits.md",
    "license": "BSD-3-Clause",
    "dataset": "Optical Recognition of Handwritten Digits (UCI, https://doi.org/10.24432/C50P49, CC BY 4.0)",
    "split": "of the 1,797 scans that scikit-learn ships, every fifth from the first on is held out",
}


class ShuffleNet_V2_X0_5_Weights(WeightsEnum, variant="shufflenet_v2_x0_5"):
    """Weights of `shufflenet_v2_x0_5`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/shufflenetv2_x0.5-f707e7126e.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 1_366_792,
            "metrics": {"ImageNet-1K": {"acc@1": 60.552, "acc@5": 81.746}},
            "gflops": 0.04,
            "file_size": 5.282,
            "recipe": "https://github.com/ericsun99/Shufflenet-v2-Pytorch",
        },
    )
    DIGITS_V1 = Weights(
        url="package://multiweight/weights/shufflenet_v2_x0_5_digits_v1.safetensors",
        transforms=ImageClassification(crop_size=36, resize_size=41, mean=(0.3053,) * 3, std=(0.376,) * 3),
        meta={**_DIGITS, "metrics": {"UCI digits": {"acc@1": 96.389, "acc@5": 100.0}}},
        sha256="144b1e46391c8bab9c32610c5ae8982eed0b773256def9884cf9409c19c5af7f",
        recipe="shufflenet_v2_x0_5_digits_v1",
    )
    DIGITS_V2 = Weights(
        url="package://multiweight/weights/shufflenet_v2_x0_5_digits_v2.safetensors",
        transforms=ImageClassification(crop_size=36, resize_size=37, mean=(0.3053,) * 3, std=(0.376,) * 3),
        meta={**_DIGITS, "metrics": {"UCI digits": {"acc@1": 98.056, "acc@5": 100.0}}},
        sha256="a5f6f69adbe7dd797e383421a85a79c00060baf14c3661b1a2025d46b1a854f6",
        recipe="shufflenet_v2_x0_5_digits_v2",
    )
    DEFAULT = IMAGENET1K_V1


class ShuffleNet_V2_X1_0_Weights(WeightsEnum, variant="shufflenet_v2_x1_0"):
    """Weights of `shufflenet_v2_x1_0`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/shufflenetv2_x1-5666bf0f80.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 2_278_604,
            "metrics": {"ImageNet-1K": {"acc@1": 69.362, "acc@5": 88.316}},
            "gflops": 0.145,
            "file_size": 8.791,
            "recipe": "https://github.com/ericsun99/Shufflenet-v2-Pytorch",
        },
    )
    DEFAULT = IMAGENET1K_V1


class ShuffleNet_V2_X1_5_Weights(WeightsEnum, variant="shufflenet_v2_x1_5"):
    """Weights of `shufflenet_v2_x1_5`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/shufflenetv2_x1_5-3c479a10.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 3_503_624,
            "metrics": {"ImageNet-1K": {"acc@1": 72.996, "acc@5": 91.086}},
            "gflops": 0.296,
            "file_size": 13.557,
            "recipe": "https://github.com/pytorch/vision/pull/5906",
        },
        recipe="shufflenet_v2_x1_5_v1",
    )
    DEFAULT = IMAGENET1K_V1


class ShuffleNet_V2_X2_0_Weights(WeightsEnum, variant="shufflenet_v2_x2_0"):
    """Weights of `shufflenet_v2_x2_0`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/shufflenetv2_x2_0-8be3c8ee.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 7_393_996,
            "metrics": {"ImageNet-1K": {"acc@1": 76.23, "acc@5": 93.006}},
            "gflops": 0.583,
            "file_size": 28.433,
            "recipe": "https://github.com/pytorch/vision/pull/5906",
        },
        recipe="shufflenet_v2_x2_0_v1",
    )
    DEFAULT = IMAGENET1K_V1
