"""Published weights of EfficientNet and EfficientNetV2."""

from math import nan

from multiweight.catalogue._schema import ImageClassification, InterpolationMode, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k")}
_HALF = (0.5, 0.5, 0.5)


class EfficientNet_B0_Weights(WeightsEnum, variant="efficientnet_b0"):
    """Weights of `efficientnet_b0`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/efficientnet_b0_rwightman-7f5810bc.pth",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (1, 1),
            "num_params": 5_288_548,
            "metrics": {"ImageNet-1K": {"acc@1": 77.692, "acc@5": 93.532}},
            "gflops": 0.386,
            "file_size": 20.451,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#efficientnet-v1",
        },
    )
    TIMM_RA4_E3600_R224_IN1K = Weights(
        url="hf://timm/efficientnet_b0.ra4_e3600_r224_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=256, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (1, 1),
            "num_params": 5_288_548,
            "metrics": {"ImageNet-1K": {"acc@1": 79.364, "acc@5": nan}},
            "gflops": 0.503,
            "file_size": 20.4,
            "source": "https://huggingface.co/timm/efficientnet_b0.ra4_e3600_r224_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/efficientnet_b0.ra4_e3600_r224_in1k",
        },
        architecture="timm/efficientnet_b0",
    )
    TIMM_RA_IN1K = Weights(
        url="hf://timm/efficientnet_b0.ra_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (1, 1),
            "num_params": 5_288_548,
            "metrics": {"ImageNet-1K": {"acc@1": 77.698, "acc@5": nan}},
            "gflops": 0.386,
            "file_size": 20.4,
            "source": "https://huggingface.co/timm/efficientnet_b0.ra_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/efficientnet_b0.ra_in1k",
        },
        architecture="timm/efficientnet_b0",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_RA4_E3600_R224_IN1K


class EfficientNet_B1_Weights(WeightsEnum, variant="efficientnet_b1"):
    """Weights of `efficientnet_b1`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/efficientnet_b1_rwightman-bac287d4.pth",
        transforms=ImageClassification(crop_size=240, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (1, 1),
            "num_params": 7_794_184,
            "metrics": {"ImageNet-1K": {"acc@1": 78.642, "acc@5": 94.186}},
            "gflops": 0.687,
            "file_size": 30.134,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#efficientnet-v1",
        },
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/efficientnet_b1-c27df63c.pth",
        transforms=ImageClassification(crop_size=240, resize_size=255),
        meta={
            **_IMAGENET,
            "min_size": (1, 1),
            "num_params": 7_794_184,
            "metrics": {"ImageNet-1K": {"acc@1": 79.838, "acc@5": 94.934}},
            "gflops": 0.687,
            "file_size": 30.136,
            "recipe": "https://github.com/pytorch/vision/issues/3995#new-recipe-with-lr-wd-crop-tuning",
        },
        recipe="efficientnet_b1_v2",
    )
    TIMM_FT_IN1K = Weights(
        url="hf://timm/efficientnet_b1.ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=256, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (1, 1),
            "num_params": 7_794_184,
            "metrics": {"ImageNet-1K": {"acc@1": 78.806, "acc@5": nan}},
            "gflops": 0.743,
            "file_size": 30.0,
            "source": "https://huggingface.co/timm/efficientnet_b1.ft_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/efficientnet_b1.ft_in1k",
        },
        architecture="timm/efficientnet_b1",
    )
    TIMM_RA4_E3600_R240_IN1K = Weights(
        url="hf://timm/efficientnet_b1.ra4_e3600_r240_in1k/model.safetensors",
        transforms=ImageClassification(
            crop_size=288, resize_size=288, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "min_size": (1, 1),
            "num_params": 7_794_184,
            "metrics": {"ImageNet-1K": {"acc@1": 81.444, "acc@5": nan}},
            "gflops": 0.94,
            "file_size": 30.0,
            "source": "https://huggingface.co/timm/efficientnet_b1.ra4_e3600_r240_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/efficientnet_b1.ra4_e3600_r240_in1k",
        },
        architecture="timm/efficientnet_b1",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_RA4_E3600_R240_IN1K


class EfficientNet_B2_Weights(WeightsEnum, variant="efficientnet_b2"):
    """Weights of `efficientnet_b2`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/efficientnet_b2_rwightman-c35c1473.pth",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (1, 1),
            "num_params": 9_109_994,
            "metrics": {"ImageNet-1K": {"acc@1": 80.608, "acc@5": 95.31}},
            "gflops": 1.088,
            "file_size": 35.174,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#efficientnet-v1",
        },
    )
    TIMM_RA_IN1K = Weights(
        url="hf://timm/efficientnet_b2.ra_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (1, 1),
            "num_params": 9_109_994,
            "metrics": {"ImageNet-1K": {"acc@1": 80.612, "acc@5": nan}},
            "gflops": 1.088,
            "file_size": 35.1,
            "source": "https://huggingface.co/timm/efficientnet_b2.ra_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/efficientnet_b2.ra_in1k",
        },
        architecture="timm/efficientnet_b2",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_RA_IN1K


class EfficientNet_B3_Weights(WeightsEnum, variant="efficientnet_b3"):
    """Weights of `efficientnet_b3`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/efficientnet_b3_rwightman-b3899882.pth",
        transforms=ImageClassification(crop_size=300, resize_size=320, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (1, 1),
            "num_params": 12_233_232,
            "metrics": {"ImageNet-1K": {"acc@1": 82.008, "acc@5": 96.054}},
            "gflops": 1.827,
            "file_size": 47.184,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#efficientnet-v1",
        },
    )
    TIMM_RA2_IN1K = Weights(
        url="hf://timm/efficientnet_b3.ra2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=320, resize_size=320, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (1, 1),
            "num_params": 12_233_232,
            "metrics": {"ImageNet-1K": {"acc@1": 82.296, "acc@5": nan}},
            "gflops": 1.961,
            "file_size": 47.0,
            "source": "https://huggingface.co/timm/efficientnet_b3.ra2_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/efficientnet_b3.ra2_in1k",
        },
        architecture="timm/efficientnet_b3",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_RA2_IN1K


class EfficientNet_B4_Weights(WeightsEnum, variant="efficientnet_b4"):
    """Weights of `efficientnet_b4`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/efficientnet_b4_rwightman-23ab8bcd.pth",
        transforms=ImageClassification(crop_size=380, resize_size=384, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (1, 1),
            "num_params": 19_341_616,
            "metrics": {"ImageNet-1K": {"acc@1": 83.384, "acc@5": 96.594}},
            "gflops": 4.394,
            "file_size": 74.489,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#efficientnet-v1",
        },
    )
    TIMM_RA2_IN1K = Weights(
        url="hf://timm/efficientnet_b4.ra2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=384, resize_size=384, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (1, 1),
            "num_params": 19_341_616,
            "metrics": {"ImageNet-1K": {"acc@1": 83.468, "acc@5": nan}},
            "gflops": 4.41,
            "file_size": 74.3,
            "source": "https://huggingface.co/timm/efficientnet_b4.ra2_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/efficientnet_b4.ra2_in1k",
        },
        architecture="timm/efficientnet_b4",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_RA2_IN1K


class EfficientNet_B5_Weights(WeightsEnum, variant="efficientnet_b5"):
    """Weights of `efficientnet_b5`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/efficientnet_b5_lukemelas-1a07897c.pth",
        transforms=ImageClassification(crop_size=456, resize_size=456, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (1, 1),
            "num_params": 30_389_784,
            "metrics": {"ImageNet-1K": {"acc@1": 83.444, "acc@5": 96.628}},
            "gflops": 10.266,
            "file_size": 116.864,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#efficientnet-v1",
        },
    )
    TIMM_SW_IN12K = Weights(
        url="hf://timm/efficientnet_b5.sw_in12k/model.safetensors",
        transforms=ImageClassification(crop_size=416, resize_size=437, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "its 11,821 outputs are the classes of ImageNet-12k, whose labels are not in the catalogue",
            "min_size": (1, 1),
            "num_params": 52_562_013,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 8.132,
            "file_size": 201.2,
            "source": "https://huggingface.co/timm/efficientnet_b5.sw_in12k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/efficientnet_b5.sw_in12k",
        },
        arguments={"batch_norm_eps": 1e-05, "num_classes": 11821},
        architecture="timm/efficientnet_b5",
    )
    TIMM_SW_IN12K_FT_IN1K = Weights(
        url="hf://timm/efficientnet_b5.sw_in12k_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=448, resize_size=(448, 448), interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (1, 1),
            "num_params": 30_389_784,
            "metrics": {"ImageNet-1K": {"acc@1": 85.894, "acc@5": nan}},
            "gflops": 9.404,
            "file_size": 116.7,
            "source": "https://huggingface.co/timm/efficientnet_b5.sw_in12k_ft_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/efficientnet_b5.sw_in12k_ft_in1k",
        },
        arguments={"batch_norm_eps": 1e-05},
        architecture="timm/efficientnet_b5",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_SW_IN12K_FT_IN1K


class EfficientNet_B6_Weights(WeightsEnum, variant="efficientnet_b6"):
    """Weights of `efficientnet_b6`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/efficientnet_b6_lukemelas-24a108a5.pth",
        transforms=ImageClassification(crop_size=528, resize_size=528, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (1, 1),
            "num_params": 43_040_704,
            "metrics": {"ImageNet-1K": {"acc@1": 84.008, "acc@5": 96.916}},
            "gflops": 19.068,
            "file_size": 165.362,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#efficientnet-v1",
        },
    )
    DEFAULT = IMAGENET1K_V1


class EfficientNet_B7_Weights(WeightsEnum, variant="efficientnet_b7"):
    """Weights of `efficientnet_b7`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/efficientnet_b7_lukemelas-c5b4e57e.pth",
        transforms=ImageClassification(crop_size=600, resize_size=600, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (1, 1),
            "num_params": 66_347_960,
            "metrics": {"ImageNet-1K": {"acc@1": 84.122, "acc@5": 96.908}},
            "gflops": 37.746,
            "file_size": 254.675,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#efficientnet-v1",
        },
    )
    DEFAULT = IMAGENET1K_V1


class EfficientNet_V2_S_Weights(WeightsEnum, variant="efficientnet_v2_s"):
    """Weights of `efficientnet_v2_s`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/efficientnet_v2_s-dd5fe13b.pth",
        transforms=ImageClassification(crop_size=384, resize_size=384),
        meta={
            **_IMAGENET,
            "min_size": (33, 33),
            "num_params": 21_458_488,
            "metrics": {"ImageNet-1K": {"acc@1": 84.228, "acc@5": 96.878}},
            "gflops": 8.366,
            "file_size": 82.704,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#efficientnet-v2",
        },
        recipe="efficientnet_v2_s_v1",
    )
    DEFAULT = IMAGENET1K_V1


class EfficientNet_V2_M_Weights(WeightsEnum, variant="efficientnet_v2_m"):
    """Weights of `efficientnet_v2_m`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/efficientnet_v2_m-dc08266a.pth",
        transforms=ImageClassification(crop_size=480, resize_size=480),
        meta={
            **_IMAGENET,
            "min_size": (33, 33),
            "num_params": 54_139_356,
            "metrics": {"ImageNet-1K": {"acc@1": 85.112, "acc@5": 97.156}},
            "gflops": 24.582,
            "file_size": 208.01,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#efficientnet-v2",
        },
        recipe="efficientnet_v2_m_v1",
    )
    DEFAULT = IMAGENET1K_V1


class EfficientNet_V2_L_Weights(WeightsEnum, variant="efficientnet_v2_l"):
    """Weights of `efficientnet_v2_l`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/efficientnet_v2_l-59c71312.pth",
        transforms=ImageClassification(
            crop_size=480,
            resize_size=480,
            mean=(0.5, 0.5, 0.5),
            std=(0.5, 0.5, 0.5),
            interpolation=InterpolationMode.BICUBIC,
        ),
        meta={
            **_IMAGENET,
            "min_size": (33, 33),
            "num_params": 118_515_272,
            "metrics": {"ImageNet-1K": {"acc@1": 85.808, "acc@5": 97.788}},
            "gflops": 56.08,
            "file_size": 454.573,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#efficientnet-v2",
        },
    )
    DEFAULT = IMAGENET1K_V1
