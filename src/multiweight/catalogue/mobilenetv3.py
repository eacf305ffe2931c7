"""Published weights of MobileNetV3."""

from math import nan

from multiweight.catalogue._schema import ImageClassification, InterpolationMode, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (1, 1)}
_HALF = (0.5, 0.5, 0.5)


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
    TIMM_MIIL_IN21K = Weights(
        url="hf://timm/mobilenetv3_large_100.miil_in21k/model.safetensors",
        transforms=ImageClassification(crop_size=224, mean=(0.0,) * 3, std=(1.0,) * 3),
        meta={
            "categories": None,
            "outputs": "its 11,221 outputs are the classes of ImageNet-21k-P, whose labels are not in the catalogue",
            "min_size": (1, 1),
            "num_params": 18_576_133,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 0.23,
            "file_size": 71.0,
            "source": "https://huggingface.co/timm/mobilenetv3_large_100.miil_in21k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2104.10972v4",
        },
        arguments={"batch_norm_eps": 1e-05, "num_classes": 11221},
        architecture="timm/mobilenetv3_large_100",
    )
    TIMM_MIIL_IN21K_FT_IN1K = Weights(
        url="hf://timm/mobilenetv3_large_100.miil_in21k_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, mean=(0.0,) * 3, std=(1.0,) * 3),
        meta={
            **_IMAGENET,
            "num_params": 5_483_032,
            "metrics": {"ImageNet-1K": {"acc@1": 77.92, "acc@5": nan}},
            "gflops": 0.217,
            "file_size": 21.0,
            "source": "https://huggingface.co/timm/mobilenetv3_large_100.miil_in21k_ft_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2104.10972v4",
        },
        arguments={"batch_norm_eps": 1e-05},
        architecture="timm/mobilenetv3_large_100",
    )
    TIMM_RA4_E3600_R224_IN1K = Weights(
        url="hf://timm/mobilenetv3_large_100.ra4_e3600_r224_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=256, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 5_483_032,
            "metrics": {"ImageNet-1K": {"acc@1": 77.182, "acc@5": nan}},
            "gflops": 0.282,
            "file_size": 21.0,
            "source": "https://huggingface.co/timm/mobilenetv3_large_100.ra4_e3600_r224_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/mobilenetv3_large_100.ra4_e3600_r224_in1k",
        },
        arguments={"batch_norm_eps": 1e-05},
        architecture="timm/mobilenetv3_large_100",
    )
    TIMM_RA_IN1K = Weights(
        url="hf://timm/mobilenetv3_large_100.ra_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 5_483_032,
            "metrics": {"ImageNet-1K": {"acc@1": 75.784, "acc@5": nan}},
            "gflops": 0.217,
            "file_size": 21.0,
            "source": "https://huggingface.co/timm/mobilenetv3_large_100.ra_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/mobilenetv3_large_100.ra_in1k",
        },
        arguments={"batch_norm_eps": 1e-05},
        architecture="timm/mobilenetv3_large_100",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_MIIL_IN21K_FT_IN1K


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
    TIMM_LAMB_IN1K = Weights(
        url="hf://timm/mobilenetv3_small_100.lamb_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 2_542_856,
            "metrics": {"ImageNet-1K": {"acc@1": 67.636, "acc@5": nan}},
            "gflops": 0.057,
            "file_size": 9.8,
            "source": "https://huggingface.co/timm/mobilenetv3_small_100.lamb_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/mobilenetv3_small_100.lamb_in1k",
        },
        arguments={"batch_norm_eps": 1e-05},
        architecture="timm/mobilenetv3_small_100",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_LAMB_IN1K
