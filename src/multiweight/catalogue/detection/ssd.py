"""Published weights of SSD."""

from multiweight.catalogue._schema import Labels, ObjectDetection, Weights, WeightsEnum

_COCO = {"categories": Labels("coco91"), "min_size": (1, 1)}


class SSD300_VGG16_Weights(WeightsEnum, variant="ssd300_vgg16"):
    """Weights of `ssd300_vgg16`."""

    COCO_V1 = Weights(
        url="https://download.pytorch.org/models/ssd300_vgg16_coco-b556d3b4.pth",
        transforms=ObjectDetection(),
        meta={
            **_COCO,
            "num_params": 35_641_826,
            "metrics": {"COCO-val2017": {"box_map": 25.1}},
            "gflops": 34.858,
            "file_size": 135.988,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/detection#ssd300-vgg16",
        },
    )
    DEFAULT = COCO_V1
