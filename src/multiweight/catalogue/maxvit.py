"""Published weights of MaxViT."""

from multiweight.catalogue._schema import ImageClassification, InterpolationMode, Labels, Weights, WeightsEnum

_IMAGENET = {"categories": Labels("imagenet1k"), "min_size": (224, 224)}


class MaxVit_T_Weights(WeightsEnum, variant="maxvit_t"):
    """Weights of `maxvit_t`."""

    IMAGENET1K_V1 = Weights(
        url="https://download.pytorch.org/models/maxvit_t-bc5ab103.pth",
        transforms=ImageClassification(crop_size=224, resize_size=224, interpolation=InterpolationMode.BICUBIC),
        meta={
            **_IMAGENET,
            "num_params": 30_919_624,
            "metrics": {"ImageNet-1K": {"acc@1": 83.7, "acc@5": 96.722}},
            "gflops": 5.558,
            "file_size": 118.769,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/classification#maxvit",
        },
        recipe="maxvit_t_v1",
    )
    DEFAULT = IMAGENET1K_V1
