"""Published weights of FCN."""

from multiweight.catalogue._schema import Labels, SemanticSegmentation, Weights, WeightsEnum

_COCO_WITH_VOC_LABELS = {"categories": Labels("voc21"), "min_size": (1, 1)}


class FCN_ResNet50_Weights(WeightsEnum, variant="fcn_resnet50"):
    """Weights of `fcn_resnet50`."""

    COCO_WITH_VOC_LABELS_V1 = Weights(
        url="https://download.pytorch.org/models/fcn_resnet50_coco-1167a1af.pth",
        transforms=SemanticSegmentation(resize_size=520),
        meta={
            **_COCO_WITH_VOC_LABELS,
            "num_params": 35_322_218,
            "metrics": {"COCO-val2017-VOC-labels": {"miou": 60.5, "pixel_acc": 91.4}},
            "gflops": 152.717,
            "file_size": 135.009,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/segmentation#fcn_resnet50",
        },
    )
    DEFAULT = COCO_WITH_VOC_LABELS_V1


class FCN_ResNet101_Weights(WeightsEnum, variant="fcn_resnet101"):
    """Weights of `fcn_resnet101`."""

    COCO_WITH_VOC_LABELS_V1 = Weights(
        url="https://download.pytorch.org/models/fcn_resnet101_coco-7ecb50ca.pth",
        transforms=SemanticSegmentation(resize_size=520),
        meta={
            **_COCO_WITH_VOC_LABELS,
            "num_params": 54_314_346,
            "metrics": {"COCO-val2017-VOC-labels": {"miou": 63.7, "pixel_acc": 91.9}},
            "gflops": 232.738,
            "file_size": 207.711,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/segmentation#fcn_resnet101",
        },
    )
    DEFAULT = COCO_WITH_VOC_LABELS_V1
