"""Published weights of AlexNet."""

from multiweight.catalogue._schema import ImageClassification, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (63, 63)}


class AlexNet_Weights(WeightsEnum, variant="alexnet"):
    """Weights of `alexnet`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 61_100_840,
            "metrics": {"ImageNet-1K": {"acc@1": 56.522, "acc@5": 79.066}},
            "gflops": 0.714,
            "file_size": 233.087,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#alexnet-and-vgg",
        },
        recipe="alexnet_v1",
    )
    DEFAULT = IMAGENET1K_V1
