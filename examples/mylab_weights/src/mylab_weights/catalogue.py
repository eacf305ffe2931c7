"""The entries. multiweight imports this module for every `multiweight list`, so it imports neither torch nor numpy."""

from __future__ import annotations

from multiweight.catalogue import ImageClassification, Weights, WeightsEnum
from multiweight.catalogue.shufflenetv2 import ShuffleNet_V2_X0_5_Weights

_ZIFFERN = ("null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun")


class LabNet_Weights(WeightsEnum, variant="mylab/labnet", builder="mylab_weights.network:labnet"):
    """Weights of a network of our own."""

    DIGITS_V1 = Weights(
        url="package://mylab_weights/labnet_digits.safetensors",
        transforms=ImageClassification(crop_size=16, resize_size=16, mean=(0.5,), std=(0.5,)),
        meta={
            "categories": tuple("0123456789"),
            "num_params": 13_942,
            "min_size": (4, 4),
            "gflops": 0.0004,
            "file_size": 0.056,
            "metrics": {"UCI digits": {"acc@1": 98.611}},
            "license": "CC-BY-4.0",
            "recipe": "train.py in the source of this package",
        },
        sha256="d056f8f845ab72d89e3428d3b421a251adea1387cb93f423ffdaad3e38f042e9",
    )
    DEFAULT = DIGITS_V1


class MyLab_ShuffleNet_V2_X0_5_Weights(WeightsEnum, variant="shufflenet_v2_x0_5"):
    """Further weights of a network of multiweight's, which builds it: no `builder` here."""

    ZIFFERN_V1 = Weights(
        # The tensors are those that ship with multiweight; a package of your own has a file of its own here.
        url=ShuffleNet_V2_X0_5_Weights.DIGITS_V2.url,
        transforms=ShuffleNet_V2_X0_5_Weights.DIGITS_V2.value.transforms,
        meta={**ShuffleNet_V2_X0_5_Weights.DIGITS_V2.meta, "categories": _ZIFFERN},
        sha256=ShuffleNet_V2_X0_5_Weights.DIGITS_V2.sha256,
    )
    DEFAULT = ZIFFERN_V1
