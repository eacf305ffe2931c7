"""Published weights of LR-ASPP, and the ones for pages of digits that ship with the package."""

from multiweight.catalogue._schema import Labels, SemanticSegmentation, Weights, WeightsEnum

_COCO_WITH_VOC_LABELS = {"categories": Labels("voc21"), "min_size": (1, 1)}


class LRASPP_MobileNet_V3_Large_Weights(WeightsEnum, variant="lraspp_mobilenet_v3_large"):
    """Weights of `lraspp_mobilenet_v3_large`."""

    COCO_WITH_VOC_LABELS_V1 = Weights(
        url="https://download.pytorch.org/models/lraspp_mobilenet_v3_large-d234d4ea.pth",
        transforms=SemanticSegmentation(resize_size=520),
        meta={
            **_COCO_WITH_VOC_LABELS,
            "num_params": 3_221_538,
            "metrics": {"COCO-val2017-VOC-labels": {"miou": 57.9, "pixel_acc": 91.2}},
            "gflops": 2.086,
            "file_size": 12.49,
            "recipe": "https://github.com/pytorch/vision/tree/main/references/segmentation#lraspp_mobilenet_v3_large",
        },
    )
    DEFAULT = COCO_WITH_VOC_LABELS_V1


class LRASPP_MobileNet_V3_Small_Weights(WeightsEnum, variant="lraspp_mobilenet_v3_small"):
    """Weights of `lraspp_mobilenet_v3_small`."""

    # The file holds 16-bit floats, half the size; the network keeps its 32 bits. The metrics are those of the file.
    DIGIT_PAGES_V1 = Weights(
        url="package://multiweight/weights/lraspp_mobilenet_v3_small_digit_pages_v1.safetensors",
        transforms=SemanticSegmentation(resize_size=256, mean=(0.82, 0.81, 0.8), std=(0.2, 0.2, 0.2)),
        meta={
            "categories": Labels("digit_pages"),
            "min_size": (1, 1),
            "num_params": 1_076_414,
            "metrics": {"pages of UCI digits, every fifth scan": {"miou": 90.971, "pixel_acc": 98.600}},
            "gflops": 0.158,
            "file_size": 2.100,
            "recipe": "examples/train_digit_pages.py",
            "license": "BSD-3-Clause",
            "dataset": "200 pages composed of scans of Optical Recognition of Handwritten Digits "
            "(UCI, https://doi.org/10.24432/C50P49, CC BY 4.0)",
            "split": "of the 1,797 scans that scikit-learn ships, every fifth from the first on is held out; "
            "the pages measured on are composed of these alone",
        },
        sha256="8c8ba3e82fb4ae928de7691a48301467b9392cc328f3ff4899b2836948dd79c8",
    )
    DEFAULT = DIGIT_PAGES_V1
