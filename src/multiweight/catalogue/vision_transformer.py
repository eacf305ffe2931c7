"""Published weights of Vision Transformer (ViT)."""

from math import nan

from multiweight.catalogue._schema import ImageClassification, InterpolationMode, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k")}
_SWAG = {
    **_IMAGENET,
    "recipe": "https://github.com/facebookresearch/SWAG",
    "license": "https://github.com/facebookresearch/SWAG/blob/main/LICENSE",
}
_HALF = (0.5, 0.5, 0.5)
_CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


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
    TIMM_AUGREG2_IN21K_FT_IN1K = Weights(
        url="hf://timm/vit_base_patch16_224.augreg2_in21k_ft_in1k/model.safetensors",
        transforms=ImageClassification(
            crop_size=224, resize_size=248, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 86_567_656,
            "metrics": {"ImageNet-1K": {"acc@1": 85.108, "acc@5": nan}},
            "gflops": 17.564,
            "file_size": 330.2,
            "source": "https://huggingface.co/timm/vit_base_patch16_224.augreg2_in21k_ft_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_base_patch16_224.augreg2_in21k_ft_in1k",
        },
        architecture="timm/vit_base_patch16_224",
    )
    TIMM_AUGREG_IN1K = Weights(
        url="hf://timm/vit_base_patch16_224.augreg_in1k/model.safetensors",
        transforms=ImageClassification(
            crop_size=224, resize_size=248, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 86_567_656,
            "metrics": {"ImageNet-1K": {"acc@1": 79.154, "acc@5": nan}},
            "gflops": 17.564,
            "file_size": 330.2,
            "source": "https://huggingface.co/timm/vit_base_patch16_224.augreg_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_base_patch16_224.augreg_in1k",
        },
        architecture="timm/vit_base_patch16_224",
    )
    TIMM_AUGREG_IN21K = Weights(
        url="hf://timm/vit_base_patch16_224.augreg_in21k/model.safetensors",
        transforms=ImageClassification(
            crop_size=224, resize_size=248, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            "categories": None,
            "outputs": "its 21,843 outputs are the classes of ImageNet-21k, whose labels are not in the catalogue",
            "min_size": (224, 224),
            "num_params": 102_595_923,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 17.58,
            "file_size": 391.4,
            "source": "https://huggingface.co/timm/vit_base_patch16_224.augreg_in21k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_base_patch16_224.augreg_in21k",
        },
        arguments={"num_classes": 21843},
        architecture="timm/vit_base_patch16_224",
    )
    TIMM_AUGREG_IN21K_FT_IN1K = Weights(
        url="hf://timm/vit_base_patch16_224.augreg_in21k_ft_in1k/model.safetensors",
        transforms=ImageClassification(
            crop_size=224, resize_size=248, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 86_567_656,
            "metrics": {"ImageNet-1K": {"acc@1": 84.534, "acc@5": nan}},
            "gflops": 17.564,
            "file_size": 330.2,
            "source": "https://huggingface.co/timm/vit_base_patch16_224.augreg_in21k_ft_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_base_patch16_224.augreg_in21k_ft_in1k",
        },
        architecture="timm/vit_base_patch16_224",
    )
    TIMM_BAMBOO = Weights(
        url="hf://timm/vit_base_patch16_224.bamboo/model.safetensors",
        transforms=ImageClassification(
            crop_size=224, resize_size=224, mean=_CLIP_MEAN, std=_CLIP_STD, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            "categories": None,
            "outputs": "its 115,217 outputs are the classes of Bamboo, whose labels are not in the catalogue",
            "min_size": (224, 224),
            "num_params": 174_400_529,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 17.652,
            "file_size": 665.3,
            "source": "https://huggingface.co/timm/vit_base_patch16_224.bamboo",
            "recipe": "https://arxiv.org/abs/2203.07845",
        },
        arguments={"num_classes": 115217},
        architecture="timm/vit_base_patch16_224",
    )
    TIMM_DINO = Weights(
        url="hf://timm/vit_base_patch16_224.dino/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=248, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "it has no head and gives 768 features",
            "min_size": (224, 224),
            "num_params": 85_798_656,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 17.563,
            "file_size": 327.3,
            "source": "https://huggingface.co/timm/vit_base_patch16_224.dino",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_base_patch16_224.dino",
        },
        arguments={"num_classes": 0},
        architecture="timm/vit_base_patch16_224",
    )
    TIMM_MAE = Weights(
        url="hf://timm/vit_base_patch16_224.mae/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=248, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "it has no head and gives 768 features",
            "min_size": (224, 224),
            "num_params": 85_798_656,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 17.563,
            "file_size": 327.3,
            "source": "https://huggingface.co/timm/vit_base_patch16_224.mae",
            "license": "cc-by-nc-4.0",
            "recipe": "https://huggingface.co/timm/vit_base_patch16_224.mae",
        },
        arguments={"num_classes": 0},
        architecture="timm/vit_base_patch16_224",
    )
    TIMM_ORIG_IN21K = Weights(
        url="hf://timm/vit_base_patch16_224.orig_in21k/model.safetensors",
        transforms=ImageClassification(
            crop_size=224, resize_size=248, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            "categories": None,
            "outputs": "it has no head and gives 768 features",
            "min_size": (224, 224),
            "num_params": 85_798_656,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 17.563,
            "file_size": 327.3,
            "source": "https://huggingface.co/timm/vit_base_patch16_224.orig_in21k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_base_patch16_224.orig_in21k",
        },
        arguments={"num_classes": 0},
        architecture="timm/vit_base_patch16_224",
    )
    TIMM_ORIG_IN21K_FT_IN1K = Weights(
        url="hf://timm/vit_base_patch16_224.orig_in21k_ft_in1k/model.safetensors",
        transforms=ImageClassification(
            crop_size=224, resize_size=248, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 86_567_656,
            "metrics": {"ImageNet-1K": {"acc@1": 81.782, "acc@5": nan}},
            "gflops": 17.564,
            "file_size": 330.2,
            "source": "https://huggingface.co/timm/vit_base_patch16_224.orig_in21k_ft_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_base_patch16_224.orig_in21k_ft_in1k",
        },
        architecture="timm/vit_base_patch16_224",
    )
    TIMM_SAM_IN1K = Weights(
        url="hf://timm/vit_base_patch16_224.sam_in1k/model.safetensors",
        transforms=ImageClassification(
            crop_size=224, resize_size=248, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 86_567_656,
            "metrics": {"ImageNet-1K": {"acc@1": 80.246, "acc@5": nan}},
            "gflops": 17.564,
            "file_size": 330.2,
            "source": "https://huggingface.co/timm/vit_base_patch16_224.sam_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_base_patch16_224.sam_in1k",
        },
        architecture="timm/vit_base_patch16_224",
    )
    TIMM_DEIT_FB_IN1K = Weights(
        url="hf://timm/deit_base_patch16_224.fb_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=248, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 86_567_656,
            "metrics": {"ImageNet-1K": {"acc@1": 81.98, "acc@5": nan}},
            "gflops": 17.564,
            "file_size": 330.2,
            "source": "https://huggingface.co/timm/deit_base_patch16_224.fb_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/deit_base_patch16_224.fb_in1k",
        },
        architecture="timm/deit_base_patch16_224",
    )
    TIMM_AUGREG_IN1K_384 = Weights(
        url="hf://timm/vit_base_patch16_384.augreg_in1k/model.safetensors",
        transforms=ImageClassification(
            crop_size=384, resize_size=384, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "min_size": (384, 384),
            "num_params": 86_859_496,
            "metrics": {"ImageNet-1K": {"acc@1": 81.102, "acc@5": nan}},
            "gflops": 55.484,
            "file_size": 331.4,
            "source": "https://huggingface.co/timm/vit_base_patch16_384.augreg_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_base_patch16_384.augreg_in1k",
        },
        arguments={"image_size": 384},
        architecture="timm/vit_base_patch16_384",
    )
    TIMM_AUGREG_IN21K_FT_IN1K_384 = Weights(
        url="hf://timm/vit_base_patch16_384.augreg_in21k_ft_in1k/model.safetensors",
        transforms=ImageClassification(
            crop_size=384, resize_size=384, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "min_size": (384, 384),
            "num_params": 86_859_496,
            "metrics": {"ImageNet-1K": {"acc@1": 86.01, "acc@5": nan}},
            "gflops": 55.484,
            "file_size": 331.4,
            "source": "https://huggingface.co/timm/vit_base_patch16_384.augreg_in21k_ft_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_base_patch16_384.augreg_in21k_ft_in1k",
        },
        arguments={"image_size": 384},
        architecture="timm/vit_base_patch16_384",
    )
    TIMM_ORIG_IN21K_FT_IN1K_384 = Weights(
        url="hf://timm/vit_base_patch16_384.orig_in21k_ft_in1k/model.safetensors",
        transforms=ImageClassification(
            crop_size=384, resize_size=384, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "min_size": (384, 384),
            "num_params": 86_859_496,
            "metrics": {"ImageNet-1K": {"acc@1": 84.212, "acc@5": nan}},
            "gflops": 55.484,
            "file_size": 331.4,
            "source": "https://huggingface.co/timm/vit_base_patch16_384.orig_in21k_ft_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_base_patch16_384.orig_in21k_ft_in1k",
        },
        arguments={"image_size": 384},
        architecture="timm/vit_base_patch16_384",
    )
    TIMM_DEIT_FB_IN1K_384 = Weights(
        url="hf://timm/deit_base_patch16_384.fb_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=384, resize_size=384, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (384, 384),
            "num_params": 86_859_496,
            "metrics": {"ImageNet-1K": {"acc@1": 83.108, "acc@5": nan}},
            "gflops": 55.484,
            "file_size": 331.4,
            "source": "https://huggingface.co/timm/deit_base_patch16_384.fb_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/deit_base_patch16_384.fb_in1k",
        },
        arguments={"image_size": 384},
        architecture="timm/deit_base_patch16_384",
    )
    TIMM_MIIL_IN21K = Weights(
        url="hf://timm/vit_base_patch16_224_miil.in21k/model.safetensors",
        transforms=ImageClassification(crop_size=224, mean=(0.0,) * 3, std=(1.0,) * 3),
        meta={
            "categories": None,
            "outputs": "its 11,221 outputs are the classes of ImageNet-21k-P, whose labels are not in the catalogue",
            "min_size": (224, 224),
            "num_params": 94_427_605,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 17.572,
            "file_size": 360.2,
            "source": "https://huggingface.co/timm/vit_base_patch16_224_miil.in21k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_base_patch16_224_miil.in21k",
        },
        arguments={"num_classes": 11221},
        architecture="timm/vit_base_patch16_224_miil",
    )
    TIMM_MIIL_IN21K_FT_IN1K = Weights(
        url="hf://timm/vit_base_patch16_224_miil.in21k_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, mean=(0.0,) * 3, std=(1.0,) * 3),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 86_567_656,
            "metrics": {"ImageNet-1K": {"acc@1": 84.278, "acc@5": nan}},
            "gflops": 17.564,
            "file_size": 330.2,
            "source": "https://huggingface.co/timm/vit_base_patch16_224_miil.in21k_ft_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_base_patch16_224_miil.in21k_ft_in1k",
        },
        architecture="timm/vit_base_patch16_224_miil",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_AUGREG_IN21K_FT_IN1K_384


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
    TIMM_AUGREG_IN1K = Weights(
        url="hf://timm/vit_base_patch32_224.augreg_in1k/model.safetensors",
        transforms=ImageClassification(
            crop_size=224, resize_size=248, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 88_224_232,
            "metrics": {"ImageNet-1K": {"acc@1": 74.908, "acc@5": nan}},
            "gflops": 4.409,
            "file_size": 336.6,
            "source": "https://huggingface.co/timm/vit_base_patch32_224.augreg_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_base_patch32_224.augreg_in1k",
        },
        architecture="timm/vit_base_patch32_224",
    )
    TIMM_AUGREG_IN21K = Weights(
        url="hf://timm/vit_base_patch32_224.augreg_in21k/model.safetensors",
        transforms=ImageClassification(
            crop_size=224, resize_size=248, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            "categories": None,
            "outputs": "its 21,843 outputs are the classes of ImageNet-21k, whose labels are not in the catalogue",
            "min_size": (224, 224),
            "num_params": 104_252_499,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 4.425,
            "file_size": 397.7,
            "source": "https://huggingface.co/timm/vit_base_patch32_224.augreg_in21k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_base_patch32_224.augreg_in21k",
        },
        arguments={"num_classes": 21843},
        architecture="timm/vit_base_patch32_224",
    )
    TIMM_AUGREG_IN21K_FT_IN1K = Weights(
        url="hf://timm/vit_base_patch32_224.augreg_in21k_ft_in1k/model.safetensors",
        transforms=ImageClassification(
            crop_size=224, resize_size=248, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 88_224_232,
            "metrics": {"ImageNet-1K": {"acc@1": 80.732, "acc@5": nan}},
            "gflops": 4.409,
            "file_size": 336.6,
            "source": "https://huggingface.co/timm/vit_base_patch32_224.augreg_in21k_ft_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_base_patch32_224.augreg_in21k_ft_in1k",
        },
        architecture="timm/vit_base_patch32_224",
    )
    TIMM_ORIG_IN21K = Weights(
        url="hf://timm/vit_base_patch32_224.orig_in21k/model.safetensors",
        transforms=ImageClassification(
            crop_size=224, resize_size=248, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            "categories": None,
            "outputs": "it has no head and gives 768 features",
            "min_size": (224, 224),
            "num_params": 87_455_232,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 4.408,
            "file_size": 333.6,
            "source": "https://huggingface.co/timm/vit_base_patch32_224.orig_in21k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_base_patch32_224.orig_in21k",
        },
        arguments={"num_classes": 0},
        architecture="timm/vit_base_patch32_224",
    )
    TIMM_SAM_IN1K = Weights(
        url="hf://timm/vit_base_patch32_224.sam_in1k/model.safetensors",
        transforms=ImageClassification(
            crop_size=224, resize_size=248, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 88_224_232,
            "metrics": {"ImageNet-1K": {"acc@1": 73.704, "acc@5": nan}},
            "gflops": 4.409,
            "file_size": 336.6,
            "source": "https://huggingface.co/timm/vit_base_patch32_224.sam_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_base_patch32_224.sam_in1k",
        },
        architecture="timm/vit_base_patch32_224",
    )
    TIMM_AUGREG_IN1K_384 = Weights(
        url="hf://timm/vit_base_patch32_384.augreg_in1k/model.safetensors",
        transforms=ImageClassification(
            crop_size=384, resize_size=384, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "min_size": (384, 384),
            "num_params": 88_297_192,
            "metrics": {"ImageNet-1K": {"acc@1": 78.75, "acc@5": nan}},
            "gflops": 13.044,
            "file_size": 336.8,
            "source": "https://huggingface.co/timm/vit_base_patch32_384.augreg_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_base_patch32_384.augreg_in1k",
        },
        arguments={"image_size": 384},
        architecture="timm/vit_base_patch32_384",
    )
    TIMM_AUGREG_IN21K_FT_IN1K_384 = Weights(
        url="hf://timm/vit_base_patch32_384.augreg_in21k_ft_in1k/model.safetensors",
        transforms=ImageClassification(
            crop_size=384, resize_size=384, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "min_size": (384, 384),
            "num_params": 88_297_192,
            "metrics": {"ImageNet-1K": {"acc@1": 83.358, "acc@5": nan}},
            "gflops": 13.044,
            "file_size": 336.8,
            "source": "https://huggingface.co/timm/vit_base_patch32_384.augreg_in21k_ft_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_base_patch32_384.augreg_in21k_ft_in1k",
        },
        arguments={"image_size": 384},
        architecture="timm/vit_base_patch32_384",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_AUGREG_IN21K_FT_IN1K_384


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
    TIMM_AUGREG_IN21K = Weights(
        url="hf://timm/vit_large_patch16_224.augreg_in21k/model.safetensors",
        transforms=ImageClassification(
            crop_size=224, resize_size=248, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            "categories": None,
            "outputs": "its 21,843 outputs are the classes of ImageNet-21k, whose labels are not in the catalogue",
            "min_size": (224, 224),
            "num_params": 325_690_707,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 61.576,
            "file_size": 1242.4,
            "source": "https://huggingface.co/timm/vit_large_patch16_224.augreg_in21k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_large_patch16_224.augreg_in21k",
        },
        arguments={"num_classes": 21843},
        architecture="timm/vit_large_patch16_224",
    )
    TIMM_AUGREG_IN21K_FT_IN1K = Weights(
        url="hf://timm/vit_large_patch16_224.augreg_in21k_ft_in1k/model.safetensors",
        transforms=ImageClassification(
            crop_size=224, resize_size=248, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 304_326_632,
            "metrics": {"ImageNet-1K": {"acc@1": 85.856, "acc@5": nan}},
            "gflops": 61.555,
            "file_size": 1160.9,
            "source": "https://huggingface.co/timm/vit_large_patch16_224.augreg_in21k_ft_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_large_patch16_224.augreg_in21k_ft_in1k",
        },
        architecture="timm/vit_large_patch16_224",
    )
    TIMM_MAE = Weights(
        url="hf://timm/vit_large_patch16_224.mae/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=248, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "it has no head and gives 1,024 features",
            "min_size": (224, 224),
            "num_params": 303_301_632,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 61.554,
            "file_size": 1157.0,
            "source": "https://huggingface.co/timm/vit_large_patch16_224.mae",
            "license": "cc-by-nc-4.0",
            "recipe": "https://huggingface.co/timm/vit_large_patch16_224.mae",
        },
        arguments={"num_classes": 0},
        architecture="timm/vit_large_patch16_224",
    )
    TIMM_ORIG_IN21K = Weights(
        url="hf://timm/vit_large_patch16_224.orig_in21k/model.safetensors",
        transforms=ImageClassification(
            crop_size=224, resize_size=248, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            "categories": None,
            "outputs": "it has no head and gives 1,024 features",
            "min_size": (224, 224),
            "num_params": 303_301_632,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 61.554,
            "file_size": 1157.0,
            "source": "https://huggingface.co/timm/vit_large_patch16_224.orig_in21k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_large_patch16_224.orig_in21k",
        },
        arguments={"num_classes": 0},
        architecture="timm/vit_large_patch16_224",
    )
    TIMM_AUGREG_IN21K_FT_IN1K_384 = Weights(
        url="hf://timm/vit_large_patch16_384.augreg_in21k_ft_in1k/model.safetensors",
        transforms=ImageClassification(
            crop_size=384, resize_size=384, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "min_size": (384, 384),
            "num_params": 304_715_752,
            "metrics": {"ImageNet-1K": {"acc@1": 87.096, "acc@5": nan}},
            "gflops": 191.066,
            "file_size": 1162.4,
            "source": "https://huggingface.co/timm/vit_large_patch16_384.augreg_in21k_ft_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_large_patch16_384.augreg_in21k_ft_in1k",
        },
        arguments={"image_size": 384},
        architecture="timm/vit_large_patch16_384",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_AUGREG_IN21K_FT_IN1K_384


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
    TIMM_ORIG_IN21K = Weights(
        url="hf://timm/vit_large_patch32_224.orig_in21k/model.safetensors",
        transforms=ImageClassification(
            crop_size=224, resize_size=248, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            "categories": None,
            "outputs": "it has no head and gives 1,024 features",
            "min_size": (224, 224),
            "num_params": 305_510_400,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 15.377,
            "file_size": 1165.5,
            "source": "https://huggingface.co/timm/vit_large_patch32_224.orig_in21k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_large_patch32_224.orig_in21k",
        },
        arguments={"num_classes": 0},
        architecture="timm/vit_large_patch32_224",
    )
    TIMM_ORIG_IN21K_FT_IN1K_384 = Weights(
        url="hf://timm/vit_large_patch32_384.orig_in21k_ft_in1k/model.safetensors",
        transforms=ImageClassification(
            crop_size=384, resize_size=384, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "min_size": (384, 384),
            "num_params": 306_632_680,
            "metrics": {"ImageNet-1K": {"acc@1": 81.508, "acc@5": nan}},
            "gflops": 45.276,
            "file_size": 1169.7,
            "source": "https://huggingface.co/timm/vit_large_patch32_384.orig_in21k_ft_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_large_patch32_384.orig_in21k_ft_in1k",
        },
        arguments={"image_size": 384},
        architecture="timm/vit_large_patch32_384",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_ORIG_IN21K_FT_IN1K_384


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
    TIMM_MAE = Weights(
        url="hf://timm/vit_huge_patch14_224.mae/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=248, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "it has no head and gives 1,280 features",
            "min_size": (224, 224),
            "num_params": 630_764_800,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 167.294,
            "file_size": 2406.2,
            "source": "https://huggingface.co/timm/vit_huge_patch14_224.mae",
            "license": "cc-by-nc-4.0",
            "recipe": "https://huggingface.co/timm/vit_huge_patch14_224.mae",
        },
        arguments={"num_classes": 0},
        architecture="timm/vit_huge_patch14_224",
    )
    TIMM_ORIG_IN21K = Weights(
        url="hf://timm/vit_huge_patch14_224.orig_in21k/model.safetensors",
        transforms=ImageClassification(
            crop_size=224, resize_size=248, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            "categories": None,
            "outputs": "it has no head and gives 1,280 features",
            "min_size": (224, 224),
            "num_params": 630_764_800,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 167.294,
            "file_size": 2406.2,
            "source": "https://huggingface.co/timm/vit_huge_patch14_224.orig_in21k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/vit_huge_patch14_224.orig_in21k",
        },
        arguments={"num_classes": 0},
        architecture="timm/vit_huge_patch14_224",
    )
    DEFAULT = IMAGENET1K_SWAG_E2E_V1
