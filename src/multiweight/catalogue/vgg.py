"""Published weights of VGG, with and without batch norm."""

from math import nan

from multiweight.catalogue._schema import ImageClassification, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (32, 32)}


class VGG11_Weights(WeightsEnum, variant="vgg11"):
    """Weights of `vgg11`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/vgg11-8a719046.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 132_863_336,
            "metrics": {"ImageNet-1K": {"acc@1": 69.02, "acc@5": 88.628}},
            "gflops": 7.609,
            "file_size": 506.84,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#alexnet-and-vgg",
        },
        recipe="vgg11_v1",
    )
    TIMM_TV_IN1K = Weights(
        url="hf://timm/vgg11.tv_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 132_863_336,
            "metrics": {"ImageNet-1K": {"acc@1": 69.05, "acc@5": nan}},
            "gflops": 7.609,
            "file_size": 506.8,
            "source": "https://huggingface.co/timm/vgg11.tv_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/vgg11.tv_in1k",
        },
        architecture="timm/vgg11",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_TV_IN1K


class VGG11_BN_Weights(WeightsEnum, variant="vgg11_bn"):
    """Weights of `vgg11_bn`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/vgg11_bn-6002323d.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 132_868_840,
            "metrics": {"ImageNet-1K": {"acc@1": 70.37, "acc@5": 89.81}},
            "gflops": 7.609,
            "file_size": 506.881,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#alexnet-and-vgg",
        },
        recipe="vgg11_bn_v1",
    )
    TIMM_TV_IN1K = Weights(
        url="hf://timm/vgg11_bn.tv_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 132_868_840,
            "metrics": {"ImageNet-1K": {"acc@1": 70.374, "acc@5": nan}},
            "gflops": 7.609,
            "file_size": 506.9,
            "source": "https://huggingface.co/timm/vgg11_bn.tv_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/vgg11_bn.tv_in1k",
        },
        architecture="timm/vgg11_bn",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_TV_IN1K


class VGG13_Weights(WeightsEnum, variant="vgg13"):
    """Weights of `vgg13`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/vgg13-19584684.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 133_047_848,
            "metrics": {"ImageNet-1K": {"acc@1": 69.928, "acc@5": 89.246}},
            "gflops": 11.308,
            "file_size": 507.545,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#alexnet-and-vgg",
        },
        recipe="vgg13_v1",
    )
    TIMM_TV_IN1K = Weights(
        url="hf://timm/vgg13.tv_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 133_047_848,
            "metrics": {"ImageNet-1K": {"acc@1": 69.95, "acc@5": nan}},
            "gflops": 11.308,
            "file_size": 507.5,
            "source": "https://huggingface.co/timm/vgg13.tv_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/vgg13.tv_in1k",
        },
        architecture="timm/vgg13",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_TV_IN1K


class VGG13_BN_Weights(WeightsEnum, variant="vgg13_bn"):
    """Weights of `vgg13_bn`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/vgg13_bn-abd245e5.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 133_053_736,
            "metrics": {"ImageNet-1K": {"acc@1": 71.586, "acc@5": 90.374}},
            "gflops": 11.308,
            "file_size": 507.59,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#alexnet-and-vgg",
        },
        recipe="vgg13_bn_v1",
    )
    TIMM_TV_IN1K = Weights(
        url="hf://timm/vgg13_bn.tv_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 133_053_736,
            "metrics": {"ImageNet-1K": {"acc@1": 71.56, "acc@5": nan}},
            "gflops": 11.308,
            "file_size": 507.6,
            "source": "https://huggingface.co/timm/vgg13_bn.tv_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/vgg13_bn.tv_in1k",
        },
        architecture="timm/vgg13_bn",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_TV_IN1K


class VGG16_Weights(WeightsEnum, variant="vgg16"):
    """Weights of `vgg16`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/vgg16-397923af.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 138_357_544,
            "metrics": {"ImageNet-1K": {"acc@1": 71.592, "acc@5": 90.382}},
            "gflops": 15.47,
            "file_size": 527.796,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#alexnet-and-vgg",
        },
        recipe="vgg16_v1",
    )
    IMAGENET1K_FEATURES = Weights(
        url="https://download.pytorch.org/models/vgg16_features-amdegroot-88682ab5.pth",
        transforms=ImageClassification(
            crop_size=224, mean=(0.48235, 0.45882, 0.40784), std=(1 / 255, 1 / 255, 1 / 255)
        ),
        meta={
            "categories": None,  # features only: the classifier was not trained
            "min_size": (32, 32),
            "num_params": 138_357_544,
            "metrics": {"ImageNet-1K": {"acc@1": nan, "acc@5": nan}},
            "gflops": 15.47,
            "file_size": 527.802,
            "recipe": "https://github.com/amdegroot/ssd.pytorch#training-ssd",
        },
    )
    TIMM_TV_IN1K = Weights(
        url="hf://timm/vgg16.tv_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 138_357_544,
            "metrics": {"ImageNet-1K": {"acc@1": 71.594, "acc@5": nan}},
            "gflops": 15.47,
            "file_size": 527.8,
            "source": "https://huggingface.co/timm/vgg16.tv_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/vgg16.tv_in1k",
        },
        architecture="timm/vgg16",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_TV_IN1K


class VGG16_BN_Weights(WeightsEnum, variant="vgg16_bn"):
    """Weights of `vgg16_bn`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/vgg16_bn-6c64b313.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 138_365_992,
            "metrics": {"ImageNet-1K": {"acc@1": 73.36, "acc@5": 91.516}},
            "gflops": 15.47,
            "file_size": 527.866,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#alexnet-and-vgg",
        },
        recipe="vgg16_bn_v1",
    )
    TIMM_TV_IN1K = Weights(
        url="hf://timm/vgg16_bn.tv_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 138_365_992,
            "metrics": {"ImageNet-1K": {"acc@1": 73.354, "acc@5": nan}},
            "gflops": 15.47,
            "file_size": 527.9,
            "source": "https://huggingface.co/timm/vgg16_bn.tv_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/vgg16_bn.tv_in1k",
        },
        architecture="timm/vgg16_bn",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_TV_IN1K


class VGG19_Weights(WeightsEnum, variant="vgg19"):
    """Weights of `vgg19`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 143_667_240,
            "metrics": {"ImageNet-1K": {"acc@1": 72.376, "acc@5": 90.876}},
            "gflops": 19.632,
            "file_size": 548.051,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#alexnet-and-vgg",
        },
        recipe="vgg19_v1",
    )
    TIMM_TV_IN1K = Weights(
        url="hf://timm/vgg19.tv_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 143_667_240,
            "metrics": {"ImageNet-1K": {"acc@1": 72.4, "acc@5": nan}},
            "gflops": 19.632,
            "file_size": 548.1,
            "source": "https://huggingface.co/timm/vgg19.tv_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/vgg19.tv_in1k",
        },
        architecture="timm/vgg19",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_TV_IN1K


class VGG19_BN_Weights(WeightsEnum, variant="vgg19_bn"):
    """Weights of `vgg19_bn`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/vgg19_bn-c79401a0.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 143_678_248,
            "metrics": {"ImageNet-1K": {"acc@1": 74.218, "acc@5": 91.842}},
            "gflops": 19.632,
            "file_size": 548.143,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#alexnet-and-vgg",
        },
        recipe="vgg19_bn_v1",
    )
    TIMM_TV_IN1K = Weights(
        url="hf://timm/vgg19_bn.tv_in1k/model.safetensors",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 143_678_248,
            "metrics": {"ImageNet-1K": {"acc@1": 74.23, "acc@5": nan}},
            "gflops": 19.632,
            "file_size": 548.1,
            "source": "https://huggingface.co/timm/vgg19_bn.tv_in1k",
            "license": "bsd-3-clause",
            "recipe": "https://huggingface.co/timm/vgg19_bn.tv_in1k",
        },
        architecture="timm/vgg19_bn",
    )
    DEFAULT = IMAGENET1K_V1
    BEST = TIMM_TV_IN1K
