"""Published weights of GoogLeNet."""

from multiweight.catalogue._schema import ImageClassification, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (15, 15)}


class GoogLeNet_Weights(WeightsEnum, variant="googlenet"):
    """Weights of `googlenet`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/googlenet-1378be20.pth",
        transforms=ImageClassification(crop_size=224),
        meta={
            **_IMAGENET,
            "num_params": 6_624_904,
            "metrics": {"ImageNet-1K": {"acc@1": 69.778, "acc@5": 89.53}},
            "gflops": 1.498,
            "file_size": 49.731,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#googlenet",
        },
    )
    DEFAULT = IMAGENET1K_V1
