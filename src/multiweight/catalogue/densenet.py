"""Published weights of DenseNet."""

from math import nan

from multiweight.catalogue._schema import ImageClassification, InterpolationMode, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (29, 29)}


class DenseNet121_Weights(WeightsEnum, variant="densenet121"):
    """Weights of `densenet121`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/densenet121-a639ec97.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 7_978_856,
            "metrics": {"ImageNet-1K": {"acc@1": 74.434, "acc@5": 91.972}},
            "gflops": 2.834,
            "file_size": 30.845,
            "recipe": "https://github.com/pytorch/vision/pull/116",
        },
    )
    TIMM_RA_IN1K = Weights(
        url="hf://timm/densenet121.ra_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=303, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 7_978_856,
            "metrics": {"ImageNet-1K": {"acc@1": 76.486, "acc@5": nan}},
            "gflops": 4.684,
            "file_size": 30.8,
            "source": "https://huggingface.co/timm/densenet121.ra_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/densenet121.ra_in1k",
        },
        architecture="timm/densenet121",
    )
    TIMM_TV_IN1K = Weights(
        url="hf://timm/densenet121.tv_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 7_978_856,
            "metrics": {"ImageNet-1K": {"acc@1": 74.75, "acc@5": nan}},
            "gflops": 2.834,
            "file_size": 30.8,
            "source": "https://huggingface.co/timm/densenet121.tv_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/densenet121.tv_in1k",
        },
        architecture="timm/densenet121",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_RA_IN1K


class DenseNet161_Weights(WeightsEnum, variant="densenet161"):
    """Weights of `densenet161`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/densenet161-8d451a50.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 28_681_000,
            "metrics": {"ImageNet-1K": {"acc@1": 77.138, "acc@5": 93.56}},
            "gflops": 7.728,
            "file_size": 110.369,
            "recipe": "https://github.com/pytorch/vision/pull/116",
        },
    )
    TIMM_TV_IN1K = Weights(
        url="hf://timm/densenet161.tv_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 28_681_000,
            "metrics": {"ImageNet-1K": {"acc@1": 77.384, "acc@5": nan}},
            "gflops": 7.728,
            "file_size": 110.3,
            "source": "https://huggingface.co/timm/densenet161.tv_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/densenet161.tv_in1k",
        },
        architecture="timm/densenet161",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_TV_IN1K


class DenseNet169_Weights(WeightsEnum, variant="densenet169"):
    """Weights of `densenet169`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/densenet169-b2777c0a.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 14_149_480,
            "metrics": {"ImageNet-1K": {"acc@1": 75.6, "acc@5": 92.806}},
            "gflops": 3.36,
            "file_size": 54.708,
            "recipe": "https://github.com/pytorch/vision/pull/116",
        },
    )
    TIMM_TV_IN1K = Weights(
        url="hf://timm/densenet169.tv_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 14_149_480,
            "metrics": {"ImageNet-1K": {"acc@1": 75.922, "acc@5": nan}},
            "gflops": 3.36,
            "file_size": 54.7,
            "source": "https://huggingface.co/timm/densenet169.tv_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/densenet169.tv_in1k",
        },
        architecture="timm/densenet169",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_TV_IN1K


class DenseNet201_Weights(WeightsEnum, variant="densenet201"):
    """Weights of `densenet201`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/densenet201-c1103571.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 20_013_928,
            "metrics": {"ImageNet-1K": {"acc@1": 76.896, "acc@5": 93.37}},
            "gflops": 4.291,
            "file_size": 77.373,
            "recipe": "https://github.com/pytorch/vision/pull/116",
        },
    )
    TIMM_TV_IN1K = Weights(
        url="hf://timm/densenet201.tv_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 20_013_928,
            "metrics": {"ImageNet-1K": {"acc@1": 77.284, "acc@5": nan}},
            "gflops": 4.291,
            "file_size": 77.3,
            "source": "https://huggingface.co/timm/densenet201.tv_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/densenet201.tv_in1k",
        },
        architecture="timm/densenet201",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_TV_IN1K
