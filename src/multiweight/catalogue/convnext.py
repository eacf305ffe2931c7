"""Published weights of ConvNeXt."""

from math import nan

from multiweight.catalogue._schema import ImageClassification, InterpolationMode, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (32, 32)}
_CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


class ConvNeXt_Tiny_Weights(WeightsEnum, variant="convnext_tiny"):
    """Weights of `convnext_tiny`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/convnext_tiny-983f1562.pth",
        transforms=ImageClassification(crop_size=224, resize_size=236),
        meta={
            **_IMAGENET,
            "num_params": 28_589_128,
            "metrics": {"ImageNet-1K": {"acc@1": 82.52, "acc@5": 96.146}},
            "gflops": 4.456,
            "file_size": 109.119,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#convnext",
        },
        recipe="convnext_tiny_v1",
    )
    TIMM_DINOV3_LVD1689M = Weights(
        url="hf://timm/convnext_tiny.dinov3_lvd1689m/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "it has no head and gives 768 features",
            "min_size": (32, 32),
            "num_params": 27_820_128,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 4.455,
            "file_size": 106.1,
            "source": "https://huggingface.co/timm/convnext_tiny.dinov3_lvd1689m",
            "license": "dinov3-license",
            "recipe": "https://huggingface.co/timm/convnext_tiny.dinov3_lvd1689m",
        },
        arguments={"num_classes": 0},
        architecture="timm/convnext_tiny",
    )
    TIMM_EUPE_LVD1689M = Weights(
        url="hf://timm/convnext_tiny.eupe_lvd1689m/model.safetensors",
        transforms=ImageClassification(crop_size=256, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "it has no head and gives 768 features",
            "min_size": (32, 32),
            "num_params": 27_820_128,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 5.818,
            "file_size": 106.1,
            "source": "https://huggingface.co/timm/convnext_tiny.eupe_lvd1689m",
            "license": "fair-noncommercial-research-license",
            "recipe": "https://huggingface.co/timm/convnext_tiny.eupe_lvd1689m",
        },
        arguments={"num_classes": 0},
        architecture="timm/convnext_tiny",
    )
    TIMM_FB_IN1K = Weights(
        url="hf://timm/convnext_tiny.fb_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 28_589_128,
            "metrics": {"ImageNet-1K": {"acc@1": 82.694, "acc@5": nan}},
            "gflops": 7.365,
            "file_size": 109.1,
            "source": "https://huggingface.co/timm/convnext_tiny.fb_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_tiny.fb_in1k",
        },
        architecture="timm/convnext_tiny",
    )
    TIMM_FB_IN22K = Weights(
        url="hf://timm/convnext_tiny.fb_in22k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "its 21,841 outputs are the classes of ImageNet-22k, whose labels are not in the catalogue",
            "min_size": (32, 32),
            "num_params": 44_615_857,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 4.472,
            "file_size": 170.2,
            "source": "https://huggingface.co/timm/convnext_tiny.fb_in22k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_tiny.fb_in22k",
        },
        arguments={"num_classes": 21841},
        architecture="timm/convnext_tiny",
    )
    TIMM_FB_IN22K_FT_IN1K = Weights(
        url="hf://timm/convnext_tiny.fb_in22k_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 28_589_128,
            "metrics": {"ImageNet-1K": {"acc@1": 82.9, "acc@5": nan}},
            "gflops": 4.456,
            "file_size": 109.1,
            "source": "https://huggingface.co/timm/convnext_tiny.fb_in22k_ft_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_tiny.fb_in22k_ft_in1k",
        },
        architecture="timm/convnext_tiny",
    )
    TIMM_FB_IN22K_FT_IN1K_384 = Weights(
        url="hf://timm/convnext_tiny.fb_in22k_ft_in1k_384/model.safetensors",
        transforms=ImageClassification(crop_size=384, resize_size=(384, 384), interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 28_589_128,
            "metrics": {"ImageNet-1K": {"acc@1": 84.098, "acc@5": nan}},
            "gflops": 13.092,
            "file_size": 109.1,
            "source": "https://huggingface.co/timm/convnext_tiny.fb_in22k_ft_in1k_384",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_tiny.fb_in22k_ft_in1k_384",
        },
        architecture="timm/convnext_tiny",
    )
    TIMM_IN12K = Weights(
        url="hf://timm/convnext_tiny.in12k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=235, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "its 11,821 outputs are the classes of ImageNet-12k, whose labels are not in the catalogue",
            "min_size": (32, 32),
            "num_params": 36_910_477,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 4.464,
            "file_size": 140.8,
            "source": "https://huggingface.co/timm/convnext_tiny.in12k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_tiny.in12k",
        },
        arguments={"num_classes": 11821},
        architecture="timm/convnext_tiny",
    )
    TIMM_IN12K_FT_IN1K = Weights(
        url="hf://timm/convnext_tiny.in12k_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 28_589_128,
            "metrics": {"ImageNet-1K": {"acc@1": 84.448, "acc@5": nan}},
            "gflops": 7.365,
            "file_size": 109.1,
            "source": "https://huggingface.co/timm/convnext_tiny.in12k_ft_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_tiny.in12k_ft_in1k",
        },
        architecture="timm/convnext_tiny",
    )
    TIMM_IN12K_FT_IN1K_384 = Weights(
        url="hf://timm/convnext_tiny.in12k_ft_in1k_384/model.safetensors",
        transforms=ImageClassification(crop_size=384, resize_size=(384, 384), interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 28_589_128,
            "metrics": {"ImageNet-1K": {"acc@1": 85.154, "acc@5": nan}},
            "gflops": 13.092,
            "file_size": 109.1,
            "source": "https://huggingface.co/timm/convnext_tiny.in12k_ft_in1k_384",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_tiny.in12k_ft_in1k_384",
        },
        architecture="timm/convnext_tiny",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_IN12K_FT_IN1K_384


class ConvNeXt_Small_Weights(WeightsEnum, variant="convnext_small"):
    """Weights of `convnext_small`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/convnext_small-0c510722.pth",
        transforms=ImageClassification(crop_size=224, resize_size=230),
        meta={
            **_IMAGENET,
            "num_params": 50_223_688,
            "metrics": {"ImageNet-1K": {"acc@1": 83.616, "acc@5": 96.65}},
            "gflops": 8.684,
            "file_size": 191.703,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#convnext",
        },
        recipe="convnext_small_v1",
    )
    TIMM_DINOV3_LVD1689M = Weights(
        url="hf://timm/convnext_small.dinov3_lvd1689m/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "it has no head and gives 768 features",
            "min_size": (32, 32),
            "num_params": 49_454_688,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 8.683,
            "file_size": 188.7,
            "source": "https://huggingface.co/timm/convnext_small.dinov3_lvd1689m",
            "license": "dinov3-license",
            "recipe": "https://huggingface.co/timm/convnext_small.dinov3_lvd1689m",
        },
        arguments={"num_classes": 0},
        architecture="timm/convnext_small",
    )
    TIMM_EUPE_LVD1689M = Weights(
        url="hf://timm/convnext_small.eupe_lvd1689m/model.safetensors",
        transforms=ImageClassification(crop_size=256, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "it has no head and gives 768 features",
            "min_size": (32, 32),
            "num_params": 49_454_688,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 11.341,
            "file_size": 188.7,
            "source": "https://huggingface.co/timm/convnext_small.eupe_lvd1689m",
            "license": "fair-noncommercial-research-license",
            "recipe": "https://huggingface.co/timm/convnext_small.eupe_lvd1689m",
        },
        arguments={"num_classes": 0},
        architecture="timm/convnext_small",
    )
    TIMM_FB_IN1K = Weights(
        url="hf://timm/convnext_small.fb_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 50_223_688,
            "metrics": {"ImageNet-1K": {"acc@1": 83.704, "acc@5": nan}},
            "gflops": 14.354,
            "file_size": 191.6,
            "source": "https://huggingface.co/timm/convnext_small.fb_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_small.fb_in1k",
        },
        architecture="timm/convnext_small",
    )
    TIMM_FB_IN22K = Weights(
        url="hf://timm/convnext_small.fb_in22k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "its 21,841 outputs are the classes of ImageNet-22k, whose labels are not in the catalogue",
            "min_size": (32, 32),
            "num_params": 66_250_417,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 8.7,
            "file_size": 252.8,
            "source": "https://huggingface.co/timm/convnext_small.fb_in22k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_small.fb_in22k",
        },
        arguments={"num_classes": 21841},
        architecture="timm/convnext_small",
    )
    TIMM_FB_IN22K_FT_IN1K = Weights(
        url="hf://timm/convnext_small.fb_in22k_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 50_223_688,
            "metrics": {"ImageNet-1K": {"acc@1": 85.276, "acc@5": nan}},
            "gflops": 14.354,
            "file_size": 191.6,
            "source": "https://huggingface.co/timm/convnext_small.fb_in22k_ft_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_small.fb_in22k_ft_in1k",
        },
        architecture="timm/convnext_small",
    )
    TIMM_FB_IN22K_FT_IN1K_384 = Weights(
        url="hf://timm/convnext_small.fb_in22k_ft_in1k_384/model.safetensors",
        transforms=ImageClassification(crop_size=384, resize_size=(384, 384), interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 50_223_688,
            "metrics": {"ImageNet-1K": {"acc@1": 85.752, "acc@5": nan}},
            "gflops": 25.518,
            "file_size": 191.6,
            "source": "https://huggingface.co/timm/convnext_small.fb_in22k_ft_in1k_384",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_small.fb_in22k_ft_in1k_384",
        },
        architecture="timm/convnext_small",
    )
    TIMM_IN12K = Weights(
        url="hf://timm/convnext_small.in12k/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=235, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "its 11,821 outputs are the classes of ImageNet-12k, whose labels are not in the catalogue",
            "min_size": (32, 32),
            "num_params": 58_545_037,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 8.692,
            "file_size": 223.4,
            "source": "https://huggingface.co/timm/convnext_small.in12k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_small.in12k",
        },
        arguments={"num_classes": 11821},
        architecture="timm/convnext_small",
    )
    TIMM_IN12K_FT_IN1K = Weights(
        url="hf://timm/convnext_small.in12k_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 50_223_688,
            "metrics": {"ImageNet-1K": {"acc@1": 85.324, "acc@5": nan}},
            "gflops": 14.354,
            "file_size": 191.6,
            "source": "https://huggingface.co/timm/convnext_small.in12k_ft_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_small.in12k_ft_in1k",
        },
        architecture="timm/convnext_small",
    )
    TIMM_IN12K_FT_IN1K_384 = Weights(
        url="hf://timm/convnext_small.in12k_ft_in1k_384/model.safetensors",
        transforms=ImageClassification(crop_size=384, resize_size=(384, 384), interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 50_223_688,
            "metrics": {"ImageNet-1K": {"acc@1": 86.186, "acc@5": nan}},
            "gflops": 25.518,
            "file_size": 191.6,
            "source": "https://huggingface.co/timm/convnext_small.in12k_ft_in1k_384",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_small.in12k_ft_in1k_384",
        },
        architecture="timm/convnext_small",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_IN12K_FT_IN1K_384


class ConvNeXt_Base_Weights(WeightsEnum, variant="convnext_base"):
    """Weights of `convnext_base`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/convnext_base-6075fbad.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 88_591_464,
            "metrics": {"ImageNet-1K": {"acc@1": 84.062, "acc@5": 96.87}},
            "gflops": 15.355,
            "file_size": 338.064,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#convnext",
        },
        recipe="convnext_base_v1",
    )
    TIMM_CLIP_LAION2B = Weights(
        url="hf://timm/convnext_base.clip_laion2b/model.safetensors",
        transforms=ImageClassification(
            crop_size=256, mean=_CLIP_MEAN, std=_CLIP_STD, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            "categories": None,
            "outputs": "its 640 outputs are an embedding that CLIP shares with texts, and no classes",
            "min_size": (32, 32),
            "num_params": 88_222_464,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 20.054,
            "file_size": 336.6,
            "source": "https://huggingface.co/timm/convnext_base.clip_laion2b",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_base.clip_laion2b",
        },
        arguments={"num_classes": 640},
        architecture="timm/convnext_base",
    )
    TIMM_CLIP_LAION2B_AUGREG = Weights(
        url="hf://timm/convnext_base.clip_laion2b_augreg/model.safetensors",
        transforms=ImageClassification(
            crop_size=256, mean=_CLIP_MEAN, std=_CLIP_STD, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            "categories": None,
            "outputs": "its 640 outputs are an embedding that CLIP shares with texts, and no classes",
            "min_size": (32, 32),
            "num_params": 88_222_464,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 20.054,
            "file_size": 336.6,
            "source": "https://huggingface.co/timm/convnext_base.clip_laion2b_augreg",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_base.clip_laion2b_augreg",
        },
        arguments={"num_classes": 640},
        architecture="timm/convnext_base",
    )
    TIMM_CLIP_LAION2B_AUGREG_FT_IN1K = Weights(
        url="hf://timm/convnext_base.clip_laion2b_augreg_ft_in1k/model.safetensors",
        transforms=ImageClassification(
            crop_size=256, mean=_CLIP_MEAN, std=_CLIP_STD, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "num_params": 88_591_464,
            "metrics": {"ImageNet-1K": {"acc@1": 86.184, "acc@5": nan}},
            "gflops": 20.055,
            "file_size": 338.0,
            "source": "https://huggingface.co/timm/convnext_base.clip_laion2b_augreg_ft_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_base.clip_laion2b_augreg_ft_in1k",
        },
        architecture="timm/convnext_base",
    )
    TIMM_CLIP_LAION2B_AUGREG_FT_IN12K = Weights(
        url="hf://timm/convnext_base.clip_laion2b_augreg_ft_in12k/model.safetensors",
        transforms=ImageClassification(
            crop_size=256, mean=_CLIP_MEAN, std=_CLIP_STD, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            "categories": None,
            "outputs": "its 11,821 outputs are the classes of ImageNet-12k, whose labels are not in the catalogue",
            "min_size": (32, 32),
            "num_params": 99_682_989,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 20.066,
            "file_size": 380.3,
            "source": "https://huggingface.co/timm/convnext_base.clip_laion2b_augreg_ft_in12k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_base.clip_laion2b_augreg_ft_in12k",
        },
        arguments={"num_classes": 11821},
        architecture="timm/convnext_base",
    )
    TIMM_CLIP_LAION2B_AUGREG_FT_IN12K_IN1K = Weights(
        url="hf://timm/convnext_base.clip_laion2b_augreg_ft_in12k_in1k/model.safetensors",
        transforms=ImageClassification(
            crop_size=256, mean=_CLIP_MEAN, std=_CLIP_STD, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "num_params": 88_591_464,
            "metrics": {"ImageNet-1K": {"acc@1": 86.378, "acc@5": nan}},
            "gflops": 20.055,
            "file_size": 338.0,
            "source": "https://huggingface.co/timm/convnext_base.clip_laion2b_augreg_ft_in12k_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_base.clip_laion2b_augreg_ft_in12k_in1k",
        },
        architecture="timm/convnext_base",
    )
    TIMM_CLIP_LAION2B_AUGREG_FT_IN12K_IN1K_384 = Weights(
        url="hf://timm/convnext_base.clip_laion2b_augreg_ft_in12k_in1k_384/model.safetensors",
        transforms=ImageClassification(
            crop_size=384,
            resize_size=(384, 384),
            mean=_CLIP_MEAN,
            std=_CLIP_STD,
            interpolation=InterpolationMode.BICUBIC,
        ),
        meta={
            **_IMAGENET,
            "num_params": 88_591_464,
            "metrics": {"ImageNet-1K": {"acc@1": 87.144, "acc@5": nan}},
            "gflops": 45.122,
            "file_size": 338.0,
            "source": "https://huggingface.co/timm/convnext_base.clip_laion2b_augreg_ft_in12k_in1k_384",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_base.clip_laion2b_augreg_ft_in12k_in1k_384",
        },
        architecture="timm/convnext_base",
    )
    TIMM_CLIP_LAIONA = Weights(
        url="hf://timm/convnext_base.clip_laiona/model.safetensors",
        transforms=ImageClassification(
            crop_size=256, mean=_CLIP_MEAN, std=_CLIP_STD, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            "categories": None,
            "outputs": "its 640 outputs are an embedding that CLIP shares with texts, and no classes",
            "min_size": (32, 32),
            "num_params": 88_222_464,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 20.054,
            "file_size": 336.6,
            "source": "https://huggingface.co/timm/convnext_base.clip_laiona",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_base.clip_laiona",
        },
        arguments={"num_classes": 640},
        architecture="timm/convnext_base",
    )
    TIMM_CLIP_LAIONA_320 = Weights(
        url="hf://timm/convnext_base.clip_laiona_320/model.safetensors",
        transforms=ImageClassification(
            crop_size=320, resize_size=320, mean=_CLIP_MEAN, std=_CLIP_STD, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            "categories": None,
            "outputs": "its 640 outputs are an embedding that CLIP shares with texts, and no classes",
            "min_size": (32, 32),
            "num_params": 88_222_464,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 31.335,
            "file_size": 336.6,
            "source": "https://huggingface.co/timm/convnext_base.clip_laiona_320",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_base.clip_laiona_320",
        },
        arguments={"num_classes": 640},
        architecture="timm/convnext_base",
    )
    TIMM_CLIP_LAIONA_AUGREG_320 = Weights(
        url="hf://timm/convnext_base.clip_laiona_augreg_320/model.safetensors",
        transforms=ImageClassification(
            crop_size=320, resize_size=320, mean=_CLIP_MEAN, std=_CLIP_STD, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            "categories": None,
            "outputs": "its 640 outputs are an embedding that CLIP shares with texts, and no classes",
            "min_size": (32, 32),
            "num_params": 88_222_464,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 31.335,
            "file_size": 336.6,
            "source": "https://huggingface.co/timm/convnext_base.clip_laiona_augreg_320",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_base.clip_laiona_augreg_320",
        },
        arguments={"num_classes": 640},
        architecture="timm/convnext_base",
    )
    TIMM_CLIP_LAIONA_AUGREG_FT_IN1K_384 = Weights(
        url="hf://timm/convnext_base.clip_laiona_augreg_ft_in1k_384/model.safetensors",
        transforms=ImageClassification(
            crop_size=384, resize_size=384, mean=_CLIP_MEAN, std=_CLIP_STD, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "num_params": 88_591_464,
            "metrics": {"ImageNet-1K": {"acc@1": 86.49, "acc@5": nan}},
            "gflops": 45.122,
            "file_size": 338.0,
            "source": "https://huggingface.co/timm/convnext_base.clip_laiona_augreg_ft_in1k_384",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_base.clip_laiona_augreg_ft_in1k_384",
        },
        architecture="timm/convnext_base",
    )
    TIMM_DINOV3_LVD1689M = Weights(
        url="hf://timm/convnext_base.dinov3_lvd1689m/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "it has no head and gives 1,024 features",
            "min_size": (32, 32),
            "num_params": 87_566_464,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 15.354,
            "file_size": 334.1,
            "source": "https://huggingface.co/timm/convnext_base.dinov3_lvd1689m",
            "license": "dinov3-license",
            "recipe": "https://huggingface.co/timm/convnext_base.dinov3_lvd1689m",
        },
        arguments={"num_classes": 0},
        architecture="timm/convnext_base",
    )
    TIMM_EUPE_LVD1689M = Weights(
        url="hf://timm/convnext_base.eupe_lvd1689m/model.safetensors",
        transforms=ImageClassification(crop_size=256, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "it has no head and gives 1,024 features",
            "min_size": (32, 32),
            "num_params": 87_566_464,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 20.054,
            "file_size": 334.1,
            "source": "https://huggingface.co/timm/convnext_base.eupe_lvd1689m",
            "license": "fair-noncommercial-research-license",
            "recipe": "https://huggingface.co/timm/convnext_base.eupe_lvd1689m",
        },
        arguments={"num_classes": 0},
        architecture="timm/convnext_base",
    )
    TIMM_FB_IN1K = Weights(
        url="hf://timm/convnext_base.fb_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 88_591_464,
            "metrics": {"ImageNet-1K": {"acc@1": 84.466, "acc@5": nan}},
            "gflops": 25.382,
            "file_size": 338.0,
            "source": "https://huggingface.co/timm/convnext_base.fb_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_base.fb_in1k",
        },
        architecture="timm/convnext_base",
    )
    TIMM_FB_IN22K = Weights(
        url="hf://timm/convnext_base.fb_in22k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "its 21,841 outputs are the classes of ImageNet-22k, whose labels are not in the catalogue",
            "min_size": (32, 32),
            "num_params": 109_953_489,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 15.376,
            "file_size": 419.5,
            "source": "https://huggingface.co/timm/convnext_base.fb_in22k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_base.fb_in22k",
        },
        arguments={"num_classes": 21841},
        architecture="timm/convnext_base",
    )
    TIMM_FB_IN22K_FT_IN1K = Weights(
        url="hf://timm/convnext_base.fb_in22k_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 88_591_464,
            "metrics": {"ImageNet-1K": {"acc@1": 86.302, "acc@5": nan}},
            "gflops": 25.382,
            "file_size": 338.0,
            "source": "https://huggingface.co/timm/convnext_base.fb_in22k_ft_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_base.fb_in22k_ft_in1k",
        },
        architecture="timm/convnext_base",
    )
    TIMM_FB_IN22K_FT_IN1K_384 = Weights(
        url="hf://timm/convnext_base.fb_in22k_ft_in1k_384/model.safetensors",
        transforms=ImageClassification(crop_size=384, resize_size=(384, 384), interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 88_591_464,
            "metrics": {"ImageNet-1K": {"acc@1": 86.826, "acc@5": nan}},
            "gflops": 45.122,
            "file_size": 338.0,
            "source": "https://huggingface.co/timm/convnext_base.fb_in22k_ft_in1k_384",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_base.fb_in22k_ft_in1k_384",
        },
        architecture="timm/convnext_base",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_CLIP_LAION2B_AUGREG_FT_IN12K_IN1K_384


class ConvNeXt_Large_Weights(WeightsEnum, variant="convnext_large"):
    """Weights of `convnext_large`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/convnext_large-ea097f82.pth",
        transforms=ImageClassification(crop_size=224, resize_size=232),
        meta={
            **_IMAGENET,
            "num_params": 197_767_336,
            "metrics": {"ImageNet-1K": {"acc@1": 84.414, "acc@5": 96.976}},
            "gflops": 34.361,
            "file_size": 754.537,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#convnext",
        },
        recipe="convnext_large_v1",
    )
    TIMM_DINOV3_LVD1689M = Weights(
        url="hf://timm/convnext_large.dinov3_lvd1689m/model.safetensors",
        transforms=ImageClassification(crop_size=224, resize_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "it has no head and gives 1,536 features",
            "min_size": (32, 32),
            "num_params": 196_230_336,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 34.36,
            "file_size": 748.6,
            "source": "https://huggingface.co/timm/convnext_large.dinov3_lvd1689m",
            "license": "dinov3-license",
            "recipe": "https://huggingface.co/timm/convnext_large.dinov3_lvd1689m",
        },
        arguments={"num_classes": 0},
        architecture="timm/convnext_large",
    )
    TIMM_FB_IN1K = Weights(
        url="hf://timm/convnext_large.fb_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 197_767_336,
            "metrics": {"ImageNet-1K": {"acc@1": 84.862, "acc@5": nan}},
            "gflops": 56.801,
            "file_size": 754.5,
            "source": "https://huggingface.co/timm/convnext_large.fb_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_large.fb_in1k",
        },
        architecture="timm/convnext_large",
    )
    TIMM_FB_IN22K = Weights(
        url="hf://timm/convnext_large.fb_in22k/model.safetensors",
        transforms=ImageClassification(crop_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            "categories": None,
            "outputs": "its 21,841 outputs are the classes of ImageNet-22k, whose labels are not in the catalogue",
            "min_size": (32, 32),
            "num_params": 229_799_953,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 34.393,
            "file_size": 876.6,
            "source": "https://huggingface.co/timm/convnext_large.fb_in22k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_large.fb_in22k",
        },
        arguments={"num_classes": 21841},
        architecture="timm/convnext_large",
    )
    TIMM_FB_IN22K_FT_IN1K = Weights(
        url="hf://timm/convnext_large.fb_in22k_ft_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=288, resize_size=288, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 197_767_336,
            "metrics": {"ImageNet-1K": {"acc@1": 87.012, "acc@5": nan}},
            "gflops": 56.801,
            "file_size": 754.5,
            "source": "https://huggingface.co/timm/convnext_large.fb_in22k_ft_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_large.fb_in22k_ft_in1k",
        },
        architecture="timm/convnext_large",
    )
    TIMM_FB_IN22K_FT_IN1K_384 = Weights(
        url="hf://timm/convnext_large.fb_in22k_ft_in1k_384/model.safetensors",
        transforms=ImageClassification(crop_size=384, resize_size=(384, 384), interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 197_767_336,
            "metrics": {"ImageNet-1K": {"acc@1": 87.456, "acc@5": nan}},
            "gflops": 100.978,
            "file_size": 754.5,
            "source": "https://huggingface.co/timm/convnext_large.fb_in22k_ft_in1k_384",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/convnext_large.fb_in22k_ft_in1k_384",
        },
        architecture="timm/convnext_large",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_FB_IN22K_FT_IN1K_384
