"""Published weights of the 18-layer residual networks for video."""

from multiweight.catalogue._schema import Labels, VideoClassification, Weights, WeightsEnum

# Accuracy was measured on so many clips a video, of so many frames, taken so many a second.
_KINETICS = {
    "categories": Labels("kinetics400"),
    "min_size": (1, 1),
    "clip_len": 16,
    "frame_rate": 15,
    "clips_per_video": 5,
}


class R3D_18_Weights(WeightsEnum, variant="r3d_18"):
    """Weights of `r3d_18`."""

    KINETICS400_V1 = Weights(
        url="https://download.pytorch.org/models/r3d_18-b3b3357e.pth",
        transforms=VideoClassification(crop_size=(112, 112), resize_size=(128, 171)),
        meta={
            **_KINETICS,
            "num_params": 33_371_472,
            "metrics": {"Kinetics-400": {"acc@1": 63.2, "acc@5": 83.479}},
            "gflops": 40.697,
            "file_size": 127.359,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/video_classification",
        },
    )
    DEFAULT = KINETICS400_V1


class MC3_18_Weights(WeightsEnum, variant="mc3_18"):
    """Weights of `mc3_18`."""

    KINETICS400_V1 = Weights(
        url="https://download.pytorch.org/models/mc3_18-a90a0ba3.pth",
        transforms=VideoClassification(crop_size=(112, 112), resize_size=(128, 171)),
        meta={
            **_KINETICS,
            "num_params": 11_695_440,
            "metrics": {"Kinetics-400": {"acc@1": 63.96, "acc@5": 84.13}},
            "gflops": 43.343,
            "file_size": 44.672,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/video_classification",
        },
    )
    DEFAULT = KINETICS400_V1


class R2Plus1D_18_Weights(WeightsEnum, variant="r2plus1d_18"):
    """Weights of `r2plus1d_18`."""

    KINETICS400_V1 = Weights(
        url="https://download.pytorch.org/models/r2plus1d_18-91a641e6.pth",
        transforms=VideoClassification(crop_size=(112, 112), resize_size=(128, 171)),
        meta={
            **_KINETICS,
            "num_params": 31_505_325,
            "metrics": {"Kinetics-400": {"acc@1": 67.463, "acc@5": 86.175}},
            "gflops": 40.519,
            "file_size": 120.318,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/video_classification",
        },
    )
    DEFAULT = KINETICS400_V1
