"""Published weights of MViT."""

from multiweight.catalogue._schema import Labels, VideoClassification, Weights, WeightsEnum

# Accuracy was measured on so many clips a video, of so many frames, taken so many a second.
_KINETICS = {
    "categories": Labels("kinetics400"),
    "min_size": (224, 224),
    "min_temporal_size": 16,
    "clip_len": 16,
    "frame_rate": 7.5,
    "clips_per_video": 5,
}


class MViT_V1_B_Weights(WeightsEnum, variant="mvit_v1_b"):
    """Weights of `mvit_v1_b`."""

    KINETICS400_V1 = Weights(
        url="https://download.pytorch.org/models/mvit_v1_b-dbeb1030.pth",
        transforms=VideoClassification(
            crop_size=(224, 224), resize_size=(256,), mean=(0.45, 0.45, 0.45), std=(0.225, 0.225, 0.225)
        ),
        meta={
            **_KINETICS,
            "num_params": 36_610_672,
            "metrics": {"Kinetics-400": {"acc@1": 78.477, "acc@5": 93.582}},
            "gflops": 70.599,
            "file_size": 139.764,
            "recipe": "https://github.com/facebookresearch/pytorchvideo/blob/main/docs/source/model_zoo.md",
        },
    )
    DEFAULT = KINETICS400_V1


class MViT_V2_S_Weights(WeightsEnum, variant="mvit_v2_s"):
    """Weights of `mvit_v2_s`."""

    KINETICS400_V1 = Weights(
        url="https://download.pytorch.org/models/mvit_v2_s-ae3be167.pth",
        transforms=VideoClassification(
            crop_size=(224, 224), resize_size=(256,), mean=(0.45, 0.45, 0.45), std=(0.225, 0.225, 0.225)
        ),
        meta={
            **_KINETICS,
            "num_params": 34_537_744,
            "metrics": {"Kinetics-400": {"acc@1": 80.757, "acc@5": 94.665}},
            "gflops": 64.224,
            "file_size": 131.884,
            "recipe": "https://github.com/facebookresearch/SlowFast/blob/main/MODEL_ZOO.md",
        },
    )
    DEFAULT = KINETICS400_V1
