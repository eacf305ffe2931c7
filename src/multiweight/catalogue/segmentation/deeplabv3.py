"""Published weights of DeepLabV3."""

from multiweight.catalogue._schema import Labels, SemanticSegmentation, Weights, WeightsEnum

_COCO_WITH_VOC_LABELS = {"categories": Labels("voc21"), "min_size": (1, 1)}


class DeepLabV3_ResNet50_Weights(WeightsEnum, variant="deeplabv3_resnet50"):
    """Weights of `deeplabv3_resnet50`."""

    COCO_WITH_VOC_LABELS_V1 = Weights(
        url="https://download.pytorch.org/models/deeplabv3_resnet50_coco-cd0a2569.pth",
        transforms=SemanticSegmentation(resize_size=520),
        meta={
            **_COCO_WITH_VOC_LABELS,
            "num_params": 42_004_074,
            "metrics": {"COCO-val2017-VOC-labels": {"miou": 66.4, "pixel_acc": 92.4}},
            "gflops": 178.722,
            "file_size": 160.515,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/segmentation#deeplabv3_resnet50",
        },
    )
    DEFAULT = COCO_WITH_VOC_LABELS_V1


class DeepLabV3_ResNet101_Weights(WeightsEnum, variant="deeplabv3_resnet101"):
    """Weights of `deeplabv3_resnet101`."""

    COCO_WITH_VOC_LABELS_V1 = Weights(
        url="https://download.pytorch.org/models/deeplabv3_resnet101_coco-586e9e4e.pth",
        transforms=SemanticSegmentation(resize_size=520),
        meta={
            **_COCO_WITH_VOC_LABELS,
            "num_params": 60_996_202,
            "metrics": {"COCO-val2017-VOC-labels": {"miou": 67.4, "pixel_acc": 92.4}},
            "gflops": 258.743,
            "file_size": 233.217,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/segmentation#deeplabv3_resnet101",
        },
    )
    DEFAULT = COCO_WITH_VOC_LABELS_V1


class DeepLabV3_MobileNet_V3_Large_Weights(WeightsEnum, variant="deeplabv3_mobilenet_v3_large"):
    """Weights of `deeplabv3_mobilenet_v3_large`."""

    COCO_WITH_VOC_LABELS_V1 = Weights(
        url="https://download.pytorch.org/models/deeplabv3_mobilenet_v3_large-fc3c493d.pth",
        transforms=SemanticSegmentation(resize_size=520),
        meta={
            **_COCO_WITH_VOC_LABELS,
            "num_params": 11_029_328,
            "metrics": {"COCO-val2017-VOC-labels": {"miou": 60.3, "pixel_acc": 91.2}},
            "gflops": 10.452,
            "file_size": 42.301,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/segmentation#deeplabv3_mobilenet_v3_large",
        },
    )
    DEFAULT = COCO_WITH_VOC_LABELS_V1
