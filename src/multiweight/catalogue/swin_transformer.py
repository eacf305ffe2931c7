"""Published weights of Swin Transformer, first and second version."""

from math import nan

from multiweight.catalogue._schema import ImageClassification, InterpolationMode, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k")}


class Swin_T_Weights(WeightsEnum, variant="swin_t"):
    """Weights of `swin_t`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/swin_t-704ceda3.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 28_288_354,
            "metrics": {"ImageNet-1K": {"acc@1": 81.474, "acc@5": 95.776}},
            "gflops": 4.491,
            "file_size": 108.19,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#swintransformer",
        },
        recipe="swin_t_v1",
    )
    TIMM_MS_IN1K = Weights(
        url="hf://timm/swin_tiny_patch4_window7_224.ms_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=248, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 28_288_354,
            "metrics": {"ImageNet-1K": {"acc@1": 81.388, "acc@5": nan}},
            "gflops": 4.491,
            "file_size": 107.9,
            "source": "https://huggingface.co/timm/swin_tiny_patch4_window7_224.ms_in1k",
            "license": "mit",
            "recipe": "https://huggingface.co/timm/swin_tiny_patch4_window7_224.ms_in1k",
        },
        architecture="timm/swin_tiny_patch4_window7_224",
    )
    TIMM_MS_IN22K = Weights(
        url="hf://timm/swin_tiny_patch4_window7_224.ms_in22k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=248, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "its 21,841 outputs are the classes of ImageNet-22k, whose labels are not in the catalogue",
            "min_size": (224, 224),
            "num_params": 44_315_083,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 4.507,
            "file_size": 169.1,
            "source": "https://huggingface.co/timm/swin_tiny_patch4_window7_224.ms_in22k",
            "license": "mit",
            "recipe": "https://huggingface.co/timm/swin_tiny_patch4_window7_224.ms_in22k",
        },
        arguments={"num_classes": 21841},
        architecture="timm/swin_tiny_patch4_window7_224",
    )
    TIMM_MS_IN22K_FT_IN1K = Weights(
        url="hf://timm/swin_tiny_patch4_window7_224.ms_in22k_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=248, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 28_288_354,
            "metrics": {"ImageNet-1K": {"acc@1": 80.966, "acc@5": nan}},
            "gflops": 4.491,
            "file_size": 107.9,
            "source": "https://huggingface.co/timm/swin_tiny_patch4_window7_224.ms_in22k_ft_in1k",
            "license": "mit",
            "recipe": "https://huggingface.co/timm/swin_tiny_patch4_window7_224.ms_in22k_ft_in1k",
        },
        architecture="timm/swin_tiny_patch4_window7_224",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_MS_IN1K


class Swin_S_Weights(WeightsEnum, variant="swin_s"):
    """Weights of `swin_s`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/swin_s-5e29d889.pth",
        transforms=ImageClassification(crop_size=224, resize_size=246, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 49_606_258,
            "metrics": {"ImageNet-1K": {"acc@1": 83.196, "acc@5": 96.36}},
            "gflops": 8.741,
            "file_size": 189.786,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#swintransformer",
        },
        recipe="swin_s_v1",
    )
    TIMM_MS_IN1K = Weights(
        url="hf://timm/swin_small_patch4_window7_224.ms_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=248, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 49_606_258,
            "metrics": {"ImageNet-1K": {"acc@1": 83.228, "acc@5": nan}},
            "gflops": 8.741,
            "file_size": 189.3,
            "source": "https://huggingface.co/timm/swin_small_patch4_window7_224.ms_in1k",
            "license": "mit",
            "recipe": "https://huggingface.co/timm/swin_small_patch4_window7_224.ms_in1k",
        },
        architecture="timm/swin_small_patch4_window7_224",
    )
    TIMM_MS_IN22K = Weights(
        url="hf://timm/swin_small_patch4_window7_224.ms_in22k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=248, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "its 21,841 outputs are the classes of ImageNet-22k, whose labels are not in the catalogue",
            "min_size": (224, 224),
            "num_params": 65_632_987,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 8.757,
            "file_size": 250.4,
            "source": "https://huggingface.co/timm/swin_small_patch4_window7_224.ms_in22k",
            "license": "mit",
            "recipe": "https://huggingface.co/timm/swin_small_patch4_window7_224.ms_in22k",
        },
        arguments={"num_classes": 21841},
        architecture="timm/swin_small_patch4_window7_224",
    )
    TIMM_MS_IN22K_FT_IN1K = Weights(
        url="hf://timm/swin_small_patch4_window7_224.ms_in22k_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=248, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 49_606_258,
            "metrics": {"ImageNet-1K": {"acc@1": 83.33, "acc@5": nan}},
            "gflops": 8.741,
            "file_size": 189.3,
            "source": "https://huggingface.co/timm/swin_small_patch4_window7_224.ms_in22k_ft_in1k",
            "license": "mit",
            "recipe": "https://huggingface.co/timm/swin_small_patch4_window7_224.ms_in22k_ft_in1k",
        },
        architecture="timm/swin_small_patch4_window7_224",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_MS_IN22K_FT_IN1K


class Swin_B_Weights(WeightsEnum, variant="swin_b"):
    """Weights of `swin_b`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/swin_b-68c6b09e.pth",
        transforms=ImageClassification(crop_size=224, resize_size=238, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 87_768_224,
            "metrics": {"ImageNet-1K": {"acc@1": 83.582, "acc@5": 96.64}},
            "gflops": 15.431,
            "file_size": 335.364,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#swintransformer",
        },
        recipe="swin_b_v1",
    )
    TIMM_MS_IN1K = Weights(
        url="hf://timm/swin_base_patch4_window7_224.ms_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=248, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 87_768_224,
            "metrics": {"ImageNet-1K": {"acc@1": 83.604, "acc@5": nan}},
            "gflops": 15.431,
            "file_size": 334.8,
            "source": "https://huggingface.co/timm/swin_base_patch4_window7_224.ms_in1k",
            "license": "mit",
            "recipe": "https://huggingface.co/timm/swin_base_patch4_window7_224.ms_in1k",
        },
        architecture="timm/swin_base_patch4_window7_224",
    )
    TIMM_MS_IN22K = Weights(
        url="hf://timm/swin_base_patch4_window7_224.ms_in22k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=248, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "its 21,841 outputs are the classes of ImageNet-22k, whose labels are not in the catalogue",
            "min_size": (224, 224),
            "num_params": 109_130_249,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 15.452,
            "file_size": 416.3,
            "source": "https://huggingface.co/timm/swin_base_patch4_window7_224.ms_in22k",
            "license": "mit",
            "recipe": "https://huggingface.co/timm/swin_base_patch4_window7_224.ms_in22k",
        },
        arguments={"num_classes": 21841},
        architecture="timm/swin_base_patch4_window7_224",
    )
    TIMM_MS_IN22K_FT_IN1K = Weights(
        url="hf://timm/swin_base_patch4_window7_224.ms_in22k_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=248, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (224, 224),
            "num_params": 87_768_224,
            "metrics": {"ImageNet-1K": {"acc@1": 85.276, "acc@5": nan}},
            "gflops": 15.431,
            "file_size": 334.8,
            "source": "https://huggingface.co/timm/swin_base_patch4_window7_224.ms_in22k_ft_in1k",
            "license": "mit",
            "recipe": "https://huggingface.co/timm/swin_base_patch4_window7_224.ms_in22k_ft_in1k",
        },
        architecture="timm/swin_base_patch4_window7_224",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_MS_IN22K_FT_IN1K


class Swin_V2_T_Weights(WeightsEnum, variant="swin_v2_t"):
    """Weights of `swin_v2_t`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/swin_v2_t-b137f0e2.pth",
        transforms=ImageClassification(crop_size=256, resize_size=260, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (256, 256),
            "num_params": 28_351_570,
            "metrics": {"ImageNet-1K": {"acc@1": 82.072, "acc@5": 96.132}},
            "gflops": 5.94,
            "file_size": 108.626,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#swintransformer-v2",
        },
        recipe="swin_v2_t_v1",
    )
    TIMM_MS_IN1K = Weights(
        url="hf://timm/swinv2_tiny_window8_256.ms_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=256, resize_size=284, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (256, 256),
            "num_params": 28_351_570,
            "metrics": {"ImageNet-1K": {"acc@1": 81.824, "acc@5": nan}},
            "gflops": 5.94,
            "file_size": 108.2,
            "source": "https://huggingface.co/timm/swinv2_tiny_window8_256.ms_in1k",
            "license": "mit",
            "recipe": "https://huggingface.co/timm/swinv2_tiny_window8_256.ms_in1k",
        },
        architecture="timm/swinv2_tiny_window8_256",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_MS_IN1K


class Swin_V2_S_Weights(WeightsEnum, variant="swin_v2_s"):
    """Weights of `swin_v2_s`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/swin_v2_s-637d8ceb.pth",
        transforms=ImageClassification(crop_size=256, resize_size=260, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (256, 256),
            "num_params": 49_737_442,
            "metrics": {"ImageNet-1K": {"acc@1": 83.712, "acc@5": 96.816}},
            "gflops": 11.546,
            "file_size": 190.675,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#swintransformer-v2",
        },
        recipe="swin_v2_s_v1",
    )
    TIMM_MS_IN1K = Weights(
        url="hf://timm/swinv2_small_window8_256.ms_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=256, resize_size=284, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (256, 256),
            "num_params": 49_737_442,
            "metrics": {"ImageNet-1K": {"acc@1": 83.844, "acc@5": nan}},
            "gflops": 11.546,
            "file_size": 189.8,
            "source": "https://huggingface.co/timm/swinv2_small_window8_256.ms_in1k",
            "license": "mit",
            "recipe": "https://huggingface.co/timm/swinv2_small_window8_256.ms_in1k",
        },
        architecture="timm/swinv2_small_window8_256",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_MS_IN1K


class Swin_V2_B_Weights(WeightsEnum, variant="swin_v2_b"):
    """Weights of `swin_v2_b`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/swin_v2_b-781e5279.pth",
        transforms=ImageClassification(crop_size=256, resize_size=272, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (256, 256),
            "num_params": 87_930_848,
            "metrics": {"ImageNet-1K": {"acc@1": 84.112, "acc@5": 96.864}},
            "gflops": 20.325,
            "file_size": 336.372,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#swintransformer-v2",
        },
        recipe="swin_v2_b_v1",
    )
    TIMM_MS_IN1K = Weights(
        url="hf://timm/swinv2_base_window8_256.ms_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=256, resize_size=284, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "min_size": (256, 256),
            "num_params": 87_930_848,
            "metrics": {"ImageNet-1K": {"acc@1": 84.246, "acc@5": nan}},
            "gflops": 20.325,
            "file_size": 335.5,
            "source": "https://huggingface.co/timm/swinv2_base_window8_256.ms_in1k",
            "license": "mit",
            "recipe": "https://huggingface.co/timm/swinv2_base_window8_256.ms_in1k",
        },
        architecture="timm/swinv2_base_window8_256",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_MS_IN1K
