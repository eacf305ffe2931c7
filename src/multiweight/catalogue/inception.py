"""Published weights of Inception v3."""

from math import nan

from multiweight.catalogue._schema import ImageClassification, InterpolationMode, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (75, 75)}
_HALF = (0.5, 0.5, 0.5)


class Inception_V3_Weights(WeightsEnum, variant="inception_v3"):
    """Weights of `inception_v3`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth",
        transforms=ImageClassification(crop_size=299, resize_size=342),
        meta={
            **_IMAGENET,
            "num_params": 27_161_264,
            "metrics": {"ImageNet-1K": {"acc@1": 77.294, "acc@5": 93.45}},
            "gflops": 5.713,
            "file_size": 103.903,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#inception-v3",
        },
    )
    TIMM_GLUON_IN1K = Weights(
        url="hf://timm/inception_v3.gluon_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=299, resize_size=341, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 23_834_568,
            "metrics": {"ImageNet-1K": {"acc@1": 78.806, "acc@5": nan}},
            "gflops": 5.713,
            "file_size": 91.1,
            "source": "https://huggingface.co/timm/inception_v3.gluon_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/inception_v3.gluon_in1k",
        },
        arguments={"aux_logits": False, "transform_input": False},
        architecture="timm/inception_v3",
    )
    TIMM_TF_ADV_IN1K = Weights(
        url="hf://timm/inception_v3.tf_adv_in1k/model.safetensors",
        transforms=ImageClassification(
            crop_size=299, resize_size=341, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "num_params": 23_834_568,
            "metrics": {"ImageNet-1K": {"acc@1": 77.598, "acc@5": nan}},
            "gflops": 5.713,
            "file_size": 91.1,
            "source": "https://huggingface.co/timm/inception_v3.tf_adv_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/inception_v3.tf_adv_in1k",
        },
        arguments={"aux_logits": False, "transform_input": False},
        architecture="timm/inception_v3",
    )
    TIMM_TF_IN1K = Weights(
        url="hf://timm/inception_v3.tf_in1k/model.safetensors",
        transforms=ImageClassification(
            crop_size=299, resize_size=341, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "num_params": 23_834_568,
            "metrics": {"ImageNet-1K": {"acc@1": 77.866, "acc@5": nan}},
            "gflops": 5.713,
            "file_size": 91.1,
            "source": "https://huggingface.co/timm/inception_v3.tf_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/inception_v3.tf_in1k",
        },
        arguments={"aux_logits": False, "transform_input": False},
        architecture="timm/inception_v3",
    )
    TIMM_TV_IN1K = Weights(
        url="hf://timm/inception_v3.tv_in1k/model.safetensors",
        transforms=ImageClassification(
            crop_size=299, resize_size=341, mean=_HALF, std=_HALF, interpolation=InterpolationMode.BICUBIC
        ),
        meta={
            **_IMAGENET,
            "num_params": 23_834_568,
            "metrics": {"ImageNet-1K": {"acc@1": 77.472, "acc@5": nan}},
            "gflops": 5.713,
            "file_size": 91.1,
            "source": "https://huggingface.co/timm/inception_v3.tv_in1k",
            "license": "apache-2.0",
            "recipe": "https://huggingface.co/timm/inception_v3.tv_in1k",
        },
        arguments={"aux_logits": False, "transform_input": False},
        architecture="timm/inception_v3",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_GLUON_IN1K
