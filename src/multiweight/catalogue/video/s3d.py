"""Published weights of S3D."""

from multiweight.catalogue._schema import Labels, VideoClassification, Weights, WeightsEnum

# Accuracy was measured on so many clips a video, of so many frames, taken so many a second.
_KINETICS = {
    "categories": Labels("kinetics400"),
    "min_size": (224, 224),
    "min_temporal_size": 14,
    "clip_len": 128,
    "frame_rate": 15,
    "clips_per_video": 1,
}


class S3D_Weights(WeightsEnum, variant="s3d"):
    """Weights of `s3d`."""

    KINETICS400_V1 = Weights(
        url="https://download.pytorch.org/models/s3d-d76dad2f.pth",
        transforms=VideoClassification(crop_size=(224, 224), resize_size=(256, 256)),
        meta={
            **_KINETICS,
            "num_params": 8_320_048,
            "metrics": {"Kinetics-400": {"acc@1": 68.368, "acc@5": 88.05}},
            "gflops": 17.979,
            "file_size": 31.972,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/video_classification#s3d",
        },
    )
    DEFAULT = KINETICS400_V1
