"""Published weights of Video Swin Transformer."""

from multiweight.catalogue._schema import Labels, VideoClassification, Weights, WeightsEnum

# Accuracy was measured on so many clips a video, of so many frames, taken so many a second.
_KINETICS = {
    "categories": Labels("kinetics400"),
    "min_size": (1, 1),
    "min_temporal_size": 1,
    "clip_len": 32,
    "frame_rate": 15,
    "clips_per_video": 12,
}


class Swin3D_T_Weights(WeightsEnum, variant="swin3d_t"):
    """Weights of `swin3d_t`."""

    KINETICS400_V1 = Weights(
        url="https://download.pytorch.org/models/swin3d_t-7615ae03.pth",
        transforms=VideoClassification(
            crop_size=(224, 224), resize_size=(256,), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
        ),
        meta={
            **_KINETICS,
            "num_params": 28_158_070,
            "metrics": {"Kinetics-400": {"acc@1": 77.715, "acc@5": 93.519}},
            "gflops": 43.882,
            "file_size": 121.543,
            "recipe": "https://github.com/SwinTransformer/Video-Swin-Transformer#kinetics-400",
        },
    )
    DEFAULT = KINETICS400_V1


class Swin3D_S_Weights(WeightsEnum, variant="swin3d_s"):
    """Weights of `swin3d_s`."""

    KINETICS400_V1 = Weights(
        url="https://download.pytorch.org/models/swin3d_s-da41c237.pth",
        transforms=VideoClassification(
            crop_size=(224, 224), resize_size=(256,), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
        ),
        meta={
            **_KINETICS,
            "num_params": 49_816_678,
            "metrics": {"Kinetics-400": {"acc@1": 79.521, "acc@5": 94.158}},
            "gflops": 82.841,
            "file_size": 218.288,
            "recipe": "https://github.com/SwinTransformer/Video-Swin-Transformer#kinetics-400",
        },
    )
    DEFAULT = KINETICS400_V1


class Swin3D_B_Weights(WeightsEnum, variant="swin3d_b"):
    """Weights of `swin3d_b`."""

    KINETICS400_V1 = Weights(
        url="https://download.pytorch.org/models/swin3d_b_1k-24f7c7c6.pth",
        transforms=VideoClassification(
            crop_size=(224, 224), resize_size=(256,), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
        ),
        meta={
            **_KINETICS,
            "num_params": 88_048_984,
            "metrics": {"Kinetics-400": {"acc@1": 79.427, "acc@5": 94.386}},
            "gflops": 140.667,
            "file_size": 364.134,
            "recipe": "https://github.com/SwinTransformer/Video-Swin-Transformer#kinetics-400",
        },
    )
    KINETICS400_IMAGENET22K_V1 = Weights(
        url="https://download.pytorch.org/models/swin3d_b_22k-7c6ae6fa.pth",
        transforms=VideoClassification(
            crop_size=(224, 224), resize_size=(256,), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
        ),
        meta={
            **_KINETICS,
            "num_params": 88_048_984,
            "metrics": {"Kinetics-400": {"acc@1": 81.643, "acc@5": 95.574}},
            "gflops": 140.667,
            "file_size": 364.134,
            "recipe": "https://github.com/SwinTransformer/Video-Swin-Transformer#kinetics-400",
        },
    )
    DEFAULT = KINETICS400_V1
