"""Weights that need no file and whose answer is known: which of red, green and blue a picture has most of.

A catalogue of the kind that a third party publishes.
"""

from multiweight.catalogue import ImageClassification, Weights, WeightsEnum

LABELS = ("red", "green", "blue")


def network(*, weights, progress=True):
    """Scores are the channels' means, so that a wrong order, crop or picture gives another label."""
    from torch import nn

    assert weights is Colour_Weights.RGB_V1
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5))


class Colour_Weights(WeightsEnum, variant="tests/colour", builder="tests.predict.colours:network"):
    RGB_V1 = Weights(
        url="package://tests/none.safetensors",
        transforms=ImageClassification(crop_size=24, resize_size=32, mean=(0.5,), std=(0.05,)),
        meta={"categories": LABELS},
    )
    DEFAULT = RGB_V1


def install(folder):
    """Makes this catalogue an installed plugin for interpreters that have the folder on their path."""
    metadata = folder / "colours-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: colours\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[multiweight.catalogue]\ncolours = tests.predict.colours\n")
