"""Published weights of ResNet, ResNeXt and Wide ResNet."""

from math import nan

from multiweight.catalogue._schema import ImageClassification, InterpolationMode, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (1, 1)}
_HALF = (0.5, 0.5, 0.5)


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
    TIMM_A1_IN1K = Weights(
        url="hf://timm/resnet18.a1_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 11_689_512,
            "metrics": {"ImageNet-1K": {"acc@1": 73.164, "acc@5": nan}},
            "gflops": 2.998,
            "file_size": 44.6,
            "source": "https://huggingface.co/timm/resnet18.a1_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet18",
    )
    TIMM_A2_IN1K = Weights(
        url="hf://timm/resnet18.a2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 11_689_512,
            "metrics": {"ImageNet-1K": {"acc@1": 72.364, "acc@5": nan}},
            "gflops": 2.998,
            "file_size": 44.6,
            "source": "https://huggingface.co/timm/resnet18.a2_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet18",
    )
    TIMM_A3_IN1K = Weights(
        url="hf://timm/resnet18.a3_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=235, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 11_689_512,
            "metrics": {"ImageNet-1K": {"acc@1": 68.25, "acc@5": nan}},
            "gflops": 1.814,
            "file_size": 44.6,
            "source": "https://huggingface.co/timm/resnet18.a3_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet18",
    )
    TIMM_FB_SSL_YFCC100M_FT_IN1K = Weights(
        url="hf://timm/resnet18.fb_ssl_yfcc100m_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 11_689_512,
            "metrics": {"ImageNet-1K": {"acc@1": 72.636, "acc@5": nan}},
            "gflops": 1.814,
            "file_size": 44.6,
            "source": "https://huggingface.co/timm/resnet18.fb_ssl_yfcc100m_ft_in1k",
            "license": "cc-by-nc-4.0",
            "recipe": "https://huggingface.co/timm/resnet18.fb_ssl_yfcc100m_ft_in1k",
        },
        architecture="timm/resnet18",
    )
    TIMM_FB_SWSL_IG1B_FT_IN1K = Weights(
        url="hf://timm/resnet18.fb_swsl_ig1b_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 11_689_512,
            "metrics": {"ImageNet-1K": {"acc@1": 73.286, "acc@5": nan}},
            "gflops": 1.814,
            "file_size": 44.6,
            "source": "https://huggingface.co/timm/resnet18.fb_swsl_ig1b_ft_in1k",
            "license": "cc-by-nc-4.0",
            "recipe": "https://huggingface.co/timm/resnet18.fb_swsl_ig1b_ft_in1k",
        },
        architecture="timm/resnet18",
    )
    TIMM_GLUON_IN1K = Weights(
        url="hf://timm/resnet18.gluon_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 11_689_512,
            "metrics": {"ImageNet-1K": {"acc@1": 70.844, "acc@5": nan}},
            "gflops": 1.814,
            "file_size": 44.6,
            "source": "https://huggingface.co/timm/resnet18.gluon_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/resnet18.gluon_in1k",
        },
        architecture="timm/resnet18",
    )
    TIMM_TV_IN1K = Weights(
        url="hf://timm/resnet18.tv_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 11_689_512,
            "metrics": {"ImageNet-1K": {"acc@1": 69.752, "acc@5": nan}},
            "gflops": 1.814,
            "file_size": 44.6,
            "source": "https://huggingface.co/timm/resnet18.tv_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/resnet18.tv_in1k",
        },
        architecture="timm/resnet18",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_A1_IN1K


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
    TIMM_A1_IN1K = Weights(
        url="hf://timm/resnet34.a1_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 21_797_672,
            "metrics": {"ImageNet-1K": {"acc@1": 77.93, "acc@5": nan}},
            "gflops": 6.056,
            "file_size": 83.2,
            "source": "https://huggingface.co/timm/resnet34.a1_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet34",
    )
    TIMM_A2_IN1K = Weights(
        url="hf://timm/resnet34.a2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 21_797_672,
            "metrics": {"ImageNet-1K": {"acc@1": 77.15, "acc@5": nan}},
            "gflops": 6.056,
            "file_size": 83.2,
            "source": "https://huggingface.co/timm/resnet34.a2_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet34",
    )
    TIMM_A3_IN1K = Weights(
        url="hf://timm/resnet34.a3_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=235, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 21_797_672,
            "metrics": {"ImageNet-1K": {"acc@1": 72.996, "acc@5": nan}},
            "gflops": 3.664,
            "file_size": 83.2,
            "source": "https://huggingface.co/timm/resnet34.a3_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet34",
    )
    TIMM_BT_IN1K = Weights(
        url="hf://timm/resnet34.bt_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=303, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 21_797_672,
            "metrics": {"ImageNet-1K": {"acc@1": 76.506, "acc@5": nan}},
            "gflops": 6.056,
            "file_size": 83.2,
            "source": "https://huggingface.co/timm/resnet34.bt_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/resnet34.bt_in1k",
        },
        architecture="timm/resnet34",
    )
    TIMM_GLUON_IN1K = Weights(
        url="hf://timm/resnet34.gluon_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 21_797_672,
            "metrics": {"ImageNet-1K": {"acc@1": 74.574, "acc@5": nan}},
            "gflops": 3.664,
            "file_size": 83.2,
            "source": "https://huggingface.co/timm/resnet34.gluon_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/resnet34.gluon_in1k",
        },
        architecture="timm/resnet34",
    )
    TIMM_RA4_E3600_R224_IN1K = Weights(
        url="hf://timm/resnet34.ra4_e3600_r224_in1k/model.safetensors",
        transforms=ImageClassification(
            crop_size=288, resize_size=288, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "num_params": 21_797_672,
            "metrics": {"ImageNet-1K": {"acc@1": 78.972, "acc@5": nan}},
            "gflops": 6.056,
            "file_size": 83.2,
            "source": "https://huggingface.co/timm/resnet34.ra4_e3600_r224_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet34",
    )
    TIMM_TV_IN1K = Weights(
        url="hf://timm/resnet34.tv_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 21_797_672,
            "metrics": {"ImageNet-1K": {"acc@1": 73.298, "acc@5": nan}},
            "gflops": 3.664,
            "file_size": 83.2,
            "source": "https://huggingface.co/timm/resnet34.tv_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/resnet34.tv_in1k",
        },
        architecture="timm/resnet34",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_RA4_E3600_R224_IN1K


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
    TIMM_A1_IN1K = Weights(
        url="hf://timm/resnet50.a1_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 25_557_032,
            "metrics": {"ImageNet-1K": {"acc@1": 81.24, "acc@5": nan}},
            "gflops": 6.758,
            "file_size": 97.7,
            "source": "https://huggingface.co/timm/resnet50.a1_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet50",
    )
    TIMM_A1H_IN1K = Weights(
        url="hf://timm/resnet50.a1h_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 25_557_032,
            "metrics": {"ImageNet-1K": {"acc@1": 80.654, "acc@5": nan}},
            "gflops": 4.089,
            "file_size": 97.7,
            "source": "https://huggingface.co/timm/resnet50.a1h_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet50",
    )
    TIMM_A2_IN1K = Weights(
        url="hf://timm/resnet50.a2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 25_557_032,
            "metrics": {"ImageNet-1K": {"acc@1": 80.774, "acc@5": nan}},
            "gflops": 6.758,
            "file_size": 97.7,
            "source": "https://huggingface.co/timm/resnet50.a2_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet50",
    )
    TIMM_A3_IN1K = Weights(
        url="hf://timm/resnet50.a3_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=235, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 25_557_032,
            "metrics": {"ImageNet-1K": {"acc@1": 78.052, "acc@5": nan}},
            "gflops": 4.089,
            "file_size": 97.7,
            "source": "https://huggingface.co/timm/resnet50.a3_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet50",
    )
    TIMM_AM_IN1K = Weights(
        url="hf://timm/resnet50.am_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 25_557_032,
            "metrics": {"ImageNet-1K": {"acc@1": 79.004, "acc@5": nan}},
            "gflops": 4.089,
            "file_size": 97.7,
            "source": "https://huggingface.co/timm/resnet50.am_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/resnet50.am_in1k",
        },
        architecture="timm/resnet50",
    )
    TIMM_B1K_IN1K = Weights(
        url="hf://timm/resnet50.b1k_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 25_557_032,
            "metrics": {"ImageNet-1K": {"acc@1": 80.708, "acc@5": nan}},
            "gflops": 6.758,
            "file_size": 97.7,
            "source": "https://huggingface.co/timm/resnet50.b1k_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet50",
    )
    TIMM_B2K_IN1K = Weights(
        url="hf://timm/resnet50.b2k_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 25_557_032,
            "metrics": {"ImageNet-1K": {"acc@1": 80.466, "acc@5": nan}},
            "gflops": 6.758,
            "file_size": 97.7,
            "source": "https://huggingface.co/timm/resnet50.b2k_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet50",
    )
    TIMM_BAMBOO = Weights(
        url="hf://timm/resnet50.bamboo/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "it has no head and gives 2,048 features",
            "min_size": (1, 1),
            "num_params": 23_508_032,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 4.087,
            "file_size": 89.9,
            "source": "https://huggingface.co/timm/resnet50.bamboo",
            "recipe": "https://arxiv.org/abs/2203.07845",
        },
        arguments={"num_classes": 0},
        architecture="timm/resnet50",
    )
    TIMM_BT_IN1K = Weights(
        url="hf://timm/resnet50.bt_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=303, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 25_557_032,
            "metrics": {"ImageNet-1K": {"acc@1": 79.652, "acc@5": nan}},
            "gflops": 6.758,
            "file_size": 97.7,
            "source": "https://huggingface.co/timm/resnet50.bt_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/resnet50.bt_in1k",
        },
        architecture="timm/resnet50",
    )
    TIMM_C1_IN1K = Weights(
        url="hf://timm/resnet50.c1_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 25_557_032,
            "metrics": {"ImageNet-1K": {"acc@1": 80.928, "acc@5": nan}},
            "gflops": 6.758,
            "file_size": 97.7,
            "source": "https://huggingface.co/timm/resnet50.c1_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet50",
    )
    TIMM_C2_IN1K = Weights(
        url="hf://timm/resnet50.c2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 25_557_032,
            "metrics": {"ImageNet-1K": {"acc@1": 80.862, "acc@5": nan}},
            "gflops": 6.758,
            "file_size": 97.7,
            "source": "https://huggingface.co/timm/resnet50.c2_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet50",
    )
    TIMM_D_IN1K = Weights(
        url="hf://timm/resnet50.d_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 25_557_032,
            "metrics": {"ImageNet-1K": {"acc@1": 81.012, "acc@5": nan}},
            "gflops": 6.758,
            "file_size": 97.7,
            "source": "https://huggingface.co/timm/resnet50.d_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet50",
    )
    TIMM_FB_SSL_YFCC100M_FT_IN1K = Weights(
        url="hf://timm/resnet50.fb_ssl_yfcc100m_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 25_557_032,
            "metrics": {"ImageNet-1K": {"acc@1": 79.252, "acc@5": nan}},
            "gflops": 4.089,
            "file_size": 97.7,
            "source": "https://huggingface.co/timm/resnet50.fb_ssl_yfcc100m_ft_in1k",
            "license": "cc-by-nc-4.0",
            "recipe": "https://huggingface.co/timm/resnet50.fb_ssl_yfcc100m_ft_in1k",
        },
        architecture="timm/resnet50",
    )
    TIMM_FB_SWSL_IG1B_FT_IN1K = Weights(
        url="hf://timm/resnet50.fb_swsl_ig1b_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 25_557_032,
            "metrics": {"ImageNet-1K": {"acc@1": 81.146, "acc@5": nan}},
            "gflops": 4.089,
            "file_size": 97.7,
            "source": "https://huggingface.co/timm/resnet50.fb_swsl_ig1b_ft_in1k",
            "license": "cc-by-nc-4.0",
            "recipe": "https://huggingface.co/timm/resnet50.fb_swsl_ig1b_ft_in1k",
        },
        architecture="timm/resnet50",
    )
    TIMM_GLUON_IN1K = Weights(
        url="hf://timm/resnet50.gluon_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 25_557_032,
            "metrics": {"ImageNet-1K": {"acc@1": 77.58, "acc@5": nan}},
            "gflops": 4.089,
            "file_size": 97.7,
            "source": "https://huggingface.co/timm/resnet50.gluon_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/resnet50.gluon_in1k",
        },
        architecture="timm/resnet50",
    )
    TIMM_RA_IN1K = Weights(
        url="hf://timm/resnet50.ra_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=303, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 25_557_032,
            "metrics": {"ImageNet-1K": {"acc@1": 79.864, "acc@5": nan}},
            "gflops": 6.758,
            "file_size": 97.7,
            "source": "https://huggingface.co/timm/resnet50.ra_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/resnet50.ra_in1k",
        },
        architecture="timm/resnet50",
    )
    TIMM_RAM_IN1K = Weights(
        url="hf://timm/resnet50.ram_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=303, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 25_557_032,
            "metrics": {"ImageNet-1K": {"acc@1": 79.982, "acc@5": nan}},
            "gflops": 6.758,
            "file_size": 97.7,
            "source": "https://huggingface.co/timm/resnet50.ram_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/resnet50.ram_in1k",
        },
        architecture="timm/resnet50",
    )
    TIMM_TV2_IN1K = Weights(
        url="hf://timm/resnet50.tv2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 25_557_032,
            "metrics": {"ImageNet-1K": {"acc@1": 80.846, "acc@5": nan}},
            "gflops": 4.089,
            "file_size": 97.7,
            "source": "https://huggingface.co/timm/resnet50.tv2_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/resnet50.tv2_in1k",
        },
        architecture="timm/resnet50",
    )
    TIMM_TV_IN1K = Weights(
        url="hf://timm/resnet50.tv_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 25_557_032,
            "metrics": {"ImageNet-1K": {"acc@1": 76.156, "acc@5": nan}},
            "gflops": 4.089,
            "file_size": 97.7,
            "source": "https://huggingface.co/timm/resnet50.tv_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/resnet50.tv_in1k",
        },
        architecture="timm/resnet50",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_A1_IN1K


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
    TIMM_A1_IN1K = Weights(
        url="hf://timm/resnet101.a1_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 44_549_160,
            "metrics": {"ImageNet-1K": {"acc@1": 82.326, "acc@5": nan}},
            "gflops": 12.895,
            "file_size": 170.4,
            "source": "https://huggingface.co/timm/resnet101.a1_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet101",
    )
    TIMM_A1H_IN1K = Weights(
        url="hf://timm/resnet101.a1h_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 44_549_160,
            "metrics": {"ImageNet-1K": {"acc@1": 82.796, "acc@5": nan}},
            "gflops": 12.895,
            "file_size": 170.4,
            "source": "https://huggingface.co/timm/resnet101.a1h_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet101",
    )
    TIMM_A2_IN1K = Weights(
        url="hf://timm/resnet101.a2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 44_549_160,
            "metrics": {"ImageNet-1K": {"acc@1": 82.218, "acc@5": nan}},
            "gflops": 12.895,
            "file_size": 170.4,
            "source": "https://huggingface.co/timm/resnet101.a2_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet101",
    )
    TIMM_A3_IN1K = Weights(
        url="hf://timm/resnet101.a3_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=235, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 44_549_160,
            "metrics": {"ImageNet-1K": {"acc@1": 79.836, "acc@5": nan}},
            "gflops": 7.801,
            "file_size": 170.4,
            "source": "https://huggingface.co/timm/resnet101.a3_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet101",
    )
    TIMM_GLUON_IN1K = Weights(
        url="hf://timm/resnet101.gluon_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 44_549_160,
            "metrics": {"ImageNet-1K": {"acc@1": 79.306, "acc@5": nan}},
            "gflops": 7.801,
            "file_size": 170.4,
            "source": "https://huggingface.co/timm/resnet101.gluon_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/resnet101.gluon_in1k",
        },
        architecture="timm/resnet101",
    )
    TIMM_TV2_IN1K = Weights(
        url="hf://timm/resnet101.tv2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 44_549_160,
            "metrics": {"ImageNet-1K": {"acc@1": 81.906, "acc@5": nan}},
            "gflops": 7.801,
            "file_size": 170.4,
            "source": "https://huggingface.co/timm/resnet101.tv2_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/resnet101.tv2_in1k",
        },
        architecture="timm/resnet101",
    )
    TIMM_TV_IN1K = Weights(
        url="hf://timm/resnet101.tv_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 44_549_160,
            "metrics": {"ImageNet-1K": {"acc@1": 77.404, "acc@5": nan}},
            "gflops": 7.801,
            "file_size": 170.4,
            "source": "https://huggingface.co/timm/resnet101.tv_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/resnet101.tv_in1k",
        },
        architecture="timm/resnet101",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_A1H_IN1K


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
    TIMM_A1_IN1K = Weights(
        url="hf://timm/resnet152.a1_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 60_192_808,
            "metrics": {"ImageNet-1K": {"acc@1": 82.742, "acc@5": nan}},
            "gflops": 19.031,
            "file_size": 230.3,
            "source": "https://huggingface.co/timm/resnet152.a1_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet152",
    )
    TIMM_A1H_IN1K = Weights(
        url="hf://timm/resnet152.a1h_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 60_192_808,
            "metrics": {"ImageNet-1K": {"acc@1": 83.494, "acc@5": nan}},
            "gflops": 19.031,
            "file_size": 230.3,
            "source": "https://huggingface.co/timm/resnet152.a1h_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet152",
    )
    TIMM_A2_IN1K = Weights(
        url="hf://timm/resnet152.a2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 60_192_808,
            "metrics": {"ImageNet-1K": {"acc@1": 82.614, "acc@5": nan}},
            "gflops": 19.031,
            "file_size": 230.3,
            "source": "https://huggingface.co/timm/resnet152.a2_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet152",
    )
    TIMM_A3_IN1K = Weights(
        url="hf://timm/resnet152.a3_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=235, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 60_192_808,
            "metrics": {"ImageNet-1K": {"acc@1": 80.548, "acc@5": nan}},
            "gflops": 11.514,
            "file_size": 230.3,
            "source": "https://huggingface.co/timm/resnet152.a3_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnet152",
    )
    TIMM_GLUON_IN1K = Weights(
        url="hf://timm/resnet152.gluon_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 60_192_808,
            "metrics": {"ImageNet-1K": {"acc@1": 79.712, "acc@5": nan}},
            "gflops": 11.514,
            "file_size": 230.3,
            "source": "https://huggingface.co/timm/resnet152.gluon_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/resnet152.gluon_in1k",
        },
        architecture="timm/resnet152",
    )
    TIMM_TV2_IN1K = Weights(
        url="hf://timm/resnet152.tv2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 60_192_808,
            "metrics": {"ImageNet-1K": {"acc@1": 82.294, "acc@5": nan}},
            "gflops": 11.514,
            "file_size": 230.3,
            "source": "https://huggingface.co/timm/resnet152.tv2_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/resnet152.tv2_in1k",
        },
        architecture="timm/resnet152",
    )
    TIMM_TV_IN1K = Weights(
        url="hf://timm/resnet152.tv_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 60_192_808,
            "metrics": {"ImageNet-1K": {"acc@1": 78.33, "acc@5": nan}},
            "gflops": 11.514,
            "file_size": 230.3,
            "source": "https://huggingface.co/timm/resnet152.tv_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/resnet152.tv_in1k",
        },
        architecture="timm/resnet152",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_A1H_IN1K


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
    TIMM_A1_IN1K = Weights(
        url="hf://timm/resnext50_32x4d.a1_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 25_028_904,
            "metrics": {"ImageNet-1K": {"acc@1": 81.48, "acc@5": nan}},
            "gflops": 6.992,
            "file_size": 95.8,
            "source": "https://huggingface.co/timm/resnext50_32x4d.a1_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnext50_32x4d",
    )
    TIMM_A1H_IN1K = Weights(
        url="hf://timm/resnext50_32x4d.a1h_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 25_028_904,
            "metrics": {"ImageNet-1K": {"acc@1": 82.016, "acc@5": nan}},
            "gflops": 6.992,
            "file_size": 95.8,
            "source": "https://huggingface.co/timm/resnext50_32x4d.a1h_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnext50_32x4d",
    )
    TIMM_A2_IN1K = Weights(
        url="hf://timm/resnext50_32x4d.a2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 25_028_904,
            "metrics": {"ImageNet-1K": {"acc@1": 81.304, "acc@5": nan}},
            "gflops": 6.992,
            "file_size": 95.8,
            "source": "https://huggingface.co/timm/resnext50_32x4d.a2_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnext50_32x4d",
    )
    TIMM_A3_IN1K = Weights(
        url="hf://timm/resnext50_32x4d.a3_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=235, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 25_028_904,
            "metrics": {"ImageNet-1K": {"acc@1": 79.258, "acc@5": nan}},
            "gflops": 4.23,
            "file_size": 95.8,
            "source": "https://huggingface.co/timm/resnext50_32x4d.a3_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnext50_32x4d",
    )
    TIMM_FB_SSL_YFCC100M_FT_IN1K = Weights(
        url="hf://timm/resnext50_32x4d.fb_ssl_yfcc100m_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 25_028_904,
            "metrics": {"ImageNet-1K": {"acc@1": 80.316, "acc@5": nan}},
            "gflops": 4.23,
            "file_size": 95.8,
            "source": "https://huggingface.co/timm/resnext50_32x4d.fb_ssl_yfcc100m_ft_in1k",
            "license": "cc-by-nc-4.0",
            "recipe": "https://huggingface.co/timm/resnext50_32x4d.fb_ssl_yfcc100m_ft_in1k",
        },
        architecture="timm/resnext50_32x4d",
    )
    TIMM_FB_SWSL_IG1B_FT_IN1K = Weights(
        url="hf://timm/resnext50_32x4d.fb_swsl_ig1b_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 25_028_904,
            "metrics": {"ImageNet-1K": {"acc@1": 82.162, "acc@5": nan}},
            "gflops": 4.23,
            "file_size": 95.8,
            "source": "https://huggingface.co/timm/resnext50_32x4d.fb_swsl_ig1b_ft_in1k",
            "license": "cc-by-nc-4.0",
            "recipe": "https://huggingface.co/timm/resnext50_32x4d.fb_swsl_ig1b_ft_in1k",
        },
        architecture="timm/resnext50_32x4d",
    )
    TIMM_GLUON_IN1K = Weights(
        url="hf://timm/resnext50_32x4d.gluon_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 25_028_904,
            "metrics": {"ImageNet-1K": {"acc@1": 79.354, "acc@5": nan}},
            "gflops": 4.23,
            "file_size": 95.8,
            "source": "https://huggingface.co/timm/resnext50_32x4d.gluon_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/resnext50_32x4d.gluon_in1k",
        },
        architecture="timm/resnext50_32x4d",
    )
    TIMM_RA_IN1K = Weights(
        url="hf://timm/resnext50_32x4d.ra_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=303, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 25_028_904,
            "metrics": {"ImageNet-1K": {"acc@1": 80.72, "acc@5": nan}},
            "gflops": 6.992,
            "file_size": 95.8,
            "source": "https://huggingface.co/timm/resnext50_32x4d.ra_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/resnext50_32x4d.ra_in1k",
        },
        architecture="timm/resnext50_32x4d",
    )
    TIMM_TV2_IN1K = Weights(
        url="hf://timm/resnext50_32x4d.tv2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 25_028_904,
            "metrics": {"ImageNet-1K": {"acc@1": 81.19, "acc@5": nan}},
            "gflops": 4.23,
            "file_size": 95.8,
            "source": "https://huggingface.co/timm/resnext50_32x4d.tv2_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/resnext50_32x4d.tv2_in1k",
        },
        architecture="timm/resnext50_32x4d",
    )
    TIMM_TV_IN1K = Weights(
        url="hf://timm/resnext50_32x4d.tv_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 25_028_904,
            "metrics": {"ImageNet-1K": {"acc@1": 77.632, "acc@5": nan}},
            "gflops": 4.23,
            "file_size": 95.8,
            "source": "https://huggingface.co/timm/resnext50_32x4d.tv_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/resnext50_32x4d.tv_in1k",
        },
        architecture="timm/resnext50_32x4d",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_A1H_IN1K


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
    TIMM_FB_SSL_YFCC100M_FT_IN1K = Weights(
        url="hf://timm/resnext101_32x8d.fb_ssl_yfcc100m_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 88_791_336,
            "metrics": {"ImageNet-1K": {"acc@1": 81.62, "acc@5": nan}},
            "gflops": 16.414,
            "file_size": 339.5,
            "source": "https://huggingface.co/timm/resnext101_32x8d.fb_ssl_yfcc100m_ft_in1k",
            "license": "cc-by-nc-4.0",
            "recipe": "https://huggingface.co/timm/resnext101_32x8d.fb_ssl_yfcc100m_ft_in1k",
        },
        architecture="timm/resnext101_32x8d",
    )
    TIMM_FB_SWSL_IG1B_FT_IN1K = Weights(
        url="hf://timm/resnext101_32x8d.fb_swsl_ig1b_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 88_791_336,
            "metrics": {"ImageNet-1K": {"acc@1": 84.276, "acc@5": nan}},
            "gflops": 16.414,
            "file_size": 339.5,
            "source": "https://huggingface.co/timm/resnext101_32x8d.fb_swsl_ig1b_ft_in1k",
            "license": "cc-by-nc-4.0",
            "recipe": "https://huggingface.co/timm/resnext101_32x8d.fb_swsl_ig1b_ft_in1k",
        },
        architecture="timm/resnext101_32x8d",
    )
    TIMM_FB_WSL_IG1B_FT_IN1K = Weights(
        url="hf://timm/resnext101_32x8d.fb_wsl_ig1b_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 88_791_336,
            "metrics": {"ImageNet-1K": {"acc@1": 82.72, "acc@5": nan}},
            "gflops": 16.414,
            "file_size": 339.5,
            "source": "https://huggingface.co/timm/resnext101_32x8d.fb_wsl_ig1b_ft_in1k",
            "license": "cc-by-nc-4.0",
            "recipe": "https://huggingface.co/timm/resnext101_32x8d.fb_wsl_ig1b_ft_in1k",
        },
        architecture="timm/resnext101_32x8d",
    )
    TIMM_TV2_IN1K = Weights(
        url="hf://timm/resnext101_32x8d.tv2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 88_791_336,
            "metrics": {"ImageNet-1K": {"acc@1": 82.832, "acc@5": nan}},
            "gflops": 16.414,
            "file_size": 339.5,
            "source": "https://huggingface.co/timm/resnext101_32x8d.tv2_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/resnext101_32x8d.tv2_in1k",
        },
        architecture="timm/resnext101_32x8d",
    )
    TIMM_TV_IN1K = Weights(
        url="hf://timm/resnext101_32x8d.tv_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 88_791_336,
            "metrics": {"ImageNet-1K": {"acc@1": 79.308, "acc@5": nan}},
            "gflops": 16.414,
            "file_size": 339.5,
            "source": "https://huggingface.co/timm/resnext101_32x8d.tv_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/resnext101_32x8d.tv_in1k",
        },
        architecture="timm/resnext101_32x8d",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_TV2_IN1K


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
    TIMM_C1_IN1K = Weights(
        url="hf://timm/resnext101_64x4d.c1_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 83_455_272,
            "metrics": {"ImageNet-1K": {"acc@1": 83.158, "acc@5": nan}},
            "gflops": 25.555,
            "file_size": 319.2,
            "source": "https://huggingface.co/timm/resnext101_64x4d.c1_in1k",
            "license": "apache-2.0",
            "recipe": "https://arxiv.org/abs/2110.00476",
        },
        architecture="timm/resnext101_64x4d",
    )
    TIMM_GLUON_IN1K = Weights(
        url="hf://timm/resnext101_64x4d.gluon_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 83_455_272,
            "metrics": {"ImageNet-1K": {"acc@1": 80.64, "acc@5": nan}},
            "gflops": 15.46,
            "file_size": 319.2,
            "source": "https://huggingface.co/timm/resnext101_64x4d.gluon_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/resnext101_64x4d.gluon_in1k",
        },
        architecture="timm/resnext101_64x4d",
    )
    TIMM_TV_IN1K = Weights(
        url="hf://timm/resnext101_64x4d.tv_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 83_455_272,
            "metrics": {"ImageNet-1K": {"acc@1": 82.978, "acc@5": nan}},
            "gflops": 15.46,
            "file_size": 319.2,
            "source": "https://huggingface.co/timm/resnext101_64x4d.tv_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/resnext101_64x4d.tv_in1k",
        },
        architecture="timm/resnext101_64x4d",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_C1_IN1K


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
    TIMM_RACM_IN1K = Weights(
        url="hf://timm/wide_resnet50_2.racm_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=303, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 68_883_240,
            "metrics": {"ImageNet-1K": {"acc@1": 82.26, "acc@5": nan}},
            "gflops": 18.84,
            "file_size": 263.1,
            "source": "https://huggingface.co/timm/wide_resnet50_2.racm_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/wide_resnet50_2.racm_in1k",
        },
        architecture="timm/wide_resnet50_2",
    )
    TIMM_TV2_IN1K = Weights(
        url="hf://timm/wide_resnet50_2.tv2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 68_883_240,
            "metrics": {"ImageNet-1K": {"acc@1": 81.612, "acc@5": nan}},
            "gflops": 11.398,
            "file_size": 263.1,
            "source": "https://huggingface.co/timm/wide_resnet50_2.tv2_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/wide_resnet50_2.tv2_in1k",
        },
        architecture="timm/wide_resnet50_2",
    )
    TIMM_TV_IN1K = Weights(
        url="hf://timm/wide_resnet50_2.tv_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 68_883_240,
            "metrics": {"ImageNet-1K": {"acc@1": 78.486, "acc@5": nan}},
            "gflops": 11.398,
            "file_size": 263.1,
            "source": "https://huggingface.co/timm/wide_resnet50_2.tv_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/wide_resnet50_2.tv_in1k",
        },
        architecture="timm/wide_resnet50_2",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_RACM_IN1K


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
    TIMM_TV2_IN1K = Weights(
        url="hf://timm/wide_resnet101_2.tv2_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 126_886_696,
            "metrics": {"ImageNet-1K": {"acc@1": 82.514, "acc@5": nan}},
            "gflops": 22.753,
            "file_size": 484.6,
            "source": "https://huggingface.co/timm/wide_resnet101_2.tv2_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/wide_resnet101_2.tv2_in1k",
        },
        architecture="timm/wide_resnet101_2",
    )
    TIMM_TV_IN1K = Weights(
        url="hf://timm/wide_resnet101_2.tv_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 126_886_696,
            "metrics": {"ImageNet-1K": {"acc@1": 78.862, "acc@5": nan}},
            "gflops": 22.753,
            "file_size": 484.6,
            "source": "https://huggingface.co/timm/wide_resnet101_2.tv_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/wide_resnet101_2.tv_in1k",
        },
        architecture="timm/wide_resnet101_2",
    )
    DEFAULT = IMAGENET1K_V2
    BEST = TIMM_TV2_IN1K
