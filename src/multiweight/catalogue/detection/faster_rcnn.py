"""Published weights of Faster R-CNN."""

from multiweight.catalogue._schema import Labels, ObjectDetection, Weights, WeightsEnum

_COCO = {"categories": Labels("coco91"), "min_size": (1, 1)}


class FasterRCNN_ResNet50_FPN_Weights(WeightsEnum, variant="fasterrcnn_resnet50_fpn"):
    """Weights of `fasterrcnn_resnet50_fpn`."""

    COCO_V1 = Weights(
        url="https://download.pytorch.org/models/fasterrcnn_resnet50_fpn_coco-258fb6c6.pth",
        transforms=ObjectDetection(),
        meta={
            **_COCO,
            "num_params": 41_755_286,
            "metrics": {"COCO-val2017": {"box_map": 37.0}},
            "gflops": 134.38,
            "file_size": 159.743,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/detection#faster-r-cnn-resnet-50-fpn",
        },
    )
    DEFAULT = COCO_V1


class FasterRCNN_ResNet50_FPN_V2_Weights(WeightsEnum, variant="fasterrcnn_resnet50_fpn_v2"):
    """Weights of `fasterrcnn_resnet50_fpn_v2`."""

    COCO_V1 = Weights(
        url="https://download.pytorch.org/models/fasterrcnn_resnet50_fpn_v2_coco-dd69338a.pth",
        transforms=ObjectDetection(),
        meta={
            **_COCO,
            "num_params": 43_712_278,
            "metrics": {"COCO-val2017": {"box_map": 46.7}},
            "gflops": 280.371,
            "file_size": 167.104,
            "recipe": "https://github.com/pytorch/vision/pull/5763",
        },
    )
    DEFAULT = COCO_V1


class FasterRCNN_MobileNet_V3_Large_FPN_Weights(WeightsEnum, variant="fasterrcnn_mobilenet_v3_large_fpn"):
    """Weights of `fasterrcnn_mobilenet_v3_large_fpn`."""

    COCO_V1 = Weights(
        url="https://download.pytorch.org/models/fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7.pth",
        transforms=ObjectDetection(),
        meta={
            **_COCO,
            "num_params": 19_386_354,
            "metrics": {"COCO-val2017": {"box_map": 32.8}},
            "gflops": 4.494,
            "file_size": 74.239,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/detection#faster-r-cnn-mobilenetv3-large-fpn",
        },
    )
    DEFAULT = COCO_V1


class FasterRCNN_MobileNet_V3_Large_320_FPN_Weights(WeightsEnum, variant="fasterrcnn_mobilenet_v3_large_320_fpn"):
    """Weights of `fasterrcnn_mobilenet_v3_large_320_fpn`."""

    COCO_V1 = Weights(
        url="https://download.pytorch.org/models/fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9.pth",
        transforms=ObjectDetection(),
        meta={
            **_COCO,
            "num_params": 19_386_354,
            "metrics": {"COCO-val2017": {"box_map": 22.8}},
            "gflops": 0.719,
            "file_size": 74.239,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/detection#faster-r-cnn-mobilenetv3-large-320-fpn",
        },
    )
    DEFAULT = COCO_V1
