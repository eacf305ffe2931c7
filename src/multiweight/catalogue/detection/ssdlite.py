"""Published weights of SSDlite."""

from multiweight.catalogue._schema import Labels, ObjectDetection, Weights, WeightsEnum

_COCO = {"categories": Labels("coco91"), "min_size": (1, 1)}


class SSDLite320_MobileNet_V3_Large_Weights(WeightsEnum, variant="ssdlite320_mobilenet_v3_large"):
    """Weights of `ssdlite320_mobilenet_v3_large`."""

    COCO_V1 = Weights(
        url="https://download.pytorch.org/models/ssdlite320_mobilenet_v3_large_coco-a79551df.pth",
        transforms=ObjectDetection(),
        meta={
            **_COCO,
            "num_params": 3_440_060,
            "metrics": {"COCO-val2017": {"box_map": 21.3}},
            "gflops": 0.583,
            "file_size": 13.418,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/detection#ssdlite320-mobilenetv3-large",
        },
    )
    DEFAULT = COCO_V1
