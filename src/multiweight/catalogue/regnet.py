"""Published weights of RegNet, Y and X."""

from math import nan

from multiweight.catalogue._schema import ImageClassification, InterpolationMode, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (1, 1)}
_SWAG = {
    **_IMAGENET,
    "recipe": "https://github.com/facebookresearch/SWAG",
    "license": "https://github.com/facebookresearch/SWAG/blob/main/LICENSE",
}


class RegNet_Y_400MF_Weights(WeightsEnum, variant="regnet_y_400mf"):
    """Weights of `regnet_y_400mf`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/regnet_y_400mf-c65dace8.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 4_344_144,
            "metrics": {"ImageNet-1K": {"acc@1": 74.046, "acc@5": 91.716}},
            "gflops": 0.402,
            "file_size": 16.806,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#small-models",
        },
        recipe="regnet_y_400mf_v1",
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/regnet_y_400mf-e6988f5f.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 4_344_144,
            "metrics": {"ImageNet-1K": {"acc@1": 75.804, "acc@5": 92.742}},
            "gflops": 0.402,
            "file_size": 16.806,
            "recipe": "https://github.com/pytorch/vision/issues/3995#new-recipe",
        },
        recipe="regnet_y_400mf_v2",
    )
    TIMM_PYCLS_IN1K = Weights(
        url="hf://timm/regnety_004.pycls_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 4_344_144,
            "metrics": {"ImageNet-1K": {"acc@1": 74.004, "acc@5": nan}},
            "gflops": 0.402,
            "file_size": 16.7,
            "source": "https://huggingface.co/timm/regnety_004.pycls_in1k",
            "license": "mit",
            "recipe": "https://huggingface.co/timm/regnety_004.pycls_in1k",
        },
        architecture="timm/regnety_004",
    )
    TIMM_TV2_IN1K = Weights(
        url="hf://timm/regnety_004.tv2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 4_344_144,
            "metrics": {"ImageNet-1K": {"acc@1": 75.594, "acc@5": nan}},
            "gflops": 0.402,
            "file_size": 16.7,
            "source": "https://huggingface.co/timm/regnety_004.tv2_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/regnety_004.tv2_in1k",
        },
        architecture="timm/regnety_004",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_TV2_IN1K


class RegNet_Y_800MF_Weights(WeightsEnum, variant="regnet_y_800mf"):
    """Weights of `regnet_y_800mf`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/regnet_y_800mf-1b27b58c.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 6_432_512,
            "metrics": {"ImageNet-1K": {"acc@1": 76.42, "acc@5": 93.136}},
            "gflops": 0.834,
            "file_size": 24.774,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#small-models",
        },
        recipe="regnet_y_800mf_v1",
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/regnet_y_800mf-58fc7688.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 6_432_512,
            "metrics": {"ImageNet-1K": {"acc@1": 78.828, "acc@5": 94.502}},
            "gflops": 0.834,
            "file_size": 24.774,
            "recipe": "https://github.com/pytorch/vision/issues/3995#new-recipe",
        },
        recipe="regnet_y_800mf_v2",
    )
    TIMM_TV2_IN1K = Weights(
        url="hf://timm/regnety_008_tv.tv2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 6_432_512,
            "metrics": {"ImageNet-1K": {"acc@1": 78.672, "acc@5": nan}},
            "gflops": 0.834,
            "file_size": 24.7,
            "source": "https://huggingface.co/timm/regnety_008_tv.tv2_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/regnety_008_tv.tv2_in1k",
        },
        architecture="timm/regnety_008_tv",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_TV2_IN1K


class RegNet_Y_1_6GF_Weights(WeightsEnum, variant="regnet_y_1_6gf"):
    """Weights of `regnet_y_1_6gf`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/regnet_y_1_6gf-b11a554e.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 11_202_430,
            "metrics": {"ImageNet-1K": {"acc@1": 77.95, "acc@5": 93.966}},
            "gflops": 1.612,
            "file_size": 43.152,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#small-models",
        },
        recipe="regnet_y_1_6gf_v1",
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/regnet_y_1_6gf-0d7bc02a.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 11_202_430,
            "metrics": {"ImageNet-1K": {"acc@1": 80.876, "acc@5": 95.444}},
            "gflops": 1.612,
            "file_size": 43.152,
            "recipe": "https://github.com/pytorch/vision/issues/3995#new-recipe",
        },
        recipe="regnet_y_1_6gf_v2",
    )
    TIMM_PYCLS_IN1K = Weights(
        url="hf://timm/regnety_016.pycls_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 11_202_430,
            "metrics": {"ImageNet-1K": {"acc@1": 77.88, "acc@5": nan}},
            "gflops": 1.612,
            "file_size": 43.0,
            "source": "https://huggingface.co/timm/regnety_016.pycls_in1k",
            "license": "mit",
            "recipe": "https://huggingface.co/timm/regnety_016.pycls_in1k",
        },
        architecture="timm/regnety_016",
    )
    TIMM_TV2_IN1K = Weights(
        url="hf://timm/regnety_016.tv2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 11_202_430,
            "metrics": {"ImageNet-1K": {"acc@1": 80.668, "acc@5": nan}},
            "gflops": 1.612,
            "file_size": 43.0,
            "source": "https://huggingface.co/timm/regnety_016.tv2_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/regnety_016.tv2_in1k",
        },
        architecture="timm/regnety_016",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_TV2_IN1K


class RegNet_Y_3_2GF_Weights(WeightsEnum, variant="regnet_y_3_2gf"):
    """Weights of `regnet_y_3_2gf`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/regnet_y_3_2gf-b5a9779c.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 19_436_338,
            "metrics": {"ImageNet-1K": {"acc@1": 78.948, "acc@5": 94.576}},
            "gflops": 3.176,
            "file_size": 74.567,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#medium-models",
        },
        recipe="regnet_y_3_2gf_v1",
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/regnet_y_3_2gf-9180c971.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 19_436_338,
            "metrics": {"ImageNet-1K": {"acc@1": 81.982, "acc@5": 95.972}},
            "gflops": 3.176,
            "file_size": 74.567,
            "recipe": "https://github.com/pytorch/vision/issues/3995#new-recipe",
        },
        recipe="regnet_y_3_2gf_v2",
    )
    TIMM_PYCLS_IN1K = Weights(
        url="hf://timm/regnety_032.pycls_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 19_436_338,
            "metrics": {"ImageNet-1K": {"acc@1": 78.902, "acc@5": nan}},
            "gflops": 3.176,
            "file_size": 74.4,
            "source": "https://huggingface.co/timm/regnety_032.pycls_in1k",
            "license": "mit",
            "recipe": "https://huggingface.co/timm/regnety_032.pycls_in1k",
        },
        architecture="timm/regnety_032",
    )
    TIMM_RA_IN1K = Weights(
        url="hf://timm/regnety_032.ra_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 19_436_338,
            "metrics": {"ImageNet-1K": {"acc@1": 82.724, "acc@5": nan}},
            "gflops": 5.248,
            "file_size": 74.4,
            "source": "https://huggingface.co/timm/regnety_032.ra_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/regnety_032.ra_in1k",
        },
        architecture="timm/regnety_032",
    )
    TIMM_TV2_IN1K = Weights(
        url="hf://timm/regnety_032.tv2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 19_436_338,
            "metrics": {"ImageNet-1K": {"acc@1": 81.788, "acc@5": nan}},
            "gflops": 3.176,
            "file_size": 74.4,
            "source": "https://huggingface.co/timm/regnety_032.tv2_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/regnety_032.tv2_in1k",
        },
        architecture="timm/regnety_032",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_RA_IN1K


class RegNet_Y_8GF_Weights(WeightsEnum, variant="regnet_y_8gf"):
    """Weights of `regnet_y_8gf`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/regnet_y_8gf-d0d0e4a8.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 39_381_472,
            "metrics": {"ImageNet-1K": {"acc@1": 80.032, "acc@5": 95.048}},
            "gflops": 8.473,
            "file_size": 150.701,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#medium-models",
        },
        recipe="regnet_y_8gf_v1",
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/regnet_y_8gf-dc2b1b54.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 39_381_472,
            "metrics": {"ImageNet-1K": {"acc@1": 82.828, "acc@5": 96.33}},
            "gflops": 8.473,
            "file_size": 150.701,
            "recipe": "https://github.com/pytorch/vision/issues/3995#new-recipe",
        },
        recipe="regnet_y_8gf_v2",
    )
    TIMM_TV2_IN1K = Weights(
        url="hf://timm/regnety_080_tv.tv2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 39_381_472,
            "metrics": {"ImageNet-1K": {"acc@1": 82.58, "acc@5": nan}},
            "gflops": 8.473,
            "file_size": 150.6,
            "source": "https://huggingface.co/timm/regnety_080_tv.tv2_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/regnety_080_tv.tv2_in1k",
        },
        architecture="timm/regnety_080_tv",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_TV2_IN1K


class RegNet_Y_16GF_Weights(WeightsEnum, variant="regnet_y_16gf"):
    """Weights of `regnet_y_16gf`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/regnet_y_16gf-9e6ed7dd.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 83_590_140,
            "metrics": {"ImageNet-1K": {"acc@1": 80.424, "acc@5": 95.24}},
            "gflops": 15.912,
            "file_size": 319.49,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#large-models",
        },
        recipe="regnet_y_16gf_v1",
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/regnet_y_16gf-3e4a00f9.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 83_590_140,
            "metrics": {"ImageNet-1K": {"acc@1": 82.886, "acc@5": 96.328}},
            "gflops": 15.912,
            "file_size": 319.49,
            "recipe": "https://github.com/pytorch/vision/issues/3995#new-recipe",
        },
        recipe="regnet_y_16gf_v2",
    )
    IMAGENET1K_SWAG_E2E_V1 = Weights(
        url="https://download.pytorch.org/models/regnet_y_16gf_swag-43afe44d.pth",
        transforms=ImageClassification(crop_size=384, resize_size=384, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_SWAG,
            "num_params": 83_590_140,
            "metrics": {"ImageNet-1K": {"acc@1": 86.012, "acc@5": 98.054}},
            "gflops": 46.735,
            "file_size": 319.49,
        },
    )
    IMAGENET1K_SWAG_LINEAR_V1 = Weights(
        url="https://download.pytorch.org/models/regnet_y_16gf_lc_swag-f3ec0043.pth",
        transforms=ImageClassification(crop_size=224, resize_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_SWAG,
            "num_params": 83_590_140,
            "metrics": {"ImageNet-1K": {"acc@1": 83.976, "acc@5": 97.244}},
            "gflops": 15.912,
            "file_size": 319.49,
            "recipe": "https://github.com/pytorch/vision/pull/5793",
        },
    )
    TIMM_DEIT_IN1K = Weights(
        url="hf://timm/regnety_160.deit_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 83_590_140,
            "metrics": {"ImageNet-1K": {"acc@1": 83.704, "acc@5": nan}},
            "gflops": 26.294,
            "file_size": 319.4,
            "source": "https://huggingface.co/timm/regnety_160.deit_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/regnety_160.deit_in1k",
        },
        architecture="timm/regnety_160",
    )
    TIMM_LION_IN12K_FT_IN1K = Weights(
        url="hf://timm/regnety_160.lion_in12k_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 83_590_140,
            "metrics": {"ImageNet-1K": {"acc@1": 86.004, "acc@5": nan}},
            "gflops": 26.294,
            "file_size": 319.4,
            "source": "https://huggingface.co/timm/regnety_160.lion_in12k_ft_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/regnety_160.lion_in12k_ft_in1k",
        },
        architecture="timm/regnety_160",
    )
    TIMM_PYCLS_IN1K = Weights(
        url="hf://timm/regnety_160.pycls_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 83_590_140,
            "metrics": {"ImageNet-1K": {"acc@1": 80.284, "acc@5": nan}},
            "gflops": 15.912,
            "file_size": 319.4,
            "source": "https://huggingface.co/timm/regnety_160.pycls_in1k",
            "license": "mit",
            "recipe": "https://huggingface.co/timm/regnety_160.pycls_in1k",
        },
        architecture="timm/regnety_160",
    )
    TIMM_SW_IN12K = Weights(
        url="hf://timm/regnety_160.sw_in12k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "its 11,821 outputs are the classes of ImageNet-12k, whose labels are not in the catalogue",
            "min_size": (1, 1),
            "num_params": 116_323_665,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 26.327,
            "file_size": 444.2,
            "source": "https://huggingface.co/timm/regnety_160.sw_in12k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/regnety_160.sw_in12k",
        },
        arguments={"num_classes": 11821},
        architecture="timm/regnety_160",
    )
    TIMM_SW_IN12K_FT_IN1K = Weights(
        url="hf://timm/regnety_160.sw_in12k_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 83_590_140,
            "metrics": {"ImageNet-1K": {"acc@1": 86.028, "acc@5": nan}},
            "gflops": 26.294,
            "file_size": 319.4,
            "source": "https://huggingface.co/timm/regnety_160.sw_in12k_ft_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/regnety_160.sw_in12k_ft_in1k",
        },
        architecture="timm/regnety_160",
    )
    TIMM_SWAG_FT_IN1K = Weights(
        url="hf://timm/regnety_160.swag_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=384, resize_size=384, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 83_590_140,
            "metrics": {"ImageNet-1K": {"acc@1": 86.02, "acc@5": nan}},
            "gflops": 46.735,
            "file_size": 319.4,
            "source": "https://huggingface.co/timm/regnety_160.swag_ft_in1k",
            "license": "cc-by-nc-4.0",
            "recipe": "https://huggingface.co/timm/regnety_160.swag_ft_in1k",
        },
        architecture="timm/regnety_160",
    )
    TIMM_SWAG_LC_IN1K = Weights(
        url="hf://timm/regnety_160.swag_lc_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 83_590_140,
            "metrics": {"ImageNet-1K": {"acc@1": 83.806, "acc@5": nan}},
            "gflops": 15.912,
            "file_size": 319.4,
            "source": "https://huggingface.co/timm/regnety_160.swag_lc_in1k",
            "license": "cc-by-nc-4.0",
            "recipe": "https://huggingface.co/timm/regnety_160.swag_lc_in1k",
        },
        architecture="timm/regnety_160",
    )
    TIMM_TV2_IN1K = Weights(
        url="hf://timm/regnety_160.tv2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 83_590_140,
            "metrics": {"ImageNet-1K": {"acc@1": 82.646, "acc@5": nan}},
            "gflops": 15.912,
            "file_size": 319.4,
            "source": "https://huggingface.co/timm/regnety_160.tv2_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/regnety_160.tv2_in1k",
        },
        architecture="timm/regnety_160",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_SW_IN12K_FT_IN1K


class RegNet_Y_32GF_Weights(WeightsEnum, variant="regnet_y_32gf"):
    """Weights of `regnet_y_32gf`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/regnet_y_32gf-4dee3f7a.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 145_046_770,
            "metrics": {"ImageNet-1K": {"acc@1": 80.878, "acc@5": 95.34}},
            "gflops": 32.28,
            "file_size": 554.076,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#large-models",
        },
        recipe="regnet_y_32gf_v1",
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/regnet_y_32gf-8db6d4b5.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 145_046_770,
            "metrics": {"ImageNet-1K": {"acc@1": 83.368, "acc@5": 96.498}},
            "gflops": 32.28,
            "file_size": 554.076,
            "recipe": "https://github.com/pytorch/vision/issues/3995#new-recipe",
        },
        recipe="regnet_y_32gf_v2",
    )
    IMAGENET1K_SWAG_E2E_V1 = Weights(
        url="https://download.pytorch.org/models/regnet_y_32gf_swag-04fdfa75.pth",
        transforms=ImageClassification(crop_size=384, resize_size=384, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_SWAG,
            "num_params": 145_046_770,
            "metrics": {"ImageNet-1K": {"acc@1": 86.838, "acc@5": 98.362}},
            "gflops": 94.826,
            "file_size": 554.076,
        },
    )
    IMAGENET1K_SWAG_LINEAR_V1 = Weights(
        url="https://download.pytorch.org/models/regnet_y_32gf_lc_swag-e1583746.pth",
        transforms=ImageClassification(crop_size=224, resize_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_SWAG,
            "num_params": 145_046_770,
            "metrics": {"ImageNet-1K": {"acc@1": 84.622, "acc@5": 97.48}},
            "gflops": 32.28,
            "file_size": 554.076,
            "recipe": "https://github.com/pytorch/vision/pull/5793",
        },
    )
    TIMM_PYCLS_IN1K = Weights(
        url="hf://timm/regnety_320.pycls_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 145_046_770,
            "metrics": {"ImageNet-1K": {"acc@1": 80.796, "acc@5": nan}},
            "gflops": 32.28,
            "file_size": 554.0,
            "source": "https://huggingface.co/timm/regnety_320.pycls_in1k",
            "license": "mit",
            "recipe": "https://huggingface.co/timm/regnety_320.pycls_in1k",
        },
        architecture="timm/regnety_320",
    )
    TIMM_SEER = Weights(
        url="hf://timm/regnety_320.seer/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "it has no head and gives 3,712 features",
            "min_size": (1, 1),
            "num_params": 141_333_770,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 32.276,
            "file_size": 539.8,
            "source": "https://huggingface.co/timm/regnety_320.seer",
            "license": "seer-license",
            "recipe": "https://huggingface.co/timm/regnety_320.seer",
        },
        arguments={"num_classes": 0},
        architecture="timm/regnety_320",
    )
    TIMM_SEER_FT_IN1K = Weights(
        url="hf://timm/regnety_320.seer_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=384, resize_size=384, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 145_046_770,
            "metrics": {"ImageNet-1K": {"acc@1": 83.324, "acc@5": nan}},
            "gflops": 94.826,
            "file_size": 554.0,
            "source": "https://huggingface.co/timm/regnety_320.seer_ft_in1k",
            "license": "seer-license",
            "recipe": "https://huggingface.co/timm/regnety_320.seer_ft_in1k",
        },
        architecture="timm/regnety_320",
    )
    TIMM_SWAG_FT_IN1K = Weights(
        url="hf://timm/regnety_320.swag_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=384, resize_size=384, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 145_046_770,
            "metrics": {"ImageNet-1K": {"acc@1": 86.83, "acc@5": nan}},
            "gflops": 94.826,
            "file_size": 554.0,
            "source": "https://huggingface.co/timm/regnety_320.swag_ft_in1k",
            "license": "cc-by-nc-4.0",
            "recipe": "https://huggingface.co/timm/regnety_320.swag_ft_in1k",
        },
        architecture="timm/regnety_320",
    )
    TIMM_SWAG_LC_IN1K = Weights(
        url="hf://timm/regnety_320.swag_lc_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 145_046_770,
            "metrics": {"ImageNet-1K": {"acc@1": 84.654, "acc@5": nan}},
            "gflops": 32.28,
            "file_size": 554.0,
            "source": "https://huggingface.co/timm/regnety_320.swag_lc_in1k",
            "license": "cc-by-nc-4.0",
            "recipe": "https://huggingface.co/timm/regnety_320.swag_lc_in1k",
        },
        architecture="timm/regnety_320",
    )
    TIMM_TV2_IN1K = Weights(
        url="hf://timm/regnety_320.tv2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 145_046_770,
            "metrics": {"ImageNet-1K": {"acc@1": 83.17, "acc@5": nan}},
            "gflops": 32.28,
            "file_size": 554.0,
            "source": "https://huggingface.co/timm/regnety_320.tv2_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/regnety_320.tv2_in1k",
        },
        architecture="timm/regnety_320",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_TV2_IN1K


class RegNet_Y_128GF_Weights(WeightsEnum, variant="regnet_y_128gf", legacy=False):
    """Weights of `regnet_y_128gf`."""

    IMAGENET1K_SWAG_E2E_V1 = Weights(
        url="https://download.pytorch.org/models/regnet_y_128gf_swag-c8ce3e52.pth",
        transforms=ImageClassification(crop_size=384, resize_size=384, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_SWAG,
            "num_params": 644_812_894,
            "metrics": {"ImageNet-1K": {"acc@1": 88.228, "acc@5": 98.682}},
            "gflops": 374.57,
            "file_size": 2461.564,
        },
    )
    IMAGENET1K_SWAG_LINEAR_V1 = Weights(
        url="https://download.pytorch.org/models/regnet_y_128gf_lc_swag-cbe8ce12.pth",
        transforms=ImageClassification(crop_size=224, resize_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_SWAG,
            "num_params": 644_812_894,
            "metrics": {"ImageNet-1K": {"acc@1": 86.068, "acc@5": 97.844}},
            "gflops": 127.518,
            "file_size": 2461.564,
            "recipe": "https://github.com/pytorch/vision/pull/5793",
        },
    )
    TIMM_SEER = Weights(
        url="hf://timm/regnety_1280.seer/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "it has no head and gives 7,392 features",
            "min_size": (1, 1),
            "num_params": 637_419_894,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 127.51,
            "file_size": 2433.2,
            "source": "https://huggingface.co/timm/regnety_1280.seer",
            "license": "seer-license",
            "recipe": "https://huggingface.co/timm/regnety_1280.seer",
        },
        arguments={"num_classes": 0},
        architecture="timm/regnety_1280",
    )
    TIMM_SEER_FT_IN1K = Weights(
        url="hf://timm/regnety_1280.seer_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=384, resize_size=384, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 644_812_894,
            "metrics": {"ImageNet-1K": {"acc@1": 84.426, "acc@5": nan}},
            "gflops": 374.57,
            "file_size": 2461.4,
            "source": "https://huggingface.co/timm/regnety_1280.seer_ft_in1k",
            "license": "seer-license",
            "recipe": "https://huggingface.co/timm/regnety_1280.seer_ft_in1k",
        },
        architecture="timm/regnety_1280",
    )
    TIMM_SWAG_FT_IN1K = Weights(
        url="hf://timm/regnety_1280.swag_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=384, resize_size=384, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 644_812_894,
            "metrics": {"ImageNet-1K": {"acc@1": 88.228, "acc@5": nan}},
            "gflops": 374.57,
            "file_size": 2461.4,
            "source": "https://huggingface.co/timm/regnety_1280.swag_ft_in1k",
            "license": "cc-by-nc-4.0",
            "recipe": "https://huggingface.co/timm/regnety_1280.swag_ft_in1k",
        },
        architecture="timm/regnety_1280",
    )
    TIMM_SWAG_LC_IN1K = Weights(
        url="hf://timm/regnety_1280.swag_lc_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 644_812_894,
            "metrics": {"ImageNet-1K": {"acc@1": 85.964, "acc@5": nan}},
            "gflops": 127.518,
            "file_size": 2461.4,
            "source": "https://huggingface.co/timm/regnety_1280.swag_lc_in1k",
            "license": "cc-by-nc-4.0",
            "recipe": "https://huggingface.co/timm/regnety_1280.swag_lc_in1k",
        },
        architecture="timm/regnety_1280",
    )
    DEFAULT = IMAGENET1K_SWAG_E2E_V1


class RegNet_X_400MF_Weights(WeightsEnum, variant="regnet_x_400mf"):
    """Weights of `regnet_x_400mf`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/regnet_x_400mf-adf1edd5.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 5_495_976,
            "metrics": {"ImageNet-1K": {"acc@1": 72.834, "acc@5": 90.95}},
            "gflops": 0.414,
            "file_size": 21.258,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#small-models",
        },
        recipe="regnet_x_400mf_v1",
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/regnet_x_400mf-62229a5f.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 5_495_976,
            "metrics": {"ImageNet-1K": {"acc@1": 74.864, "acc@5": 92.322}},
            "gflops": 0.414,
            "file_size": 21.257,
            "recipe": "https://github.com/pytorch/vision/issues/3995#new-recipe-with-fixres",
        },
        recipe="regnet_x_400mf_v2",
    )
    TIMM_TV2_IN1K = Weights(
        url="hf://timm/regnetx_004_tv.tv2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 5_495_976,
            "metrics": {"ImageNet-1K": {"acc@1": 74.596, "acc@5": nan}},
            "gflops": 0.414,
            "file_size": 21.1,
            "source": "https://huggingface.co/timm/regnetx_004_tv.tv2_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/regnetx_004_tv.tv2_in1k",
        },
        architecture="timm/regnetx_004_tv",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_TV2_IN1K


class RegNet_X_800MF_Weights(WeightsEnum, variant="regnet_x_800mf"):
    """Weights of `regnet_x_800mf`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/regnet_x_800mf-ad17e45c.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 7_259_656,
            "metrics": {"ImageNet-1K": {"acc@1": 75.212, "acc@5": 92.348}},
            "gflops": 0.8,
            "file_size": 27.945,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#small-models",
        },
        recipe="regnet_x_800mf_v1",
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/regnet_x_800mf-94a99ebd.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 7_259_656,
            "metrics": {"ImageNet-1K": {"acc@1": 77.522, "acc@5": 93.826}},
            "gflops": 0.8,
            "file_size": 27.945,
            "recipe": "https://github.com/pytorch/vision/issues/3995#new-recipe-with-fixres",
        },
        recipe="regnet_x_800mf_v2",
    )
    TIMM_PYCLS_IN1K = Weights(
        url="hf://timm/regnetx_008.pycls_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 7_259_656,
            "metrics": {"ImageNet-1K": {"acc@1": 75.054, "acc@5": nan}},
            "gflops": 0.8,
            "file_size": 27.9,
            "source": "https://huggingface.co/timm/regnetx_008.pycls_in1k",
            "license": "mit",
            "recipe": "https://huggingface.co/timm/regnetx_008.pycls_in1k",
        },
        architecture="timm/regnetx_008",
    )
    TIMM_TV2_IN1K = Weights(
        url="hf://timm/regnetx_008.tv2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 7_259_656,
            "metrics": {"ImageNet-1K": {"acc@1": 77.294, "acc@5": nan}},
            "gflops": 0.8,
            "file_size": 27.9,
            "source": "https://huggingface.co/timm/regnetx_008.tv2_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/regnetx_008.tv2_in1k",
        },
        architecture="timm/regnetx_008",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_TV2_IN1K


class RegNet_X_1_6GF_Weights(WeightsEnum, variant="regnet_x_1_6gf"):
    """Weights of `regnet_x_1_6gf`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/regnet_x_1_6gf-e3633e7f.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 9_190_136,
            "metrics": {"ImageNet-1K": {"acc@1": 77.04, "acc@5": 93.44}},
            "gflops": 1.603,
            "file_size": 35.339,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#small-models",
        },
        recipe="regnet_x_1_6gf_v1",
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/regnet_x_1_6gf-a12f2b72.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 9_190_136,
            "metrics": {"ImageNet-1K": {"acc@1": 79.668, "acc@5": 94.922}},
            "gflops": 1.603,
            "file_size": 35.339,
            "recipe": "https://github.com/pytorch/vision/issues/3995#new-recipe-with-fixres",
        },
        recipe="regnet_x_1_6gf_v2",
    )
    TIMM_PYCLS_IN1K = Weights(
        url="hf://timm/regnetx_016.pycls_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 9_190_136,
            "metrics": {"ImageNet-1K": {"acc@1": 76.936, "acc@5": nan}},
            "gflops": 1.603,
            "file_size": 35.3,
            "source": "https://huggingface.co/timm/regnetx_016.pycls_in1k",
            "license": "mit",
            "recipe": "https://huggingface.co/timm/regnetx_016.pycls_in1k",
        },
        architecture="timm/regnetx_016",
    )
    TIMM_TV2_IN1K = Weights(
        url="hf://timm/regnetx_016.tv2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 9_190_136,
            "metrics": {"ImageNet-1K": {"acc@1": 79.44, "acc@5": nan}},
            "gflops": 1.603,
            "file_size": 35.3,
            "source": "https://huggingface.co/timm/regnetx_016.tv2_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/regnetx_016.tv2_in1k",
        },
        architecture="timm/regnetx_016",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_TV2_IN1K


class RegNet_X_3_2GF_Weights(WeightsEnum, variant="regnet_x_3_2gf"):
    """Weights of `regnet_x_3_2gf`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/regnet_x_3_2gf-f342aeae.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 15_296_552,
            "metrics": {"ImageNet-1K": {"acc@1": 78.364, "acc@5": 93.992}},
            "gflops": 3.177,
            "file_size": 58.756,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#medium-models",
        },
        recipe="regnet_x_3_2gf_v1",
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/regnet_x_3_2gf-7071aa85.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 15_296_552,
            "metrics": {"ImageNet-1K": {"acc@1": 81.196, "acc@5": 95.43}},
            "gflops": 3.177,
            "file_size": 58.756,
            "recipe": "https://github.com/pytorch/vision/issues/3995#new-recipe",
        },
        recipe="regnet_x_3_2gf_v2",
    )
    TIMM_PYCLS_IN1K = Weights(
        url="hf://timm/regnetx_032.pycls_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 15_296_552,
            "metrics": {"ImageNet-1K": {"acc@1": 78.16, "acc@5": nan}},
            "gflops": 3.177,
            "file_size": 58.6,
            "source": "https://huggingface.co/timm/regnetx_032.pycls_in1k",
            "license": "mit",
            "recipe": "https://huggingface.co/timm/regnetx_032.pycls_in1k",
        },
        architecture="timm/regnetx_032",
    )
    TIMM_TV2_IN1K = Weights(
        url="hf://timm/regnetx_032.tv2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 15_296_552,
            "metrics": {"ImageNet-1K": {"acc@1": 80.916, "acc@5": nan}},
            "gflops": 3.177,
            "file_size": 58.6,
            "source": "https://huggingface.co/timm/regnetx_032.tv2_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/regnetx_032.tv2_in1k",
        },
        architecture="timm/regnetx_032",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_TV2_IN1K


class RegNet_X_8GF_Weights(WeightsEnum, variant="regnet_x_8gf"):
    """Weights of `regnet_x_8gf`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/regnet_x_8gf-03ceed89.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 39_572_648,
            "metrics": {"ImageNet-1K": {"acc@1": 79.344, "acc@5": 94.686}},
            "gflops": 7.995,
            "file_size": 151.456,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#medium-models",
        },
        recipe="regnet_x_8gf_v1",
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/regnet_x_8gf-2b70d774.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 39_572_648,
            "metrics": {"ImageNet-1K": {"acc@1": 81.682, "acc@5": 95.678}},
            "gflops": 7.995,
            "file_size": 151.456,
            "recipe": "https://github.com/pytorch/vision/issues/3995#new-recipe",
        },
        recipe="regnet_x_8gf_v2",
    )
    TIMM_PYCLS_IN1K = Weights(
        url="hf://timm/regnetx_080.pycls_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 39_572_648,
            "metrics": {"ImageNet-1K": {"acc@1": 79.214, "acc@5": nan}},
            "gflops": 7.995,
            "file_size": 151.3,
            "source": "https://huggingface.co/timm/regnetx_080.pycls_in1k",
            "license": "mit",
            "recipe": "https://huggingface.co/timm/regnetx_080.pycls_in1k",
        },
        architecture="timm/regnetx_080",
    )
    TIMM_TV2_IN1K = Weights(
        url="hf://timm/regnetx_080.tv2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 39_572_648,
            "metrics": {"ImageNet-1K": {"acc@1": 81.552, "acc@5": nan}},
            "gflops": 7.995,
            "file_size": 151.3,
            "source": "https://huggingface.co/timm/regnetx_080.tv2_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/regnetx_080.tv2_in1k",
        },
        architecture="timm/regnetx_080",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_TV2_IN1K


class RegNet_X_16GF_Weights(WeightsEnum, variant="regnet_x_16gf"):
    """Weights of `regnet_x_16gf`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/regnet_x_16gf-2007eb11.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 54_278_536,
            "metrics": {"ImageNet-1K": {"acc@1": 80.058, "acc@5": 94.944}},
            "gflops": 15.941,
            "file_size": 207.627,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#medium-models",
        },
        recipe="regnet_x_16gf_v1",
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/regnet_x_16gf-ba3796d7.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 54_278_536,
            "metrics": {"ImageNet-1K": {"acc@1": 82.716, "acc@5": 96.196}},
            "gflops": 15.941,
            "file_size": 207.627,
            "recipe": "https://github.com/pytorch/vision/issues/3995#new-recipe",
        },
        recipe="regnet_x_16gf_v2",
    )
    TIMM_PYCLS_IN1K = Weights(
        url="hf://timm/regnetx_160.pycls_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 54_278_536,
            "metrics": {"ImageNet-1K": {"acc@1": 79.844, "acc@5": nan}},
            "gflops": 15.941,
            "file_size": 207.5,
            "source": "https://huggingface.co/timm/regnetx_160.pycls_in1k",
            "license": "mit",
            "recipe": "https://huggingface.co/timm/regnetx_160.pycls_in1k",
        },
        architecture="timm/regnetx_160",
    )
    TIMM_TV2_IN1K = Weights(
        url="hf://timm/regnetx_160.tv2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 54_278_536,
            "metrics": {"ImageNet-1K": {"acc@1": 82.574, "acc@5": nan}},
            "gflops": 15.941,
            "file_size": 207.5,
            "source": "https://huggingface.co/timm/regnetx_160.tv2_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/regnetx_160.tv2_in1k",
        },
        architecture="timm/regnetx_160",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_TV2_IN1K


class RegNet_X_32GF_Weights(WeightsEnum, variant="regnet_x_32gf"):
    """Weights of `regnet_x_32gf`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/regnet_x_32gf-9d47f8d0.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 107_811_560,
            "metrics": {"ImageNet-1K": {"acc@1": 80.622, "acc@5": 95.248}},
            "gflops": 31.736,
            "file_size": 412.039,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#large-models",
        },
        recipe="regnet_x_32gf_v1",
    )
    IMAGENET1K_V2 = Weights(
        url="https://download.pytorch.org/models/regnet_x_32gf-6eb8fdc6.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 107_811_560,
            "metrics": {"ImageNet-1K": {"acc@1": 83.014, "acc@5": 96.288}},
            "gflops": 31.736,
            "file_size": 412.039,
            "recipe": "https://github.com/pytorch/vision/issues/3995#new-recipe",
        },
        recipe="regnet_x_32gf_v2",
    )
    TIMM_PYCLS_IN1K = Weights(
        url="hf://timm/regnetx_320.pycls_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 107_811_560,
            "metrics": {"ImageNet-1K": {"acc@1": 80.258, "acc@5": nan}},
            "gflops": 31.736,
            "file_size": 411.9,
            "source": "https://huggingface.co/timm/regnetx_320.pycls_in1k",
            "license": "mit",
            "recipe": "https://huggingface.co/timm/regnetx_320.pycls_in1k",
        },
        architecture="timm/regnetx_320",
    )
    TIMM_TV2_IN1K = Weights(
        url="hf://timm/regnetx_320.tv2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 107_811_560,
            "metrics": {"ImageNet-1K": {"acc@1": 82.824, "acc@5": nan}},
            "gflops": 31.736,
            "file_size": 411.9,
            "source": "https://huggingface.co/timm/regnetx_320.tv2_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/regnetx_320.tv2_in1k",
        },
        architecture="timm/regnetx_320",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_TV2_IN1K
