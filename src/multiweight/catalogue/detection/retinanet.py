"""Published weights of RetinaNet."""

from multiweight.catalogue._schema import Labels, ObjectDetection, Weights, WeightsEnum

_COCO = {"categories": Labels("coco91"), "min_size": (1, 1)}


class RetinaNet_ResNet50_FPN_Weights(WeightsEnum, variant="retinanet_resnet50_fpn"):
    """Weights of `retinanet_resnet50_fpn`."""

    COCO_V1 = Weights(
        url="https://download.pytorch.org/models/retinanet_resnet50_fpn_coco-eeacb38b.pth",
        transforms=ObjectDetection(),
        meta={
            **_COCO,
            "num_params": 34_014_999,
            "metrics": {"COCO-val2017": {"box_map": 36.4}},
            "gflops": 151.54,
            "file_size": 130.267,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/detection#retinanet",
        },
    )
    DEFAULT = COCO_V1


class RetinaNet_ResNet50_FPN_V2_Weights(WeightsEnum, variant="retinanet_resnet50_fpn_v2"):
    """Weights of `retinanet_resnet50_fpn_v2`."""

    COCO_V1 = Weights(
        url="https://download.pytorch.org/models/retinanet_resnet50_fpn_v2_coco-5905b1c5.pth",
        transforms=ObjectDetection(),
        meta={
            **_COCO,
            "num_params": 38_198_935,
            "metrics": {"COCO-val2017": {"box_map": 41.5}},
            "gflops": 152.238,
            "file_size": 146.037,
            "recipe": "https://github.com/pytorch/vision/pull/5756",
        },
    )
    DEFAULT = COCO_V1
