"""Published weights of Keypoint R-CNN."""

from multiweight.catalogue._schema import Labels, ObjectDetection, Weights, WeightsEnum

_COCO = {
    "categories": Labels("coco_person"),
    "min_size": (1, 1),
    "keypoint_names": (
        "nose",
        "left_eye",
        "right_eye",
        "left_ear",
        "right_ear",
        "left_shoulder",
        "right_shoulder",
        "left_elbow",
        "right_elbow",
        "left_wrist",
        "right_wrist",
        "left_hip",
        "right_hip",
        "left_knee",
        "right_knee",
        "left_ankle",
        "right_ankle",
    ),
}


class KeypointRCNN_ResNet50_FPN_Weights(WeightsEnum, variant="keypointrcnn_resnet50_fpn", legacy="COCO_V1"):
    """Weights of `keypointrcnn_resnet50_fpn`."""

    COCO_LEGACY = Weights(
        url="https://download.pytorch.org/models/keypointrcnn_resnet50_fpn_coco-9f466800.pth",
        transforms=ObjectDetection(),
        meta={
            **_COCO,
            "num_params": 59_137_258,
            "metrics": {"COCO-val2017": {"box_map": 50.6, "kp_map": 61.1}},
            "gflops": 133.924,
            "file_size": 226.054,
            "recipe": "https://github.com/pytorch/vision/issues/1606",
        },
    )
    COCO_V1 = Weights(
        url="https://download.pytorch.org/models/keypointrcnn_resnet50_fpn_coco-fc266e95.pth",
        transforms=ObjectDetection(),
        meta={
            **_COCO,
            "num_params": 59_137_258,
            "metrics": {"COCO-val2017": {"box_map": 54.6, "kp_map": 65.0}},
            "gflops": 137.42,
            "file_size": 226.054,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/detection#keypoint-r-cnn",
        },
    )
    DEFAULT = COCO_V1
