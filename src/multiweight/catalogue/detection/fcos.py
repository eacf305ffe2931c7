"""Published weights of FCOS."""

from multiweight.catalogue._schema import Labels, ObjectDetection, Weights, WeightsEnum

_COCO = {"categories": Labels("coco91"), "min_size": (1, 1)}


class FCOS_ResNet50_FPN_Weights(WeightsEnum, variant="fcos_resnet50_fpn"):
    """Weights of `fcos_resnet50_fpn`."""

    COCO_V1 = Weights(
        url="https://download.pytorch.org/models/fcos_resnet50_fpn_coco-99b0c9b7.pth",
        transforms=ObjectDetection(),
        meta={
            **_COCO,
            "num_params": 32_269_600,
            "metrics": {"COCO-val2017": {"box_map": 39.2}},
            "gflops": 128.207,
            "file_size": 123.608,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/detection#fcos-resnet-50-fpn",
        },
    )
    DEFAULT = COCO_V1
