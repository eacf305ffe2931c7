"""Published weights of MNASNet."""

from math import nan

from multiweight.catalogue._schema import ImageClassification, InterpolationMode, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (1, 1)}


class MNASNet0_5_Weights(WeightsEnum, variant="mnasnet0_5"):
    """Weights of `mnasnet0_5`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/mnasnet0.5_top1_67.823-3ffadce67e.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 2_218_512,
            "metrics": {"ImageNet-1K": {"acc@1": 67.734, "acc@5": 87.49}},
            "gflops": 0.104,
            "file_size": 8.591,
            "recipe": "https://github.com/1e100/mnasnet_trainer",
        },
    )
    DEFAULT = IMAGENET1K_V1


class MNASNet0_75_Weights(WeightsEnum, variant="mnasnet0_75"):
    """Weights of `mnasnet0_75`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/mnasnet0_75-7090bc5f.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 3_170_208,
            "metrics": {"ImageNet-1K": {"acc@1": 71.18, "acc@5": 90.496}},
            "gflops": 0.215,
            "file_size": 12.303,
            "recipe": "https://github.com/pytorch/vision/pull/6019",
        },
    )
    DEFAULT = IMAGENET1K_V1


class MNASNet1_0_Weights(WeightsEnum, variant="mnasnet1_0"):
    """Weights of `mnasnet1_0`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/mnasnet1.0_top1_73.512-f206786ef8.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 4_383_312,
            "metrics": {"ImageNet-1K": {"acc@1": 73.456, "acc@5": 91.51}},
            "gflops": 0.314,
            "file_size": 16.915,
            "recipe": "https://github.com/1e100/mnasnet_trainer",
        },
    )
    TIMM_RMSP_IN1K = Weights(
        url="hf://timm/mnasnet_100.rmsp_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 4_383_312,
            "metrics": {"ImageNet-1K": {"acc@1": 74.672, "acc@5": nan}},
            "gflops": 0.314,
            "file_size": 16.9,
            "source": "https://huggingface.co/timm/mnasnet_100.rmsp_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/mnasnet_100.rmsp_in1k",
        },
        architecture="timm/mnasnet_100",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_RMSP_IN1K


class MNASNet1_3_Weights(WeightsEnum, variant="mnasnet1_3"):
    """Weights of `mnasnet1_3`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/mnasnet1_3-a4c69d6f.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 6_282_256,
            "metrics": {"ImageNet-1K": {"acc@1": 76.506, "acc@5": 93.522}},
            "gflops": 0.526,
            "file_size": 24.246,
            "recipe": "https://github.com/pytorch/vision/pull/6019",
        },
    )
    DEFAULT = IMAGENET1K_V1
