"""Published weights of RAFT."""

from multiweight.catalogue._schema import OpticalFlow, Weights, WeightsEnum

_PICTURES = {"min_size": (128, 128)}


class Raft_Large_Weights(WeightsEnum, variant="raft_large", legacy="C_T_SKHT_V2"):
    """Weights of `raft_large`."""

    C_T_V1 = Weights(
        url="https://download.pytorch.org/models/raft_large_C_T_V1-22a6c225.pth",
        transforms=OpticalFlow(),
        meta={
            **_PICTURES,
            "num_params": 5_257_536,
            "metrics": {
                "Sintel-Train-Cleanpass": {"epe": 1.4411},
                "Sintel-Train-Finalpass": {"epe": 2.7894},
                "Kitti-Train": {"per_image_epe": 5.0172, "fl_all": 17.4506},
            },
            "gflops": 211.007,
            "file_size": 20.129,
            "recipe": "https://github.com/princeton-vl/RAFT",
        },
    )
    C_T_V2 = Weights(
        url="https://download.pytorch.org/models/raft_large_C_T_V2-1bb1363a.pth",
        transforms=OpticalFlow(),
        meta={
            **_PICTURES,
            "num_params": 5_257_536,
            "metrics": {
                "Sintel-Train-Cleanpass": {"epe": 1.3822},
                "Sintel-Train-Finalpass": {"epe": 2.7161},
                "Kitti-Train": {"per_image_epe": 4.5118, "fl_all": 16.0679},
            },
            "gflops": 211.007,
            "file_size": 20.129,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/optical_flow",
        },
    )
    C_T_SKHT_V1 = Weights(
        url="https://download.pytorch.org/models/raft_large_C_T_SKHT_V1-0b8c9e55.pth",
        transforms=OpticalFlow(),
        meta={
            **_PICTURES,
            "num_params": 5_257_536,
            "metrics": {"Sintel-Test-Cleanpass": {"epe": 1.94}, "Sintel-Test-Finalpass": {"epe": 3.18}},
            "gflops": 211.007,
            "file_size": 20.129,
            "recipe": "https://github.com/princeton-vl/RAFT",
        },
    )
    C_T_SKHT_V2 = Weights(
        url="https://download.pytorch.org/models/raft_large_C_T_SKHT_V2-ff5fadd5.pth",
        transforms=OpticalFlow(),
        meta={
            **_PICTURES,
            "num_params": 5_257_536,
            "metrics": {"Sintel-Test-Cleanpass": {"epe": 1.819}, "Sintel-Test-Finalpass": {"epe": 3.067}},
            "gflops": 211.007,
            "file_size": 20.129,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/optical_flow",
        },
    )
    C_T_SKHT_K_V1 = Weights(
        url="https://download.pytorch.org/models/raft_large_C_T_SKHT_K_V1-4a6a5039.pth",
        transforms=OpticalFlow(),
        meta={
            **_PICTURES,
            "num_params": 5_257_536,
            "metrics": {"Kitti-Test": {"fl_all": 5.1}},
            "gflops": 211.007,
            "file_size": 20.129,
            "recipe": "https://github.com/princeton-vl/RAFT",
        },
    )
    C_T_SKHT_K_V2 = Weights(
        url="https://download.pytorch.org/models/raft_large_C_T_SKHT_K_V2-b5c70766.pth",
        transforms=OpticalFlow(),
        meta={
            **_PICTURES,
            "num_params": 5_257_536,
            "metrics": {"Kitti-Test": {"fl_all": 5.19}},
            "gflops": 211.007,
            "file_size": 20.129,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/optical_flow",
        },
    )
    DEFAULT = C_T_SKHT_V2


class Raft_Small_Weights(WeightsEnum, variant="raft_small", legacy="C_T_V2"):
    """Weights of `raft_small`."""

    C_T_V1 = Weights(
        url="https://download.pytorch.org/models/raft_small_C_T_V1-ad48884c.pth",
        transforms=OpticalFlow(),
        meta={
            **_PICTURES,
            "num_params": 990_162,
            "metrics": {
                "Sintel-Train-Cleanpass": {"epe": 2.1231},
                "Sintel-Train-Finalpass": {"epe": 3.279},
                "Kitti-Train": {"per_image_epe": 7.6557, "fl_all": 25.2801},
            },
            "gflops": 47.655,
            "file_size": 3.821,
            "recipe": "https://github.com/princeton-vl/RAFT",
        },
    )
    C_T_V2 = Weights(
        url="https://download.pytorch.org/models/raft_small_C_T_V2-01064c6d.pth",
        transforms=OpticalFlow(),
        meta={
            **_PICTURES,
            "num_params": 990_162,
            "metrics": {
                "Sintel-Train-Cleanpass": {"epe": 1.9901},
                "Sintel-Train-Finalpass": {"epe": 3.2831},
                "Kitti-Train": {"per_image_epe": 7.5978, "fl_all": 25.2369},
            },
            "gflops": 47.655,
            "file_size": 3.821,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/optical_flow",
        },
    )
    DEFAULT = C_T_V2
