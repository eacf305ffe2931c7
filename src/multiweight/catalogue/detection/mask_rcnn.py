"""Published weights of Mask R-CNN."""

from multiweight.catalogue._schema import Labels, ObjectDetection, Weights, WeightsEnum

_COCO = {"categories": Labels("coco91"), "min_size": (1, 1)}


class MaskRCNN_ResNet50_FPN_Weights(WeightsEnum, variant="maskrcnn_resnet50_fpn"):
    """Weights of `maskrcnn_resnet50_fpn`."""

    COCO_V1 = Weights(
        url="https://download.pytorch.org/models/maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth",
        transforms=ObjectDetection(),
        meta={
            **_COCO,
            "num_params": 44_401_393,
            "metrics": {"COCO-val2017": {"box_map": 37.9, "mask_map": 34.6}},
            "gflops": 134.38,
            "file_size": 169.84,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/detection#mask-r-cnn",
        },
    )
    DEFAULT = COCO_V1


class MaskRCNN_ResNet50_FPN_V2_Weights(WeightsEnum, variant="maskrcnn_resnet50_fpn_v2"):
    """Weights of `maskrcnn_resnet50_fpn_v2`."""

    COCO_V1 = Weights(
        url="https://download.pytorch.org/models/maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth",
        transforms=ObjectDetection(),
        meta={
            **_COCO,
            "num_params": 46_359_409,
            "metrics": {"COCO-val2017": {"box_map": 47.4, "mask_map": 41.8}},
            "gflops": 333.577,
            "file_size": 177.219,
            "recipe": "https://github.com/pytorch/vision/pull/5773",
        },
    )
    DEFAULT = COCO_V1
